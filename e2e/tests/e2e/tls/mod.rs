//! Both servers with a certificate of their own, and no proxy.

mod development;
mod memory;
mod plain_listener;
mod protocols;
mod renewal;

use reqwest::Client;
use tempfile::TempDir;
use test_support::{Authority, CertificateFiles, Issued, Validity};

use crate::programs::{Database, Server, api_server_that_follows, auth_server, client_trusting};

/// Both servers, and what their clients trust.
struct Site {
    auth: Server,
    api: Server,
    authority: Authority,
    files: CertificateFiles,
    folder: TempDir,
    _database: Database,
}

impl Site {
    fn start() -> Self {
        let (database, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
        let (authority, files) = (Authority::default(), CertificateFiles::in_folder(folder.path()));
        files.write(&authority.issue(&[], Validity::Now));
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();
        let start = |mut command: std::process::Command| {
            command.envs(files.variables());
            Server::start_with_certificate(command, &authority.pem())
        };
        let auth = start(auth_server(&database.url()));
        let mut api = api_server_that_follows(&auth.url);
        api.env("AUTH_SERVER_CA_FILE", &ca);
        let api = start(api);
        Self { auth, api, authority, files, folder, _database: database }
    }

    fn issue(&self, validity: Validity) -> Issued {
        self.authority.issue(&[], validity)
    }

    /// A client that makes a new connection for each request.
    fn new_client(&self) -> Client {
        client_trusting(&self.authority.pem()).pool_max_idle_per_host(0).build().unwrap()
    }
}
