//! The outside of a token: JWS compact serialization (RFC 7515 §7.1), taken apart strictly.
//!
//! Nothing here knows a key or a claim. What passes has one spelling only, so that nothing can be the same
//! token in two texts (JV-08, JV-09, JV-10, JV-11).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::Refusal;
use crate::unique_members::{self, Members};

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

/// A token taken apart; its signature is not yet verified.
#[derive(Debug)]
pub struct Compact<'a> {
    header_json: Vec<u8>,
    pub(crate) header: Header,
    payload: &'a str,
    /// What the signature covers: header and payload as they were sent.
    pub(crate) signed: &'a str,
    pub(crate) signature: &'a str,
}

impl<'a> Compact<'a> {
    /// Takes `token` apart and reads its header.
    pub fn parse(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TooLong);
        }
        if !token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            return Err(Refusal::NotCompact);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Refusal::NotCompact)?;
        let (header, payload) = signed.split_once('.').ok_or(Refusal::NotCompact)?;
        if payload.contains('.') {
            return Err(Refusal::NotCompact);
        }
        let header_json = URL_SAFE_NO_PAD.decode(header).map_err(|_| Refusal::Base64)?;
        let header = object(&header_json, "header")?;
        Ok(Self { header_json, header, payload, signed, signature })
    }

    /// The header as JSON text.
    pub fn header_json(&self) -> &str {
        std::str::from_utf8(&self.header_json).unwrap_or_default()
    }

    /// The payload as JSON text, once it is known to be an object.
    pub fn payload_json(&self) -> Result<String, Refusal> {
        let bytes = URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| Refusal::Base64)?;
        object::<IgnoredAny>(&bytes, "payload")?;
        String::from_utf8(bytes).map_err(|_| Refusal::Json("payload"))
    }

    /// The payload as claims of type `C`.
    pub(crate) fn claims<C: DeserializeOwned>(&self) -> Result<C, Refusal> {
        object(&URL_SAFE_NO_PAD.decode(self.payload).map_err(|_| Refusal::Base64)?, "payload")
    }

    /// Whether the header says that this is a token of that kind.
    pub fn is(&self, typ: TokenType) -> bool {
        self.header.typ.as_deref().is_some_and(|text| typ.matches(text))
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
    /// JV-07, JV-22: no extension is understood, so each one named is unknown.
    pub(crate) fn demands_an_extension(&self) -> bool {
        self.crit || self.zip || self.enc
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

fn object<T: DeserializeOwned>(json: &[u8], part: &'static str) -> Result<T, Refusal> {
    match unique_members::check(json) {
        Members::Unique => serde_json::from_slice(json).map_err(|_| Refusal::Json(part)),
        Members::Duplicate => Err(Refusal::DuplicateMember(part)),
        Members::NotAnObject => Err(Refusal::Json(part)),
    }
}
