//! The routes of the printer.

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, LOCATION, X_CONTENT_TYPE_OPTIONS};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;

use crate::authorization_server::{AuthorizationServer, NoTokens};
use crate::page::{Choose, Home, Message, STYLE, Sheet, render};
use crate::photos::{NoPhoto, Photo, Photos};
use crate::visits::{Connection, Visits};

const COOKIE: &str = "printer";

/// The most photos on a contact sheet.
const MAX_PHOTOS: usize = 60;

/// The parameters of a response of auth-server (RFC 6749 §4.1.2, RFC 9207).
#[derive(Deserialize)]
pub(crate) struct Response {
    code: Option<String>,
    state: Option<String>,
    iss: Option<String>,
    error: Option<String>,
}

pub(crate) async fn home(request: HttpRequest, visits: Data<Visits>) -> HttpResponse {
    let connected = connection(&request, &visits).is_some();
    render(StatusCode::OK, &Home { connected })
}

pub(crate) async fn style() -> HttpResponse {
    HttpResponse::Ok().content_type("text/css").insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff")).body(STYLE)
}

/// "Print my photos": the photos at once, or consent first.
pub(crate) async fn print(
    request: HttpRequest,
    visits: Data<Visits>,
    authorization: Data<AuthorizationServer>,
) -> HttpResponse {
    if connection(&request, &visits).is_some() {
        return see_other("/photos", None);
    }
    let (url, pending) = authorization.authorization_request();
    see_other(url.as_str(), Some(visits.begin(pending)))
}

/// Where auth-server sends the user back to.
pub(crate) async fn callback(
    request: HttpRequest,
    visits: Data<Visits>,
    authorization: Data<AuthorizationServer>,
    Query(response): Query<Response>,
) -> HttpResponse {
    let visit = visit(&request);
    let pending = visit.zip(response.state).and_then(|(id, state)| visits.take_pending(&id, &state));
    let Some(pending) = pending else { return message(StatusCode::BAD_REQUEST, &NOT_ASKED) };
    // Another authorization server must not get this code (RFC 9207).
    if !response.iss.as_deref().is_some_and(|iss| authorization.is_issuer(iss)) {
        return message(StatusCode::BAD_REQUEST, &NOT_ASKED);
    }
    let Some(code) = response.code else {
        let error = response.error.unwrap_or_default();
        tracing::info!(?error, "no access");
        let page = if error == "access_denied" { &DENIED } else { &UNAVAILABLE };
        return message(StatusCode::OK, page);
    };
    match authorization.redeem(code, pending.verifier).await {
        Ok(tokens) => see_other("/photos", Some(visits.connect(tokens))),
        Err(NoTokens::Withdrawn) => message(StatusCode::OK, &WITHDRAWN),
        Err(error @ NoTokens::Unavailable(_)) => {
            tracing::warn!(%error, "no tokens");
            message(StatusCode::BAD_GATEWAY, &UNAVAILABLE)
        }
    }
}

/// The user's photos, to choose from.
pub(crate) async fn choose(
    request: HttpRequest,
    visits: Data<Visits>,
    authorization: Data<AuthorizationServer>,
    photos: Data<Photos>,
) -> HttpResponse {
    let Some(connection) = connection(&request, &visits) else { return see_other("/", None) };
    match photos.list(&authorization, &connection).await {
        Ok(photos) => render(StatusCode::OK, &Choose { photos }),
        Err(reason) => no_photo(&request, &visits, &reason),
    }
}

/// A photo. The browser never gets the access token.
pub(crate) async fn photo(
    request: HttpRequest,
    visits: Data<Visits>,
    authorization: Data<AuthorizationServer>,
    photos: Data<Photos>,
    name: Path<String>,
) -> HttpResponse {
    let Some(connection) = connection(&request, &visits) else { return HttpResponse::NotFound().finish() };
    match photos.read(&name, &authorization, &connection).await {
        Ok((media_type, bytes)) => HttpResponse::Ok()
            .content_type(media_type)
            .insert_header((CACHE_CONTROL, "no-store"))
            .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(bytes),
        Err(reason) => no_photo(&request, &visits, &reason),
    }
}

