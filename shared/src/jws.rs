//! The outside of a token: JWS compact serialization (RFC 7515 §7.1), taken apart strictly.
//!
//! Nothing here knows a key or a claim. What passes has one spelling only, so that nothing can be the same
//! token in two texts (JV-08, JV-09, JV-10, JV-11).

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};

use crate::strict_json::{self, StrictJsonError};
use crate::{TokenError, ascii, base64url};

/// A longer token is refused before anything else looks at it.
pub const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// The kinds of token, by their `typ` (RFC 8725 §3.11): each fails every other kind's check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// `at+jwt` (RFC 9068).
    Access,
    /// `rt+jwt`, ours alone.
    Refresh,
}

impl TokenType {
    /// As it stands in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
        }
    }

    /// Media types compare without case, and `application/` may stand before them (RFC 7515 §4.1.9).
    fn matches(self, typ: &str) -> bool {
        let prefix = "application/";
        let short = match typ.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => &typ[prefix.len()..],
            _ => typ,
        };
        short.eq_ignore_ascii_case(self.name())
    }
}

/// The three segments of a token, of which nothing has been read yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segments<'a> {
    pub(crate) header: &'a str,
    payload: &'a str,
    /// What the signature covers: header and payload as they were sent.
    pub(crate) signed: &'a str,
    signature: &'a str,
}

impl<'a> Segments<'a> {
    /// Takes `token` apart.
    pub(crate) fn of(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(TokenError::NotCompact)?;
        if [header, payload, signature].iter().any(|segment| !ascii::all(segment.as_bytes(), is_of_base64url))
        {
            return Err(TokenError::NotCompact);
        }
        Ok(Self { header, payload, signed, signature })
    }

    pub(crate) fn header(&self) -> Result<Header, TokenError> {
        object(&decode(self.header)?, "header")
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.signature)
    }

    /// The payload as it was signed: bytes, which may be no JSON.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.payload)
    }
}

/// A token taken apart; its signature is not verified.
#[derive(Debug)]
pub struct UnverifiedJws<'a> {
    segments: Segments<'a>,
    header_json: Vec<u8>,
    header: Header,
}

impl<'a> UnverifiedJws<'a> {
    /// Takes `token` apart and reads its header.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        let segments = Segments::of(token)?;
        let header_json = decode(segments.header)?;
        let header = object(&header_json, "header")?;
        Ok(Self { segments, header_json, header })
    }

    /// The header as JSON text.
    pub fn header_json(&self) -> &str {
        std::str::from_utf8(&self.header_json).unwrap_or_default()
    }

    /// The payload as JSON text, once it is known to be an object.
    pub fn payload_json(&self) -> Result<String, TokenError> {
        let bytes = decode(self.segments.payload)?;
        object::<IgnoredAny>(&bytes, "payload")?;
        String::from_utf8(bytes).map_err(|_| TokenError::Json("payload"))
    }

    /// Whether the header says that this is a token of that kind.
    pub fn is(&self, typ: TokenType) -> bool {
        self.header.is(typ)
    }
}

/// The members of a header that decide something. All others are ignored, above all those that name a key
/// of the sender's choice: `jwk`, `jku`, `x5u`, `x5c` (JV-05).
#[derive(Debug, Deserialize)]
pub(crate) struct Header {
    pub(crate) alg: String,
    typ: Option<String>,
    pub(crate) kid: Option<String>,
    #[serde(default, deserialize_with = "present")]
    crit: bool,
    #[serde(default, deserialize_with = "present")]
    zip: bool,
    #[serde(default, deserialize_with = "present")]
    enc: bool,
}

impl Header {
    pub(crate) fn is(&self, typ: TokenType) -> bool {
        self.typ.as_deref().is_some_and(|text| typ.matches(text))
    }

    /// JV-07, JV-22: no extension is understood, so each one named is unknown.
    pub(crate) fn demands_an_extension(&self) -> bool {
        self.crit || self.zip || self.enc
    }
}

/// The first segment of the tokens that a key signs: their header in base64url.
pub(crate) fn header_segment(typ: TokenType, alg: &str, kid: &str) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        typ: &'static str,
        alg: &'a str,
        kid: &'a str,
    }
    // Three texts always have a JSON; and a header of nothing would be that of no token.
    let json = serde_json::to_vec(&Header { typ: typ.name(), alg, kid }).unwrap_or_default();
    base64url::encode(json)
}

fn is_of_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_')
}

fn decode(segment: &str) -> Result<Vec<u8>, TokenError> {
    base64url::decode(segment).ok_or(TokenError::Base64)
}

/// A payload as claims of type `C`.
pub(crate) fn claims<C: DeserializeOwned>(payload: &[u8]) -> Result<C, TokenError> {
    object(payload, "payload")
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn object<T: DeserializeOwned>(json: &[u8], part: &'static str) -> Result<T, TokenError> {
    strict_json::from_slice(json).map_err(|not_read| match not_read {
        StrictJsonError::Duplicate => TokenError::DuplicateMember(part),
        StrictJsonError::Json(_) => TokenError::Json(part),
    })
}
