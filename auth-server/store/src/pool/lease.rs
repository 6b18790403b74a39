//! A permit to use one connection of a pool, and the connection once there is one.

use std::fmt;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::slots::{Held, Slots};
use super::{Connector, Fate, PING_TIMEOUT, Pool, PoolError, VERB_TIMEOUT};

/// Returns the connection of a cancelled verb to the pool, once it has completed what it was doing.
pub(super) struct Lease<C: Connector> {
    held: Option<Held<C::Connection>>,
    // Fields drop in this order: the connection is idle before the permit is free.
    permit: Option<OwnedSemaphorePermit>,
    pool: Pool<C>,
}

impl<C: Connector> Lease<C> {
    pub(super) fn new(pool: Pool<C>, permit: OwnedSemaphorePermit) -> Self {
        Self { held: None, permit: Some(permit), pool }
    }

    /// Takes an idle connection. Returns how long it was idle; `None`: there is none.
    pub(super) fn take_idle(&mut self) -> Option<Duration> {
        let (held, idle_for) = self.pool.slots(Slots::take)?;
        self.held = Some(held);
        Some(idle_for)
    }

    /// Opens a connection.
    pub(super) async fn connect(&mut self, limit: Duration) -> Result<(), C::Error> {
        let epoch = self.pool.slots(|slots, _| slots.epoch());
        let connection = within(limit, self.pool.connector().connect()).await?;
        self.held = Some(self.pool.slots(|slots, now| slots.opened(connection, epoch, now)));
        Ok(())
    }

    /// Checks that the connection is usable. If not, ends the lease of it.
    pub(super) async fn ping(&mut self, limit: Duration) -> Result<(), C::Error> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let pinged = within(limit, C::ping(&mut held.connection)).await;
        if let Err(error) = &pinged {
            self.lose(error);
        }
        pinged
    }

    /// Runs a verb. Returns its connection to the pool, or after an error does what [`Fate`] says.
    pub(super) async fn run<T, E: Into<C::Error>>(
        mut self,
        limit: Duration,
        verb: impl AsyncFnOnce(&mut C::Connection) -> Result<T, E>,
    ) -> Result<T, (C::Error, Fate)> {
        let Some(held) = &mut self.held else { return Err((PoolError::Closed.into(), Fate::Keep)) };
        let abandoned = self.pool.0.abandoned.notified();
        let verb = async { verb(&mut held.connection).await.map_err(Into::into) };
        let answer = tokio::select! {
            answer = within(limit.min(VERB_TIMEOUT), verb) => answer,
            () = abandoned => Err(PoolError::Abandoned.into()),
        };
        match answer {
            Ok(value) => {
                self.give_back();
                Ok(value)
            }
            Err(error) => Err(self.apply_fate(error).await),
        }
    }

    /// Keeps or closes connections after an error, as its [`Fate`] says.
    async fn apply_fate(mut self, error: C::Error) -> (C::Error, Fate) {
        let fate = C::fate(&error);
        match fate {
            // Rolls back what the verb began, so that an idle connection holds no locks.
            Fate::Keep => {
                if self.ping(PING_TIMEOUT).await.is_ok() {
                    self.give_back();
                }
            }
            Fate::Close => self.discard(),
            Fate::Refused | Fate::Lost | Fate::NoSlot => self.lose(&error),
        }
        (error, fate)
    }

    fn give_back(mut self) {
        if let Some(held) = self.held.take() {
            self.pool.put_back(held);
        }
    }

    fn discard(&mut self) {
        if let Some(held) = self.held.take() {
            self.pool.discard(held);
        }
    }

    /// Closes the connection, and with it all idle ones to this database.
    fn lose(&mut self, error: &dyn fmt::Display) {
        if let Some(held) = &self.held {
            let idle = self.pool.slots(|slots, now| slots.fault(held, now));
            if let Some(idle) = idle {
                tracing::warn!(%error, idle = idle.len(), "closing all connections to the database");
                self.pool.connector().on_lost();
                self.pool.close_in_background(idle);
                self.pool.clear_others();
            }
        }
        self.discard();
    }

    /// Gives the permit up for good, because the server grants no connection for it.
    pub(super) fn forget(mut self) {
        if let Some(permit) = self.permit.take() {
            permit.forget();
        }
    }
}

/// Waits for the engine's answer up to `limit`.
///
/// # Errors
/// Those of the engine, and [`PoolError::NoAnswer`].
async fn within<T, E: From<PoolError>>(
    limit: Duration,
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout(limit, answer).await.unwrap_or_else(|_| Err(PoolError::NoAnswer(limit).into()))
}

impl<C: Connector> Drop for Lease<C> {
    /// A verb was cancelled: completes the statement that it was running.
    fn drop(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        let (pool, permit) = (self.pool.clone(), self.permit.take());
        self.pool.spawn(async move {
            if within(VERB_TIMEOUT, C::ping(&mut held.connection)).await.is_ok() {
                pool.put_back(held);
            } else {
                pool.discard(held);
            }
            drop(permit);
        });
    }
}
