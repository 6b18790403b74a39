//! The primary of a streaming pair fails under load, and its standby is promoted. A ledger has every request.

#![expect(clippy::print_stdout, reason = "figures for docs/reliability.md, with --no-capture")]

mod ledger;
mod load;
mod moment;
mod no_primary;
mod pair;
mod readiness;

use std::time::{Duration, Instant};

use goptri_settings::Environment;

use self::ledger::{Acknowledged, Ledger};
use self::load::Load;
use self::moment::{Fault, Moment};
use self::pair::{Commit, Pair};
use crate::database_faults::psql;
use crate::programs::{Server, auth_server};
use crate::rotating::session_tokens;

/// scripts/test-failover asks for 20.
const MOMENTS: &str = "2";

const SESSIONS: usize = 96;

/// From the end of the promotion until writes succeed.
const AFTER_A_DEATH: Duration = Duration::from_secs(2);
const AFTER_A_CUT: Duration = Duration::from_secs(10);

/// A moment comes after at least so much load, and is void with less in the second before it.
const MIN_BEFORE: Acknowledged = Acknowledged { refreshes: 100, sign_ins: 2, sign_outs: 5 };
const MIN_IN_THE_LAST_SECOND: usize = 10;

/// An auth-server on a pair, under load.
async fn under_load(pair: &Pair) -> (Server, Load) {
    let tokens = session_tokens::open(&pair.url(), crate::programs::REFRESH_TOKEN_SECRET, SESSIONS).await;
    let mut command = auth_server(&pair.url());
    command.env("REQUEST_LOG", "off");
    let auth = Server::start(command);
    auth.register().await;
    let load = Load::start(&auth.url, tokens);
    (auth, load)
}

/// RV-06, with synchronous replication.
#[tokio::test(flavor = "multi_thread")]
async fn a_failover_loses_no_acknowledged_sign_out_and_no_session() {
    let settings = Environment::load().unwrap().with_default("MOMENTS", MOMENTS);
    let moments: u64 = settings.get("MOMENTS").unwrap().parse().unwrap();
    let seed = settings.get("SEED").map_or_else(moment::seed_by_the_clock, |seed| seed.parse().unwrap());
    let mut longest = [Duration::ZERO; 2];
    for number in 0..moments {
        let moment = Moment::from_seed(seed + number);
        println!("moment {number}: {moment:?}");
        let interruption = fails_over(&moment).await;
        let kind = usize::from(moment.fault != Fault::Killed);
        longest[kind] = longest[kind].max(interruption);
    }
    println!(
        "{moments} moments from seed {seed}: 0 sign-outs, 0 sessions and 0 successors lost; longest interruption: \
         {:.1} s after a kill, {:.1} s after a cut",
        longest[0].as_secs_f64(),
        longest[1].as_secs_f64(),
    );
}

/// Returns the longest time without an acknowledged write.
async fn fails_over(moment: &Moment) -> Duration {
    let pair = Pair::start(Commit::Synchronous);
    let (auth, load) = under_load(&pair).await;
    load.has_done(MIN_BEFORE).await;
    load.runs(moment.load).await;
    let last_second = load.ledger().in_the_last_second();
    pair.fail(moment.fault);
    tokio::time::sleep(moment.promoted_after).await;
    pair.promote();
    let promoted = Instant::now();
    load.writes_again().await;
    let wrote_after = promoted.elapsed();
    load.runs(Duration::from_secs(1)).await;

    // The old primary is back, and accepts writes. New connections must not go there.
    pair.old_primary_returns(moment.fault);
    let terminate =
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where application_name = 'goptri'";
    assert_ne!(psql(&pair.standby.url("postgres"), terminate), "0");
    load.writes_again().await;
    load.runs(Duration::from_secs(1)).await;

    let ledger = load.ends().await;
    let losses = ledger.losses(&auth).await;
    let interruption = ledger.longest_interruption();
    println!(
        "  first write {:.2} s after the promotion; interruption {:.2} s; {ledger}",
        wrote_after.as_secs_f64(),
        interruption.as_secs_f64(),
    );
    assert!(last_second >= MIN_IN_THE_LAST_SECOND, "void: too little traffic, {last_second} requests");
    let output = auth.running.output();
    assert!(losses.is_none(), "{moment:?}: {losses:?}\n{output}");
    let limit = if moment.fault == Fault::Killed { AFTER_A_DEATH } else { AFTER_A_CUT };
    assert!(wrote_after < limit, "{moment:?}: {wrote_after:?}\n{output}");
    assert_eq!(output.matches("the primary of the database has changed").count(), 1, "{output}");
    interruption
}

/// With `synchronous_commit=local`, what the standby has not received by then is lost. It also shows that the ledger
/// notices losses.
#[tokio::test(flavor = "multi_thread")]
async fn without_synchronous_replication_a_failover_loses_what_the_standby_lacks() {
    let lag = Duration::from_secs(1);
    let pair = Pair::start(Commit::Local);
    let (auth, load) = under_load(&pair).await;
    load.runs(Duration::from_secs(1)).await;
    pair.cut_replication();
    load.runs(lag).await;
    pair.fail(Fault::Killed);
    pair.promote();
    load.writes_again().await;
    let ledger: Ledger = load.ends().await;
    let losses = ledger.losses(&auth).await;
    println!("synchronous_commit=local and a standby {lag:?} behind: {losses:?}; {ledger}");
    assert!(losses.sign_outs + losses.sessions > 0, "{losses:?}\n{}", auth.running.output());
}
