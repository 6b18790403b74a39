-- Sessions: whether the browser keeps the cookies of this session when it is closed. False for sessions without cookies
-- and for those that an earlier version of auth-server opened. A refresh may set it, so no index may contain it.
--
-- A constant default rewrites no row.
alter table sessions
    add column remember boolean not null default false,
    alter column remember set statistics 0;
