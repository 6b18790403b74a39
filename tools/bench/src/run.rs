//! One run of the bench: its scale, its folder, its Postgres, and the servers it starts.

use std::cell::OnceCell;
use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;

use crate::Error;
use crate::figures::{median, number};
use crate::scale::Scale;
use crate::seed::Postgres;
use crate::servers::{Program, Server};

pub(crate) struct Run {
    pub(crate) scale: Scale,
    folder: TempDir,
    postgres: OnceCell<Postgres>,
    begun: Instant,
}

impl Run {
    pub(crate) fn new(scale: Scale) -> Result<Self, Error> {
        Ok(Self {
            scale,
            folder: tempfile::Builder::new().prefix("goptri-bench-").tempdir()?,
            postgres: OnceCell::new(),
            begun: Instant::now(),
        })
    }

    /// For logs, keys and database files; removed at the end.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The Postgres server, started on first use.
    pub(crate) fn postgres(&self) -> Result<&Postgres, Error> {
        if self.postgres.get().is_none() {
            self.say("starting Postgres");
            let _ = self.postgres.set(Postgres::start(self.scale.profile)?);
        }
        self.postgres.get().ok_or_else(|| "there is no Postgres".into())
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn start(&self, program: &Program) -> Result<Server, Error> {
        Server::start(program, self.folder())
    }

    /// An api-server that follows the feed of `auth`.
    pub(crate) fn api(&self, auth: &Server) -> Program {
        Program::api(auth, &self.folder().join("photos"))
    }

    /// Prints progress.
    #[expect(clippy::print_stderr, reason = "progress of a run that takes a quarter of an hour")]
    pub(crate) fn say(&self, what: &str) {
        eprintln!("{:5} s  {what}", self.begun.elapsed().as_secs());
    }

    /// Measures ours and the limit in turns.
    pub(crate) fn alternate(
        &self,
        what: &str,
        mut ours: impl FnMut() -> Result<f64, Error>,
        mut limit: impl FnMut() -> Result<f64, Error>,
    ) -> Result<Alternation, Error> {
        let mut alternation = Alternation::default();
        for round in 1..=self.scale.rounds {
            let (ours, limit) = (ours()?, limit()?);
            let rounds = self.scale.rounds;
            self.say(&format!("{what}, {round} of {rounds}: ours {}, limit {}", number(ours), number(limit)));
            alternation.ours.push(ours);
            alternation.limit.push(limit);
        }
        Ok(alternation)
    }
}

/// The results of all turns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alternation {
    ours: Vec<f64>,
    limit: Vec<f64>,
}

impl Alternation {
    pub(crate) fn ours(&self) -> f64 {
        median(&self.ours)
    }

    pub(crate) fn limit(&self) -> f64 {
        median(&self.limit)
    }

    /// The median of the ratios, each of two consecutive turns.
    pub(crate) fn ratio(&self) -> f64 {
        let ratios: Vec<f64> = self.ours.iter().zip(&self.limit).map(|(ours, limit)| ours / limit).collect();
        median(&ratios)
    }
}
