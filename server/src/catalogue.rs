//! The catalogue of protocol errors, from which docs/errors.md is generated.

use goptri::ProtocolError;

/// A protocol error and its documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueRow {
    /// Status, code and sentence.
    pub error: ProtocolError,
    /// When a server sends it.
    pub when: &'static str,
    /// What the client can do about it.
    pub remedy: &'static str,
}

impl CatalogueRow {
    /// Documents `error`.
    pub const fn new(error: ProtocolError, when: &'static str, remedy: &'static str) -> Self {
        Self { error, when, remedy }
    }
}

/// Defines protocol errors as constants, and a function that lists all of them: no error can be missing there.
///
/// Each row is `NAME = error; "when"; "remedy";`.
#[macro_export]
macro_rules! catalogue {
    ($(#[$attribute:meta])* $visibility:vis fn $all:ident; $(
        $name:ident = $error:expr; $when:literal; $remedy:literal;
    )*) => {
        $(
            #[doc = $when]
            pub(crate) const $name: ::goptri::ProtocolError = $error;
        )*

        $(#[$attribute])*
        $visibility fn $all() -> Vec<$crate::CatalogueRow> {
            vec![$($crate::CatalogueRow::new($name, $when, $remedy)),*]
        }
    };
}

/// The errors that every server sends, independent of its routes.
pub fn common_errors() -> Vec<CatalogueRow> {
    [caller_errors(), body_errors(), other_errors()].concat()
}

fn caller_errors() -> Vec<CatalogueRow> {
    vec![
        CatalogueRow::new(
            ProtocolError::MISSING_TOKEN,
            "The route needs an access token, and the request has none.",
            "Send `Authorization: Bearer` with an access token, or the session cookie.",
        ),
        CatalogueRow::new(
            ProtocolError::INVALID_TOKEN,
            "The token, or its cookie, fails verification, it has expired, or its session has ended. The log has the reason.",
            "Refresh once and repeat the request; if that fails too, sign in again.",
        ),
        CatalogueRow::new(
            ProtocolError::INSUFFICIENT_SCOPE,
            "The token is valid and lacks the scope or the role that the route needs.",
            "Ask for the scope that `WWW-Authenticate` names.",
        ),
        CatalogueRow::new(
            ProtocolError::CROSS_SITE_REQUEST,
            "The request would use or set a cookie and change something, and it does not come from a page that may do so.",
            "Send it from a page of this service, from one whose origin is in `CORS_ORIGINS`, or with a bearer token.",
        ),
        CatalogueRow::new(
            ProtocolError::TWO_AUTHORIZATION_HEADERS,
            "The request has more than one `Authorization` header.",
            "Send one.",
        ),
    ]
}

fn body_errors() -> Vec<CatalogueRow> {
    vec![
        CatalogueRow::new(
            ProtocolError::MALFORMED_BODY,
            "The body is not a JSON object with the members of this route, a member occurs twice, or there are more than 64 members.",
            "Correct the body.",
        ),
        CatalogueRow::new(
            ProtocolError::BYTE_ORDER_MARK,
            "The JSON or the form begins with a byte order mark of UTF-8 or UTF-16.",
            "Send UTF-8 without a byte order mark.",
        ),
        CatalogueRow::new(
            ProtocolError::BODY_TOO_LARGE,
            "The body exceeds 16 KiB, or the limit of this route.",
            "Send less.",
        ),
        CatalogueRow::new(
            ProtocolError::UNSUPPORTED_MEDIA_TYPE,
            "The route does not accept this `Content-Type`.",
            "Send JSON as `application/json`.",
        ),
        CatalogueRow::new(
            ProtocolError::COMPRESSED_BODY,
            "The request has a `Content-Encoding` other than `identity`, and the route reads its body.",
            "Send the body uncompressed.",
        ),
    ]
}

fn other_errors() -> Vec<CatalogueRow> {
    vec![
        CatalogueRow::new(ProtocolError::NOT_FOUND, "No route has this path.", "Check the path."),
        CatalogueRow::new(
            ProtocolError::METHOD_NOT_ALLOWED,
            "The path has no route for this method.",
            "Use a method from the `Allow` header.",
        ),
        CatalogueRow::new(
            ProtocolError::PREFLIGHT_REJECTED,
            "The preflight of a page in `CORS_ORIGINS` asks for a method or a header that the route does not accept from pages.",
            "Send what [http.md](http.md#pages-of-other-origins) lists.",
        ),
        CatalogueRow::new(
            ProtocolError::TIMED_OUT,
            "The request was not received and answered within its time limit, usually 60 s.",
            "Retry.",
        ),
        CatalogueRow::new(
            ProtocolError::SERVER_ERROR,
            "The server failed. The body has a `request_id`, and the log has the cause under that id.",
            "Report the `request_id` to the operator.",
        ),
        CatalogueRow::new(
            ProtocolError::UNAVAILABLE,
            "The database does not answer, the server is overloaded, or it cannot verify tokens yet.",
            "Retry after the seconds in `Retry-After`.",
        ),
    ]
}