/// The contact sheet of the photos that the user has chosen (`?photo=a&photo=b`).
pub(crate) async fn sheet(request: HttpRequest, visits: Data<Visits>) -> HttpResponse {
    if connection(&request, &visits).is_none() {
        return see_other("/", None);
    }
    let chosen: Vec<(String, String)> =
        serde_urlencoded::from_str(request.query_string()).unwrap_or_default();
    let chosen = chosen.into_iter().filter(|(field, _)| field == "photo").take(MAX_PHOTOS);
    let photos: Vec<_> = chosen.map(|(_, name)| Photo { name }).collect();
    if photos.is_empty() {
        return see_other("/photos", None);
    }
    render(StatusCode::OK, &Sheet { photos })
}

/// Gives the access back.
pub(crate) async fn disconnect(
    request: HttpRequest,
    visits: Data<Visits>,
    authorization: Data<AuthorizationServer>,
) -> HttpResponse {
    if let Some((id, connection)) = visit(&request).zip(connection(&request, &visits)) {
        let token = connection.lock().await.refresh.clone();
        if let Some(token) = token
            && !authorization.revoke(&token).await
        {
            return message(StatusCode::BAD_GATEWAY, &UNAVAILABLE);
        }
        visits.forget(&id);
    }
    see_other("/", None)
}

pub(crate) async fn not_found() -> HttpResponse {
    message(StatusCode::NOT_FOUND, &NOT_FOUND)
}

const NOT_ASKED: Message = Message {
    heading: "That did not work",
    text: "This answer does not belong to a request of this browser. Start again from here.",
    again: true,
};

const DENIED: Message = Message {
    heading: "Nothing was printed",
    text: "You did not let Photo Printer see your photos. You can change your mind at any time.",
    again: true,
};

const WITHDRAWN: Message = Message {
    heading: "Photo Printer can no longer see your photos",
    text: "You signed out, or took the permission back. To print again, allow it again.",
    again: true,
};

const UNAVAILABLE: Message = Message {
    heading: "Please try again in a moment",
    text: "Your photos cannot be reached right now. Nothing is lost.",
    again: true,
};

const NOT_FOUND: Message = Message {
    heading: "There is nothing here",
    text: "The address is wrong, or the photo is gone.",
    again: false,
};

fn message(status: StatusCode, page: &Message) -> HttpResponse {
    render(status, page)
}

fn no_photo(request: &HttpRequest, visits: &Visits, reason: &NoPhoto) -> HttpResponse {
    match reason {
        NoPhoto::Withdrawn => {
            if let Some(id) = visit(request) {
                visits.forget(&id);
            }
            message(StatusCode::OK, &WITHDRAWN)
        }
        NoPhoto::Unknown => message(StatusCode::NOT_FOUND, &NOT_FOUND),
        NoPhoto::Unavailable(cause) => {
            tracing::warn!(%cause, "no photo");
            message(StatusCode::BAD_GATEWAY, &UNAVAILABLE)
        }
    }
}

fn visit(request: &HttpRequest) -> Option<String> {
    request.cookie(COOKIE).map(|cookie| cookie.value().to_owned())
}

fn connection(request: &HttpRequest, visits: &Visits) -> Option<Connection> {
    visits.connection(&visit(request)?)
}

/// 303, with the cookie of a new visit.
fn see_other(location: &str, visit: Option<String>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, location)).insert_header((CACHE_CONTROL, "no-store"));
    if let Some(id) = visit {
        // `Lax`, because auth-server's redirect comes from another site.
        let cookie = Cookie::build(COOKIE, id).path("/").http_only(true).same_site(SameSite::Lax);
        response.cookie(cookie.finish());
    }
    response.finish()
}
