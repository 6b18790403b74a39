//! One subscriber's stream: all live entries, then `caught-up`, then new entries; heartbeats throughout.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use auth_store::{Store, StoreError};
use goptri::revocation::{HEARTBEAT_INTERVAL, Heartbeat};
use goptri_server::ConnectionHandle;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, timeout};

use super::broadcaster::Subscription;
use super::events::{self, SseChunk};
use super::tail_health::TailHealth;

/// Entries per statement.
const PAGE_SIZE: u32 = 1_000;

/// A client that reads nothing for this long is disconnected.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a client may take to read the rest of a stream that has ended.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A subscriber whose server cannot read its database for this long is disconnected: another server may be able to.
pub(super) const FIRST_READ_TIMEOUT: Duration = Duration::from_mins(1);

/// Sends one client its stream.
pub(super) struct Subscriber {
    pub(super) store: Arc<dyn Store>,
    pub(super) health: TailHealth,
    /// Limits the subscribers that read all live entries at the same time.
    pub(super) snapshots: Arc<Semaphore>,
    pub(super) subscription: Subscription,
    pub(super) client: mpsc::Sender<SseChunk>,
    pub(super) connection: ConnectionHandle,
    /// [`FIRST_READ_TIMEOUT`], except in tests.
    pub(super) first_read_timeout: Duration,
    /// When the next heartbeat is due, on the clock of `health`.
    pub(super) next_heartbeat: Duration,
}

/// Why a stream has ended.
enum StreamEnd {
    /// The client has closed the connection.
    ClientGone,
    /// The client has read nothing for [`SEND_TIMEOUT`], or until the feed was closed.
    ClientStalled,
    /// The subscription has ended: the feed is closed, or the client was too slow.
    Unsubscribed,
    /// The database could not be read.
    Store(StoreError),
    /// The tail has read nothing for [`FIRST_READ_TIMEOUT`].
    NeverRead,
}

impl Subscriber {
    /// Runs until the stream ends. Its client reconnects and reads everything again.
    pub(super) async fn run(mut self) {
        let Err(end) = self.stream().await;
        match end {
            StreamEnd::ClientGone => {}
            StreamEnd::Unsubscribed => self.drain().await,
            StreamEnd::ClientStalled => self.connection.shutdown(),
            StreamEnd::NeverRead => {
                tracing::warn!(
                    "revocation feed: disconnected a subscriber, since the database was not read for a minute"
                );
            }
            StreamEnd::Store(error) => {
                tracing::warn!(%error, "revocation feed: cannot read the live entries for a subscriber; it may reconnect");
            }
        }
    }

    /// Ends the stream, and closes the connection if its client does not read the rest.
    async fn drain(self) {
        let Self { client, connection, .. } = self;
        drop(client);
        sleep(DRAIN_TIMEOUT).await;
        connection.shutdown();
    }

    async fn stream(&mut self) -> Result<Infallible, StreamEnd> {
        // A follower measures the delay of later events, `caught-up` included, against this one.
        self.send_with_heartbeat(events::heartbeat).await?;
        // The order makes the feed complete: the subscription began before this point, and the tail reads before the
        // snapshot does.
        let (health, registered) = (self.health.clone(), self.health.now());
        let read = timeout(self.first_read_timeout, health.wait_for_read(registered));
        self.drive_while(read).await?.map_err(|_| StreamEnd::NeverRead)?;
        self.send_live_entries().await?;
        self.send_with_heartbeat(events::caught_up).await?;
        self.drive_while(pending()).await
    }

    /// Sends `heartbeat` or `caught-up` with a new heartbeat. It promises that every entry known when it was made has
    /// been sent. So the buffer is sent first, and a stream that has lost an entry sends no heartbeat.
    async fn send_with_heartbeat(&mut self, event: impl Fn(Heartbeat) -> SseChunk) -> Result<(), StreamEnd> {
        let heartbeat = self.health.heartbeat();
        self.next_heartbeat = self.health.now() + HEARTBEAT_INTERVAL;
        self.send_buffered().await?;
        self.send(event(heartbeat)).await
    }

    async fn send_buffered(&mut self) -> Result<(), StreamEnd> {
        loop {
            match self.subscription.chunks.try_recv() {
                Ok(chunk) => self.send(chunk).await?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(StreamEnd::Unsubscribed),
            }
        }
    }

    /// Sends page after page, with new entries in between: the order of entries means nothing. The permit is held only
    /// while reading, so that a slow client delays no other.
    async fn send_live_entries(&mut self) -> Result<(), StreamEnd> {
        let (snapshots, store) = (Arc::clone(&self.snapshots), Arc::clone(&self.store));
        let mut cursor = None;
        loop {
            let permit = self.drive_while(snapshots.acquire()).await?;
            let page = store.read_revocations(cursor.as_ref(), PAGE_SIZE).await.map_err(StreamEnd::Store)?;
            drop(permit);
            for chunk in events::revocations(page.entries, page.now) {
                self.send(chunk).await?;
            }
            self.send_buffered().await?;
            if !page.more {
                return Ok(());
            }
            cursor = Some(page.next);
        }
    }

