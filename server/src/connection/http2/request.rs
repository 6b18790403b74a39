//! A request of HTTP/2 as the application expects it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::error::PayloadError;
use actix_http::{HttpMessage, Payload, Request};
use actix_web::web::Bytes;
use futures_util::Stream;
use h2::RecvStream;
use http::HeaderMap;
use http::header::{COOKIE, HeaderValue};

use super::super::stream::Connection;

/// The request, and the state of its stream.
pub(super) fn convert(
    request: http::Request<RecvStream>,
    peer: Option<SocketAddr>,
) -> (Request, Rc<Connection>) {
    let (mut parts, body) = request.into_parts();
    join_cookies(&mut parts.headers);
    let payload = if body.is_end_stream() {
        Payload::None
    } else {
        Payload::Stream { payload: Box::pin(Body(body)) as Pin<Box<_>> }
    };
    let mut request = Request::with_payload(payload);
    let connection = Connection::of_stream();
    request.extensions_mut().insert(Rc::clone(&connection));
    let head = request.head_mut();
    head.uri = parts.uri;
    head.method = parts.method;
    head.version = parts.version;
    head.headers = parts.headers.into();
    head.peer_addr = peer;
    (request, connection)
}

/// Clients may split the field at its semicolons, and the application expects one (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() > 1
        && let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..]))
    {
        headers.insert(COOKIE, joined);
    }
}

/// The body. What the handler has read, the client may send again.
struct Body(RecvStream);

impl Stream for Body {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let stream = &mut self.get_mut().0;
        let failed = |error| PayloadError::Incomplete(Some(io::Error::other::<h2::Error>(error)));
        Poll::Ready(match ready!(stream.poll_data(context)) {
            None => None,
            Some(Err(error)) => Some(Err(failed(error))),
            Some(Ok(bytes)) => {
                let released = stream.flow_control().release_capacity(bytes.len());
                Some(released.map(|()| bytes).map_err(failed))
            }
        })
    }
}
