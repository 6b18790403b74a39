//! `/photos` and `/photos/{name}`: the caller's own photos.

use std::future::{Ready, ready};
use std::io;

use actix_files::NamedFile;
use actix_web::dev::Payload;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ContentType, HeaderValue,
};
use actix_web::web::{self, Bytes, Data};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use goptri::Guard;
use goptri::actix::Bearer;
use goptri_server::reject_content_encoding;

use crate::photos::{
    Album, Failure, Listings, MAX_PHOTO_BYTES, Photo, PhotoName, PhotosFolder, PhotosRead, PhotosWrite,
    Refusal, SaveOutcome, Upload,
};

pub(super) async fn list(
    caller: Bearer<PhotosRead>,
    photos: Data<PhotosFolder>,
    listings: Data<Listings>,
) -> Result<HttpResponse, Failure> {
    let album = Album::of(&photos, &caller);
    let json = block_on_file(move || listings.json_of(&album)).await?;
    Ok(HttpResponse::Ok().content_type(ContentType::json()).body(Bytes::from_owner(json)))
}

pub(super) async fn show(
    request: HttpRequest,
    caller: Bearer<PhotosRead>,
    name: PhotoName,
    photos: Data<PhotosFolder>,
) -> Result<HttpResponse, Failure> {
    let (album, wanted) = (Album::of(&photos, &caller), name.clone());
    let photo = block_on_file(move || album.open(&wanted)).await?.ok_or(Refusal::NotFound)?;
    Ok(photo_response(photo, &name, &request)?)
}

pub(super) async fn put(
    caller: Bearer<PhotosWrite>,
    name: PhotoName,
    DeclaredUpload(body): DeclaredUpload,
    photos: Data<PhotosFolder>,
    guard: Data<Guard>,
) -> Result<HttpResponse, Failure> {
    let upload = Upload::receive(&photos, body).await?;
    // The body may have taken minutes, in which the user may have signed out.
    caller.recheck(&guard)?;
    let album = Album::of(&photos, &caller);
    match block_on_file(move || album.save(&name, upload)).await? {
        SaveOutcome::Created => Ok(HttpResponse::Created().finish()),
        SaveOutcome::Replaced => Ok(HttpResponse::NoContent().finish()),
        SaveOutcome::AlbumFull => Err(Refusal::AlbumFull.into()),
    }
}

pub(super) async fn delete(
    caller: Bearer<PhotosWrite>,
    name: PhotoName,
    photos: Data<PhotosFolder>,
) -> Result<HttpResponse, Failure> {
    let album = Album::of(&photos, &caller);
    let deleted = block_on_file(move || album.delete(&name)).await?;
    deleted.then(|| HttpResponse::NoContent().finish()).ok_or(Refusal::NotFound.into())
}

/// Runs `work`, which blocks on files, on a thread that serves no requests.
async fn block_on_file<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    web::block(work).await.map_err(io::Error::other)?
}

/// The photo or a range of it; 304 if the client has this version.
fn photo_response(photo: Photo, name: &PhotoName, request: &HttpRequest) -> io::Result<HttpResponse> {
    let mut response = NamedFile::from_file(photo.file, name.as_str())?.into_response(request);
    let refused = match response.status().as_u16() {
        412 => Some(Refusal::PreconditionFailed),
        400 | 416 => Some(Refusal::RangeNotSatisfiable),
        _ => None,
    };
    if let Some(refusal) = refused {
        let range = response.headers_mut().remove(CONTENT_RANGE).next();
        response = Failure::from(refusal).error_response();
        if let Some(range) = range {
            response.headers_mut().insert(CONTENT_RANGE, range);
        }
        return Ok(response);
    }
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(photo.photo_type.media_type()));
    // The caller's browser may cache it, and must revalidate, because the caller may lose access.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let disposition = format!("inline; filename=\"{}\"", name.as_str());
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_str(&disposition).map_err(io::Error::other)?);
    Ok(response)
}

impl FromRequest for PhotoName {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    /// An escaped slash is still escaped here, so it is rejected.
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::parse(request.match_info().get("name").unwrap_or_default()).map_err(Failure::from))
    }
}

/// The body of a request whose headers declare a whole photo within the size limit. Otherwise it is not read.
pub(super) struct DeclaredUpload(Payload);

impl FromRequest for DeclaredUpload {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, body: &mut Payload) -> Self::Future {
        let length = request.headers().get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        ready(match length {
            Some(length) if length > MAX_PHOTO_BYTES as u64 => Err(Refusal::TooLarge.into()),
            _ if request.headers().contains_key(CONTENT_RANGE) => Err(Refusal::Partial.into()),
            _ if reject_content_encoding(request.headers()).is_err() => Err(Refusal::Compressed.into()),
            _ => Ok(Self(body.take())),
        })
    }
}
