//! What measures stand on: databases full of sessions, and servers.

mod postgres;
mod sqlite;

use std::cell::OnceCell;
use std::path::Path;
use std::time::Instant;

use tempfile::TempDir;

pub(crate) use postgres::{Postgres, Sessions, carry_out, one_row_update, person_in_sql, session_in_sql};
pub(crate) use sqlite::SqliteFile;

use crate::Failed;
use crate::scale::Scale;
use crate::servers::{Server, Setting};

/// One run of the bench.
pub(crate) struct Stage {
    pub(crate) scale: Scale,
    folder: TempDir,
    postgres: OnceCell<Postgres>,
    begun: Instant,
}

impl Stage {
    pub(crate) fn new(scale: Scale) -> Result<Self, Failed> {
        Ok(Self {
            scale,
            folder: tempfile::Builder::new().prefix("goptri-bench-").tempdir()?,
            postgres: OnceCell::new(),
            begun: Instant::now(),
        })
    }

    /// Where logs, keys and files of databases are, until the end.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A server, started when it is first asked for.
    pub(crate) fn postgres(&self) -> Result<&Postgres, Failed> {
        if self.postgres.get().is_none() {
            self.say("starting Postgres");
            let _ = self.postgres.set(Postgres::start(self.scale.profile)?);
        }
        self.postgres.get().ok_or_else(|| "there is no Postgres".into())
    }

    /// A server that is ready.
    pub(crate) fn start(&self, setting: &Setting) -> Result<Server, Failed> {
        Server::start(setting, self.folder())
    }

    /// An api-server that follows that auth-server.
    pub(crate) fn api(&self, auth: &Server) -> Setting {
        Setting::api(auth, &self.folder().join("photos"))
    }

    /// Tells whoever waits what is being done.
    #[expect(clippy::print_stderr, reason = "whoever waits for a quarter of an hour wants to know what for")]
    pub(crate) fn say(&self, what: &str) {
        eprintln!("{:5} s  {what}", self.begun.elapsed().as_secs());
    }

    /// Has ours and the limit take turns. What is told after each turn is `in_words`.
    pub(crate) fn alternate(
        &self,
        what: &str,
        mut ours: impl FnMut() -> Result<f64, Failed>,
        mut limit: impl FnMut() -> Result<f64, Failed>,
    ) -> Result<Alternation, Failed> {
        let mut alternation = Alternation::default();
        for round in 1..=self.scale.rounds {
            let (ours, limit) = (ours()?, limit()?);
            let told = format!("{what}, {round} of {}", self.scale.rounds);
            self.say(&format!(
                "{told}: ours {}, limit {}",
                super::figures::number(ours),
                super::figures::number(limit)
            ));
            alternation.ours.push(ours);
            alternation.limit.push(limit);
        }
        Ok(alternation)
    }
}

/// What the turns gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Alternation {
    ours: Vec<f64>,
    limit: Vec<f64>,
}

impl Alternation {
    pub(crate) fn ours(&self) -> f64 {
        crate::figures::median(&self.ours)
    }

    pub(crate) fn limit(&self) -> f64 {
        crate::figures::median(&self.limit)
    }

    /// The median of the ratios, each of two turns that were next to each other.
    pub(crate) fn ratio(&self) -> f64 {
        let ratios: Vec<f64> = self.ours.iter().zip(&self.limit).map(|(ours, limit)| ours / limit).collect();
        crate::figures::median(&ratios)
    }
}
