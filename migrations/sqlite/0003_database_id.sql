-- Names this database for good, in one row: a reader's place in `revocations` means nothing in another database.
create table database_id (
    only_row integer not null primary key default 1 check (only_row = 1),
    id blob not null check (length(id) = 16)
) strict, without rowid;

insert into database_id (id) values (randomblob(16));
