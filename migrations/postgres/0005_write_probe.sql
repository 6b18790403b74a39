-- One row, written by each check of readiness: proof that the database commits writes.
create table write_probe (
    only_row boolean primary key default true check (only_row),
    probed_at timestamptz not null
);
