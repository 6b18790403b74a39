//! `/readyz` commits a write, seldom, and never waits long.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use scratch_pg::{Database, statements_between};

use super::{readiness, until};
use crate::programs::{Server, auth_server};

#[tokio::test(flavor = "multi_thread")]
async fn readiness_writes_at_most_once_a_second_for_all_callers() {
    let database = Database::fresh().await;
    let auth = Server::start(auth_server(database.url()));
    assert_eq!(readiness(&auth).await.0, 200);
    let before = database.statements().await;
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        let answers = join_all((0..20).map(|_| readiness(&auth))).await;
        assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    }
    let written: i64 = statements_between(&before, database.statements().await)
        .into_iter()
        .filter_map(|(query, calls)| query.contains("insert into write_probe").then_some(calls))
        .sum();
    let seconds = began.elapsed().as_secs_f64();
    assert!(written >= 2, "{written} writes prove nothing");
    #[expect(clippy::cast_precision_loss, reason = "a small number")]
    let allowed = written as f64 <= seconds + 1.0;
    assert!(allowed, "{written} writes in {seconds} s");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_hangs_makes_the_server_unready_within_two_seconds() {
    let database = Database::fresh().await;
    let auth = Server::start(auth_server(database.url()));
    assert_eq!(readiness(&auth).await.0, 200);
    let hanging = database
        .execute("begin; lock table write_probe in access exclusive mode; select pg_sleep(5); commit");
    let asking = async {
        until(503, async || readiness(&auth).await.0).await;
        let began = Instant::now();
        let answers = join_all((0..20).map(|_| readiness(&auth))).await;
        assert!(answers.iter().all(|(status, why)| *status == 503 && why.contains("commits no writes")));
        assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
        let waiting = "select count(*) from pg_stat_activity
                       where datname = current_database() and query like 'insert into write_probe%'
                         and wait_event_type = 'Lock'";
        assert_eq!(database.number(waiting).await, 1, "one probe at a time");
    };
    tokio::join!(hanging, asking);
    until(200, async || readiness(&auth).await.0).await;
}
