//! `GET /revocations`: the revocation feed, as events or as pages, for those who know its secret.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::stream;
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::revocation::Page;
use goptri_settings::{FeedSecret, Plain};
use serde::Deserialize;

use crate::feed::{ConnectionHandle, Feed};
use crate::flow::{Failure, ReadRevocations};
use crate::keyrings::LiveKeys;

const BAD_QUERY: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "The query of this feed is after and the next of the page before, or nothing.",
);

/// `?after=CURSOR`: the page after that one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    after: Option<String>,
}

/// 200 with a stream that goes on, or with one page.
pub(super) async fn feed(
    Follower(secret): Follower,
    request: HttpRequest,
    feed: Data<Feed>,
    keys: Data<LiveKeys>,
    pages: Data<ReadRevocations>,
) -> Result<HttpResponse, Failure> {
    let connection = ConnectionHandle::take(&request);
    if wants_events(request.headers()) {
        // Who asks for the head alone would wait for the end of a body that has none.
        let subscribes = request.method() != Method::HEAD;
        let answer = if subscribes { events(&feed, connection)? } else { head_of_events().finish() };
        // Taking a secret back ends the streams that are there then. This one may have come a moment too late for that.
        if !keys.feed.load().accepts(secret.expose()) {
            return Err(ProtocolError::INVALID_TOKEN.into());
        }
        return Ok(answer);
    }
    let query: Query = serde_urlencoded::from_str(request.query_string()).map_err(|_| BAD_QUERY)?;
    let page: Page = pages.run(query.after).await?;
    Ok(HttpResponse::Ok().json(page))
}

fn events(feed: &Feed, connection: ConnectionHandle) -> Result<HttpResponse, ProtocolError> {
    let pieces = feed.subscribe(connection).ok_or(ProtocolError::UNAVAILABLE)?;
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.recv().await?;
        Some((Ok::<_, actix_web::Error>(piece), pieces))
    });
    Ok(head_of_events().streaming(pieces))
}

fn head_of_events() -> HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // The line may be cut once the stream is over, and must be nobody else's then.
        .force_close()
        // A proxy that collects what it passes on would make it late.
        .insert_header(("x-accel-buffering", "no"));
    head
}

fn wants_events(headers: &HeaderMap) -> bool {
    let accepts = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepts.split(',').any(|range| {
        let media_type = range.split(';').next().unwrap_or_default().trim();
        media_type.eq_ignore_ascii_case("text/event-stream")
    })
}

/// Who presents the feed's secret as a bearer. No token of a person's will do.
pub(super) struct Follower(Plain<FeedSecret>);

impl FromRequest for Follower {
    type Error = ProtocolError;
    type Future = Ready<Result<Self, ProtocolError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let keys = request.app_data::<Data<LiveKeys>>();
        ready(match credential(request.headers()).bearer_token() {
            Ok(None) => Err(ProtocolError::MISSING_TOKEN),
            Ok(Some(secret)) if keys.is_some_and(|keys| keys.feed.load().accepts(secret)) => {
                Ok(Self(Plain::new(secret.to_owned())))
            }
            Ok(Some(_)) => {
                tracing::warn!(
                    "a follower of the revocation feed presented another secret than those in FEED_SECRET"
                );
                Err(ProtocolError::INVALID_TOKEN)
            }
            Err(error) => Err(error),
        })
    }
}
