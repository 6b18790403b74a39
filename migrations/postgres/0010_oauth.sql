-- Sessions: a sign-in at the pages of auth-server has the digest of the handle in its cookie. A session of an application
-- has the sign-in with which it ends in `parent_id`, or none if it outlives the sign-in. Neither column changes with a
-- refresh, and neither has an index: a user has few sessions, and they share the key's prefix.
--
-- `not valid` skips the scan of the existing rows, in which it is null.
alter table sessions
    add column parent_id uuid,
    add column handle_hash bytea;

alter table sessions
    add constraint sessions_handle_hash check (length(handle_hash) = 32) not valid;

-- Citus refuses this for a distributed table. There, `analyze` samples each shard by itself.
do $$
begin
    alter table sessions
        alter column parent_id set statistics 0,
        alter column handle_hash set statistics 0;
exception
    when feature_not_supported then null;
end
$$;

-- Clients: the applications that may ask for tokens. `secrets` are digests, the oldest first. `jwks` are the public keys
-- of a client that authenticates with them. A time in `disabled_at`: it is being removed.
create table clients (
    id text primary key,
    name text not null,
    auth_method text not null check (auth_method in ('none', 'client_secret', 'private_key_jwt')),
    secrets bytea[] not null check (array_position(secrets, null) is null),
    jwks text,
    redirect_uris text[] not null check (array_position(redirect_uris, null) is null),
    scope text not null,
    resources text[] not null check (array_position(resources, null) is null),
    first_party boolean not null,
    implicit boolean not null,
    rotation boolean not null,
    home text,
    logo text,
    policy text,
    origin text not null,
    created_at timestamptz not null,
    disabled_at timestamptz,
    constraint clients_times check (
        least(created_at, disabled_at) >= '1970-01-01 00:00:00+00'
        and greatest(created_at, disabled_at) < '10000-01-01 00:00:00+00'
    )
);

-- Scopes: what clients may ask for, and how the consent page words it. `resource` is the API, if not the default one.
create table scopes (
    name text primary key,
    description text not null,
    resource text
);

-- Grants: what a user allowed a client. No foreign key: on a distributed database, this table is distributed after this
-- migration, and until then it could not refer to `users`.
create table grants (
    user_id uuid not null,
    client_id text not null,
    scope text not null,
    resources text[] not null check (array_position(resources, null) is null),
    granted_at timestamptz not null,
    primary key (user_id, client_id),
    constraint grants_times check (
        granted_at >= '1970-01-01 00:00:00+00' and granted_at < '10000-01-01 00:00:00+00'
    )
);

-- Only to find the grants of a client that was removed.
create index grants_by_client on grants (client_id);

-- Codes: authorization codes, by the digest of the code. A spent one has the session that it opened, which ends if the
-- code is used again. Codes are deleted an hour after they expired.
create table codes (
    user_id uuid not null,
    code_hash bytea not null check (length(code_hash) = 32),
    client_id text not null,
    sign_in_id uuid not null,
    redirect_uri text not null,
    challenge bytea not null check (length(challenge) = 32),
    scope text not null,
    audience text not null,
    expires_at timestamptz not null,
    spent_for uuid,
    primary key (user_id, code_hash),
    constraint codes_times check (
        expires_at >= '1970-01-01 00:00:00+00' and expires_at < '10000-01-01 00:00:00+00'
    )
);

create index codes_by_expiry on codes (expires_at);

-- Pushed: authorization requests that a client sent ahead of the browser (RFC 9126), by the digest of the request URI.
create table pushed (
    uri_hash bytea primary key check (length(uri_hash) = 32),
    client_id text not null,
    request text not null,
    created_at timestamptz not null,
    constraint pushed_times check (
        created_at >= '1970-01-01 00:00:00+00' and created_at < '10000-01-01 00:00:00+00'
    )
);

create index pushed_by_time on pushed (created_at);
