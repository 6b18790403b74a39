//! JWS compact serialization (RFC 7515 §7.1), parsed strictly.
//!
//! Independent of keys and claims. Each header, payload and signature has exactly one accepted encoding (JV-08, JV-09,
//! JV-10, JV-11). A token can still have two texts, because ECDSA signatures come in pairs (JV-28).

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::ascii;
use crate::base64url;
use crate::strict_json::{self, StrictJsonError};
use crate::token_error::{MAX_TOKEN_BYTES, TokenError};

/// A type of token, the `typ` of its header (RFC 8725 §3.11). A token of one type is never accepted as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenType {
    /// `at+jwt` (RFC 9068).
    Access,
    /// `rt+jwt`, which only Goptri uses.
    Refresh,
    /// `client-authentication+jwt`, with which a client authenticates (RFC 7523). `JWT` and no type at all are accepted
    /// too: most clients send them, and no other type of token has them.
    ClientAssertion,
}

impl TokenType {
    /// The `typ` in the header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Access => "at+jwt",
            Self::Refresh => "rt+jwt",
            Self::ClientAssertion => "client-authentication+jwt",
        }
    }

    /// Media types are case-insensitive and may begin with `application/` (RFC 7515 §4.1.9).
    fn matches(self, typ: &str) -> bool {
        let prefix = "application/";
        let short = match typ.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => &typ[prefix.len()..],
            _ => typ,
        };
        short.eq_ignore_ascii_case(self.name())
            || (self == Self::ClientAssertion && short.eq_ignore_ascii_case("JWT"))
    }
}

/// The three segments of a token, still encoded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JwsParts<'a> {
    pub(crate) header: &'a str,
    payload: &'a str,
    /// The signing input: header and payload as received.
    pub(crate) signing_input: &'a str,
    signature: &'a str,
}

impl<'a> JwsParts<'a> {
    pub(crate) fn parse(token: &'a str) -> Result<Self, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::TooLong);
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or(TokenError::NotCompact)?;
        let (header, payload) = signing_input.split_once('.').ok_or(TokenError::NotCompact)?;
        if ![header, payload, signature].into_iter().all(is_base64url) {
            return Err(TokenError::NotCompact);
        }
        Ok(Self { header, payload, signing_input, signature })
    }

    pub(crate) fn header(&self) -> Result<Header, TokenError> {
        parse_object(&decode(self.header)?, "header")
    }

    pub(crate) fn signature(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.signature)
    }

    /// The decoded payload, which need not be JSON.
    pub(crate) fn payload(&self) -> Result<Vec<u8>, TokenError> {
        decode(self.payload)
    }
}

/// A parsed token whose signature is not verified, for tools and tests.
#[derive(Debug)]
pub struct UnverifiedJws<'a> {
    parts: JwsParts<'a>,
    header_json: Vec<u8>,
    header: Header,
}

impl<'a> UnverifiedJws<'a> {
    /// Parses `token` and its header.
    pub fn parse(token: &'a str) -> Result<Self, TokenError> {
        let parts = JwsParts::parse(token)?;
        let header_json = decode(parts.header)?;
        let header = parse_object(&header_json, "header")?;
        Ok(Self { parts, header_json, header })
    }

    /// The header, in JSON.
    pub fn header_json(&self) -> &str {
        std::str::from_utf8(&self.header_json).unwrap_or_default()
    }

    /// The payload, in JSON.
    ///
    /// # Errors
    /// If it is not a JSON object.
    pub fn payload_json(&self) -> Result<String, TokenError> {
        let bytes = decode(self.parts.payload)?;
        parse_object::<IgnoredAny>(&bytes, "payload")?;
        String::from_utf8(bytes).map_err(|_| TokenError::Json("payload"))
    }

    /// Whether this is a token of type `typ`.
    pub fn has_type(&self, typ: TokenType) -> bool {
        self.header.has_type(typ)
    }
}

/// The header members that are used. All others are ignored, in particular those with which a sender could choose the
/// key: `jwk`, `jku`, `x5u`, `x5c` (JV-05).
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
    pub(crate) fn has_type(&self, typ: TokenType) -> bool {
        self.typ.as_deref().map_or(typ == TokenType::ClientAssertion, |text| typ.matches(text))
    }

    /// JV-07, JV-22: Goptri supports no extension.
    pub(crate) fn has_unsupported_extension(&self) -> bool {
        self.crit || self.zip || self.enc
    }
}

/// The first segment of the tokens that Goptri signs with the key of this name.
pub(crate) fn header_segment(typ: TokenType, alg: &str, kid: &str) -> String {
    #[derive(Serialize)]
    struct Header<'a> {
        typ: &'static str,
        alg: &'a str,
        kid: &'a str,
    }
    let header = Header { typ: typ.name(), alg, kid };
    // Serializing three strings cannot fail. If it did, the header would be empty, and every token rejected.
    base64url::encode(serde_json::to_vec(&header).unwrap_or_default())
}

fn is_base64url(text: &str) -> bool {
    ascii::all_bytes(text.as_bytes(), |byte| byte.is_ascii_alphanumeric() | matches!(byte, b'-' | b'_'))
}

fn decode(segment: &str) -> Result<Vec<u8>, TokenError> {
    base64url::decode(segment).ok_or(TokenError::Base64)
}

/// Parses a decoded payload.
pub(crate) fn parse_claims<'a, C: Deserialize<'a>>(payload: &'a [u8]) -> Result<C, TokenError> {
    parse_object(payload, "payload")
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn parse_object<'a, T: Deserialize<'a>>(json: &'a [u8], part: &'static str) -> Result<T, TokenError> {
    strict_json::from_slice(json).map_err(|error| match error {
        StrictJsonError::Duplicate => TokenError::DuplicateMember(part),
        StrictJsonError::TooManyMembers => TokenError::TooManyMembers(part),
        StrictJsonError::Json(_) => TokenError::Json(part),
    })
}
