-- What access tokens must no longer be accepted, for every server that verifies them: all of a session, one by its
-- `jti`, or all of a client that were issued until now. Appended in the transaction that ends the thing, kept until
-- the longest-lived access token has run out, then swept. A thing ends once: `kind` with `subject` is unique.
--
-- One writes at a time, so rows commit in the order of `seq`, and `autoincrement` never gives a number again: a
-- reader that asks for all after the last one it saw misses none.
create table revocations (
    seq integer primary key autoincrement,
    kind text not null check (kind in ('session', 'token', 'client')),
    subject text not null,
    created_at integer not null check (created_at between 0 and 253402300799999999),
    expires_at integer not null check (expires_at between 0 and 253402300799999999),
    unique (kind, subject)
) strict;

create index revocations_by_expiry on revocations (expires_at);
