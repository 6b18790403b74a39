//! One follower's stream: all that is live, then `caught-up`, then what is new, with heartbeats from the beginning on.

use std::convert::Infallible;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_store::{Store, StoreError};
use goptri::revocation::{HEARTBEAT_INTERVAL, Heartbeat};
use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{sleep, sleep_until, timeout};

use super::events::{self, Piece};
use super::hub::Place;
use super::line::Line;
use super::pulse::Pulse;

/// So many entries are read in one statement.
const PAGE: u32 = 1_000;

/// A client that takes nothing for so long is gone, whether or not anybody has noticed.
const PATIENCE: Duration = Duration::from_secs(30);

/// So long a client has to take the rest of a stream that is over.
const TO_TAKE_THE_REST: Duration = Duration::from_secs(1);

/// A follower that is told nothing for so long, as the database cannot be read, is sent away: it may find another server
/// that can.
pub(super) const FIRST_READ_WITHIN: Duration = Duration::from_mins(1);

/// A follower, from its registration on.
pub(super) struct Subscriber {
    pub(super) store: Arc<dyn Store>,
    pub(super) pulse: Pulse,
    pub(super) snapshots: Arc<Semaphore>,
    pub(super) place: Place,
    pub(super) client: mpsc::Sender<Piece>,
    pub(super) line: Line,
    /// Always [`FIRST_READ_WITHIN`] but in tests.
    pub(super) first_read_within: Duration,
    /// When a heartbeat is due.
    pub(super) next_beat: Instant,
}

/// The stream is over.
enum Over {
    /// The client is gone.
    Client,
    /// The client takes nothing, and has not for a long time, or there is no more time.
    Stuck,
    /// The feed is closed, or the client was too slow.
    Feed,
    /// The database could not be read.
    Store(StoreError),
    /// And has not been since the client came.
    Unread,
}

impl Subscriber {
    /// Until the stream is over, for whatever reason. The client comes back and reads everything anew.
    pub(super) async fn run(mut self) {
        let Err(over) = self.tell_everything().await;
        match over {
            Over::Client => {}
            Over::Feed => self.hang_up_in_the_end().await,
            Over::Stuck => self.line.hang_up(),
            Over::Unread => {
                tracing::warn!(
                    "a follower of the revocation feed is sent away, as the database was not read since it came"
                );
            }
            Over::Store(error) => {
                tracing::warn!(%error, "a follower of the revocation feed could not be told what is live; it may come back");
            }
        }
    }

    /// The stream ends by itself, unless its client takes nothing.
    async fn hang_up_in_the_end(self) {
        let Self { client, line, .. } = self;
        drop(client);
        sleep(TO_TAKE_THE_REST).await;
        line.hang_up();
    }

    async fn tell_everything(&mut self) -> Result<Infallible, Over> {
        // By this one, a follower sees how late the others come: `caught-up` too.
        self.tell_beat(events::heartbeat).await?;
        // The order is what makes the feed whole: registered before this began, and the tail at work before the snapshot.
        let (pulse, registered) = (self.pulse.clone(), Instant::now());
        let read = timeout(self.first_read_within, pulse.read_since(registered));
        self.meanwhile(read).await?.map_err(|_| Over::Unread)?;
        self.tell_what_is_live().await?;
        self.tell_beat(events::caught_up).await?;
        self.meanwhile(pending()).await
    }

    /// A beat says that everything is told that was known when it was made. So what waits in the buffer goes first, and a
    /// stream that has lost something never says so.
    async fn tell_beat(&mut self, event: impl Fn(Heartbeat) -> Piece) -> Result<(), Over> {
        let beat = self.pulse.beat();
        self.next_beat = Instant::now() + HEARTBEAT_INTERVAL;
        self.tell_what_waits().await?;
        self.tell(event(beat)).await
    }

    async fn tell_what_waits(&mut self) -> Result<(), Over> {
        loop {
            match self.place.told.try_recv() {
                Ok(piece) => self.tell(piece).await?,
                Err(TryRecvError::Empty) => return Ok(()),
                Err(TryRecvError::Disconnected) => return Err(Over::Feed),
            }
        }
    }

    /// Page by page. What is new meanwhile is told in between: in a set, no order matters. Only reading takes a turn, so
    /// that a client who is slow holds up nobody else: nothing is told, and nothing beats, until the page is there.
    async fn tell_what_is_live(&mut self) -> Result<(), Over> {
        let (snapshots, store) = (Arc::clone(&self.snapshots), Arc::clone(&self.store));
        let mut cursor = None;
        loop {
            let turn = self.meanwhile(snapshots.acquire()).await?;
            let page = store.read_revocations(cursor.as_ref(), PAGE).await.map_err(Over::Store)?;
            drop(turn);
            for piece in events::revocations(page.entries, page.now) {
                self.tell(piece).await?;
            }
            self.tell_what_waits().await?;
            if !page.more {
                return Ok(());
            }
            cursor = Some(page.next);
        }
    }

