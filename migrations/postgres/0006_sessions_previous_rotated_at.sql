-- Sessions: when the generation before the current one began. Null in rows that were not rotated since, and in those
-- that an earlier version of auth-server rotated. It tells a request that was cut off and arrived late from a stolen
-- token. A refresh writes it, so no index may contain it.
--
-- `not valid` skips the scan of the existing rows, in which it is null.
alter table sessions
    add column previous_rotated_at timestamptz,
    alter column previous_rotated_at set statistics 0,
    add constraint sessions_previous_rotated_at check (
        previous_rotated_at >= '1970-01-01 00:00:00+00' and previous_rotated_at < '10000-01-01 00:00:00+00'
    ) not valid;
