-- Which user has which address, by the key of the address, which is unique. `users.email_key` says the same without being
-- unique: where the tables are distributed, a user is stored by its id, and a key of an address by itself. A statement
-- that finds a user by an address compares both, and every transaction that changes one of them changes both.
create table emails (
    email_key text not null primary key,
    user_id blob not null check (length(user_id) = 16)
) strict, without rowid;

insert into emails (email_key, user_id) select email_key, id from users order by email_key;

-- The same users as before, without the unique key. SQLite can drop a constraint only with its table. The sessions refer
-- to the name of the table, so it is filled again under the same name; their references are checked at the commit.
pragma defer_foreign_keys = on;

create table users_before as select * from users;

drop table users;

create table users (
    id blob not null primary key check (length(id) = 16),
    email text not null,
    email_key text not null,
    email_verified integer not null check (email_verified in (0, 1)),
    password_hash text,
    roles text not null check (json_valid(roles) and json_type(roles) = 'array'),
    created_at integer not null check (created_at between 0 and 253402300799999999),
    disabled_at integer check (disabled_at between 0 and 253402300799999999)
) strict, without rowid;

insert into users (id, email, email_key, email_verified, password_hash, roles, created_at, disabled_at)
select id, email, email_key, email_verified, password_hash, roles, created_at, disabled_at from users_before;

drop table users_before;

-- The same revocations as before, each beside the sessions of its user. `user_id` is the nil UUID where there is no user:
-- in entries for a client, and in those of earlier versions.
create table revocations_by_user (
    seq integer primary key autoincrement,
    user_id blob not null check (length(user_id) = 16),
    kind text not null check (kind in ('session', 'token', 'client')),
    subject text not null,
    created_at integer not null check (created_at between 0 and 253402300799999999),
    expires_at integer not null check (expires_at between 0 and 253402300799999999),
    unique (user_id, kind, subject)
) strict;

insert into revocations_by_user (seq, user_id, kind, subject, created_at, expires_at)
select seq, zeroblob(16), kind, subject, created_at, expires_at from revocations order by seq;

-- A cursor is a `seq`, so no number is given again, although its row may be swept.
delete from sqlite_sequence where name = 'revocations_by_user';
insert into sqlite_sequence (name, seq)
select 'revocations_by_user', seq from sqlite_sequence where name = 'revocations';

drop table revocations;
alter table revocations_by_user rename to revocations;
create index revocations_by_expiry on revocations (expires_at);
