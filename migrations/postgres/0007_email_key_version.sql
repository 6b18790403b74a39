-- Which version of the rules the keys of e-mail addresses (`users.email_key`) were computed by, in one row. SQL has no
-- IDNA, so the program computes them, in slices, after all migrations, and then records the version here. Without users
-- there is nothing to compute.
create table email_key_version (
    only_row boolean primary key default true check (only_row),
    version bigint not null
);

insert into email_key_version (version)
select case when exists (select from users) then 0 else 1 end;
