//! A second handle to a subscriber's TCP connection, to shut it down when its client reads nothing.
//!
//! Unsent bytes would otherwise keep the connection, and a stopping server, until a timeout: actix-web polls a body only
//! while it can write, so such a stream cannot even end.

use std::any::Any;
use std::cell::Cell;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, rt};
use goptri::revocation::PATH;

/// Empty if the connection is not plain TCP.
#[derive(Debug, Default)]
pub(crate) struct ConnectionHandle(Option<TcpStream>);

/// Keeps the handle with its connection until the first request shows whether it is needed.
struct Unclaimed(Cell<ConnectionHandle>);

impl ConnectionHandle {
    /// For `HttpServer::on_connect`: duplicates the connection's file descriptor.
    pub(crate) fn capture(connection: &dyn Any, data: &mut Extensions) {
        let connection = connection.downcast_ref::<rt::net::TcpStream>();
        let duplicate = connection.and_then(|connection| connection.as_fd().try_clone_to_owned().ok());
        data.insert(Unclaimed(Cell::new(Self(duplicate.map(TcpStream::from)))));
    }

    /// The handle to the request's connection. The second call for a connection returns an empty one.
    pub(crate) fn take(request: &HttpRequest) -> Self {
        request.conn_data::<Unclaimed>().map(|unclaimed| unclaimed.0.take()).unwrap_or_default()
    }

    /// Middleware that closes the handles of all other connections: each is an open file.
    pub(crate) async fn release_unless_feed<B: MessageBody>(
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, Error> {
        if request.path() != PATH {
            drop(Self::take(request.request()));
        }
        next.call(request).await
    }

    /// Closes the connection at once; unsent bytes are lost.
    pub(super) fn shutdown(&self) {
        if let Some(connection) = &self.0 {
            // Fails if the client has closed it already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}
