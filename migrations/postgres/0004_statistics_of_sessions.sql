-- While Postgres samples a table for its planner, it takes away no version of any row that was replaced meanwhile, and
-- each page of `sessions` has room for a few only. It does so whenever a tenth of the rows changed, refreshes included.
-- Every statement names sessions by their key, so it need know no more than a little of that: a sample of 3,000 rows
-- instead of 30,000, in a tenth of the time.
alter table sessions
    alter column user_id set statistics 10,
    alter column id set statistics 10,
    alter column client_id set statistics 0,
    alter column scope set statistics 0,
    alter column audience set statistics 0,
    alter column auth_time set statistics 0,
    alter column jti_hash set statistics 0,
    alter column generation set statistics 0,
    alter column forgiven_generation set statistics 0,
    alter column created_at set statistics 0,
    alter column rotated_at set statistics 0,
    alter column last_used_at set statistics 0,
    alter column expires_at set statistics 0,
    alter column user_agent set statistics 0,
    alter column ip set statistics 0;
