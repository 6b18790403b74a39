-- Partitions the tables of a migrated database by user, and the keys of addresses by key, as a distributed database
-- distributes them. Postgres rejects a unique key without the user here, as Citus does.
do $$
declare
    part record;
begin
    alter table sessions drop constraint sessions_user_id_fkey;
    for part in
        select * from (values ('users', 'id'), ('emails', 'email_key'), ('sessions', 'user_id'), ('revocations', 'user_id'),
                             ('grants', 'user_id'), ('codes', 'user_id'), ('pushed', 'uri_hash'))
            as t (name, key)
    loop
        execute format('alter table %I rename to whole', part.name);
        execute format('create table %I (like whole including all) partition by hash (%I)', part.name, part.key);
        for number in 0..3 loop
            execute format(
                'create table %I partition of %I for values with (modulus 4, remainder %s)',
                part.name || '_' || number, part.name, number
            );
        end loop;
        execute format('insert into %I select * from whole', part.name);
        drop table whole;
    end loop;
    alter table sessions add constraint sessions_user_id_fkey foreign key (user_id) references users (id);
end
$$;
