//! Refreshes that arrive while another is under way go together: one statement, one round trip and one sync of the disk for all
//! of them. No timer: who comes alone goes at once, and who waits goes as soon as whoever is under way has arrived.
//!
//! What goes together, and what a store does with it, does not change what a refresh promises. A session goes once in a group: two
//! refreshes of one session are answered as if one came after the other.

use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures_channel::oneshot;

use super::{Rotation, StoreError};
use auth_domain::{PresentedRefresh, SessionKey, SessionSnapshot};

/// So many go together at most: a larger group takes longer than it saves.
pub const MAX_BATCH: usize = 128;

/// So long those who wait give whoever is under way; a refresh takes a few milliseconds.
pub const MAX_WAIT_FOR_IN_FLIGHT: Duration = Duration::from_millis(20);

/// Who waits for their turn. Clones are the same queue.
#[derive(Clone)]
pub struct RotationBatcher(Arc<Shared>);

struct Shared {
    most: usize,
    /// Sets a group on its way, without waiting for it.
    send: Box<dyn Fn(Batch, InFlight) + Send + Sync>,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    under_way: bool,
    waiting: VecDeque<Waiting>,
}

/// One refresh, as [`Sessions::rotate`](super::Sessions::rotate) is asked for it.
#[derive(Debug, Clone)]
pub struct RotateRequest {
    /// What the client presents.
    pub presented: PresentedRefresh,
    /// After how long without use a session has ended.
    pub idle_lifetime: Option<TimeDelta>,
}

struct Waiting {
    rotating: RotateRequest,
    answer: oneshot::Sender<BatchReply>,
}

/// What became of one in a group. `None`: nothing; it must be asked for alone.
pub type BatchReply = Result<Option<SessionSnapshot>, StoreError>;

/// How a refresh goes.
enum Slot {
    /// At once, alone. Who waits goes when this is dropped.
    Alone(InFlight),
    /// With others. Cancelled when they did not arrive.
    Together(oneshot::Receiver<BatchReply>),
}

/// Somebody is under way until this is dropped: then those who wait go.
pub struct InFlight(Arc<Shared>);

/// Refreshes of different sessions that go together.
pub struct Batch(Vec<Waiting>);

impl RotationBatcher {
    /// Nobody waits yet. `send` sets a group of at most so many on its way.
    pub fn new(most: usize, send: impl Fn(Batch, InFlight) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Shared { most, send: Box::new(send), queue: Mutex::default() }))
    }

    /// Answers one refresh, with all who wait if somebody is under way. Otherwise it is done by `alone`, and so it is when the group
    /// had no answer for it. `patience` ends after [`MAX_WAIT_FOR_IN_FLIGHT`].
    pub async fn rotate(
        &self,
        rotating: impl FnOnce() -> RotateRequest,
        alone: impl Future<Output = Result<Rotation, StoreError>>,
        patience: impl Future<Output = ()>,
    ) -> Result<Rotation, StoreError> {
        let told = match self.join(rotating) {
            Slot::Alone(under_way) => return under_way.during(alone, patience).await,
            Slot::Together(told) => told.await,
        };
        match told {
            Ok(Ok(Some(snapshot))) => Ok(Rotation::Rotated(snapshot)),
            Ok(Err(error)) => Err(error),
            // Not current, or somebody works on the row, or the group failed, perhaps for another: nothing has changed.
            Ok(Ok(None)) | Err(_) => alone.await,
        }
    }

    /// Joins those who wait, or goes at once when nobody is under way.
    fn join(&self, rotating: impl FnOnce() -> RotateRequest) -> Slot {
        let mut queue = self.0.queue();
        if !queue.under_way {
            queue.under_way = true;
            return Slot::Alone(InFlight(Arc::clone(&self.0)));
        }
        let (answer, told) = oneshot::channel();
        queue.waiting.push_back(Waiting { rotating: rotating(), answer });
        Slot::Together(told)
    }
}

