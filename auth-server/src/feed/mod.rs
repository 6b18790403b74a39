//! The revocation feed: sends each entry to every follower within moments of its commit.
//!
//! One tail reads the database and gives new entries to the broadcaster, which sends them to every subscriber. A
//! subscriber registers, waits until the tail has read since then, and only then reads all live entries itself. The
//! tail gets whatever is committed after that read. So no entry is lost; some arrive twice, which a follower's set
//! absorbs.

mod broadcaster;
mod events;
mod seen;
mod subscriber;
mod tail;
mod tail_health;

use std::sync::Arc;
use std::time::Duration;

use auth_store::Store;
use goptri::revocation::{HEARTBEAT_INTERVAL, MonotonicClock};
use goptri_server::{ClientAddress, ConnectionHandle, LineLimit};
use tokio::sync::{Notify, Semaphore, mpsc};

use broadcaster::Broadcaster;
pub(crate) use events::entry;
use subscriber::{FIRST_READ_TIMEOUT, Subscriber};
use tail::Tail;
use tail_health::TailHealth;

/// Chunks between a subscriber and its connection. While a client is slow, the subscription's own buffer fills up.
const CLIENT_BUFFER: usize = 4;

/// A follower with a wrong secret retries every second or two. The log gets one line per interval.
const WRONG_SECRET_INTERVAL: Duration = Duration::from_mins(1);

/// The most subscribers that read all live entries at the same time.
const MAX_SNAPSHOTS: usize = 4;

/// The feed of one server. Clones share its state.
#[derive(Clone)]
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    broadcaster: Broadcaster,
    health: TailHealth,
    snapshots: Arc<Semaphore>,
    keys_changed: Arc<Notify>,
    wrong_secrets: Arc<LineLimit>,
}

impl Feed {
    /// A feed without subscribers. It sends entries once it [runs](Self::run).
    pub(crate) fn new(store: Arc<dyn Store>, clock: Arc<dyn MonotonicClock>) -> Self {
        Self {
            store,
            broadcaster: Broadcaster::new(Arc::clone(&clock)),
            health: TailHealth::new(clock),
            snapshots: Arc::new(Semaphore::new(MAX_SNAPSHOTS)),
            keys_changed: Arc::default(),
            wrong_secrets: Arc::new(LineLimit::new(1, WRONG_SECRET_INTERVAL)),
        }
    }

    /// Broadcasts entries. Never returns.
    pub(crate) async fn run(self) {
        Tail::new(self.store, self.broadcaster, self.health).run().await;
    }

    /// Broadcasts key changes. Never returns.
    pub(crate) async fn announce_keys(self) {
        loop {
            self.keys_changed.notified().await;
            self.broadcaster.broadcast(&events::keys()).await;
        }
    }

    /// Notifies every subscriber that the published keys have changed.
    pub(crate) fn keys_changed(&self) {
        self.keys_changed.notify_one();
    }

    /// Logs that a client has presented a wrong secret, at most once a minute.
    pub(crate) fn log_wrong_secret(&self, client: ClientAddress) {
        if self.wrong_secrets.permits(self.health.now()) {
            let left_out = self.wrong_secrets.take_left_out();
            tracing::warn!(%client, left_out, "revocation feed: rejected a secret that is not in FEED_SECRET");
        }
    }

    /// Ends every stream. Clients whose secret is still accepted may reconnect.
    pub(crate) fn disconnect_all(&self) {
        self.broadcaster.disconnect_all();
    }

    /// A stream of events for one client. `None`: there are too many subscribers, or the server is stopping.
    ///
    /// It ends when the receiver is dropped, when its client reads too slowly, and when the feed is closed. A client
    /// that then reads nothing is disconnected through `connection`.
    pub(crate) fn subscribe(&self, connection: ConnectionHandle) -> Option<mpsc::Receiver<events::SseChunk>> {
        let subscription = self.broadcaster.register()?;
        let (client, receiver) = mpsc::channel(CLIENT_BUFFER);
        let subscriber = Subscriber {
            store: Arc::clone(&self.store),
            health: self.health.clone(),
            snapshots: Arc::clone(&self.snapshots),
            subscription,
            client,
            connection,
            first_read_timeout: FIRST_READ_TIMEOUT,
            next_heartbeat: self.health.now() + HEARTBEAT_INTERVAL,
        };
        actix_web::rt::spawn(subscriber.run());
        Some(receiver)
    }

    /// Ends every stream, and accepts no new ones.
    pub(crate) fn close(&self) {
        self.broadcaster.close();
    }

    /// Time since the tail's last successful read. `None`: there was none since the first current subscriber
    /// registered.
    pub(crate) fn age(&self) -> Option<Duration> {
        self.health.age()
    }

    /// The nodes of a distributed database that the tail cannot read now. Subscribers miss the entries of these nodes.
    pub(crate) fn unread_nodes(&self) -> Vec<String> {
        self.health.unread_nodes()
    }

    /// How many subscribers were dropped since the start, because they read too slowly.
    pub(crate) fn dropped(&self) -> u64 {
        self.broadcaster.dropped()
    }

    /// How many clients subscribe now.
    pub(crate) fn subscribers(&self) -> usize {
        self.broadcaster.len()
    }
}
