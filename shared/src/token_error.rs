//! Why a token was rejected.

use crate::strict_json::MAX_MEMBERS;

/// A longer token is rejected before it is parsed.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// Why a token was rejected, for the log and for tools. Clients see only [`ProtocolError`](crate::ProtocolError).
///
/// The text contains no part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is longer than [`MAX_TOKEN_BYTES`].
    #[error("it is longer than {MAX_TOKEN_BYTES} bytes")]
    TooLong,
    /// It is not three segments of base64url characters.
    #[error("it is not a JWS in compact form: three segments of base64url characters, joined by dots")]
    NotCompact,
    /// A segment is not strict base64url.
    #[error("a segment is not strict base64url (padding, or bits left over at its end)")]
    Base64,
    /// Header or payload is not a JSON object in UTF-8, or a member has the wrong type.
    #[error("its {0} is not a JSON object with the expected members and types")]
    Json(&'static str),
    /// An object has the same member twice.
    #[error("its {0} has a member twice")]
    DuplicateMember(&'static str),
    /// Header or payload has more than [`MAX_MEMBERS`] members.
    #[error("its {0} has more than {MAX_MEMBERS} members")]
    TooManyMembers(&'static str),
    /// The header requires an extension (`crit`), compression or encryption.
    #[error("its header requires an extension that is not supported (crit, zip or enc)")]
    Extension,
    /// `typ` is absent or that of another type of token.
    #[error("its typ is missing or names another type of token")]
    WrongType,
    /// The header has no `kid`.
    #[error("its header names no key (kid)")]
    MissingKid,
    /// No key has this `kid`.
    #[error("no configured key has its kid; was the secret replaced, or is the token from another server?")]
    UnknownKey,
    /// `alg` is not the algorithm of the key.
    #[error("its alg is not the algorithm of the key that it names")]
    WrongAlgorithm,
    /// The signature does not match.
    #[error("its signature does not match")]
    BadSignature,
    /// Another issuer.
    #[error("its issuer (iss) is not the configured one")]
    WrongIssuer,
    /// Another audience.
    #[error("its audience (aud) does not name this service")]
    WrongAudience,
    /// After `exp` plus the leeway.
    #[error("it has expired")]
    Expired,
    /// Before `nbf` minus the leeway.
    #[error("it is not valid yet (nbf)")]
    NotYetValid,
    /// `iat` is more than an hour and the leeway after now.
    #[error(
        "it was issued in the future (iat); do the clocks of auth-server's database and of this server agree?"
    )]
    IssuedInTheFuture,
    /// A claim has a value that Goptri never issues: a blank text, a control character, or contradictory times.
    #[error("its claim {0} has a value that auth-server never issues")]
    InvalidClaim(&'static str),
    /// A user's token without a session, or a client's token with one: no revocation would clearly apply to it.
    #[error("it must have either a session (sid) or its client as subject, and not both")]
    NoSession,
    /// Its session, the token itself or its client was revoked.
    #[error("its session, the token itself or its client was revoked")]
    Revoked,
    /// The session cookie is too long, not base64, or not JSON with a `jwt`.
    #[error("its cookie is not base64 of JSON with the member jwt, or too long")]
    MalformedCookie,
    /// The request has two session cookies (CK-11).
    #[error("the request has two session cookies of one name")]
    TwoCookies,
    /// The token is valid, but it is unknown whether it was revoked.
    #[error("it is unknown whether it was revoked: the revocation feed is stale, and ON_STALE is refuse")]
    Stale,
    /// The token is valid, but not all revocations were read yet.
    #[error("it is unknown whether it was revoked: not all of the revocation feed was read since the start")]
    NotCaughtUp,
    /// Its key is unknown, but the keys that auth-server publishes were not fetched yet, or there are no keys at all.
    #[error(
        "its key is unknown, and the keys that auth-server publishes were not fetched yet, or it publishes none"
    )]
    KeysUnavailable,
}