    /// Waits for something, and tells what is new until then, and beats.
    async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> Result<T, Over> {
        let mut something = pin!(something);
        let client = self.client.clone();
        loop {
            let next_beat = self.next_beat;
            tokio::select! {
                biased;
                piece = self.place.told.recv() => {
                    let piece = piece.ok_or(Over::Feed)?;
                    self.tell(piece).await?;
                }
                done = &mut something => return Ok(done),
                () = client.closed() => return Err(Over::Client),
                () = sleep_until(next_beat.into()) => self.tell_beat(events::heartbeat).await?,
            }
        }
    }

    async fn tell(&mut self, piece: Piece) -> Result<(), Over> {
        let sent = tokio::select! {
            biased;
            sent = timeout(PATIENCE, self.client.send(piece)) => sent,
            _ = &mut self.place.over => return Err(Over::Stuck),
        };
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Over::Client),
            Err(_) => Err(Over::Stuck),
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::web::Bytes;
    use goptri::SystemClock;
    use store_sqlite::SqliteStore;

    use super::super::hub::Hub;
    use super::*;

    fn subscriber(hub: &Hub) -> (Subscriber, mpsc::Receiver<Piece>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("goptri.db").display());
        let (client, heard) = mpsc::channel(8);
        let subscriber = Subscriber {
            store: Arc::new(SqliteStore::connect(&url, Arc::new(SystemClock)).unwrap()),
            pulse: Pulse::new(),
            snapshots: Arc::new(Semaphore::new(1)),
            place: hub.register().unwrap(),
            client,
            line: Line::default(),
            first_read_within: Duration::ZERO,
            next_beat: Instant::now() + HEARTBEAT_INTERVAL,
        };
        (subscriber, heard, folder)
    }

    #[actix_web::test]
    async fn no_beat_overtakes_what_waits() {
        let hub = Hub::default();
        let (mut subscriber, mut heard, _folder) = subscriber(&hub);
        let piece = Bytes::from_static(b"event: revocations\n\n");
        hub.tell(&piece).await;
        hub.tell(&piece).await;
        assert!(subscriber.tell_beat(events::heartbeat).await.is_ok());
        assert_eq!((heard.recv().await, heard.recv().await), (Some(piece.clone()), Some(piece)));
        assert!(heard.recv().await.unwrap().starts_with(b"event: heartbeat"));
    }

    #[actix_web::test]
    async fn who_cannot_be_told_what_is_live_hears_a_beat_is_sent_away_and_never_hears_that_it_has_caught_up()
    {
        let hub = Hub::default();
        let (subscriber, mut heard, _folder) = subscriber(&hub);
        // Nobody reads the database.
        subscriber.run().await;
        assert!(heard.recv().await.unwrap().starts_with(b"event: heartbeat"));
        assert_eq!((heard.recv().await, hub.len()), (None, 0));
    }

    #[actix_web::test]
    async fn a_client_that_takes_nothing_does_not_hold_up_the_end_of_the_feed() {
        let hub = Hub::default();
        let (mut subscriber, _heard, _folder) = subscriber(&hub);
        let piece = Bytes::from_static(b"event: revocations\n\n");
        while subscriber.client.capacity() > 0 {
            assert!(subscriber.tell(piece.clone()).await.is_ok());
        }
        let closing = async {
            tokio::task::yield_now().await;
            hub.close();
        };
        let began = Instant::now();
        let (told, ()) = tokio::join!(subscriber.tell(piece), closing);
        assert!(matches!(told, Err(Over::Stuck)) && began.elapsed() < PATIENCE / 2, "it was waited for");
    }

    #[actix_web::test]
    async fn a_stream_that_has_lost_something_never_says_that_it_has_caught_up() {
        let hub = Hub::default();
        let (mut subscriber, mut heard, _folder) = subscriber(&hub);
        hub.tell(&Bytes::from_static(b"event: revocations\n\n")).await;
        hub.close();
        assert!(matches!(subscriber.tell_beat(events::caught_up).await, Err(Over::Feed)));
        drop(subscriber);
        assert!(heard.recv().await.unwrap().starts_with(b"event: revocations"));
        assert_eq!(heard.recv().await, None);
    }
}
