//! What a worker does with a new connection: the TLS handshake if the server does TLS, then HTTP.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;

use actix_http::Request;
use actix_http::body::MessageBody;
use actix_http::error::DispatchError;
use actix_service::Service;
use actix_web::Error;
use actix_web::dev::ServiceResponse;
use actix_web::rt::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::http2;
use super::limits::ConnectionLimits;
use super::stream::LimitedStream;
use super::transport::{Socket, Transport};
use crate::tls::HTTP2;

/// Serves connections: HTTP/1.1 with `http1`, HTTP/2 with `app`.
pub(crate) struct Acceptor<S, H, F> {
    pub(crate) app: Rc<S>,
    pub(crate) http1: H,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) limits: ConnectionLimits,
    /// Resolves when the server stops.
    pub(crate) stopping: F,
}

impl<S, H, B, F, Stopping> Acceptor<S, H, F>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
    H: Service<(LimitedStream, Option<SocketAddr>), Response = (), Error = DispatchError>,
    F: Fn() -> Stopping,
    Stopping: Future<Output = ()>,
{
    /// Serves one connection until it ends.
    pub(crate) async fn serve(&self, stream: TcpStream) -> Result<(), DispatchError> {
        // Fails only if the client has disconnected already.
        let _ = stream.set_nodelay(true);
        let peer = stream.peer_addr().ok();
        let socket = Socket::new(stream);
        let Some(tls) = &self.tls else {
            return self.http1.call((LimitedStream::new(Transport::Plain(socket), self.limits), peer)).await;
        };
        let Ok(accepted) = timeout(self.limits.handshake, tls.accept(socket)).await else {
            tracing::debug!(
                peer = peer.map(tracing::field::display),
                "the TLS handshake was not finished in time"
            );
            return Ok(());
        };
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => {
                tracing::debug!(peer = peer.map(tracing::field::display), %error, "the TLS handshake has failed");
                return Ok(());
            }
        };
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
        let stream = LimitedStream::new(Transport::Tls(Box::new(stream)), self.limits);
        if !is_http2 {
            return self.http1.call((stream, peer)).await;
        }
        if let Err(error) = http2::serve(stream, peer, &self.app, self.limits, (self.stopping)()).await {
            tracing::debug!(%error, "an HTTP/2 connection has failed");
        }
        Ok(())
    }
}
