//! A certificate, and clients that trust it.

use std::net::SocketAddr;
use std::sync::Arc;

use goptri_server::Tls;
use goptri_settings::{Environment, SettingErrors, Settings};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use test_support::{Authority, CertificateFiles, Validity};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

pub(crate) const HTTP1: &[u8] = b"http/1.1";
pub(crate) const HTTP2: &[u8] = b"h2";

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

    fn connector(&self, protocol: &[u8]) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.pem().as_bytes()).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        TlsConnector::from(Arc::new(config))
    }

    /// A connection after its handshake.
    pub(crate) async fn connect(&self, address: SocketAddr, protocol: &[u8]) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.connector(protocol).connect(name, stream).await.unwrap()
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
