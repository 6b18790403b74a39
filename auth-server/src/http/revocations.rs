//! `GET /revocations`: the revocation feed as an event stream or as pages, for holders of the feed secret.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder};
use auth_store::RevocationPage;
use futures_util::stream;
use goptri::ProtocolError;
use goptri::actix::credential;
use goptri::revocation::FeedPage;
use goptri_server::{ClientAddress, ConnectionHandle};
use goptri_settings::{FeedSecret, Plain};

use super::page_query;
use crate::error::Failure;
use crate::feed::{Feed, entry};
use crate::flow::ReadRevocations;
use crate::keyrings::LiveKeys;

/// 200 with an endless stream, or with one page.
pub(crate) async fn feed(
    client: FeedClient,
    request: HttpRequest,
    feed: Data<Feed>,
    keys: Data<LiveKeys>,
    pages: Data<ReadRevocations>,
) -> Result<HttpResponse, Failure> {
    if !wants_events(request.headers()) {
        let after = page_query::after(request.query_string())?;
        return Ok(HttpResponse::Ok().json(body(pages.run(after).await?)));
    }
    if request.method() == Method::HEAD {
        return Ok(event_stream().finish());
    }
    Ok(events(&client, ConnectionHandle::of(&request), &feed, &keys)?)
}

fn events(
    FeedClient(secret): &FeedClient,
    connection: ConnectionHandle,
    feed: &Feed,
    keys: &LiveKeys,
) -> Result<HttpResponse, ProtocolError> {
    let chunks = feed.subscribe(connection).ok_or(ProtocolError::UNAVAILABLE)?;
    // Withdrawing a secret ends the streams that exist at that moment. This one may have been too late for that.
    if !keys.feed.load().accepts(secret.expose()) {
        return Err(ProtocolError::INVALID_TOKEN);
    }
    let chunks = stream::unfold(chunks, |mut chunks| async move {
        let chunk = chunks.recv().await?;
        Some((Ok::<_, actix_web::Error>(chunk), chunks))
    });
    Ok(event_stream().streaming(chunks))
}

fn event_stream() -> HttpResponseBuilder {
    let mut head = HttpResponse::Ok();
    head.insert_header((CONTENT_TYPE, "text/event-stream"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // The feed may shut the connection down after the stream, so no other request may use it.
        .force_close()
        // Tells nginx not to buffer the response.
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

fn body(page: RevocationPage) -> FeedPage {
    let now = page.now;
    let entries = page.entries.into_iter().map(|record| entry(record, now)).collect();
    FeedPage { entries, next: page.next.as_str().to_owned(), as_of: now }
}

/// A client with a secret of the feed as bearer token. Access tokens are rejected.
pub(crate) struct FeedClient(Plain<FeedSecret>);

impl FromRequest for FeedClient {
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
                if let Some(feed) = request.app_data::<Data<Feed>>() {
                    feed.log_wrong_secret(ClientAddress::of(request));
                }
                Err(ProtocolError::INVALID_TOKEN)
            }
            Err(error) => Err(error),
        })
    }
}
