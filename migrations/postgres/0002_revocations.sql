-- What access tokens must no longer be accepted, for every server that verifies them: all of a session, one by its
-- `jti`, or all of a client that were issued until now. Appended in the transaction that ends the thing, kept until
-- the longest-lived access token has run out, then swept. A thing ends once: `kind` with `subject` is unique.
--
-- Rows commit out of the order of `seq`. `tx` is the transaction that wrote the row: a reader that asks for all since
-- the oldest transaction that was running when it last looked misses none, however late that one commits.
create table revocations (
    seq bigint generated always as identity primary key,
    tx xid8 not null default pg_current_xact_id(),
    kind text not null check (kind in ('session', 'token', 'client')),
    subject text not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    unique (kind, subject),
    constraint revocations_times check (
        least(created_at, expires_at) >= '1970-01-01 00:00:00+00'
        and greatest(created_at, expires_at) < '10000-01-01 00:00:00+00'
    )
);

create index revocations_by_tx on revocations (tx, seq);
create index revocations_by_expiry on revocations (expires_at);
