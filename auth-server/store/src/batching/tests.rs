use std::task::Poll;

use auth_domain::{ClientId, Email, Generation, Session, SessionId, SessionOwner, UserId};
use chrono::DateTime;
use goptri::Scope;
use goptri_settings::Plain;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, yield_now};
use uuid::Uuid;

use super::*;

const NEVER: Duration = Duration::from_hours(1);

/// What a recorded batch begins with.
const BATCH: u128 = 0;

/// Sessions that make a batch fail.
const UNAVAILABLE: u128 = 100;
const CONFLICT: u128 = 101;
const BAD_ROW: u128 = 102;

/// A session whose batch was sent twice, and which is not current when it runs alone.
const RESENT: u128 = 103;

/// Records what runs, and lets it finish only when a test says so.
struct Recorder {
    ran: Mutex<Vec<Vec<u128>>>,
    permits: Semaphore,
}

impl Recorder {
    async fn run(&self, sessions: Vec<u128>) {
        self.ran.lock().unwrap().push(sessions);
        self.permits.acquire().await.unwrap().forget();
    }

    fn ran(&self) -> Vec<Vec<u128>> {
        self.ran.lock().unwrap().clone()
    }
}

impl RotateBatch for Arc<Recorder> {
    async fn rotate_one(
        &self,
        presented: &PresentedRefresh,
        _: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        let session = presented.key.id.0.as_u128();
        self.run(vec![session]).await;
        Ok(if session == RESENT { Rotation::NotCurrent(snapshot(presented)) } else { Rotation::Unknown })
    }

    /// Rotates nothing, and fails as the requested sessions say.
    async fn rotate_batch(&self, requests: &[RotateRequest]) -> Result<Answer<Vec<RotatedRow>>, StoreError> {
        let keys: Vec<_> = requests.iter().map(|request| request.presented.key).collect();
        let sessions: Vec<_> = keys.iter().map(|key| key.id.0.as_u128()).collect();
        self.run([&[BATCH], sessions.as_slice()].concat()).await;
        if sessions.contains(&UNAVAILABLE) {
            return Err(StoreError::Unavailable("away".into()));
        }
        if sessions.contains(&CONFLICT) {
            return Err(StoreError::Conflict("conflict".into()));
        }
        let bad = keys.into_iter().filter(|key| key.id.0.as_u128() == BAD_ROW);
        let value = bad.map(|key| (key, Err(StoreError::Conflict("this row".into())))).collect();
        Ok(Answer { value, resent: sessions.contains(&RESENT) })
    }
}

fn presented(session: u128) -> PresentedRefresh {
    let key = SessionKey { user_id: UserId(Uuid::nil()), id: SessionId(Uuid::from_u128(session)) };
    PresentedRefresh::for_test(key, Generation::FIRST, Plain::new(String::new()), ClientId::built_in())
}

fn snapshot(presented: &PresentedRefresh) -> SessionSnapshot {
    let session = Session {
        key: presented.key,
        client_id: presented.client_id.clone(),
        scope: Scope::parse("").unwrap(),
        audience: Vec::new(),
        auth_time: DateTime::UNIX_EPOCH,
        jti_hash: presented.jti_hash.clone(),
        generation: Generation::FIRST,
        forgiven_generation: None,
        rotated_at: DateTime::UNIX_EPOCH,
        previous_rotated_at: None,
        last_used_at: DateTime::UNIX_EPOCH,
        expires_at: None,
        remember: false,
    };
    let owner = SessionOwner {
        email: Email::parse("ann@example.com").unwrap(),
        email_verified: false,
        roles: Vec::new(),
        disabled: false,
    };
    SessionSnapshot { session, owner, now: DateTime::UNIX_EPOCH }
}

struct Fixture {
    recorder: Arc<Recorder>,
    batcher: RotationBatcher<Arc<Recorder>>,
}

impl Fixture {
    fn new(max_batch: usize, max_wait: Duration) -> Self {
        let recorder = Arc::new(Recorder { ran: Mutex::default(), permits: Semaphore::new(0) });
        let batcher =
            RotationBatcher::with_limits(Arc::clone(&recorder), Handle::current(), max_batch, max_wait);
        Self { recorder, batcher }
    }

    /// Starts the rotation of a session, and waits until it runs or is queued.
    async fn rotate(&self, session: u128) -> JoinHandle<Result<Rotation, StoreError>> {
        let batcher = self.batcher.clone();
        let mut rotation = Box::pin(async move { batcher.rotate(&presented(session), None).await });
        let polled = poll_fn(|context| Poll::Ready(rotation.as_mut().poll(context))).await;
        assert!(polled.is_pending());
        tokio::spawn(rotation)
    }

    /// Lets one statement finish.
    fn finish_one(&self) {
        self.recorder.permits.add_permits(1);
    }

    /// Waits until this many statements have begun, and returns the last of them.
    async fn statement(&self, number: usize) -> Vec<u128> {
        while self.recorder.ran().len() < number {
            yield_now().await;
        }
        assert_eq!(self.recorder.ran().len(), number);
        self.recorder.ran().pop().unwrap()
    }
}

