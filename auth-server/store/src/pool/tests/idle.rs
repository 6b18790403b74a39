//! Connections that were idle, are old, or are closed.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_connection_is_pinged_after_ten_seconds_or_before_a_verb_that_is_sent_once() {
    let (server, pool) = pool(1);
    for (idle, sending, pings) in [
        (0, Sending::Idempotent, 0),
        (10, Sending::Idempotent, 0),
        (11, Sending::Idempotent, 1),
        (0, Sending::Once, 1),
    ] {
        succeed(&pool, Sending::Idempotent).await.unwrap();
        advance(Duration::from_secs(idle)).await;
        let before = server.state().pings;
        succeed(&pool, sending).await.unwrap();
        assert_eq!(server.state().pings - before, pings, "{idle} s, {sending:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_that_were_dropped_silently_cost_one_second_together() {
    let (server, pool) = pool(8);
    spread(&pool, 8).await;
    advance(Duration::from_mins(1)).await;
    server.silence();
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Idempotent).await.unwrap(), Answer { value: 9, resent: false });
    assert_eq!(began.elapsed(), PING_TIMEOUT);
    spread(&pool, 8).await;
    assert_eq!(began.elapsed(), PING_TIMEOUT);
}

#[tokio::test(start_paused = true)]
async fn the_connection_of_a_cancelled_verb_is_used_again_after_a_ping() {
    let (server, pool) = pool(1);
    let hung = pool.run(Sending::Idempotent, async |_| pending::<Result<(), Failure>>().await);
    assert!(timeout(Duration::from_secs(1), hung).await.is_err());
    assert_eq!(pool.size(), Connections { open: 1, idle: 0 });
    assert_eq!(succeed(&pool, Sending::Idempotent).await.unwrap().value, 1);
    assert_eq!(server.state().pings, 1);
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_old_or_were_long_idle_are_replaced() {
    let (_, pool) = pool(2);
    spread(&pool, 2).await;
    for _ in 0..11 {
        advance(Duration::from_mins(1)).await;
        succeed(&pool, Sending::Idempotent).await.unwrap();
    }
    assert_eq!(pool.size().open, 1, "the other one was idle");
    for _ in 0..20 {
        advance(Duration::from_mins(1)).await;
        succeed(&pool, Sending::Idempotent).await.unwrap();
    }
    assert_eq!(succeed(&pool, Sending::Idempotent).await.unwrap().value, 3, "the first one was old");
}

#[tokio::test(start_paused = true)]
async fn closing_waits_for_verbs_that_run_and_refuses_later_ones() {
    let (server, pool) = pool(2);
    let running = pool.run(Sending::Once, async |_| {
        sleep(Duration::from_secs(2)).await;
        Ok::<_, Failure>(())
    });
    let closing = async {
        yield_now().await;
        let began = Instant::now();
        pool.close().await;
        assert_eq!(began.elapsed(), Duration::from_secs(2));
    };
    let (ran, ()) = tokio::join!(running, closing);
    ran.unwrap();
    yield_now().await;
    assert_eq!(succeed(&pool, Sending::Idempotent).await, Err(Failure::Pool(PoolError::Closed)));
    assert!(server.state().open.is_empty());
}
