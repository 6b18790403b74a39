//! Why a token was refused: for the log and for `auth-server token inspect`, never for the stranger.

/// The reason, in words that hold nothing of the token itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Longer than any token of ours.
    #[error("it is longer than {} bytes", crate::MAX_TOKEN_BYTES)]
    TooLong,
    /// Not three segments of base64url characters.
    #[error("it is not a JWS in compact form: three segments of base64url characters, joined by dots")]
    NotCompact,
    /// A segment is not strict base64url.
    #[error("a segment is not strict base64url (padding, or bits left over at its end)")]
    Base64,
    /// Header or payload is not a JSON object in UTF-8, or a member has the wrong type.
    #[error("its {0} is not a JSON object of the expected members and types")]
    Json(&'static str),
    /// The same member twice in one object.
    #[error("its {0} has a member twice")]
    DuplicateMember(&'static str),
    /// The header demands an extension (`crit`), compression or encryption.
    #[error("its header demands an extension that is not supported (crit, zip or enc)")]
    Extension,
    /// `typ` names another kind of token, or none.
    #[error("its typ is not the one of this kind of token")]
    WrongType,
    /// The header names no key.
    #[error("its header names no key (kid)")]
    NoKey,
    /// No key of the ring has that `kid`.
    #[error("no configured key has its kid; was the secret changed, or does it belong to another server?")]
    UnknownKey,
    /// `alg` is not the one algorithm of the key.
    #[error("its alg is not the algorithm of the key that it names")]
    WrongAlgorithm,
    /// The signature does not match.
    #[error("its signature does not match")]
    BadSignature,
    /// Issued by somebody else.
    #[error("its issuer (iss) is not the configured one")]
    WrongIssuer,
    /// Meant for somebody else.
    #[error("its audience (aud) does not name this service")]
    WrongAudience,
    /// Past `exp` and the leeway.
    #[error("it has expired")]
    Expired,
    /// Before `nbf`, less the leeway.
    #[error("it is not valid yet (nbf)")]
    NotYetValid,
    /// A person's token without a session, or a client's with one: unclear what ends it.
    #[error("it has neither or both of a session (sid) and the client as its subject")]
    NoSession,
    /// Its session, the token itself, or its client was ended.
    #[error("its session, the token itself or its client was ended")]
    RevocationRecord,
    /// Nothing is wrong with the token, but whether it was ended is not known.
    #[error(
        "whether it was ended is not known: the revocation feed was not heard for too long, and ON_STALE is refuse"
    )]
    Stale,
    /// Nothing is wrong with the token so far, but the keys that auth-server publishes are not known yet.
    #[error("the key that it names is not known, and those that auth-server publishes were not fetched yet")]
    KeysUnavailable,
}
