-- Emails: which user has the key of an e-mail address (`users.email_key`). A table of its own, because a unique key of a
-- table that is distributed by user must contain the user. A look-up reads the row here and then the user, whose
-- `email_key` must be the same. No foreign key: the row and the user may be on different servers.
--
-- Revocations: `user_id` comes first in the key, so that the table can be distributed and everything that ends a user's
-- session is on one server. The nil UUID stands for entries without a user, and for those that are older than the
-- column. The cursor of the feed is `(tx, user_id, kind, subject)`, or begins with `created_at` where the table is
-- distributed, because transaction numbers belong to one server.
--
-- squawk-ignore-file ban-drop-column, ban-drop-constraint, ban-drop-default, adding-serial-primary-key-field
-- squawk-ignore-file constraint-missing-not-valid, require-concurrent-index-creation
--
-- Programs of before cannot use this schema: an address that they add is missing in `emails`. Stop them first. The lock
-- waits for their transactions and holds them off.
lock table users, revocations in access exclusive mode;

create table emails (
    email_key text not null,
    user_id uuid not null
);

insert into emails (email_key, user_id) select email_key, id from users;

-- After the rows, which is faster.
alter table emails add primary key (email_key);

alter table users drop constraint users_email_key_key;

-- Drops the keys and the index that contain `seq`, too. A constant default rewrites no row.
alter table revocations
    drop column seq,
    drop constraint revocations_kind_subject_key,
    add column user_id uuid not null default '00000000-0000-0000-0000-000000000000';

alter table revocations
    alter column user_id drop default,
    add primary key (user_id, kind, subject);

create index revocations_by_tx on revocations (tx, user_id, kind, subject);
create index revocations_by_time on revocations (created_at, user_id, kind, subject);