#[tokio::test]
async fn a_rotation_alone_runs_immediately_and_those_that_arrive_meanwhile_share_the_next_batch() {
    let fixture = Fixture::new(10, NEVER);
    let mut rotations = vec![fixture.rotate(1).await];
    assert_eq!(fixture.statement(1).await, [1]);
    for session in [2, 3, 4] {
        rotations.push(fixture.rotate(session).await);
    }
    assert_eq!(fixture.recorder.ran().len(), 1, "no batch starts while a rotation is in flight");
    fixture.finish_one();
    assert_eq!(fixture.statement(2).await, [BATCH, 2, 3, 4]);
    rotations.push(fixture.rotate(5).await);
    fixture.finish_one();
    // Session 5 is the next batch. The batch before rotated nothing, so its requests run alone.
    while fixture.recorder.ran().len() < 6 {
        yield_now().await;
    }
    let mut ran = fixture.recorder.ran().split_off(2);
    ran.sort();
    assert_eq!(ran, [vec![BATCH, 5], vec![2], vec![3], vec![4]]);
    fixture.recorder.permits.add_permits(9);
    for rotation in rotations {
        assert!(matches!(rotation.await.unwrap(), Ok(Rotation::Unknown)));
    }
}

#[tokio::test]
async fn a_batch_contains_a_session_once_and_has_at_most_the_maximum() {
    let fixture = Fixture::new(2, NEVER);
    let _first = fixture.rotate(1).await;
    let mut waiting = Vec::new();
    for session in [2, 2, 3, 4, 2] {
        waiting.push(fixture.rotate(session).await);
    }
    let mut queue = fixture.batcher.0.queue();
    for expected in [&[2, 3][..], &[2, 4], &[2], &[]] {
        let batch = queue.next_batch(2);
        let sessions: Vec<_> =
            batch.iter().map(|waiting| waiting.request.presented.key.id.0.as_u128()).collect();
        assert_eq!(sessions, expected);
    }
}

#[tokio::test]
async fn the_next_batch_waits_at_most_max_wait_for_the_one_in_flight() {
    let fixture = Fixture::new(10, Duration::ZERO);
    let slow = fixture.rotate(1).await;
    let _waiting = fixture.rotate(2).await;
    assert_eq!(fixture.statement(2).await, [BATCH, 2], "it starts beside the rotation in flight");
    fixture.recorder.permits.add_permits(9);
    assert!(matches!(slow.await.unwrap(), Ok(Rotation::Unknown)), "which continues");
}

#[tokio::test]
async fn a_cancelled_caller_is_not_part_of_the_next_batch() {
    let fixture = Fixture::new(10, NEVER);
    let _first = fixture.rotate(1).await;
    let cancelled = fixture.rotate(2).await;
    let _waiting = fixture.rotate(3).await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    fixture.finish_one();
    assert_eq!(fixture.statement(2).await, [BATCH, 3]);

    let fixture = Fixture::new(10, NEVER);
    let first = fixture.rotate(1).await;
    let cancelled = fixture.rotate(2).await;
    cancelled.abort();
    assert!(cancelled.await.unwrap_err().is_cancelled());
    fixture.finish_one();
    first.await.unwrap().unwrap();
    assert_eq!(fixture.recorder.ran().len(), 1, "an empty batch is not run");
    let _next = fixture.rotate(3).await;
    assert_eq!(fixture.statement(2).await, [3], "and nothing is left in flight");
}

/// Runs these two in one batch, beside nothing else.
async fn batch_of(fixture: &Fixture, sessions: [u128; 2]) -> [JoinHandle<Result<Rotation, StoreError>>; 2] {
    let first = fixture.rotate(1).await;
    let callers = [fixture.rotate(sessions[0]).await, fixture.rotate(sessions[1]).await];
    fixture.finish_one();
    assert_eq!(fixture.statement(2).await, [BATCH, sessions[0], sessions[1]]);
    first.await.unwrap().unwrap();
    fixture.finish_one();
    callers
}

#[tokio::test]
async fn an_unavailable_database_fails_every_request_of_the_batch() {
    let fixture = Fixture::new(10, NEVER);
    for caller in batch_of(&fixture, [UNAVAILABLE, 2]).await {
        let error = caller.await.unwrap().unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable(cause) if cause.to_string() == "away"), "{error:?}");
    }
    assert_eq!(fixture.recorder.ran().len(), 2);
}

#[tokio::test]
async fn after_any_other_error_of_a_batch_each_of_its_requests_runs_alone() {
    let fixture = Fixture::new(10, NEVER);
    let callers = batch_of(&fixture, [CONFLICT, 2]).await;
    fixture.recorder.permits.add_permits(2);
    for caller in callers {
        assert!(matches!(caller.await.unwrap(), Ok(Rotation::Unknown)));
    }
    let mut alone = fixture.recorder.ran().split_off(2);
    alone.sort();
    assert_eq!(alone, [[2], [CONFLICT]]);
}

#[tokio::test]
async fn an_error_of_one_row_fails_only_its_own_request() {
    let fixture = Fixture::new(10, NEVER);
    let [bad, other] = batch_of(&fixture, [BAD_ROW, 2]).await;
    fixture.finish_one();
    let error = bad.await.unwrap().unwrap_err();
    assert!(matches!(&error, StoreError::Conflict(cause) if cause.to_string() == "this row"), "{error:?}");
    assert!(matches!(other.await.unwrap(), Ok(Rotation::Unknown)));
    assert_eq!(fixture.recorder.ran().split_off(2), [[2]]);
}

/// Its first try may have rotated.
#[tokio::test]
async fn a_session_that_a_resent_batch_did_not_rotate_is_reported_as_resent() {
    let fixture = Fixture::new(10, NEVER);
    let [resent, other] = batch_of(&fixture, [RESENT, 2]).await;
    fixture.recorder.permits.add_permits(2);
    let rotation = resent.await.unwrap();
    assert!(matches!(rotation, Ok(Rotation::Resent(_))), "{rotation:?}");
    assert!(matches!(other.await.unwrap(), Ok(Rotation::Unknown)));
}