impl InFlight {
    /// Does `work`. When `patience` ends before it, those who wait go without it: it may wait for a row or a lost packet.
    pub async fn during<T>(self, work: impl Future<Output = T>, patience: impl Future<Output = ()>) -> T {
        let (mut work, mut patience, mut under_way) = (pin!(work), pin!(patience), Some(self));
        poll_fn(|context| {
            let done = work.as_mut().poll(context);
            if done.is_pending() && under_way.is_some() && patience.as_mut().poll(context).is_ready() {
                under_way = None;
            }
            done
        })
        .await
    }
}

impl Batch {
    /// What is asked for, in the order in which it is answered.
    pub fn refreshes(&self) -> impl ExactSizeIterator<Item = &RotateRequest> {
        self.0.iter().map(|waiting| &waiting.rotating)
    }

    /// Tells each what became of it.
    pub fn answer(self, answers: impl IntoIterator<Item = BatchReply>) {
        for (waiting, answer) in self.0.into_iter().zip(answers) {
            // Who has gone wants no answer.
            let _ = waiting.answer.send(answer);
        }
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The next to go, in the order in which they came, and each session once.
    fn next(&mut self, most: usize) -> Vec<Waiting> {
        let (mut going, mut sessions): (Vec<Waiting>, HashSet<SessionKey>) = Default::default();
        let mut left = VecDeque::new();
        while let Some(waiting) = self.waiting.pop_front() {
            if waiting.answer.is_canceled() {
                continue;
            }
            if going.len() < most && sessions.insert(waiting.rotating.presented.key) {
                going.push(waiting);
            } else {
                left.push_back(waiting);
            }
        }
        self.waiting = left;
        going
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        let waiting = queue.next(self.0.most);
        queue.under_way = !waiting.is_empty();
        drop(queue);
        if !waiting.is_empty() {
            (self.0.send)(Batch(waiting), Self(Arc::clone(&self.0)));
        }
    }
}

impl fmt::Debug for RotationBatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grouping").field("waiting", &self.0.queue().waiting.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for InFlight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnderWay")
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("refreshes", &self.0.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[cfg(feature = "conformance")]
mod tests {
    use std::future::{pending, ready};
    use std::task::{Context, Poll, Waker};

    use goptri_settings::Plain;
    use uuid::Uuid;

    use super::*;
    use auth_domain::{ClientId, Generation, SessionId, UserId};

    /// A refresh of the session of that number.
    fn refresh(number: u128) -> RotateRequest {
        let key = SessionKey { user_id: UserId(Uuid::nil()), id: SessionId(Uuid::from_u128(number)) };
        let generation = Generation::from_number(0).unwrap();
        let presented =
            PresentedRefresh::for_test(key, generation, Plain::new(String::new()), ClientId::first_party());
        RotateRequest { presented, idle_lifetime: None }
    }

    fn sessions(group: &Batch) -> Vec<u128> {
        group.refreshes().map(|rotating| rotating.presented.key.id.0.as_u128()).collect()
    }

    type Sent = Arc<Mutex<Vec<(Batch, InFlight)>>>;

    /// A queue, and the groups that it sends, which stay under way until they are taken.
    fn grouping(most: usize) -> (RotationBatcher, Sent) {
        let sent = Sent::default();
        let groups = Arc::clone(&sent);
        let grouping = RotationBatcher::new(most, move |group, under_way| {
            groups.lock().unwrap().push((group, under_way));
        });
        (grouping, sent)
    }

    fn alone(grouping: &RotationBatcher, number: u128) -> InFlight {
        match grouping.join(|| refresh(number)) {
            Slot::Alone(under_way) => under_way,
            Slot::Together(_) => panic!("it waits for nobody"),
        }
    }

    fn waiting(grouping: &RotationBatcher, number: u128) -> oneshot::Receiver<BatchReply> {
        match grouping.join(|| refresh(number)) {
            Slot::Together(told) => told,
            Slot::Alone(_) => panic!("it overtakes who is under way"),
        }
    }

    #[test]
    fn who_comes_alone_goes_at_once_and_who_comes_meanwhile_goes_together() {
        let (grouping, sent) = grouping(10);
        drop(alone(&grouping, 1));
        let first = alone(&grouping, 1);
        let mut told: Vec<_> = [2, 3, 4].map(|number| waiting(&grouping, number)).into();
        assert!(sent.lock().unwrap().is_empty(), "nobody goes before the first has arrived");
        drop(first);
        let (group, under_way) = sent.lock().unwrap().pop().unwrap();
        assert_eq!(sessions(&group), [2, 3, 4]);
        let late = waiting(&grouping, 5);
        group.answer([Ok(None), Err(StoreError::Conflict("two".into())), Ok(None)]);
        let answers: Vec<_> = told.iter_mut().map(|told| told.try_recv().unwrap().unwrap()).collect();
        assert!(matches!(answers.as_slice(), [Ok(None), Err(StoreError::Conflict(_)), Ok(None)]));
        drop(under_way);
        let (group, under_way) = sent.lock().unwrap().pop().unwrap();
        assert_eq!(sessions(&group), [5]);
        drop((group, under_way));
        assert!({ late }.try_recv().is_err(), "it was dropped without an answer");
        drop(alone(&grouping, 6));
    }

    #[test]
    fn a_session_goes_once_in_a_group_which_has_no_more_than_it_may() {
        let (grouping, sent) = grouping(2);
        let first = alone(&grouping, 1);
        let _told: Vec<_> = [2, 2, 3, 4, 2].into_iter().map(|number| waiting(&grouping, number)).collect();
        drop(first);
        for expected in [&[2, 3][..], &[2, 4], &[2]] {
            let (group, under_way) = sent.lock().unwrap().pop().unwrap();
            assert_eq!(sessions(&group), expected);
            drop(under_way);
        }
        assert!(sent.lock().unwrap().is_empty());
        drop(alone(&grouping, 1));
    }

    /// What a future gives when it is polled.
    fn polled<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn those_who_wait_go_when_the_work_is_done_or_patience_ends_before_it() {
        let (grouping, sent) = grouping(10);
        let mut done = pin!(alone(&grouping, 1).during(ready("done"), pending()));
        let _told = waiting(&grouping, 2);
        assert_eq!((polled(done.as_mut()), sent.lock().unwrap().len()), (Poll::Ready("done"), 1));
        sent.lock().unwrap().clear();

        let (finish, finished) = oneshot::channel();
        let (end, ended) = oneshot::channel::<()>();
        let patience = async {
            let _ = ended.await;
        };
        let mut slow = pin!(alone(&grouping, 1).during(finished, patience));
        let _told = waiting(&grouping, 2);
        assert!(polled(slow.as_mut()).is_pending() && sent.lock().unwrap().is_empty());
        end.send(()).unwrap();
        assert!(polled(slow.as_mut()).is_pending(), "it goes on");
        assert_eq!(sent.lock().unwrap().len(), 1, "and nobody waits for it");
        finish.send("done").unwrap();
        assert_eq!(polled(slow.as_mut()), Poll::Ready(Ok("done")));
    }

    #[test]
    fn who_has_gone_is_not_taken_along() {
        let (grouping, sent) = grouping(10);
        let first = alone(&grouping, 1);
        let gone = waiting(&grouping, 2);
        let stays = waiting(&grouping, 3);
        drop(gone);
        drop(first);
        assert_eq!(sessions(&sent.lock().unwrap()[0].0), [3]);
        drop(stays);
        sent.lock().unwrap().clear();
        let first = alone(&grouping, 1);
        drop(waiting(&grouping, 2));
        drop(first);
        assert!(sent.lock().unwrap().is_empty(), "a group of nobody is not sent");
        drop(alone(&grouping, 1));
    }
}
