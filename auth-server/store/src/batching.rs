//! Batches concurrent rotations: those that arrive while one is in flight share the next statement, and with it one
//! round trip and one sync of the disk. There is no timer: a rotation that arrives alone runs immediately.
//!
//! A batch contains a session at most once, so two rotations of one session are answered as if one came after the
//! other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_domain::{PresentedRefresh, SessionKey, SessionSnapshot};
use chrono::TimeDelta;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::{Answer, Rotation, StoreError};

/// The most rotations in one batch: a larger one takes longer than it saves.
const MAX_BATCH: usize = 128;

/// How long the next batch waits for the one in flight, which usually takes a few milliseconds. It may be waiting for
/// a row or for a lost packet.
const MAX_WAIT: Duration = Duration::from_millis(20);

/// The statements of a store that [`RotationBatcher`] builds on.
pub trait RotateBatch: Send + Sync + 'static {
    /// Rotates one session, as [`Sessions::rotate`](super::Sessions::rotate) promises.
    fn rotate_one(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> impl Future<Output = Result<Rotation, StoreError>> + Send;

    /// Rotates different sessions in one statement, which waits for no row that is locked. Returns those that it
    /// rotated, in any order.
    fn rotate_batch(
        &self,
        requests: &[RotateRequest],
    ) -> impl Future<Output = Result<Answer<Vec<RotatedRow>>, StoreError>> + Send;
}

/// A session that a batch rotated. An error is the error of this row alone.
pub type RotatedRow = (SessionKey, Result<SessionSnapshot, StoreError>);

/// The arguments of one [`Sessions::rotate`](super::Sessions::rotate).
#[derive(Debug, Clone)]
pub struct RotateRequest {
    /// The refresh token that the client presents.
    pub presented: PresentedRefresh,
    /// A session that was not used for this long has ended.
    pub idle_lifetime: Option<TimeDelta>,
}

/// Implements [`Sessions::rotate`](super::Sessions::rotate) with batches. Clones share one queue.
pub struct RotationBatcher<S: RotateBatch>(Arc<Shared<S>>);

struct Shared<S> {
    statements: S,
    runtime: Handle,
    max_batch: usize,
    max_wait: Duration,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    /// A rotation or batch is in flight for which the next batch waits.
    in_flight: bool,
    waiting: VecDeque<Waiting>,
}

struct Waiting {
    request: RotateRequest,
    reply: oneshot::Sender<BatchReply>,
}

/// `None`: the batch did not rotate this session, so the request runs again alone.
type BatchReply = Result<Answer<Option<SessionSnapshot>>, StoreError>;

/// How a rotation runs.
enum Slot<S: RotateBatch> {
    /// Immediately and alone. Dropping the guard starts the next batch.
    Immediate(InFlight<S>),
    /// In the next batch. The channel closes without a reply if that batch failed.
    Queued(oneshot::Receiver<BatchReply>),
}

/// Marks a rotation or batch as in flight. Dropping it starts the next batch.
struct InFlight<S: RotateBatch>(Arc<Shared<S>>);

impl<S: RotateBatch> RotationBatcher<S> {
    /// Runs batches as tasks on `runtime`.
    pub fn new(statements: S, runtime: Handle) -> Self {
        Self::with_limits(statements, runtime, MAX_BATCH, MAX_WAIT)
    }

    fn with_limits(statements: S, runtime: Handle, max_batch: usize, max_wait: Duration) -> Self {
        Self(Arc::new(Shared { statements, runtime, max_batch, max_wait, queue: Mutex::default() }))
    }

    /// Runs immediately if nothing is in flight; otherwise joins the next batch, and then runs alone if that batch did
    /// not rotate the session. Must be called within a Tokio runtime.
    pub async fn rotate(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        let alone = self.0.statements.rotate_one(presented, idle_lifetime);
        let reply = match self.join(|| RotateRequest { presented: presented.clone(), idle_lifetime }) {
            Slot::Immediate(in_flight) => return in_flight.during(alone).await,
            Slot::Queued(reply) => reply.await,
        };
        match reply {
            Ok(Ok(Answer { value: Some(snapshot), .. })) => Ok(Rotation::Rotated(snapshot)),
            Ok(Err(error)) => Err(error),
            // A batch that got no answer may have rotated before it was sent again.
            Ok(Ok(Answer { value: None, resent: true })) => match alone.await? {
                Rotation::NotCurrent(found) => Ok(Rotation::Resent(found)),
                rotation => Ok(rotation),
            },
            // The token is not current, the row is locked, or the batch failed. Nothing has changed.
            Ok(Ok(Answer { value: None, resent: false })) | Err(_) => alone.await,
        }
    }

