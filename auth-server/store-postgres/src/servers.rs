//! The servers of one database: connects to the one that accepts writes, and follows a promotion.
//!
//! The primary is trusted until a connection to it fails, or another host was promoted. Then all hosts are probed.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use auth_store::Fate;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::fate::{Failure, HostFailure, NoPrimary, fate};
use crate::hosts::{Hosts, SessionAttrs};
use crate::primary::{Known, Role, choose, newest_timeline};
use crate::probe::{Answers, ask_all, connect_and_ask, roles};

/// How long to wait for the host that was the primary, before all are probed. Together with the time for a probe, this
/// is less than the pool waits for a connection.
const TRUSTED_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait until a connection that is not needed is closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection, and the host to which it leads, by its place in the list.
pub(crate) struct ServerConnection {
    pub(crate) session: PgConnection,
    pub(crate) host: usize,
}

/// The servers that a URL names.
pub(crate) struct Servers {
    hosts: Hosts,
    state: Mutex<State>,
    /// Held while all hosts are probed, so that callers share one probe. Contains the result of the last probe, if that
    /// found no primary.
    probing: tokio::sync::Mutex<Option<NoPrimary>>,
    /// Notified when a host was promoted.
    promoted: Notify,
}

#[derive(Default)]
struct State {
    known: Known,
    /// Whether the primary may have changed since it was found.
    doubted: bool,
    /// The number of probes that have ended.
    probes: u64,
}

impl Servers {
    pub(crate) fn new(hosts: Hosts) -> Self {
        Self {
            hosts,
            state: Mutex::default(),
            probing: tokio::sync::Mutex::default(),
            promoted: Notify::new(),
        }
    }

    /// Connects to the primary, or to the host that the URL names.
    pub(crate) async fn open(&self) -> Result<ServerConnection, HostFailure> {
        if let ([only], SessionAttrs::Any) = (&self.hosts.options[..], self.hosts.attrs) {
            let (session, _) =
                connect_and_ask(only, SessionAttrs::Any).await.map_err(|error| HostFailure::at(0, error))?;
            return Ok(ServerConnection { session, host: 0 });
        }
        let before = self.state().probes;
        if let Some(opened) = self.open_trusted().await {
            return opened;
        }
        let mut last = self.probing.lock().await;
        if self.state().probes != before {
            // Another caller has probed meanwhile.
            if let Some(none) = &*last {
                return Err(Failure::NoPrimary(none.clone()).into());
            }
            if let Some(opened) = self.open_trusted().await {
                return opened;
            }
        }
        let probed = loop {
            tokio::select! {
                answers = ask_all(&self.hosts, self.state().known) => break self.settle(answers),
                // Asks all hosts again, because the old primary may be silent for long.
                () = self.promoted.notified() => {}
            }
        };
        *last = match &probed {
            Err(HostFailure { failure: Failure::NoPrimary(none), .. }) => Some(none.clone()),
            _ => None,
        };
        probed
    }

    /// Connects to the host that is known as the primary. `None`: all hosts are to be probed.
    async fn open_trusted(&self) -> Option<Result<ServerConnection, HostFailure>> {
        let Known { host, timeline } = self.trusted()?;
        let host = host?;
        match timeout(TRUSTED_TIMEOUT, connect_and_ask(self.hosts.options.get(host)?, self.hosts.attrs)).await
        {
            Ok(Ok((session, role))) if role.fitness(timeline).is_ok() => {
                return Some(Ok(ServerConnection { session, host }));
            }
            Ok(Err(error)) => {
                let failed = HostFailure::at(host, error);
                if !matches!(fate(&failed.failure), Fate::Lost | Fate::Refused) {
                    return Some(Err(failed));
                }
            }
            Ok(Ok(_)) | Err(_) => {}
        }
        self.doubt();
        None
    }

    /// Records the answers. Returns the connection to the primary, if one of the hosts is the primary.
    fn settle(&self, mut answers: Answers) -> Result<ServerConnection, HostFailure> {
        let roles = roles(&answers);
        let (known, host, timeline) = {
            let mut state = self.state();
            let known = state.known;
            let (host, timeline) = (choose(known, &roles), newest_timeline(known, &roles));
            state.probes += 1;
            state.known = Known { host: host.or(known.host), timeline };
            state.doubted = host.is_none();
            (known, host, timeline)
        };
        let chosen = host.and_then(|host| answers.get_mut(host)?.take());
        let (Some(host), Some(Ok((session, _)))) = (host, chosen) else {
            return Err(HostFailure::of_all(&self.hosts, answers, timeline));
        };
        self.report(known.host, host, timeline);
        for (session, _) in answers.into_iter().flatten().flatten() {
            tokio::spawn(timeout(CLOSE_TIMEOUT, session.close()));
        }
        Ok(ServerConnection { session, host })
    }

    fn report(&self, before: Option<usize>, host: usize, timeline: u32) {
        let primary = self.hosts.address(host);
        match before {
            None => tracing::info!(%primary, timeline, "found the primary of the database"),
            Some(before) if before != host => {
                let before = self.hosts.address(before);
                tracing::warn!(%primary, %before, timeline, "the primary of the database has changed");
            }
            Some(_) => {}
        }
    }

    /// Lets the next connection probe all hosts, because a connection to the primary has failed.
    pub(crate) fn doubt(&self) {
        self.state().doubted = true;
    }

    /// Whether a host with this role was promoted after the primary. If so, the next connection probes all hosts.
    pub(crate) fn is_outdated_by(&self, role: Role) -> bool {
        let mut state = self.state();
        let newest = newest_timeline(state.known, &[Some(role)]);
        let is_newer = newest > state.known.timeline;
        state.known.timeline = newest;
        state.doubted |= is_newer;
        drop(state);
        if is_newer {
            self.promoted.notify_waiters();
        }
        is_newer
    }

    /// Whether the next connection probes all hosts.
    pub(crate) fn is_doubted(&self) -> bool {
        self.state().doubted
    }

    fn trusted(&self) -> Option<Known> {
        let state = self.state();
        (!state.doubted).then_some(state.known)
    }

    /// Whether another host may become the primary.
    pub(crate) fn may_change(&self) -> bool {
        self.hosts.attrs == SessionAttrs::ReadWrite && self.has_several_hosts()
    }

    pub(crate) fn has_several_hosts(&self) -> bool {
        self.hosts.options.len() > 1
    }

    /// The hosts beside the primary, once that is known.
    pub(crate) fn others(&self) -> Vec<(usize, PgConnectOptions)> {
        let Some(primary) = self.state().known.host else { return Vec::new() };
        let all = self.hosts.options.iter().cloned().enumerate();
        all.filter(|(host, _)| *host != primary).collect()
    }

    /// The address of that host, else of the primary, else of all hosts.
    pub(crate) fn address(&self, host: Option<usize>) -> String {
        match host.or(self.state().known.host) {
            Some(host) => self.hosts.address(host),
            None => self.hosts.addresses(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
