//! The value of the session cookie: base64 (RFC 4648 §4) of `{"jwt":"<access token>"}`, which Express's `cookie-session`
//! (`signed: false`) reads as `req.session.jwt`. Other members are ignored.

use std::sync::LazyLock;

use base64::Engine;
use serde::{Deserialize, Serialize};

use crate::strict_json;
use crate::token_error::TokenError;

/// Browsers store no cookie whose name and value are longer together (RFC 6265bis §5.7).
pub const MAX_COOKIE_BYTES: usize = 4096;

/// base64 with padding. Strict: each byte sequence has only one encoding. Uses vector instructions if the processor has
/// them, which is detected once.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<base64::engine::Simd> =
    LazyLock::new(|| base64::engine::Simd::standard(base64::engine::general_purpose::PAD));

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::general_purpose::STANDARD);

#[derive(Serialize, Deserialize)]
struct Content<'a> {
    jwt: &'a str,
}

/// The value of the cookie for an access token.
pub fn encode(token: &str) -> String {
    // Serializing a string cannot fail. If it did, the cookie would be empty and carry no token.
    BASE64.encode(serde_json::to_vec(&Content { jwt: token }).unwrap_or_default())
}

/// The longest access token that fits into a cookie of this name (CK-03).
pub fn max_token_bytes(name: &str) -> usize {
    let value = MAX_COOKIE_BYTES.saturating_sub(name.len());
    // Four characters for three bytes.
    (value / 4 * 3).saturating_sub(r#"{"jwt":""}"#.len())
}

/// The access token in the value of a cookie. It is not verified.
///
/// # Errors
/// If the value is too long for a cookie, not base64 with padding, or not JSON with one `jwt`.
pub fn decode(value: &[u8]) -> Result<String, TokenError> {
    with_token(value, |token| Ok(token.to_owned()))
}

/// Calls `verify` with the access token in the value of a cookie, without copying it.
pub(crate) fn with_token<T>(
    value: &[u8],
    verify: impl FnOnce(&str) -> Result<T, TokenError>,
) -> Result<T, TokenError> {
    // First, so that a long value costs nothing.
    if value.len() > MAX_COOKIE_BYTES {
        return Err(TokenError::MalformedCookie);
    }
    let json = BASE64.decode(value).map_err(|_| TokenError::MalformedCookie)?;
    let Content { jwt } = strict_json::from_slice(&json).map_err(|_| TokenError::MalformedCookie)?;
    verify(jwt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base64(text: &str) -> String {
        BASE64.encode(text)
    }

    /// What `Buffer.from(JSON.stringify({jwt: "a.b.c"})).toString("base64")` returns in Node.
    #[test]
    fn the_value_is_what_cookie_session_reads() {
        assert_eq!(encode("a.b.c"), "eyJqd3QiOiJhLmIuYyJ9");
        assert_eq!(encode("a.b.cd"), "eyJqd3QiOiJhLmIuY2QifQ==");
        assert_eq!(decode(b"eyJqd3QiOiJhLmIuY2QifQ=="), Ok("a.b.cd".to_owned()));
        let more = base64(r#"{"views":3,"jwt":"a.b.c","user":{"jwt":"x"}}"#);
        assert_eq!(decode(more.as_bytes()), Ok("a.b.c".to_owned()), "other members are ignored");
    }

    /// CK-11
    #[test]
    fn any_other_value_is_malformed() {
        let good = encode("a.b.cd");
        let table = [
            String::new(),
            "nonsense".to_owned(),
            "a.b.c".to_owned(),
            r#"{"jwt":"a.b.c"}"#.to_owned(),
            // base64url, no padding, white space, quoted, percent-encoded, trailing bits, twice.
            base64(r#"{"jwt":"???>>>"}"#).replace('+', "-").replace('/', "_"),
            good.trim_end_matches('=').to_owned(),
            format!(" {good}"),
            format!("{good} "),
            format!("\"{good}\""),
            good.replace('=', "%3D"),
            good.replace("fQ==", "fR=="),
            format!("{good}{good}"),
            // No JSON object with one string `jwt`.
            base64(""),
            base64("{"),
            base64("null"),
            base64("[]"),
            base64(r#""a.b.c""#),
            base64("{}"),
            base64(r#"{"JWT":"a.b.c"}"#),
            base64(r#"{"jwt":null}"#),
            base64(r#"{"jwt":["a.b.c"]}"#),
            base64(r#"{"jwt":1}"#),
            base64(r#"{"jwt":"a.b.c"} x"#),
            base64(r#"{"jwt":"a.b.c","jwt":"d.e.f"}"#),
            base64(r#"{"jwt":"a\u002eb.c"}"#),
            base64("\u{feff}{\"jwt\":\"a.b.c\"}"),
            base64(&format!(r#"{{{}"jwt":"a.b.c"}}"#, r#""x":[],"#.repeat(2))),
            BASE64.encode(b"{\"jwt\":\"\xff\"}"),
            "A".repeat(8 * 1024),
            encode(&"a".repeat(8 * 1024)),
        ];
        for value in table {
            assert_eq!(decode(value.as_bytes()), Err(TokenError::MalformedCookie), "{value}");
        }
        assert_eq!(decode(b"\xff\xfe"), Err(TokenError::MalformedCookie));
    }

    /// CK-03
    #[test]
    fn the_longest_token_fits_and_one_byte_more_does_not() {
        for name in ["session", "__Host-session", "__Secure-session"] {
            let longest = max_token_bytes(name);
            let length = |token: usize| name.len() + encode(&"a".repeat(token)).len();
            assert!(length(longest) <= MAX_COOKIE_BYTES, "{name}");
            assert!(length(longest + 1) > MAX_COOKIE_BYTES, "{name}");
        }
    }
}
