//! One follower's stream: all that is live, then `caught-up`, then what is new, with heartbeats.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth_domain::store::{Store, StoreError};
use goptri::revocation::HEARTBEAT_EVERY;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{MissedTickBehavior, interval_at, timeout};

use super::events::{self, Piece};
use super::hub::Place;
use super::pulse::Pulse;

/// So many entries are read in one statement.
const PAGE: u32 = 1_000;

/// A client that takes nothing for so long is gone, whether or not anybody has noticed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A follower, from its registration on.
pub(super) struct Subscriber {
    pub(super) store: Arc<dyn Store>,
    pub(super) pulse: Pulse,
    pub(super) snapshots: Arc<Semaphore>,
    pub(super) place: Place,
    pub(super) client: mpsc::Sender<Piece>,
}

/// The stream is over.
enum Over {
    /// The client is gone, or takes nothing.
    Client,
    /// The feed is closed, or the client was too slow.
    Feed,
    /// The database could not be read.
    Store(StoreError),
}

impl Subscriber {
    /// Until the stream is over, for whatever reason. The client comes back and reads everything anew.
    pub(super) async fn run(mut self) {
        match self.tell_everything().await {
            Ok(()) | Err(Over::Client | Over::Feed) => {}
            Err(Over::Store(error)) => {
                tracing::warn!(%error, "a follower of the revocation feed could not be told what is live; it may come back");
            }
        }
    }

    async fn tell_everything(&mut self) -> Result<(), Over> {
        // The order is what makes the feed whole: registered before this began, and the tail at work before the snapshot.
        let (pulse, registered) = (self.pulse.clone(), Instant::now());
        self.meanwhile(pulse.read_since(registered)).await?;
        self.tell_what_is_live().await?;
        self.tell(events::caught_up(self.pulse.beat())).await?;
        let mut heartbeats = interval_at((Instant::now() + HEARTBEAT_EVERY).into(), HEARTBEAT_EVERY);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.meanwhile(heartbeats.tick()).await?;
            self.tell(events::heartbeat(self.pulse.beat())).await?;
        }
    }

    /// Page by page. What is new meanwhile is told in between: in a set, no order matters.
    async fn tell_what_is_live(&mut self) -> Result<(), Over> {
        let (snapshots, store) = (Arc::clone(&self.snapshots), Arc::clone(&self.store));
        let _turn = self.meanwhile(snapshots.acquire()).await?;
        let mut cursor = None;
        loop {
            let page = self.meanwhile(store.read_revocations(cursor.as_ref(), PAGE)).await?;
            let page = page.map_err(Over::Store)?;
            for piece in events::revocations(page.entries, page.now) {
                self.tell(piece).await?;
            }
            if !page.more {
                return Ok(());
            }
            cursor = Some(page.next);
        }
    }

    /// Waits for something, and tells what is new until then.
    async fn meanwhile<T>(&mut self, something: impl Future<Output = T>) -> Result<T, Over> {
        let mut something = pin!(something);
        let client = self.client.clone();
        loop {
            tokio::select! {
                piece = self.place.told.recv() => {
                    let piece = piece.ok_or(Over::Feed)?;
                    self.tell(piece).await?;
                }
                done = &mut something => return Ok(done),
                () = client.closed() => return Err(Over::Client),
            }
        }
    }

    async fn tell(&self, piece: Piece) -> Result<(), Over> {
        match timeout(PATIENCE, self.client.send(piece)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Over::Client),
        }
    }
}
