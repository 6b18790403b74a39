-- Names this database for good, in one row: a reader's place in `revocations` means nothing in another database.
create table database_id (
    only_row boolean primary key default true check (only_row),
    id uuid not null default gen_random_uuid()
);

insert into database_id default values;
