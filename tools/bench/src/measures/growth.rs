//! Whether refreshes make the sessions table larger, and whether a larger table makes refreshes slower.

use std::thread;

use scratch_pg::Database;

use super::chains::Chains;
use super::refresh_postgres::Turns;
use super::spread::jump;
use crate::Error;
use crate::figures::{Findings, Row, median, number};
use crate::run::Run;
use crate::seed::{Postgres, Sessions, session_in_sql, user_in_sql};
use crate::servers::{Program, Server};

const CONNECTIONS: usize = 64;

/// Sessions refreshed in one transaction, far apart on the table.
const BATCH: u64 = 50;

/// From this many sessions on, two connections refresh them.
const LARGE: u64 = 500_000;

const MIN_RATE: f64 = 0.8;
const MAX_GROWTH: f64 = 1.3;

struct Aged {
    sessions: u64,
    /// Bytes before and after.
    size: [f64; 2],
    auth: Server,
    chains: Chains,
    rates: Vec<f64>,
    _database: Database,
}

pub(super) fn run(run: &Run) -> Result<Findings, Error> {
    let postgres = run.postgres()?;
    let mut all = Vec::new();
    for sessions in run.scale.growth {
        all.push(aged(run, postgres, *sessions)?);
    }
    for round in 1..=run.scale.rounds {
        for aged in &mut all {
            let (duration, connections) = (run.scale.turn, CONNECTIONS.min(run.scale.max_connections));
            let callers = aged.chains.callers(connections);
            aged.rates.push(Turns::default().refresh(&aged.auth, None, callers, duration)?);
        }
        let rates: Vec<String> =
            all.iter().map(|aged| number(aged.rates.last().copied().unwrap_or_default())).collect();
        run.say(&format!("growth, {round} of {}: {} refreshes/s", run.scale.rounds, rates.join(", ")));
    }
    let small = all.first().map(|aged| aged.rates.clone()).unwrap_or_default();
    let mut rows = Vec::new();
    for aged in &all {
        let sessions = count(aged.sessions);
        let ratios: Vec<f64> = aged.rates.iter().zip(&small).map(|(rate, small)| rate / small).collect();
        let rate = format!("{}/s", number(median(&aged.rates)));
        rows.push(
            Row::info(&format!("growth, {sessions} sessions: refreshes (limit: the smallest table)"), rate)
                .with_limit(format!("{}/s", number(median(&small))), median(&ratios))
                .ratio_at_least(median(&ratios), MIN_RATE),
        );
        let [before, after] = aged.size;
        let mib = |bytes: f64| format!("{} MiB", number(bytes / 1024.0 / 1024.0));
        let what = format!(
            "growth, {sessions} sessions: size after {} refreshes each (limit: before)",
            run.scale.refreshes_each
        );
        rows.push(
            Row::info(&what, mib(after))
                .with_limit(mib(before), after / before)
                .ratio_at_most(after / before, MAX_GROWTH),
        );
    }
    Ok(Findings { rows, notes: Vec::new() })
}

fn aged(run: &Run, postgres: &Postgres, sessions: u64) -> Result<Aged, Error> {
    run.say(&format!("growth: {} sessions are inserted", count(sessions)));
    let database = postgres.with(Sessions { number: sessions, ended: 0 })?;
    let before = size(postgres, &database);
    let each = run.scale.refreshes_each;
    run.say(&format!("growth: each is refreshed {each} times"));
    refresh_all(run, postgres, &database, sessions)?;
    let (min, max) = (
        postgres.number(&database, "select min(generation) from sessions"),
        postgres.number(&database, "select max(generation) from sessions"),
    );
    if [min, max] != [i64::from(each); 2] {
        return Err(format!("after {each} refreshes the generations are from {min} to {max}").into());
    }
    let size = [before, size(postgres, &database)];
    postgres.execute(&database, "checkpoint");
    let auth = run.start(&Program::auth(database.url()))?;
    // The same number on each table, evenly spread.
    let chains = run.scale.chains.min(run.scale.growth.first().copied().unwrap_or(sessions));
    let chains = Chains::new(chains, sessions / chains, each)?;
    Ok(Aged { sessions, size, auth, chains, rates: Vec::new(), _database: database })
}

/// Refreshes all sessions in SQL, with the store's update but without its checks; over HTTP this would take hours. Sessions
/// that are refreshed in one transaction, or soon after each other, are far apart on the table, as in production. Commits
/// are asynchronous, because this is not measured.
///
/// In several statements, because autovacuum counts updates when a statement ends.
fn refresh_all(run: &Run, postgres: &Postgres, database: &Database, sessions: u64) -> Result<(), Error> {
    let steps = sessions.div_ceil(BATCH);
    for statement in [
        format!(
            "create unlogged table turns as
             select n % {steps} as step, {} as user_id, {} as id from generate_series(0::bigint, {sessions} - 1) n order by 1",
            user_in_sql("n"),
            session_in_sql("n"),
        ),
        "create index on turns (step)".to_owned(),
        "analyze turns".to_owned(),
    ] {
        postgres.execute(database, &statement);
    }
    let each = run.scale.refreshes_each;
    for turn in 1..=each {
        refresh_each(database, sessions)?;
        if sessions >= LARGE {
            run.say(&format!("growth: {turn} of {each} times"));
        }
    }
    postgres.execute(database, "drop table turns");
    Ok(())
}

/// Refreshes each session once, in the order of the table `turns`.
fn refresh_each(database: &Database, sessions: u64) -> Result<(), Error> {
    let steps = sessions.div_ceil(BATCH);
    let jump = jump(steps);
    // A long transaction keeps dead rows that another one could otherwise reuse; on a small table that would be most of it.
    // So only large tables are refreshed by two connections.
    let half = if sessions < LARGE { 0 } else { steps / 2 };
    let parts = [(0, half), (half, steps)].map(|(from, to)| {
        let statement = format!(
            "do $$ begin
                perform set_config('synchronous_commit', 'off', false);
                perform set_config('enable_seqscan', 'off', false);
                perform set_config('enable_hashjoin', 'off', false);
                perform set_config('enable_mergejoin', 'off', false);
                for step_now in {from}..{to} - 1 loop
                    update sessions s
                    set generation = s.generation + 1, previous_rotated_at = s.rotated_at, rotated_at = c.now,
                        last_used_at = c.now
                    from turns t, (select clock_timestamp() as now) c
                    where t.step = (step_now::bigint * {jump}) % {steps} and s.user_id = t.user_id and s.id = t.id
                      and (s.expires_at is null or s.expires_at > c.now);
                    commit;
                end loop;
            end $$"
        );
        (database.url().to_owned(), statement)
    });
    let running =
        parts.map(|(url, statement)| thread::spawn(move || crate::seed::execute_on(&url, &statement)));
    for part in running {
        part.join().map_err(|_| "a thread that refreshes in SQL panicked")??;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn size(postgres: &Postgres, database: &Database) -> f64 {
    postgres.number(database, "select pg_total_relation_size('sessions')") as f64
}

fn count(sessions: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
    let sessions = sessions as f64;
    number(sessions)
}
