//! A response over HTTP/2.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use actix_http::Response;
use actix_http::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{CONNECTION, CONTENT_LENGTH, DATE, HttpDate, TRANSFER_ENCODING, UPGRADE};
use actix_web::web::Bytes;
use goptri::clock::{Clock, SystemClock};
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::HeaderValue;
use tokio::time::timeout;

use super::super::stream::Connection;

/// How much of a body is handed over at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// Why a response was not sent to its end: the reason for the client, if it still listens.
struct Aborted(Option<Reason>);

/// Sends the response. Its stream is reset if the client reads nothing for `stall`, or the body fails.
pub(super) async fn send(
    response: Response<BoxBody>,
    mut respond: SendResponse<Bytes>,
    is_head: bool,
    connection: &Connection,
    stall: Duration,
) {
    let (head, body) = response.into_parts();
    let size = match head.status() {
        StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => BodySize::None,
        _ => body.size(),
    };
    let is_empty = is_head || matches!(size, BodySize::None | BodySize::Sized(0));
    let Ok(stream) = respond.send_response(head_of(&head, size), is_empty) else { return };
    if is_empty {
        return;
    }
    let mut sender = Sender { stream, connection, stall };
    if let Err(Aborted(Some(reason))) = sender.send_body(body, size).await {
        sender.stream.send_reset(reason);
    }
}

fn head_of(response: &Response<()>, size: BodySize) -> http::Response<()> {
    let mut head = http::Response::new(());
    *head.status_mut() = response.status();
    let headers = head.headers_mut();
    for (name, value) in response.headers() {
        // Those of HTTP/1.1 connections (RFC 9113 §8.2.2).
        let of_connection = [CONNECTION, TRANSFER_ENCODING, UPGRADE].contains(name)
            || matches!(name.as_str(), "keep-alive" | "proxy-connection");
        if !of_connection {
            headers.append(name, value.clone());
        }
    }
    if let BodySize::Sized(length) = size {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    if !headers.contains_key(DATE)
        && let Ok(now) =
            HeaderValue::from_str(&HttpDate::from(SystemTime::from(SystemClock.now())).to_string())
    {
        headers.insert(DATE, now);
    }
    head
}

struct Sender<'a> {
    stream: SendStream<Bytes>,
    connection: &'a Connection,
    stall: Duration,
}

impl Sender<'_> {
    async fn send_body(&mut self, mut body: BoxBody, size: BodySize) -> Result<(), Aborted> {
        let mut left = match size {
            BodySize::Sized(length) => Some(length),
            _ => None,
        };
        while let Some(chunk) = poll_fn(|context| self.poll_chunk(&mut body, context)).await? {
            left = left.map(|left| left.saturating_sub(chunk.len() as u64));
            self.send_chunk(chunk, left == Some(0)).await?;
            if left == Some(0) {
                return Ok(());
            }
        }
        if left.is_some() {
            return Err(Aborted(Some(Reason::INTERNAL_ERROR)));
        }
        self.stream.send_data(Bytes::new(), true).map_err(|_| Aborted(None))
    }

    /// The next bytes of the body, or why the client no longer waits for them.
    fn poll_chunk(
        &mut self,
        body: &mut BoxBody,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, Aborted>> {
        self.check(context)?;
        match Pin::new(body).poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(None) => Poll::Ready(Ok(None)),
            Poll::Ready(Some(Ok(chunk))) => Poll::Ready(Ok(Some(chunk))),
            Poll::Ready(Some(Err(error))) => {
                tracing::warn!(%error, "the body of a response has failed");
                Poll::Ready(Err(Aborted(Some(Reason::INTERNAL_ERROR))))
            }
        }
    }

    async fn send_chunk(&mut self, mut chunk: Bytes, is_last: bool) -> Result<(), Aborted> {
        while !chunk.is_empty() {
            self.stream.reserve_capacity(chunk.len().min(CHUNK_BYTES));
            let capacity = timeout(self.stall, poll_fn(|context| self.poll_capacity(context))).await;
            let capacity = capacity.map_err(|_| Aborted(Some(Reason::CANCEL)))??;
            let part = chunk.split_to(capacity.min(chunk.len()));
            let ends = is_last && chunk.is_empty();
            self.stream.send_data(part, ends).map_err(|_| Aborted(None))?;
        }
        Ok(())
    }

    /// How many bytes the client and the buffer have room for.
    fn poll_capacity(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Aborted>> {
        self.check(context)?;
        self.stream.poll_capacity(context).map(|capacity| match capacity {
            Some(Ok(capacity)) => Ok(capacity),
            Some(Err(_)) | None => Err(Aborted(None)),
        })
    }

    /// Fails if the client has reset the stream, or the server closes it.
    fn check(&mut self, context: &mut Context<'_>) -> Result<(), Aborted> {
        self.connection.register(context);
        if self.connection.is_closed() {
            return Err(Aborted(Some(Reason::CANCEL)));
        }
        if self.stream.poll_reset(context).is_ready() { Err(Aborted(None)) } else { Ok(()) }
    }
}
