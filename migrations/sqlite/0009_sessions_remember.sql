-- Sessions: whether the browser keeps the cookies of this session when it is closed. False for sessions without cookies
-- and for those that an earlier version of auth-server opened.
alter table sessions add column remember integer not null default 0 check (remember in (0, 1));
