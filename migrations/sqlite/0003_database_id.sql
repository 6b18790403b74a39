-- Names this database for good, in one row: a reader's place in `revocations` means nothing in another database.
create table database_id (
    id blob not null primary key check (length(id) = 16)
) strict, without rowid;

insert into database_id (id) values (randomblob(16));