    /// Runs immediately, in a statement of its own.
    pub async fn rotate_alone(
        &self,
        presented: &PresentedRefresh,
        idle_lifetime: Option<TimeDelta>,
    ) -> Result<Rotation, StoreError> {
        self.0.statements.rotate_one(presented, idle_lifetime).await
    }

    fn join(&self, request: impl FnOnce() -> RotateRequest) -> Slot<S> {
        let mut queue = self.0.queue();
        if !queue.in_flight {
            queue.in_flight = true;
            return Slot::Immediate(InFlight(Arc::clone(&self.0)));
        }
        let (reply, receiver) = oneshot::channel();
        queue.waiting.push_back(Waiting { request: request(), reply });
        Slot::Queued(receiver)
    }
}

impl<S: RotateBatch> InFlight<S> {
    /// Drives `work` to its end. Starts the next batch when `work` ends or after `max_wait`, whichever is sooner.
    async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let (mut work, mut wait, mut in_flight) = (pin!(work), pin!(sleep(self.0.max_wait)), Some(self));
        poll_fn(|context| {
            let done = work.as_mut().poll(context);
            if done.is_pending() && in_flight.is_some() && wait.as_mut().poll(context).is_ready() {
                in_flight = None;
            }
            done
        })
        .await
    }
}

impl<S: RotateBatch> Drop for InFlight<S> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        let batch = queue.next_batch(self.0.max_batch);
        queue.in_flight = !batch.is_empty();
        drop(queue);
        if !batch.is_empty() {
            let (shared, in_flight) = (Arc::clone(&self.0), Self(Arc::clone(&self.0)));
            self.0.runtime.spawn(async move { in_flight.during(shared.run(batch)).await });
        }
    }
}

impl<S: RotateBatch> Shared<S> {
    /// Runs a batch and replies to each of its callers.
    async fn run(&self, batch: Vec<Waiting>) {
        let (requests, replies): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.request, waiting.reply)).unzip();
        let mut reply_for: Box<dyn FnMut(SessionKey) -> BatchReply + Send> =
            match self.statements.rotate_batch(&requests).await {
                Ok(Answer { value: rows, resent }) => {
                    let mut rows: HashMap<_, _> = rows.into_iter().collect();
                    Box::new(move |key| Ok(Answer { value: rows.remove(&key).transpose()?, resent }))
                }
                Err(StoreError::Unavailable(cause)) => {
                    let cause: Arc<dyn Error + Send + Sync> = cause.into();
                    Box::new(move |_| Err(StoreError::Unavailable(Box::new(SharedError(Arc::clone(&cause))))))
                }
                // One of the requests may have caused it.
                Err(error) => {
                    tracing::warn!(%error, "a batch of refreshes failed; each of them runs alone");
                    return;
                }
            };
        for (request, reply) in requests.iter().zip(replies) {
            // A caller that was cancelled has dropped its receiver.
            let _ = reply.send(reply_for(request.presented.key));
        }
    }
}

impl<S> Shared<S> {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Takes the next batch: in order of arrival, without cancelled callers, each session at most once.
    fn next_batch(&mut self, max: usize) -> Vec<Waiting> {
        let (mut batch, mut sessions): (Vec<Waiting>, HashSet<SessionKey>) = Default::default();
        let mut rest = VecDeque::new();
        while let Some(waiting) = self.waiting.pop_front() {
            if waiting.reply.is_closed() {
                continue;
            }
            if batch.len() < max && sessions.insert(waiting.request.presented.key) {
                batch.push(waiting);
            } else {
                rest.push_back(waiting);
            }
        }
        self.waiting = rest;
        batch
    }
}

/// The one error of a batch, for each of its callers.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct SharedError(Arc<dyn Error + Send + Sync>);

impl<S: RotateBatch> Clone for RotationBatcher<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: RotateBatch> fmt::Debug for RotationBatcher<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationBatcher")
            .field("waiting", &self.0.queue().waiting.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
