//! api-server over HTTP.

mod failure;
mod health;
mod me;
mod photos;
mod verify;

use std::time::Duration;

use actix_web::http::Method;
use actix_web::http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use goptri::{Permission, Requirement};
use goptri_server::{Access, Route, current_user, healthz, with_index};

use crate::photos::{PhotosRead, PhotosWrite};

/// How long an upload may take: the largest photo then needs 18 kB/s.
const UPLOAD_TIMEOUT: Duration = Duration::from_mins(5);

/// The headers that ask for a part of a photo, or for a photo under a condition (RFC 9110 §13 and §14).
const CONDITIONAL: [HeaderName; 6] =
    [IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE];

/// Every route, with the access that it requires.
pub fn routes() -> Vec<Route> {
    use Access::{Caller, CredentialInRequest, OptionalCaller, Public};
    let (reads, writes) = (Caller(PhotosRead::REQUIRES), Caller(PhotosWrite::REQUIRES));
    let table = vec![
        Route::new(Method::GET, "/me", Caller(Requirement::AnyToken), me::me),
        Route::new(Method::GET, "/photos", reads, photos::list),
        Route::new(Method::GET, "/photos/{name}", reads, photos::show).with_headers(&CONDITIONAL),
        Route::new(Method::PUT, "/photos/{name}", writes, photos::put).with_timeout(UPLOAD_TIMEOUT),
        Route::new(Method::DELETE, "/photos/{name}", writes, photos::delete),
        Route::new(Method::GET, "/verify", CredentialInRequest, verify::verify).for_no_other_origin(),
        Route::new(Method::GET, "/currentuser", OptionalCaller, current_user),
        Route::new(Method::GET, "/healthz", Public, healthz),
        Route::new(Method::GET, "/readyz", Public, health::readyz),
    ];
    with_index("api-server", table)
}
