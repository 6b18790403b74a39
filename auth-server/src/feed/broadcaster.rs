//! Distributes chunks to all subscribers, each with a bounded buffer.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use goptri::revocation::MonotonicClock;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::events::SseChunk;

/// Capacity of a subscriber's buffer, in chunks.
const BUFFER: usize = 64;

/// The most subscribers at the same time.
const MAX_SUBSCRIBERS: usize = 4_096;

/// How long broadcasts wait, in total, for a subscriber with a full buffer before it is dropped.
const WAIT_BUDGET: Duration = Duration::from_secs(1);

/// Each broadcast adds this much to the wait budget of each subscriber. So in the long run, a slow subscriber delays a
/// broadcast by no more than the tail's poll interval, which delays the revocations of other servers anyway.
const BUDGET_REFILL: Duration = Duration::from_millis(50);

/// Sends chunks to the subscribers. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Broadcaster {
    clock: Arc<dyn MonotonicClock>,
    state: Arc<Mutex<State>>,
    subscribed: Arc<Notify>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct State {
    next_id: u64,
    subscribers: HashMap<u64, SenderHalf>,
    closed: bool,
}

/// The broadcaster's half of a subscription.
#[derive(Debug)]
struct SenderHalf {
    sender: mpsc::Sender<SseChunk>,
    wait_budget: Duration,
    /// Dropped with this half, which ends [`Subscription::ended`].
    _ended: oneshot::Sender<()>,
}

/// The subscriber's half of a subscription, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Subscription {
    id: u64,
    broadcaster: Broadcaster,
    /// Closed, after the chunks in the buffer, if the subscriber was dropped or the feed is closed.
    pub(super) chunks: mpsc::Receiver<SseChunk>,
    /// Resolves in the same cases, without waiting for the buffer to be read.
    pub(super) ended: oneshot::Receiver<()>,
}

impl Broadcaster {
    pub(super) fn new(clock: Arc<dyn MonotonicClock>) -> Self {
        Self { clock, state: Arc::default(), subscribed: Arc::default(), dropped: Arc::default() }
    }

    /// A subscription to every broadcast that follows. `None`: there are [`MAX_SUBSCRIBERS`], or the feed is closed.
    pub(super) fn register(&self) -> Option<Subscription> {
        let mut state = self.state();
        if state.closed || state.subscribers.len() >= MAX_SUBSCRIBERS {
            return None;
        }
        let id = state.next_id;
        state.next_id += 1;
        let ((sender, chunks), (ending, ended)) = (mpsc::channel(BUFFER), oneshot::channel());
        state.subscribers.insert(id, SenderHalf { sender, wait_budget: WAIT_BUDGET, _ended: ending });
        drop(state);
        self.subscribed.notify_one();
        Some(Subscription { id, broadcaster: self.clone(), chunks, ended })
    }

    /// Sends a chunk to every subscriber. Waits for full buffers, and drops subscribers whose wait budget is used up;
    /// they reconnect and read everything again.
    pub(super) async fn broadcast(&self, chunk: &SseChunk) {
        let waits = self.send_where_there_is_room(chunk).into_iter().map(|(id, sender, budget)| async move {
            let start = self.clock.elapsed();
            let sent = timeout(budget, sender.send(chunk.clone())).await.is_ok();
            self.charge(id, self.clock.elapsed().saturating_sub(start), sent);
        });
        join_all(waits).await;
    }

    /// Returns the subscribers whose buffer is full, with their wait budgets.
    fn send_where_there_is_room(&self, chunk: &SseChunk) -> Vec<(u64, mpsc::Sender<SseChunk>, Duration)> {
        let (mut state, mut full) = (self.state(), Vec::new());
        for (id, half) in &mut state.subscribers {
            half.wait_budget = (half.wait_budget + BUDGET_REFILL).min(WAIT_BUDGET);
            if let Err(mpsc::error::TrySendError::Full(_)) = half.sender.try_send(chunk.clone()) {
                full.push((*id, half.sender.clone(), half.wait_budget));
            }
        }
        full
    }

