//! One request and its response, which report their progress to the connection.

use std::error::Error as StdError;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_http::error::PayloadError;
use actix_http::{BoxedPayloadStream, ConnectionType, HttpMessage, Payload, Request, Response};
use actix_service::Service;
use actix_web::Error;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Bytes;
use futures_util::Stream;

use super::stream::Connection;

/// Calls `service`. The response closes the connection if the body of the request was not read to its end.
pub(crate) fn call_tracked<S, B>(
    mut request: Request,
    service: &S,
) -> impl Future<Output = Result<Response<TrackedBody>, Error>> + use<S, B>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let in_flight = InFlight::begin(&mut request);
    let answered = service.call(request);
    async move {
        let response = match answered.await {
            Ok(response) => Response::from(response).map_body(|_, body: B| body.boxed()),
            Err(error) => Response::from(error),
        };
        Ok(response.map_body(|head, body| {
            if in_flight.has_unread_body() {
                head.set_connection_type(ConnectionType::Close);
            }
            TrackedBody { body, _in_flight: in_flight }
        }))
    }
}

/// Dropped with the response, when all of it is written to the connection's buffer.
struct InFlight(Option<Rc<Connection>>);

impl InFlight {
    fn begin(request: &mut Request) -> Self {
        let connection = request.conn_data::<Rc<Connection>>().cloned();
        let Some(connection) = connection else { return Self(None) };
        match request.take_payload() {
            Payload::None => connection.flow_control().begin_request(),
            payload => {
                let length = request.headers().get(CONTENT_LENGTH);
                let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
                connection.flow_control().begin_request_with_body(length);
                let payload = TrackedPayload { payload, connection: Rc::clone(&connection) };
                *request.payload() = Payload::Stream { payload: Box::pin(payload) };
            }
        }
        Self(Some(connection))
    }

    fn has_unread_body(&self) -> bool {
        self.0.as_ref().is_some_and(|connection| connection.flow_control().has_unread_body())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.end_response();
        }
    }
}

/// The body of a request, which reports its end.
struct TrackedPayload {
    payload: Payload<BoxedPayloadStream>,
    connection: Rc<Connection>,
}

impl Stream for TrackedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.payload).poll_next(context);
        if matches!(polled, Poll::Ready(None)) {
            this.connection.flow_control().end_body();
        }
        polled
    }
}

/// The body of a response.
pub(crate) struct TrackedBody {
    body: BoxBody,
    _in_flight: InFlight,
}

impl MessageBody for TrackedBody {
    type Error = Box<dyn StdError>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_next(context)
    }
}
