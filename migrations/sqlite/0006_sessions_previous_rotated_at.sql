-- Sessions: when the generation before the current one began. Null in rows that were not rotated since, and in those
-- that an earlier version of auth-server rotated. It tells a request that was cut off and arrived late from a stolen
-- token.
alter table sessions add column previous_rotated_at integer
    check (previous_rotated_at between 0 and 253402300799999999);
