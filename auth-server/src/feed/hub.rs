//! Who is to be told, each with a buffer that is bounded.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::timeout;

use super::events::Piece;

/// So many pieces wait for a subscriber: one for each time that the tail found something new.
const BUFFER: usize = 64;

/// No more may follow at the same time.
const MOST: usize = 4_096;

/// So long all others wait for one whose buffer is full, in total, before it is dropped.
const PATIENCE: Duration = Duration::from_secs(1);

/// So much of that is won back with each piece. In the long run it makes nobody later than a sign-out is anyway that
/// another server has ended.
const WON_BACK: Duration = Duration::from_millis(50);

/// Clones are the same hub.
#[derive(Debug, Clone, Default)]
pub(super) struct Hub {
    places: Arc<Mutex<Places>>,
    /// Told of each new subscriber.
    came: Arc<Notify>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Places {
    next: u64,
    listeners: HashMap<u64, Listener>,
    closed: bool,
}

/// Whoever is told at a place.
#[derive(Debug)]
struct Listener {
    sender: mpsc::Sender<Piece>,
    /// How long the others still wait for it.
    patience: Duration,
    /// Dropped with this: nothing more will be told.
    _over: oneshot::Sender<()>,
}

/// A subscriber's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    hub: Hub,
    /// What it is told. Ends when the subscriber was too slow, or the feed is closed.
    pub(super) told: mpsc::Receiver<Piece>,
    /// Ends at once then, also while something is still waiting to be taken.
    pub(super) over: oneshot::Receiver<()>,
}

impl Hub {
    /// A place, from now on told everything. `None`: there are too many already, or the feed is closed.
    pub(super) fn register(&self) -> Option<Place> {
        let mut places = self.places();
        if places.closed || places.listeners.len() >= MOST {
            return None;
        }
        let id = places.next;
        places.next += 1;
        let ((sender, told), (ending, over)) = (mpsc::channel(BUFFER), oneshot::channel());
        places.listeners.insert(id, Listener { sender, patience: PATIENCE, _over: ending });
        drop(places);
        self.came.notify_one();
        Some(Place { id, hub: self.clone(), told, over })
    }

    /// Tells everybody. Who has no room is waited for, until that has taken a second in total, then dropped, and comes back
    /// to read everything anew.
    pub(super) async fn tell(&self, piece: &Piece) {
        let waiting = self.tell_who_has_room(piece).into_iter().map(|(id, sender, patience)| async move {
            let began = Instant::now();
            let in_time = timeout(patience, sender.send(piece.clone())).await.is_ok();
            self.waited_for(id, began.elapsed(), in_time);
        });
        join_all(waiting).await;
    }

    /// Gives those who have none, and how long each of them is waited for.
    fn tell_who_has_room(&self, piece: &Piece) -> Vec<(u64, mpsc::Sender<Piece>, Duration)> {
        let (mut places, mut full) = (self.places(), Vec::new());
        for (id, listener) in &mut places.listeners {
            listener.patience = (listener.patience + WON_BACK).min(PATIENCE);
            if let Err(mpsc::error::TrySendError::Full(_)) = listener.sender.try_send(piece.clone()) {
                full.push((*id, listener.sender.clone(), listener.patience));
            }
        }
        full
    }

    fn waited_for(&self, id: u64, time: Duration, in_time: bool) {
        let mut places = self.places();
        if !in_time && places.listeners.remove(&id).is_some() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(
                "a follower of the revocation feed reads too slowly; it is dropped, and may come back"
            );
        } else if let Some(listener) = places.listeners.get_mut(&id) {
            listener.patience = listener.patience.saturating_sub(time);
        }
    }

    /// Waits until somebody subscribes.
    pub(super) async fn somebody(&self) {
        while self.places().listeners.is_empty() {
            self.came.notified().await;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places().listeners.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends all that subscribe now.
    pub(super) fn send_away(&self) {
        self.places().listeners.clear();
    }

    /// Ends all that subscribe, and lets nobody subscribe any more.
    pub(super) fn close(&self) {
        let mut places = self.places();
        places.closed = true;
        places.listeners.clear();
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.places().listeners.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;

    use super::*;

    const PIECE: Piece = Bytes::from_static(b"event: x\n\n");

    #[actix_web::test]
    async fn who_does_not_read_is_dropped_and_nobody_else_misses_anything() {
        let hub = Hub::default();
        let (mut reading, mut silent) = (hub.register().unwrap(), hub.register().unwrap());
        let pieces = BUFFER + 10;
        let telling = async {
            for _ in 0..pieces {
                hub.tell(&PIECE).await;
            }
        };
        let listening = async {
            for _ in 0..pieces {
                assert_eq!(reading.told.recv().await, Some(PIECE));
            }
        };
        tokio::join!(telling, listening);
        assert_eq!(hub.len(), 1);
        for _ in 0..BUFFER {
            assert_eq!(silent.told.recv().await, Some(PIECE));
        }
        assert_eq!(silent.told.recv().await, None, "its stream is over");
        drop(silent);
        drop(reading);
        assert_eq!(hub.len(), 0);
    }

    /// Each piece is taken just in time, as one piece goes.
    #[actix_web::test]
    async fn who_reads_slowly_all_the_time_holds_up_the_others_for_a_second_and_no_longer() {
        let hub = Hub::default();
        let (mut quick, mut slow) = (hub.register().unwrap(), hub.register().unwrap());
        let pieces = BUFFER + 4;
        let telling = async {
            for _ in 0..pieces {
                hub.tell(&PIECE).await;
            }
        };
        let listening = async { while quick.told.recv().await.is_some() {} };
        let reading_slowly = async {
            loop {
                tokio::time::sleep(PATIENCE * 9 / 10).await;
                if slow.told.recv().await.is_none() {
                    return;
                }
            }
        };
        tokio::select! {
            () = telling => {}
            () = listening => panic!("the quick one was dropped"),
            () = reading_slowly => panic!("its stream ends after all that waited for it"),
        }
        assert_eq!((hub.len(), hub.dropped()), (1, 1), "the slow one is waited for without end");
    }

    #[actix_web::test]
    async fn who_is_a_little_slow_is_waited_for_all_the_time() {
        let hub = Hub::default();
        let mut slow = hub.register().unwrap();
        let id = slow.id;
        for _ in 0..BUFFER {
            hub.tell(&PIECE).await;
        }
        for _ in 0..1_000 {
            let (full, _, patience) = hub.tell_who_has_room(&PIECE).remove(0);
            assert!(full == id && patience == PATIENCE);
            hub.waited_for(id, WON_BACK, true);
        }
        assert_eq!(hub.len(), 1);
        hub.waited_for(id, PATIENCE, true);
        let (_, _, patience) = hub.tell_who_has_room(&PIECE).remove(0);
        assert_eq!(patience, WON_BACK, "what was used up is won back by and by");
        assert!(slow.told.recv().await.is_some());
    }

    #[actix_web::test]
    async fn a_place_is_free_again_when_its_follower_leaves_and_none_is_given_without_end() {
        let hub = Hub::default();
        let mut places: Vec<Place> = (0..MOST).map(|_| hub.register().unwrap()).collect();
        assert!(hub.register().is_none());
        places.pop();
        assert!(hub.register().is_some());
    }

    #[actix_web::test]
    async fn closing_ends_all_and_lets_nobody_in() {
        let hub = Hub::default();
        let mut place = hub.register().unwrap();
        hub.close();
        assert_eq!(place.told.recv().await, None);
        assert!(hub.register().is_none());
    }
}
