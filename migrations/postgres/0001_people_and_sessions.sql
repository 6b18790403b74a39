-- People who can sign in. Small rows that change seldom: who somebody is, what their password is checked
-- against, and what they may do. `email_key` is the address as the domain folds it, so that one mailbox is one
-- person on every engine. No `password_hash`: this person has no password. A time in `disabled_at`: they may not
-- sign in any more. Times end with the year 9999, as those in tokens do.
create table users (
    id uuid primary key,
    email text not null,
    email_key text not null unique,
    email_verified boolean not null,
    password_hash text,
    roles text[] not null check (array_position(roles, null) is null),
    created_at timestamptz not null,
    disabled_at timestamptz,
    constraint users_times check (
        least(created_at, disabled_at) >= '1970-01-01 00:00:00+00'
        and greatest(created_at, disabled_at) < '10000-01-01 00:00:00+00'
    )
);

-- Sessions: one sign-in on one device, and the one record of its refresh token, of which only the digest of one
-- half is here. Refreshing updates the row in place, so the table does not grow with refreshes; room on each page
-- and no index on any column that a refresh writes keep that update HOT. Signing out deletes the row.
--
-- Both halves of the key are in every token: one look-up, and `user_id` first is how the table can be distributed.
-- No `on delete cascade`: a session ends only through the verb that also appends to `revocations`.
create table sessions (
    user_id uuid not null references users (id),
    id uuid not null,
    client_id text not null,
    scope text not null,
    audience text[] not null check (array_position(audience, null) is null),
    auth_time timestamptz not null,
    jti_hash bytea not null check (length(jti_hash) = 32),
    generation bigint not null default 0 check (generation between 0 and 4294967295),
    forgiven_generation bigint check (forgiven_generation between 0 and 4294967295),
    created_at timestamptz not null,
    rotated_at timestamptz not null,
    last_used_at timestamptz not null,
    expires_at timestamptz,
    user_agent text,
    ip text,
    primary key (user_id, id),
    constraint sessions_times check (
        least(auth_time, created_at, rotated_at, last_used_at, expires_at) >= '1970-01-01 00:00:00+00'
        and greatest(auth_time, created_at, rotated_at, last_used_at, expires_at) < '10000-01-01 00:00:00+00'
    )
) with (fillfactor = 80);
