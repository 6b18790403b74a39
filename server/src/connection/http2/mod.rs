//! An HTTP/2 connection: accepts its requests, and closes it when it is idle or the server stops.

mod request;
mod response;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;

use actix_http::Request;
use actix_http::body::MessageBody;
use actix_service::Service;
use actix_web::Error;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode};
use actix_web::web::Bytes;
use h2::RecvStream;
use h2::server::{Builder, Connection, SendResponse};
use tokio::select;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::limits::ConnectionLimits;
use super::stream::{LINGER, LimitedStream};

/// Requests of one connection at the same time; the least that the specification recommends (RFC 9113 §6.5.2).
const MAX_STREAMS: u32 = 100;

/// The longest head in bytes: as in HTTP/1.1, although HTTP/2 also counts 32 bytes for each field (RFC 9113 §6.5.2).
const MAX_HEADER_LIST: u32 = 32 * 1024;

/// The most fields in a head: as many as actix-web accepts in HTTP/1.1.
const MAX_FIELDS: usize = 96;

/// Bytes of one body, and of all bodies, that wait for their handlers.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Bytes of one response that wait for the client.
const SEND_BUFFER: usize = 16 * 1024;

/// Serves the requests of one connection until it ends.
pub(super) async fn serve<S, B>(
    stream: LimitedStream,
    peer: Option<SocketAddr>,
    app: &Rc<S>,
    limits: ConnectionLimits,
    stopping: impl Future<Output = ()>,
) -> Result<(), h2::Error>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error> + 'static,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    let Ok(connection) = timeout(limits.head, builder().handshake(stream.multiplexed())).await else {
        return Ok(());
    };
    let mut connection: Connection<LimitedStream, Bytes> = connection?;
    let (streams, mut stopping) = (Rc::new(Streams::default()), pin!(stopping));
    // Runs while there is no request. The first one must come within the limit of a head.
    let mut idle = Box::pin(sleep(limits.head));
    let mut closing = false;
    loop {
        select! {
            accepted = accept(&mut connection, &streams) => match accepted {
                Some(Ok((request, respond))) => {
                    let (app, in_flight) = (Rc::clone(app), streams.begin());
                    tokio::task::spawn_local(async move {
                        answer(request, respond, peer, app.as_ref(), limits).await;
                        drop(in_flight);
                    });
                }
                Some(Err(error)) => return Err(error),
                None => return Ok(()),
            },
            () = streams.ended.notified() => {
                let time = if closing { LINGER } else { limits.keep_alive };
                idle = Box::pin(sleep(time));
            }
            () = &mut idle, if streams.is_empty() => {
                if closing {
                    return Ok(());
                }
                closing = true;
                connection.graceful_shutdown();
                idle = Box::pin(sleep(LINGER));
            }
            () = &mut stopping, if !closing => {
                closing = true;
                connection.graceful_shutdown();
                idle = Box::pin(sleep(LINGER));
            }
        }
    }
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_LIST)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(SEND_BUFFER);
    builder
}

type Accepted = Result<(http::Request<RecvStream>, SendResponse<Bytes>), h2::Error>;

/// Returns the next request, and meanwhile reads and writes for those in flight. `None`: the connection has ended.
///
/// Requests that the client has reset count until their handlers end, so that a client cannot start any number of
/// them.
async fn accept(connection: &mut Connection<LimitedStream, Bytes>, streams: &Streams) -> Option<Accepted> {
    poll_fn(|context| {
        if streams.count.get() < MAX_STREAMS {
            return connection.poll_accept(context);
        }
        connection.poll_closed(context).map(|closed| closed.err().map(Err))
    })
    .await
}

async fn answer<S, B>(
    request: http::Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    peer: Option<SocketAddr>,
    app: &S,
    limits: ConnectionLimits,
) where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    if request.headers().len() > MAX_FIELDS {
        let mut head = http::Response::new(());
        *head.status_mut() = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let _ = respond.send_response(head, true);
        return;
    }
    let is_head = request.method() == Method::HEAD;
    let (request, connection) = request::convert(request, peer);
    let answered = match app.call(request).await {
        Ok(response) => actix_http::Response::from(response).map_body(|_, body: B| body.boxed()),
        Err(error) => actix_http::Response::from(error),
    };
    response::send(answered, respond, is_head, &connection, limits.write).await;
}

/// The requests of a connection that are in flight.
#[derive(Debug, Default)]
struct Streams {
    count: Cell<u32>,
    /// Notified when one ends.
    ended: Notify,
}

struct InFlight(Rc<Streams>);

impl Streams {
    fn begin(self: &Rc<Self>) -> InFlight {
        self.count.set(self.count.get() + 1);
        InFlight(Rc::clone(self))
    }

    fn is_empty(&self) -> bool {
        self.count.get() == 0
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.count.set(self.0.count.get() - 1);
        self.0.ended.notify_one();
    }
}
