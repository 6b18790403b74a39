//! `/photos` and `/photos/{name}`: the caller's own pictures.

use std::future::{Ready, ready};
use std::io;

use actix_files::NamedFile;
use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue,
};
use actix_web::web::{self, Data, Json};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use goptri::ProtocolError;
use goptri::actix::Bearer;
use serde::Serialize;

use crate::photos::{
    Failure, Kept, Listed, MAX_PHOTO_BYTES, Photo, PhotoName, PhotosFolder, PhotosRead, PhotosWrite,
    TOO_LARGE, Upload,
};

const NO_SUCH_PHOTO: ProtocolError =
    ProtocolError::new(404, "not_found", "You have no picture of this name.");
/// It has [`MAX_PHOTOS`](crate::photos::MAX_PHOTOS).
const ALBUM_FULL: ProtocolError = ProtocolError::new(
    409,
    "album_full",
    "An album has at most 1000 pictures; delete one, or replace one by sending another under its name.",
);
const NOT_AS_EXPECTED: ProtocolError =
    ProtocolError::new(412, "precondition_failed", "The picture is not the one that the request expects.");
const NO_SUCH_RANGE: ProtocolError = ProtocolError::new(
    416,
    "range_not_satisfiable",
    "The picture has no bytes in the Range that was asked for.",
);

/// Kept, it would take the whole one's place (RFC 9110 §14.5).
const ONLY_A_PART: ProtocolError = ProtocolError::new(
    400,
    "invalid_request",
    "The request has a Content-Range; a picture is sent as a whole, not in parts.",
);

/// The body of `GET /photos`.
#[derive(Serialize)]
pub(super) struct Listing {
    photos: Vec<Listed>,
}

pub(super) async fn list(
    caller: Bearer<PhotosRead>,
    photos: Data<PhotosFolder>,
) -> Result<Json<Listing>, Failure> {
    let album = photos.album_of(&caller);
    Ok(Json(Listing { photos: off_thread(move || album.list()).await? }))
}

pub(super) async fn show(
    request: HttpRequest,
    caller: Bearer<PhotosRead>,
    name: PhotoName,
    photos: Data<PhotosFolder>,
) -> Result<HttpResponse, Failure> {
    let (album, wanted) = (photos.album_of(&caller), name.clone());
    let photo = off_thread(move || album.open(&wanted)).await?.ok_or(NO_SUCH_PHOTO)?;
    Ok(rendered(photo, &name, &request)?)
}

pub(super) async fn put(
    caller: Bearer<PhotosWrite>,
    name: PhotoName,
    _: Announced,
    body: web::Payload,
    photos: Data<PhotosFolder>,
) -> Result<HttpResponse, Failure> {
    let upload = Upload::receive(&photos, body).await?;
    let album = photos.album_of(&caller);
    match off_thread(move || album.keep(&name, upload)).await? {
        Kept::New => Ok(HttpResponse::Created().finish()),
        Kept::Replaced => Ok(HttpResponse::NoContent().finish()),
        Kept::Refused => Err(ALBUM_FULL.into()),
    }
}

pub(super) async fn delete(
    caller: Bearer<PhotosWrite>,
    name: PhotoName,
    photos: Data<PhotosFolder>,
) -> Result<HttpResponse, Failure> {
    let album = photos.album_of(&caller);
    let removed = off_thread(move || album.remove(&name)).await?;
    removed.then(|| HttpResponse::NoContent().finish()).ok_or(NO_SUCH_PHOTO.into())
}

/// Files block; the threads that serve may not.
async fn off_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    web::block(work).await.map_err(io::Error::other)?
}

/// The picture or the part that was asked for, unless the client has it already.
fn rendered(photo: Photo, name: &PhotoName, request: &HttpRequest) -> io::Result<HttpResponse> {
    let mut response = NamedFile::from_file(photo.file, name.as_str())?.into_response(request);
    let refused = match response.status().as_u16() {
        412 => Some(NOT_AS_EXPECTED),
        400 | 416 => Some(NO_SUCH_RANGE),
        _ => None,
    };
    if let Some(error) = refused {
        let range = response.headers_mut().remove(CONTENT_RANGE).next();
        response = error.error_response();
        if let Some(range) = range {
            response.headers_mut().insert(CONTENT_RANGE, range);
        }
        return Ok(response);
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(photo.photo_type.media_type()));
    // The caller's browser may keep it, and asks each time whether it is still theirs to see.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let disposition = format!("inline; filename=\"{}\"", name.as_str());
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(io::Error::other)?);
    Ok(response)
}

impl FromRequest for PhotoName {
    type Error = ProtocolError;
    type Future = Ready<Result<Self, ProtocolError>>;

    /// An escaped slash is still escaped here, and so is no part of a name.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.match_info().get("name").unwrap_or_default()))
    }
}

/// That the head of the request announces a whole picture that is not too large: another body is not read at all.
pub(super) struct Announced;

impl FromRequest for Announced {
    type Error = ProtocolError;
    type Future = Ready<Result<Self, ProtocolError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let announced = request.headers().get(CONTENT_LENGTH);
        let length = announced.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        ready(match length {
            Some(length) if length > MAX_PHOTO_BYTES as u64 => Err(TOO_LARGE),
            _ if request.headers().contains_key(CONTENT_RANGE) => Err(ONLY_A_PART),
            _ => Ok(Self),
        })
    }
}
