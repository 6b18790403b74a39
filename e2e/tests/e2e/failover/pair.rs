//! A primary and its streaming standby. A client reaches each through a relay, and so does the standby its primary.

use std::time::{Duration, Instant};

use scratch_pg::{Profile, ScratchPg};
use test_support::{Link, Proxy};

use super::moment::Fault;
use crate::database_faults::{psql, socket};
use crate::programs::TIMEOUT;

/// What a commit waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// The disks of both servers.
    Synchronous,
    /// The disk of the primary.
    Local,
}

pub(super) struct Pair {
    pub(super) primary: ScratchPg,
    pub(super) standby: ScratchPg,
    to_primary: Proxy,
    to_standby: Proxy,
    replication: Proxy,
}

impl Pair {
    pub(super) fn start(commit: Commit) -> Self {
        let primary = ScratchPg::start(Profile::Durable).unwrap();
        let replication = Proxy::new(socket(&primary));
        let standby = primary.streaming_standby(Profile::Durable).unwrap();
        let address = replication.address();
        let (host, port) = (address.ip(), address.port());
        administer(
            &standby,
            &format!(
                "alter system set primary_conninfo = 'host={host} port={port} user=postgres sslmode=disable \
                 application_name=relayed'"
            ),
        );
        administer(&standby, "select pg_reload_conf()");
        let (to_primary, to_standby) = (Proxy::new(socket(&primary)), Proxy::new(socket(&standby)));
        let pair = Self { primary, standby, to_primary, to_standby, replication };
        pair.primary_has("application_name = 'relayed' and state = 'streaming'");
        match commit {
            // Only the primary has this setting: after its promotion, the standby has none of its own to wait for.
            Commit::Synchronous => {
                administer(&pair.primary, "alter system set synchronous_standby_names = '*'");
                administer(&pair.primary, "select pg_reload_conf()");
                pair.primary_has("sync_state = 'sync'");
            }
            Commit::Local => {
                administer(&pair.primary, "alter database postgres set synchronous_commit = 'local'");
            }
        }
        pair
    }

    /// Waits until the primary says this of its standby.
    fn primary_has(&self, condition: &str) {
        let query = format!("select count(*) from pg_stat_replication where {condition}");
        let began = Instant::now();
        while administer(&self.primary, &query) == "0" {
            assert!(began.elapsed() < TIMEOUT, "{condition}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// `DATABASE_URL` of an auth-server.
    pub(super) fn url(&self) -> String {
        let (primary, standby) = (self.to_primary.address(), self.to_standby.address());
        // The standby first, so that the order decides nothing.
        format!("postgres://postgres@{standby},{primary}/postgres?sslmode=disable")
    }

    pub(super) fn fail(&self, fault: Fault) {
        match fault {
            Fault::Killed => self.primary.kill().unwrap(),
            Fault::Stopped => self.primary.pause().unwrap(),
            Fault::CutOff => {
                self.cut_replication();
                self.to_primary.set(Link::BlackHole);
            }
            Fault::CutOffFromItsStandby => self.cut_replication(),
        }
    }

    pub(super) fn cut_replication(&self) {
        self.replication.set(Link::BlackHole);
    }

    pub(super) fn promote(&self) {
        assert_eq!(administer(&self.standby, "select pg_promote()"), "t");
    }

    /// The end of the fault, at a primary of which another one has taken over.
    pub(super) fn old_primary_returns(&self, fault: Fault) {
        match fault {
            Fault::Killed => self.primary.restart().unwrap(),
            Fault::Stopped => self.primary.resume().unwrap(),
            Fault::CutOff | Fault::CutOffFromItsStandby => self.to_primary.set(Link::Up),
        }
        assert_eq!(administer(&self.primary, "select pg_is_in_recovery()"), "f");
    }
}

fn administer(server: &ScratchPg, statement: &str) -> String {
    psql(&server.url("postgres"), statement)
}
