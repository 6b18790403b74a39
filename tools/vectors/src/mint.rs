//! Tokens of any bytes with a right signature, so that only what a vector is about is wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::keys::{self, SECRET};
use crate::object::{Object, quoted};
use crate::{AUDIENCE, ISSUER};

pub(crate) const USER: &str = "0190b0a0-0000-7000-8000-000000000001";
pub(crate) const SESSION: &str = "0190b0a0-0000-7000-8000-000000000002";
/// When the tokens with a fixed verdict were issued.
pub(crate) const ISSUED: i64 = 1_700_000_000;
/// When they expire: in the year 2100.
pub(crate) const EXPIRES: i64 = 4_102_444_800;

/// A header with nothing wrong, for the first secret.
pub(crate) fn header() -> Object {
    header_of("HS256", SECRET)
}

/// A header for this secret or private key.
pub(crate) fn header_of(alg: &str, key: &str) -> Object {
    Object::new([("typ", quoted("at+jwt")), ("alg", quoted(alg)), ("kid", quoted(&keys::kid(key)))])
}

/// Claims of a user with nothing wrong.
pub(crate) fn claims() -> Object {
    Object::new([
        ("iss", quoted(ISSUER)),
        ("sub", quoted(USER)),
        ("aud", quoted(AUDIENCE)),
        ("exp", EXPIRES.to_string()),
        ("iat", ISSUED.to_string()),
        ("jti", quoted("7c0d0000000000000000000000000001")),
        ("client_id", quoted("goptri")),
        ("scope", quoted("photos:read")),
        ("sid", quoted(SESSION)),
        ("email", quoted("ann@example.com")),
        ("email_verified", "true".into()),
        ("roles", r#"["editor"]"#.into()),
        ("auth_time", (ISSUED - 60).to_string()),
    ])
}

/// Claims of a client that acts for itself.
pub(crate) fn client_claims() -> Object {
    Object::new([
        ("iss", quoted(ISSUER)),
        ("sub", quoted("printer")),
        ("aud", quoted(AUDIENCE)),
        ("exp", EXPIRES.to_string()),
        ("iat", ISSUED.to_string()),
        ("jti", quoted("7c0d0000000000000000000000000002")),
        ("client_id", quoted("printer")),
        ("scope", quoted("photos:read")),
    ])
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn signing_input(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    format!("{}.{}", base64url(header), base64url(payload))
}

/// The signing input with this signature.
pub(crate) fn signed(signing_input: &str, signature: impl AsRef<[u8]>) -> String {
    format!("{signing_input}.{}", base64url(signature))
}

/// The segments as they are, and their right MAC.
pub(crate) fn seal(header: &str, payload: &str) -> String {
    let input = format!("{header}.{payload}");
    let mac = keys::mac("HS256", SECRET.as_bytes(), &input);
    signed(&input, mac)
}

/// A token of these bytes with its right MAC.
pub(crate) fn forge(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    seal(&base64url(header), &base64url(payload))
}

pub(crate) fn with_header(header: &Object) -> String {
    forge(header.to_string(), claims().to_string())
}

pub(crate) fn with_claims(claims: &Object) -> String {
    forge(header().to_string(), claims.to_string())
}

/// A token with nothing wrong.
pub(crate) fn good() -> String {
    with_claims(&claims())
}