    /// Sends new entries and heartbeats until `future` completes.
    async fn drive_while<T>(&mut self, future: impl Future<Output = T>) -> Result<T, StreamEnd> {
        let mut future = pin!(future);
        let client = self.client.clone();
        loop {
            let until_heartbeat = self.next_heartbeat.saturating_sub(self.health.now());
            tokio::select! {
                biased;
                chunk = self.subscription.chunks.recv() => {
                    let chunk = chunk.ok_or(StreamEnd::Unsubscribed)?;
                    self.send(chunk).await?;
                }
                output = &mut future => return Ok(output),
                () = client.closed() => return Err(StreamEnd::ClientGone),
                () = sleep(until_heartbeat) => self.send_with_heartbeat(events::heartbeat).await?,
            }
        }
    }

    async fn send(&mut self, chunk: SseChunk) -> Result<(), StreamEnd> {
        let sent = tokio::select! {
            biased;
            sent = timeout(SEND_TIMEOUT, self.client.send(chunk)) => sent,
            _ = &mut self.subscription.ended => return Err(StreamEnd::ClientStalled),
        };
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(StreamEnd::ClientGone),
            Err(_) => Err(StreamEnd::ClientStalled),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use actix_web::web::Bytes;
    use goptri::clock::SystemClock;
    use goptri::revocation::{MonotonicClock, SystemMonotonicClock};
    use store_sqlite::SqliteStore;

    use super::super::broadcaster::Broadcaster;
    use super::*;

    const CHUNK: SseChunk = Bytes::from_static(b"event: revocations\n\n");

    /// A subscriber of a feed whose tail never reads, and the client's end of its stream.
    fn subscriber() -> (Broadcaster, Subscriber, mpsc::Receiver<SseChunk>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("goptri.db").display());
        let (client, received) = mpsc::channel(8);
        let clock: Arc<dyn MonotonicClock> = Arc::new(SystemMonotonicClock::default());
        let broadcaster = Broadcaster::new(Arc::clone(&clock));
        let subscriber = Subscriber {
            store: Arc::new(SqliteStore::connect(&url, Arc::new(SystemClock)).unwrap()),
            health: TailHealth::new(clock),
            snapshots: Arc::new(Semaphore::new(1)),
            subscription: broadcaster.register().unwrap(),
            client,
            connection: ConnectionHandle::default(),
            first_read_timeout: Duration::ZERO,
            next_heartbeat: HEARTBEAT_INTERVAL,
        };
        (broadcaster, subscriber, received, folder)
    }

    #[actix_web::test]
    async fn no_heartbeat_overtakes_a_buffered_entry() {
        let (broadcaster, mut subscriber, mut received, _folder) = subscriber();
        broadcaster.broadcast(&CHUNK).await;
        broadcaster.broadcast(&CHUNK).await;
        assert!(subscriber.send_with_heartbeat(events::heartbeat).await.is_ok());
        assert_eq!((received.recv().await, received.recv().await), (Some(CHUNK), Some(CHUNK)));
        assert!(received.recv().await.unwrap().starts_with(b"event: heartbeat"));
    }

    #[actix_web::test]
    async fn while_the_database_cannot_be_read_a_subscriber_gets_a_heartbeat_and_is_disconnected() {
        let (broadcaster, subscriber, mut received, _folder) = subscriber();
        subscriber.run().await;
        assert!(received.recv().await.unwrap().starts_with(b"event: heartbeat"));
        assert_eq!((received.recv().await, broadcaster.len()), (None, 0), "and never `caught-up`");
    }

    #[actix_web::test]
    async fn a_client_that_reads_nothing_does_not_delay_the_end_of_the_feed() {
        let (broadcaster, mut subscriber, _received, _folder) = subscriber();
        while subscriber.client.capacity() > 0 {
            assert!(subscriber.send(CHUNK).await.is_ok());
        }
        let closing = async {
            tokio::task::yield_now().await;
            broadcaster.close();
        };
        #[expect(clippy::disallowed_methods, reason = "the test measures real time")]
        let start = Instant::now();
        let (sent, ()) = tokio::join!(subscriber.send(CHUNK), closing);
        assert!(matches!(sent, Err(StreamEnd::ClientStalled)));
        assert!(start.elapsed() < SEND_TIMEOUT / 2, "it waited for the client");
    }

    #[actix_web::test]
    async fn a_stream_that_has_lost_an_entry_never_sends_caught_up() {
        let (broadcaster, mut subscriber, mut received, _folder) = subscriber();
        broadcaster.broadcast(&CHUNK).await;
        broadcaster.close();
        assert!(matches!(
            subscriber.send_with_heartbeat(events::caught_up).await,
            Err(StreamEnd::Unsubscribed)
        ));
        drop(subscriber);
        assert!(received.recv().await.unwrap().starts_with(b"event: revocations"));
        assert_eq!(received.recv().await, None);
    }
}
