-- Names this database for good, in one row: a reader's place in `revocations` means nothing in another database.
create table database_id (
    id uuid primary key default gen_random_uuid()
);

insert into database_id default values;
