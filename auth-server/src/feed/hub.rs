//! Who is to be told, each with a buffer that is bounded.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::events::Piece;

/// So many pieces wait for a subscriber: one for each time that the tail found something new.
const BUFFER: usize = 64;

/// No more may follow at the same time.
const MOST: usize = 4_096;

/// So long all others wait for those whose buffers are full, before these are dropped.
const PATIENCE: Duration = Duration::from_secs(1);

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
    senders: HashMap<u64, mpsc::Sender<Piece>>,
    closed: bool,
}

/// A subscriber's place. It is free again when this is dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    hub: Hub,
    /// What it is told. Ends when the subscriber was too slow, or the feed is closed.
    pub(super) told: mpsc::Receiver<Piece>,
}

impl Hub {
    /// A place, from now on told everything. `None`: there are too many already, or the feed is closed.
    pub(super) fn register(&self) -> Option<Place> {
        let mut places = self.places();
        if places.closed || places.senders.len() >= MOST {
            return None;
        }
        let id = places.next;
        places.next += 1;
        let (sender, told) = mpsc::channel(BUFFER);
        places.senders.insert(id, sender);
        drop(places);
        self.came.notify_one();
        Some(Place { id, hub: self.clone(), told })
    }

    /// Tells everybody. Who has no room within a second is dropped, and comes back to read everything anew.
    pub(super) async fn tell(&self, piece: &Piece) {
        let full: Vec<(u64, mpsc::Sender<Piece>)> = {
            let places = self.places();
            let full = places.senders.iter().filter(|(_, sender)| {
                matches!(sender.try_send(piece.clone()), Err(mpsc::error::TrySendError::Full(_)))
            });
            full.map(|(id, sender)| (*id, sender.clone())).collect()
        };
        let waiting = full.into_iter().map(|(id, sender)| async move {
            if timeout(PATIENCE, sender.send(piece.clone())).await.is_err() {
                self.places().senders.remove(&id);
                self.dropped.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    "a follower of the revocation feed reads too slowly; it is dropped, and may come back"
                );
            }
        });
        join_all(waiting).await;
    }

    /// Waits until somebody subscribes.
    pub(super) async fn somebody(&self) {
        while self.places().senders.is_empty() {
            self.came.notified().await;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.places().senders.len()
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Ends all that subscribe now.
    pub(super) fn send_away(&self) {
        self.places().senders.clear();
    }

    /// Ends all that subscribe, and lets nobody subscribe any more.
    pub(super) fn close(&self) {
        let mut places = self.places();
        places.closed = true;
        places.senders.clear();
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.hub.places().senders.remove(&self.id);
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
