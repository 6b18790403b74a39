//! The revocation feed: what ended, told to every service that follows, within moments of the commit.
//!
//! One tail reads the database and hands what is new to the hub; the hub hands it to every subscriber. A subscriber is
//! registered first, waits until the tail has read since then, and only then reads all that is live by itself: whatever is
//! committed after that read, the tail has before it. So nothing falls between the two, and some things come twice, which
//! costs a follower nothing.

mod events;
mod hub;
mod line;
mod pulse;
mod subscriber;
mod tail;

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_store::Store;
use goptri::revocation::HEARTBEAT_INTERVAL;
use tokio::sync::{Notify, Semaphore, mpsc};

pub(crate) use events::entry;
use hub::Hub;
pub(crate) use line::Line;
use pulse::Pulse;
use subscriber::{FIRST_READ_WITHIN, Subscriber};
use tail::Tail;

/// So many pieces of a stream wait for a client that reads slowly; the rest waits in the subscriber's own buffer.
const PIECES: usize = 4;

/// So many subscribers read all that is live at the same time; the others wait for their turn.
const SNAPSHOTS_AT_ONCE: usize = 4;

/// The feed of one server. Clones are the same feed.
#[derive(Clone)]
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    hub: Hub,
    pulse: Pulse,
    snapshots: Arc<Semaphore>,
    keys_changed: Arc<Notify>,
}

impl Feed {
    /// Nobody subscribes yet.
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            hub: Hub::default(),
            pulse: Pulse::new(),
            snapshots: Arc::new(Semaphore::new(SNAPSHOTS_AT_ONCE)),
            keys_changed: Arc::default(),
        }
    }

    /// Follows the database, and passes on what else there is to tell, for as long as the server runs.
    pub(crate) async fn run(self) {
        let hub = self.hub.clone();
        let tell_of_keys = async {
            loop {
                self.keys_changed.notified().await;
                hub.tell(&events::keys()).await;
            }
        };
        tokio::join!(Tail::new(self.store, self.hub, self.pulse).run(), tell_of_keys);
    }

    /// Tells every follower that the ring of keys has changed.
    pub(crate) fn keys_changed(&self) {
        self.keys_changed.notify_one();
    }

    /// Ends every stream; whoever may, comes back.
    pub(crate) fn send_away(&self) {
        self.hub.send_away();
    }

    /// A stream of events for one follower. `None`: there are too many already, or the server is stopping.
    ///
    /// It ends when its receiver is dropped, when its client is too slow, and when the feed is closed. If its client takes
    /// nothing then, the line is cut.
    pub(crate) fn subscribe(&self, line: Line) -> Option<mpsc::Receiver<events::Piece>> {
        let place = self.hub.register()?;
        let (sender, receiver) = mpsc::channel(PIECES);
        let subscriber = Subscriber {
            store: Arc::clone(&self.store),
            pulse: self.pulse.clone(),
            snapshots: Arc::clone(&self.snapshots),
            place,
            client: sender,
            line,
            first_read_within: FIRST_READ_WITHIN,
            next_beat: Instant::now() + HEARTBEAT_INTERVAL,
        };
        actix_web::rt::spawn(subscriber.run());
        Some(receiver)
    }

    /// Ends every stream; there are no more from now on.
    pub(crate) fn close(&self) {
        self.hub.close();
    }

    /// How long ago the tail last read successfully. `None`: not yet, or nobody subscribes.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.pulse.age()
    }

    /// How many were too slow, and were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.hub.dropped()
    }

    /// How many follow.
    pub(crate) fn subscribers(&self) -> usize {
        self.hub.len()
    }
}