    /// Takes the time waited from a subscriber's budget, or drops the subscriber if the chunk was not sent.
    fn charge(&self, id: u64, waited: Duration, sent: bool) {
        let mut state = self.state();
        if !sent && state.subscribers.remove(&id).is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::warn!("revocation feed: dropped a subscriber that reads too slowly; it may reconnect");
        } else if let Some(half) = state.subscribers.get_mut(&id) {
            half.wait_budget = half.wait_budget.saturating_sub(waited);
        }
    }

    /// Waits until there is a subscriber.
    pub(super) async fn wait_for_subscriber(&self) {
        while self.state().subscribers.is_empty() {
            self.subscribed.notified().await;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.state().subscribers.len()
    }

    /// How many subscribers were dropped since the start.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends every current subscription.
    pub(super) fn disconnect_all(&self) {
        self.state().subscribers.clear();
    }

    /// Ends every current subscription, and accepts no more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.subscribers.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.broadcaster.state().subscribers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use goptri::revocation::SystemMonotonicClock;

    use super::*;

    const CHUNK: SseChunk = Bytes::from_static(b"event: x\n\n");

    fn broadcaster() -> Broadcaster {
        Broadcaster::new(Arc::new(SystemMonotonicClock::default()))
    }

    #[actix_web::test]
    async fn a_subscriber_that_does_not_read_is_dropped_and_the_others_miss_nothing() {
        let broadcaster = broadcaster();
        let (mut reading, mut silent) = (broadcaster.register().unwrap(), broadcaster.register().unwrap());
        let chunks = BUFFER + 10;
        let broadcasting = async {
            for _ in 0..chunks {
                broadcaster.broadcast(&CHUNK).await;
            }
        };
        let receiving = async {
            for _ in 0..chunks {
                assert_eq!(reading.chunks.recv().await, Some(CHUNK));
            }
        };
        tokio::join!(broadcasting, receiving);
        assert_eq!(broadcaster.len(), 1);
        for _ in 0..BUFFER {
            assert_eq!(silent.chunks.recv().await, Some(CHUNK));
        }
        assert_eq!(silent.chunks.recv().await, None, "its stream ends");
        drop(silent);
        drop(reading);
        assert_eq!(broadcaster.len(), 0);
    }

    /// It reads each chunk just before its wait budget ends.
    #[actix_web::test]
    async fn a_subscriber_that_is_always_slow_delays_the_others_by_one_second_in_total() {
        let broadcaster = broadcaster();
        let (mut quick, mut slow) = (broadcaster.register().unwrap(), broadcaster.register().unwrap());
        let broadcasting = async {
            for _ in 0..BUFFER + 4 {
                broadcaster.broadcast(&CHUNK).await;
            }
        };
        let reading = async { while quick.chunks.recv().await.is_some() {} };
        let reading_slowly = async {
            loop {
                tokio::time::sleep(WAIT_BUDGET * 9 / 10).await;
                if slow.chunks.recv().await.is_none() {
                    return;
                }
            }
        };
        tokio::select! {
            () = broadcasting => {}
            () = reading => panic!("the quick one was dropped"),
            () = reading_slowly => panic!("its stream ends only after the chunks in its buffer"),
        }
        assert_eq!((broadcaster.len(), broadcaster.dropped()), (1, 1), "the slow one delays without limit");
    }

    #[actix_web::test]
    async fn a_subscriber_that_is_slightly_slow_is_never_dropped() {
        let broadcaster = broadcaster();
        let mut slow = broadcaster.register().unwrap();
        let id = slow.id;
        for _ in 0..BUFFER {
            broadcaster.broadcast(&CHUNK).await;
        }
        for _ in 0..1_000 {
            let (full, _, budget) = broadcaster.send_where_there_is_room(&CHUNK).remove(0);
            assert!(full == id && budget == WAIT_BUDGET);
            broadcaster.charge(id, BUDGET_REFILL, true);
        }
        assert_eq!(broadcaster.len(), 1);
        broadcaster.charge(id, WAIT_BUDGET, true);
        let (_, _, budget) = broadcaster.send_where_there_is_room(&CHUNK).remove(0);
        assert_eq!(budget, BUDGET_REFILL, "a used budget is refilled step by step");
        assert!(slow.chunks.recv().await.is_some());
    }

    #[actix_web::test]
    async fn subscriptions_are_limited_and_a_dropped_one_makes_room() {
        let broadcaster = broadcaster();
        let mut subscriptions: Vec<Subscription> =
            (0..MAX_SUBSCRIBERS).map(|_| broadcaster.register().unwrap()).collect();
        assert!(broadcaster.register().is_none());
        subscriptions.pop();
        assert!(broadcaster.register().is_some());
    }

    #[actix_web::test]
    async fn closing_ends_all_subscriptions_and_accepts_no_more() {
        let broadcaster = broadcaster();
        let mut subscription = broadcaster.register().unwrap();
        broadcaster.close();
        assert_eq!(subscription.chunks.recv().await, None);
        assert!(broadcaster.register().is_none());
    }
}
