//! Two auth-servers on one Postgres and an api-server that follows each. Each of the four servers has its own folder with
//! secrets, as on separate machines.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use reqwest::Client;
use tempfile::TempDir;

use super::keys::Key;
use crate::programs::{Database, Server, TIMEOUT, program};

pub(super) const SECRET: &str = "ACCESS_TOKEN_SECRET_FILE";
pub(super) const KEYS: &str = "ACCESS_TOKEN_KEY_FILE";
pub(super) const REFRESH: &str = "REFRESH_TOKEN_SECRET_FILE";
pub(super) const FEED: &str = "FEED_SECRET_FILE";

/// Lifetimes of access tokens: short for procedures that wait for the last token to expire, and longer than any test.
pub(super) const SHORT: &str = "4s";
pub(super) const LONG: &str = "15m";
pub(super) const CLOCK_LEEWAY: Duration = Duration::from_secs(1);

/// The log line for an invalid file.
pub(super) const NOT_USED: &str = "the new content of a file cannot be used";

/// A server, its folder, and its variables.
pub(super) struct Member {
    pub(super) server: Server,
    program: &'static str,
    variables: Vec<(&'static str, String)>,
    folder: TempDir,
}

impl Member {
    /// With these variables, and with `*_FILE` variables for files with these contents.
    pub(super) fn start(
        program: &'static str,
        plain: &[(&'static str, &str)],
        files: &[(&'static str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut variables: Vec<_> = plain.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        for (variable, contents) in files {
            let path = folder.path().join(variable);
            write(path.clone(), contents);
            variables.push((*variable, path.to_str().unwrap().to_owned()));
        }
        let server = Server::start(command(program, &variables));
        Self { server, program, variables, folder }
    }

    /// Restarts the server with other variables on the same address.
    pub(super) fn restart(&mut self, change: impl FnOnce(&mut Vec<(&'static str, String)>)) {
        self.stop();
        change(&mut self.variables);
        self.start_again();
    }

    pub(super) fn stop(&mut self) {
        self.server.running.signal("TERM");
        assert_eq!(self.server.running.wait().code(), Some(0), "{}", self.server.running.output());
    }

    pub(super) fn start_again(&mut self) {
        let address = self.server.url.trim_start_matches("http://").to_owned();
        let named = if self.program == "auth-server" { "AUTH_SERVER_ADDR" } else { "API_SERVER_ADDR" };
        self.variables.retain(|(name, _)| *name != named);
        self.variables.push((named, address));
        self.server = Server::start(command(self.program, &self.variables));
    }

    /// The path in a `*_FILE` variable.
    pub(super) fn path(&self, variable: &str) -> PathBuf {
        self.folder.path().join(variable)
    }

    /// Replaces the file atomically, by a rename.
    pub(super) fn put(&self, variable: &str, contents: &str) {
        let beside = self.folder.path().join("beside");
        write(beside.clone(), contents);
        fs::rename(beside, self.path(variable)).unwrap();
    }

    /// Mounts the files as a kubelet does: each is a link into `..data`, which is a link to the folder of this version.
    /// `changed` has the new contents.
    pub(super) fn mount(&self, version: usize, changed: &[(&str, &str)]) {
        let folder = self.folder.path();
        let of_version = folder.join(format!("..{version}"));
        fs::create_dir(&of_version).unwrap();
        let files: Vec<&str> =
            self.variables.iter().map(|(name, _)| *name).filter(|name| name.ends_with("_FILE")).collect();
        for name in &files {
            let changed = changed.iter().find(|(changed, _)| changed == name);
            let contents = changed
                .map_or_else(|| fs::read_to_string(folder.join(name)).unwrap(), |(_, new)| (*new).to_owned());
            write(of_version.join(name), &contents);
        }
        symlink(format!("..{version}"), folder.join("..data_tmp")).unwrap();
        fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
        // The links of the files never change.
        for name in files.iter().filter(|name| !folder.join(name).is_symlink()) {
            symlink(format!("..data/{name}"), folder.join("link")).unwrap();
            fs::rename(folder.join("link"), folder.join(name)).unwrap();
        }
    }

    /// Waits until the log contains `text`.
    pub(super) fn says(&mut self, text: &str) {
        self.server.running.wait_for(text);
    }

    /// How often the log contains `text`.
    pub(super) fn times_said(&self, text: &str) -> usize {
        self.server.running.output().matches(text).count()
    }

    /// Waits until the log contains `text` that often.
    pub(super) async fn says_times(&self, text: &str, times: usize) {
        let started = Instant::now();
        while self.times_said(text) < times {
            assert!(
                started.elapsed() < TIMEOUT,
                "no {times} times {text:?}:\n{}",
                self.server.running.output()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(super) async fn is_ready(&self) {
        self.answers("/readyz", "", 200).await;
    }

    /// Waits for this response.
    pub(super) async fn answers(&self, path: &str, token: &str, expected: u16) {
        let started = Instant::now();
        while self.server.get(path, token).await.status() != expected {
            assert!(
                started.elapsed() < TIMEOUT,
                "{path} is not {expected}:\n{}",
                self.server.running.output()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

fn write(path: PathBuf, contents: &str) {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(contents.as_bytes()).unwrap();
}

fn command(name: &'static str, variables: &[(&'static str, String)]) -> std::process::Command {
    let mut command = program(name);
    command.envs(variables.iter().map(|(name, value)| (*name, value)));
    command
}

/// All four servers.
pub(super) struct Fleet {
    pub(super) auths: [Member; 2],
    pub(super) apis: [Member; 2],
    pub(super) refresh: Key,
    pub(super) feed: Key,
    pub(super) database: Database,
}

impl Fleet {
    /// Ready servers, with this lifetime of access tokens, and with these files besides those of the other two secrets.
    pub(super) async fn start(
        ttl: &str,
        of_auth: &[(&'static str, &str)],
        of_api: &[(&'static str, &str)],
    ) -> Self {
        let database = Database::postgres().await;
        let (refresh, feed) = (Key::secret("refresh-one"), Key::secret("feed-one"));
        let url = database.url();
        let auth = || {
            let files = [of_auth, &[(REFRESH, &refresh.text), (FEED, &feed.text)]].concat();
            auth_member(&url, ttl, &files)
        };
        let auths = [auth(), auth()];
        let api = |auth: &Member| api_member(&auth.server.url, &[of_api, &[(FEED, &feed.text)]].concat());
        let apis = [api(&auths[0]), api(&auths[1])];
        let fleet = Self { auths, apis, refresh, feed, database };
        for member in fleet.all() {
            member.is_ready().await;
        }
        fleet
    }

    /// The auth-servers first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Member> {
        self.auths.iter().chain(&self.apis)
    }

    pub(super) fn all_mut(&mut self) -> impl Iterator<Item = &mut Member> {
        self.auths.iter_mut().chain(&mut self.apis)
    }
}

pub(super) fn auth_member(database_url: &str, ttl: &str, files: &[(&'static str, &str)]) -> Member {
    let plain = [
        ("AUTH_SERVER_ADDR", "127.0.0.1:0"),
        ("DATABASE_URL", database_url),
        ("ACCESS_TOKEN_TTL", ttl),
        ("CLOCK_LEEWAY", "1s"),
    ];
    Member::start("auth-server", &plain, files)
}

pub(super) fn api_member(auth_server: &str, files: &[(&'static str, &str)]) -> Member {
    let plain = [
        ("API_SERVER_ADDR", "127.0.0.1:0"),
        ("AUTH_SERVER_URL", auth_server),
        ("CLOCK_LEEWAY", "1s"),
        ("METRICS_ADDR", "127.0.0.1:0"),
        ("PHOTOS_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/photos")),
    ];
    Member::start("api-server", &plain, files)
}

/// A client with persistent connections, which closes idle ones before the server does.
pub(super) fn client() -> Client {
    Client::builder().timeout(TIMEOUT).pool_idle_timeout(Duration::from_secs(2)).build().unwrap()
}
