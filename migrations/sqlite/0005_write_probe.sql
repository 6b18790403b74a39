-- One row, written by each check of readiness: proof that the database commits writes.
create table write_probe (
    only_row integer not null primary key default 1 check (only_row = 1),
    probed_at integer not null
) strict, without rowid;
