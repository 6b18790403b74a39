//! A certificate, and clients that trust it.

use std::net::SocketAddr;
use std::sync::Arc;

use goptri_server::Tls;
use goptri_settings::{Environment, SettingErrors, Settings};
use tempfile::TempDir;
use test_support::{Authority, CertificateFiles, Validity, connect_tls};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;

pub(crate) struct TlsFixture {
    pub(crate) authority: Authority,
    pub(crate) files: CertificateFiles,
    _folder: TempDir,
}

impl TlsFixture {
    pub(crate) fn new() -> Self {
        let (authority, folder) = (Authority::default(), tempfile::tempdir().unwrap());
        let files = CertificateFiles::in_folder(folder.path());
        files.write(&authority.issue(&[], Validity::Now));
        Self { authority, files, _folder: folder }
    }

    /// What a server reads from the files.
    pub(crate) fn read(&self) -> Result<Option<Tls>, SettingErrors> {
        let environment = Environment::from_pairs(self.files.variables());
        let settings = Settings::new(&environment);
        let tls = Tls::read(&settings);
        settings.into_result(tls.ok())
    }

    pub(crate) fn tls(&self) -> Tls {
        self.read().unwrap().unwrap()
    }

    /// A connection after its handshake.
    pub(crate) async fn connect(&self, address: SocketAddr, protocol: &[u8]) -> TlsStream<TcpStream> {
        connect_tls(&self.authority.connector(protocol), address).await
    }

    /// The address of a forwarder to `server`, which does TLS for clients that have none.
    pub(crate) fn forward_to(self, server: SocketAddr, protocol: &'static [u8]) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let listener = TcpListener::from_std(listener).unwrap();
        let fixture = Arc::new(self);
        actix_web::rt::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let fixture = Arc::clone(&fixture);
                actix_web::rt::spawn(async move {
                    let mut stream = fixture.connect(server, protocol).await;
                    let _ = copy_bidirectional(&mut client, &mut stream).await;
                });
            }
        });
        address
    }
}
