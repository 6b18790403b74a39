-- People who can sign in. Small rows that change seldom: who somebody is, what their password is checked
-- against, and what they may do. `email_key` is the address as the domain folds it, so that one mailbox is one
-- person on every engine. No `password_hash`: this person has no password. A time in `disabled_at`: they may not
-- sign in any more.
--
-- In all tables: an id is the 16 bytes of a UUID, a time is microseconds since 1970 and ends with the year 9999, as
-- those in tokens do, and a list is JSON.
create table users (
    id blob not null primary key check (length(id) = 16),
    email text not null,
    email_key text not null unique,
    email_verified integer not null check (email_verified in (0, 1)),
    password_hash text,
    roles text not null check (json_valid(roles) and json_type(roles) = 'array'),
    created_at integer not null check (created_at between 0 and 253402300799999999),
    disabled_at integer check (disabled_at between 0 and 253402300799999999)
) strict, without rowid;

-- Sessions: one sign-in on one device, and the one record of its refresh token, of which only the digest of one
-- half is here. Refreshing updates the row in place, so the table does not grow with refreshes. Signing out deletes
-- the row.
--
-- Both halves of the key are in every token: one look-up.
-- No `on delete cascade`: a session ends only through the verb that also appends to `revocations`.
create table sessions (
    user_id blob not null references users (id),
    id blob not null check (length(id) = 16),
    client_id text not null,
    scope text not null,
    audience text not null check (json_valid(audience) and json_type(audience) = 'array'),
    auth_time integer not null check (auth_time between 0 and 253402300799999999),
    jti_hash blob not null check (length(jti_hash) = 32),
    generation integer not null default 0 check (generation between 0 and 4294967295),
    forgiven_generation integer check (forgiven_generation between 0 and 4294967295),
    created_at integer not null check (created_at between 0 and 253402300799999999),
    rotated_at integer not null check (rotated_at between 0 and 253402300799999999),
    last_used_at integer not null check (last_used_at between 0 and 253402300799999999),
    expires_at integer check (expires_at between 0 and 253402300799999999),
    user_agent text,
    ip text,
    primary key (user_id, id)
) strict, without rowid;
