//! How many connections there are, and who waits for one.

use super::*;

#[tokio::test(start_paused = true)]
async fn the_pool_makes_do_with_what_the_server_grants_and_grows_when_there_is_room() {
    let (server, pool) = pool(8);
    server.state().slots = Some(3);
    let mut clients = JoinSet::new();
    for _ in 0..24 {
        let pool = pool.clone();
        clients.spawn(async move {
            for _ in 0..5 {
                let verb = async |_: &mut Socket| {
                    sleep(Duration::from_millis(1)).await;
                    Ok::<_, Failure>(())
                };
                pool.run(Sending::Idempotent, verb).await.unwrap();
            }
        });
    }
    clients.join_all().await;
    assert_eq!(server.state().connected, 3);
    assert_eq!(server.state().refused, 5);

    advance(Duration::from_secs(10)).await;
    spread(&pool, 3).await;
    server.state().slots = Some(10);
    for _ in 0..5 {
        succeed(&pool, Sending::Once).await.unwrap();
        advance(Duration::from_secs(10)).await;
    }
    spread(&pool, 8).await;
    assert_eq!(pool.size().open, 8);
}

#[tokio::test(start_paused = true)]
async fn a_reserved_connection_comes_before_those_of_the_pool() {
    let (server, pool) = pool(4);
    let reserved = pool.reserve(1);
    server.state().slots = Some(3);
    spread(&pool, 3).await;
    succeed(&reserved, Sending::Once).await.unwrap();
    assert_eq!((pool.size().open, reserved.size().open), (2, 1));
    spread(&pool, 2).await;
    succeed(&reserved, Sending::Once).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_three_seconds_for_a_busy_connection() {
    let (_, pool) = pool(1);
    let hung = pool.run(Sending::Once, async |_| pending::<Result<(), Failure>>().await);
    let waiting = async {
        let began = Instant::now();
        assert_eq!(succeed(&pool, Sending::Once).await, Err(Failure::Pool(PoolError::Busy)));
        assert_eq!(began.elapsed(), BUSY_TIMEOUT);
    };
    let (hung, ()) = tokio::join!(hung, waiting);
    hung.unwrap_err();
}
