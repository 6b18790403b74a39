//! Whether refreshing makes the table of sessions larger, and whether a larger table makes refreshing slower.

use std::thread;

use scratch_pg::Database;

use super::chains::Chains;
use super::refresh_postgres::Turns;
use super::spread::jump;
use crate::Failed;
use crate::figures::{Findings, Row, median, number};
use crate::servers::{Server, Setting};
use crate::stage::{Postgres, Sessions, Stage, person_in_sql, session_in_sql};

const CONNECTIONS: usize = 64;

/// So many sessions are refreshed in one transaction, none near another.
const AT_ONCE: u64 = 50;

/// From so many sessions on, two connections refresh them.
const LARGE: u64 = 500_000;

const LEAST_RATE: f64 = 0.8;
const MOST_SIZE: f64 = 1.3;

struct Aged {
    sessions: u64,
    /// Bytes before and after.
    size: [f64; 2],
    auth: Server,
    chains: Chains,
    rates: Vec<f64>,
    _database: Database,
}

pub(super) fn run(stage: &Stage) -> Result<Findings, Failed> {
    let postgres = stage.postgres()?;
    let mut all = Vec::new();
    for sessions in stage.scale.growth {
        all.push(aged(stage, postgres, *sessions)?);
    }
    for round in 1..=stage.scale.rounds {
        for aged in &mut all {
            let (lasting, connections) = (stage.scale.turn, CONNECTIONS.min(stage.scale.most_at_once));
            let callers = aged.chains.callers(connections);
            aged.rates.push(Turns::default().refresh(&aged.auth, None, callers, lasting)?);
        }
        let told: Vec<String> =
            all.iter().map(|aged| number(aged.rates.last().copied().unwrap_or_default())).collect();
        stage.say(&format!(
            "growth, {round} of {}: {} refreshes a second",
            stage.scale.rounds,
            told.join(", ")
        ));
    }
    let small = all.first().map(|aged| aged.rates.clone()).unwrap_or_default();
    let mut rows = Vec::new();
    for aged in &all {
        let sessions = number_of(aged.sessions);
        let ratios: Vec<f64> = aged.rates.iter().zip(&small).map(|(rate, small)| rate / small).collect();
        let rate = format!("{}/s", number(median(&aged.rates)));
        rows.push(
            Row::told(&format!("growth, {sessions} sessions: refreshes (limit: the smallest table)"), rate)
                .beside(format!("{}/s", number(median(&small))), median(&ratios))
                .ratio_at_least(median(&ratios), LEAST_RATE),
        );
        let [before, after] = aged.size;
        let mib = |bytes: f64| format!("{} MiB", number(bytes / 1024.0 / 1024.0));
        let what = format!(
            "growth, {sessions} sessions: size after {} refreshes each (limit: before)",
            stage.scale.refreshes_each
        );
        rows.push(
            Row::told(&what, mib(after))
                .beside(mib(before), after / before)
                .ratio_at_most(after / before, MOST_SIZE),
        );
    }
    Ok(Findings { rows, notes: Vec::new() })
}

fn aged(stage: &Stage, postgres: &Postgres, sessions: u64) -> Result<Aged, Failed> {
    stage.say(&format!("growth: {} sessions are put into Postgres", number_of(sessions)));
    let database = postgres.with(Sessions { number: sessions, ended: 0 })?;
    let before = size(postgres, &database);
    let each = stage.scale.refreshes_each;
    stage.say(&format!("growth: each of them is refreshed {each} times"));
    refresh_all(stage, postgres, &database, sessions)?;
    let (least, most) = (
        postgres.number(&database, "select min(generation) from sessions"),
        postgres.number(&database, "select max(generation) from sessions"),
    );
    if [least, most] != [i64::from(each); 2] {
        return Err(format!("after {each} refreshes the generations are from {least} to {most}").into());
    }
    let size = [before, size(postgres, &database)];
    postgres.execute(&database, "checkpoint");
    let auth = stage.start(&Setting::auth(database.url()))?;
    // The same number on all of them, as far apart as there is room.
    let chains = stage.scale.chains.min(stage.scale.growth.first().copied().unwrap_or(sessions));
    let chains = Chains::new(chains, sessions / chains, each)?;
    Ok(Aged { sessions, size, auth, chains, rates: Vec::new(), _database: database })
}

/// As the store does it, but for the checks of who asks, and in SQL: over HTTP it would take hours. Those that are refreshed in
/// one transaction, or soon after each other, are far apart on the table, as those who refresh at the same moment are.
/// What is acknowledged need not be on the disk here, as nobody's time is measured.
///
/// In turns, as autovacuum and its analyze hear of what was updated when a statement ends: in one go they would never come.
fn refresh_all(stage: &Stage, postgres: &Postgres, database: &Database, sessions: u64) -> Result<(), Failed> {
    let steps = sessions.div_ceil(AT_ONCE);
    for statement in [
        format!(
            "create unlogged table turns as
             select n % {steps} as step, {} as user_id, {} as id from generate_series(0::bigint, {sessions} - 1) n order by 1",
            person_in_sql("n"),
            session_in_sql("n"),
        ),
        "create index on turns (step)".to_owned(),
        "analyze turns".to_owned(),
    ] {
        postgres.execute(database, &statement);
    }
    let each = stage.scale.refreshes_each;
    for turn in 1..=each {
        refresh_each(database, sessions)?;
        if sessions >= LARGE {
            stage.say(&format!("growth: {turn} of {each} times"));
        }
    }
    postgres.execute(database, "drop table turns");
    Ok(())
}

/// Refreshes each session once, in the order of the table `turns`.
fn refresh_each(database: &Database, sessions: u64) -> Result<(), Failed> {
    let steps = sessions.div_ceil(AT_ONCE);
    let jump = jump(steps);
    // Two that work at the same time keep for each other what only one of them may still have to see, and more of it the longer one
    // of them waits for a core. On a small table that would be most of what is there.
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
                    set generation = s.generation + 1, rotated_at = c.now, last_used_at = c.now
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
        parts.map(|(url, statement)| thread::spawn(move || crate::stage::carry_out(&url, &statement)));
    for part in running {
        part.join().map_err(|_| "refreshing in SQL panicked")??;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "no table is so large")]
fn size(postgres: &Postgres, database: &Database) -> f64 {
    postgres.number(database, "select pg_total_relation_size('sessions')") as f64
}

fn number_of(sessions: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "there are not so many")]
    let sessions = sessions as f64;
    number(sessions)
}
