//! What an error, a fault or an outage does to connections and verbs.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_verb_is_sent_again_only_where_it_cannot_do_harm() {
    use Sending::{Idempotent, Once};
    for (sending, fate, tries, resent) in [
        (Idempotent, Fate::Keep, 1, false),
        (Idempotent, Fate::Close, 1, false),
        (Idempotent, Fate::Refused, 2, false),
        (Idempotent, Fate::Lost, 2, true),
        (Once, Fate::Keep, 1, false),
        (Once, Fate::Close, 1, false),
        (Once, Fate::Refused, 2, false),
        (Once, Fate::Lost, 1, false),
    ] {
        let (_, pool) = pool(2);
        let tried = AtomicU32::new(0);
        let answer = pool
            .run(sending, async |_| match tried.fetch_add(1, Ordering::SeqCst) {
                0 => Err(Failure::Engine(fate)),
                _ => Ok(()),
            })
            .await;
        assert_eq!(tried.into_inner(), tries, "{sending:?} {fate:?}");
        let expected = if tries == 2 { Ok(Answer { value: (), resent }) } else { Err(Failure::Engine(fate)) };
        assert_eq!(answer, expected, "{sending:?} {fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_closes_its_connection_or_all_or_none() {
    for (fate, left) in [(Fate::Keep, 3), (Fate::Close, 2), (Fate::Refused, 0), (Fate::Lost, 0)] {
        let (server, pool) = pool(3);
        spread(&pool, 3).await;
        let failed: Result<Answer<()>, _> =
            pool.run(Sending::Once, async |_| Err(Failure::Engine(fate))).await;
        assert_eq!(failed, Err(Failure::Engine(fate)));
        let opened_again = u32::from(fate == Fate::Refused);
        yield_now().await;
        assert_eq!(server.state().connected, 3 + opened_again, "{fate:?}");
        assert_eq!(pool.size().open, left, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_from_before_a_fault_says_nothing_about_later_ones() {
    let (_, pool) = pool(2);
    let (fail, failing) = oneshot::channel::<()>();
    let failing = Arc::new(Mutex::new(Some(failing)));
    let slow = {
        let pool = pool.clone();
        tokio::spawn(async move {
            let verb = async |_: &mut Socket| {
                let wait = failing.lock().unwrap().take();
                wait.unwrap().await.unwrap();
                Err::<(), _>(Failure::Engine(Fate::Lost))
            };
            pool.run(Sending::Once, verb).await
        })
    };
    yield_now().await;
    let _: Result<Answer<()>, _> = pool.run(Sending::Once, async |_| Err(Failure::Engine(Fate::Lost))).await;
    let later = succeed(&pool, Sending::Once).await.unwrap().value;
    fail.send(()).unwrap();
    assert!(slow.await.unwrap().is_err());
    assert_eq!(succeed(&pool, Sending::Once).await.unwrap().value, later);
}

#[tokio::test(start_paused = true)]
async fn a_verb_that_gets_no_answer_is_sent_again_within_ten_seconds() {
    let (server, pool) = pool(1);
    let began = Instant::now();
    let hung = pool.run(Sending::Idempotent, async |_| pending::<Result<(), Failure>>().await).await;
    assert!(matches!(hung, Err(Failure::Pool(PoolError::NoAnswer(_)))), "{hung:?}");
    assert_eq!((began.elapsed(), server.state().connected), (DEADLINE, 2));
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_waited_for_and_a_longer_outage_fails_at_once() {
    let (server, pool) = pool(1);
    succeed(&pool, Sending::Once).await.unwrap();
    server.state().down = true;
    let restarted = async {
        sleep(Duration::from_secs(3)).await;
        server.state().down = false;
    };
    // Two verbs, and one connection: the second waits for longer than it would for a busy one.
    let (first, second, ()) =
        tokio::join!(succeed(&pool, Sending::Once), succeed(&pool, Sending::Idempotent), restarted);
    first.unwrap();
    second.unwrap();

    server.state().down = true;
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Once).await, Err(Failure::Engine(Fate::Lost)));
    assert!(began.elapsed() > Duration::from_secs(9) && began.elapsed() <= DEADLINE, "{:?}", began.elapsed());
    sleep(DEADLINE).await;
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Once).await, Err(Failure::Engine(Fate::Lost)));
    assert_eq!(began.elapsed(), Duration::ZERO);
    server.state().down = false;
    succeed(&pool, Sending::Once).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn before_the_first_connection_an_error_is_reported_at_once() {
    let (server, pool) = pool(1);
    server.state().down = true;
    let began = Instant::now();
    assert_eq!(succeed(&pool, Sending::Idempotent).await, Err(Failure::Engine(Fate::Lost)));
    assert_eq!(began.elapsed(), Duration::ZERO);
}

/// Their server does not answer any more, and would hold them for seven seconds.
#[tokio::test(start_paused = true)]
async fn verbs_in_flight_at_an_abandoned_server_go_to_the_next_one() {
    let (server, pool) = pool(2);
    let reserved = pool.reserve(1);
    spread(&pool, 2).await;
    let waits_on_the_first = async |socket: &mut Socket| {
        if socket.id <= 3 {
            pending::<()>().await;
        }
        Ok::<_, Failure>(socket.id)
    };
    let (idempotent, once, other) = (
        pool.run(Sending::Idempotent, waits_on_the_first),
        pool.run(Sending::Once, waits_on_the_first),
        reserved.run(Sending::Idempotent, waits_on_the_first),
    );
    let abandoning = async {
        sleep(Duration::from_secs(1)).await;
        pool.abandon();
        Instant::now()
    };
    let (idempotent, once, other, abandoned) = tokio::join!(idempotent, once, other, abandoning);
    assert!(abandoned.elapsed() < Duration::from_secs(1), "they waited");
    assert!(idempotent.is_ok_and(|answer| answer.resent && answer.value > 3));
    assert_eq!(once, Err(Failure::Pool(PoolError::Abandoned)));
    assert!(other.is_ok_and(|answer| answer.value > 3));
    yield_now().await;
    assert!(server.state().open.iter().all(|id| *id > 3), "connections to the old server are open");
}
