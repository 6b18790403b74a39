-- Sessions: a sign-in at the pages of auth-server has the digest of the handle in its cookie. A session of an application
-- has the sign-in with which it ends in `parent_id`, or none if it outlives the sign-in. Neither column changes with a
-- refresh, and neither has an index: a user has few sessions, and they share the key's prefix.
alter table sessions add column parent_id blob check (length(parent_id) = 16);
alter table sessions add column handle_hash blob check (length(handle_hash) = 32);

-- Clients: the applications that may ask for tokens. `secrets` are digests in hexadecimal, the oldest first. `jwks` are
-- the public keys of a client that authenticates with them. A time in `disabled_at`: it is being removed.
create table clients (
    id text not null primary key,
    name text not null,
    auth_method text not null check (auth_method in ('none', 'client_secret', 'private_key_jwt')),
    secrets text not null check (json_valid(secrets) and json_type(secrets) = 'array'),
    jwks text,
    redirect_uris text not null check (json_valid(redirect_uris) and json_type(redirect_uris) = 'array'),
    scope text not null,
    resources text not null check (json_valid(resources) and json_type(resources) = 'array'),
    first_party integer not null check (first_party in (0, 1)),
    implicit integer not null check (implicit in (0, 1)),
    rotation integer not null check (rotation in (0, 1)),
    home text,
    logo text,
    policy text,
    origin text not null,
    created_at integer not null check (created_at between 0 and 253402300799999999),
    disabled_at integer check (disabled_at between 0 and 253402300799999999)
) strict, without rowid;

-- Scopes: what clients may ask for, and how the consent page words it. `resource` is the API, if not the default one.
create table scopes (
    name text not null primary key,
    description text not null,
    resource text
) strict, without rowid;

-- Grants: what a user allowed a client.
create table grants (
    user_id blob not null check (length(user_id) = 16),
    client_id text not null,
    scope text not null,
    resources text not null check (json_valid(resources) and json_type(resources) = 'array'),
    granted_at integer not null check (granted_at between 0 and 253402300799999999),
    primary key (user_id, client_id)
) strict, without rowid;

-- Only to find the grants of a client that was removed.
create index grants_by_client on grants (client_id);

-- Codes: authorization codes, by the digest of the code. A spent one has the session that it opened, which ends if the
-- code is used again. Codes are deleted an hour after they expired.
create table codes (
    user_id blob not null check (length(user_id) = 16),
    code_hash blob not null check (length(code_hash) = 32),
    client_id text not null,
    sign_in_id blob not null check (length(sign_in_id) = 16),
    redirect_uri text not null,
    challenge blob not null check (length(challenge) = 32),
    scope text not null,
    audience text not null,
    expires_at integer not null check (expires_at between 0 and 253402300799999999),
    spent_for blob check (length(spent_for) = 16),
    primary key (user_id, code_hash)
) strict, without rowid;

create index codes_by_expiry on codes (expires_at);

-- Pushed: authorization requests that a client sent ahead of the browser (RFC 9126), by the digest of the request URI.
create table pushed (
    uri_hash blob not null primary key check (length(uri_hash) = 32),
    client_id text not null,
    request text not null,
    created_at integer not null check (created_at between 0 and 253402300799999999)
) strict, without rowid;

create index pushed_by_time on pushed (created_at);
