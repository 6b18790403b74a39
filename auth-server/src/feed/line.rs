//! A hold on a follower's connection, to hang up on a client that takes nothing. What waits to be sent to it would otherwise
//! keep the connection, and a server that stops, until somebody's patience ends: actix-web asks a stream for nothing more
//! while it cannot write, so a stream cannot even end.

use std::any::Any;
use std::cell::Cell;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, rt};
use goptri::revocation::PATH;

/// Nothing, when the connection is not a plain one.
#[derive(Debug, Default)]
pub(crate) struct Line(Option<TcpStream>);

/// Where it lies until the first request says whose it is.
struct Held(Cell<Line>);

impl Line {
    /// For `HttpServer::on_connect`.
    pub(crate) fn hold(connection: &dyn Any, data: &mut Extensions) {
        let connection = connection.downcast_ref::<rt::net::TcpStream>();
        let held = connection.and_then(|connection| connection.as_fd().try_clone_to_owned().ok());
        data.insert(Held(Cell::new(Self(held.map(TcpStream::from)))));
    }

    /// That of the connection on which this was asked; once.
    pub(crate) fn of(request: &HttpRequest) -> Self {
        request.conn_data::<Held>().map(|held| held.0.take()).unwrap_or_default()
    }

    /// The middleware that lets go of all others, for each counts as an open file.
    pub(crate) async fn only_of_followers<B: MessageBody>(
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<B>, Error> {
        if request.path() != PATH {
            drop(Self::of(request.request()));
        }
        next.call(request).await
    }

    /// Ends the connection at once. What was not sent is lost.
    pub(super) fn hang_up(&self) {
        if let Some(connection) = &self.0 {
            // It is gone already, then.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}
