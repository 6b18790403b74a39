//! The credential of a request, independent of any web framework.

use std::fmt;

use crate::cookie::{TwoCookies, find_cookie};
use crate::protocol_error::ProtocolError;

/// The credential of a request, not yet verified: in the `Authorization` header, or in the session cookie.
///
/// `Debug` does not show the token.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Credential<'a> {
    /// The request has no `Authorization` header.
    None,
    /// `Bearer` and its token (RFC 6750 §2.1), without the spaces around it. The token may be empty.
    Bearer(&'a str),
    /// `Bearer` with a token that is not UTF-8.
    MalformedBearer,
    /// `Basic`: a client's own credentials (RFC 7617).
    Basic,
    /// Another scheme.
    Unsupported,
    /// More than one `Authorization` header (JV-26).
    TwoAuthorizationHeaders,
    /// No `Authorization` header, and a session cookie with this value.
    Cookie(&'a [u8]),
    /// No `Authorization` header, and two session cookies (CK-11).
    TwoCookies,
}

impl<'a> Credential<'a> {
    /// Parses the values of all `Authorization` headers of a request. Schemes are case-insensitive (RFC 9110 §11.1).
    pub fn from_authorization(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        let (value, None) = (values.next(), values.next()) else { return Self::TwoAuthorizationHeaders };
        let Some(value) = value else { return Self::None };
        let scheme_length = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, token) = value.split_at(scheme_length);
        if scheme.eq_ignore_ascii_case(b"bearer") {
            std::str::from_utf8(token)
                .map_or(Self::MalformedBearer, |token| Self::Bearer(token.trim_matches(' ')))
        } else if scheme.eq_ignore_ascii_case(b"basic") {
            Self::Basic
        } else {
            Self::Unsupported
        }
    }

    /// Without an `Authorization` header, the session cookie `name` in the values of all `Cookie` headers. With one,
    /// even a malformed one, cookies are ignored.
    #[must_use]
    pub fn or_cookie(self, cookies: impl IntoIterator<Item = &'a [u8]>, name: &str) -> Self {
        if self != Self::None {
            return self;
        }
        match find_cookie(cookies, name) {
            Ok(None) => Self::None,
            Ok(Some(value)) => Self::Cookie(value),
            Err(TwoCookies) => Self::TwoCookies,
        }
    }

    /// The bearer token. `None` if the request has no `Authorization` header or one of another scheme, even if it has a
    /// session cookie.
    ///
    /// # Errors
    /// [`ProtocolError::TWO_AUTHORIZATION_HEADERS`]; [`ProtocolError::INVALID_TOKEN`] for a token that is not UTF-8.
    pub fn bearer_token(self) -> Result<Option<&'a str>, ProtocolError> {
        match self {
            Self::Bearer(token) => Ok(Some(token)),
            Self::None | Self::Basic | Self::Unsupported | Self::Cookie(_) | Self::TwoCookies => Ok(None),
            Self::MalformedBearer => Err(ProtocolError::INVALID_TOKEN),
            Self::TwoAuthorizationHeaders => Err(ProtocolError::TWO_AUTHORIZATION_HEADERS),
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Bearer(_) => "Bearer(<redacted>)",
            Self::MalformedBearer => "MalformedBearer",
            Self::Basic => "Basic",
            Self::Unsupported => "Unsupported",
            Self::TwoAuthorizationHeaders => "TwoAuthorizationHeaders",
            Self::Cookie(_) => "Cookie(<redacted>)",
            Self::TwoCookies => "TwoCookies",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// JV-26
    #[test]
    fn the_scheme_of_the_only_authorization_header_decides() {
        let table: [(&[&[u8]], Credential<'_>); 13] = [
            (&[], Credential::None),
            (&[b"Bearer a.b.c"], Credential::Bearer("a.b.c")),
            (&[b"bEARER   a.b.c  "], Credential::Bearer("a.b.c")),
            (&[b"Bearer"], Credential::Bearer("")),
            (&[b"Bearer \xff"], Credential::MalformedBearer),
            (&[b"Basic YTpi"], Credential::Basic),
            (&[b"basic"], Credential::Basic),
            (&[b"Bearera.b.c"], Credential::Unsupported),
            (&[b"Digest x"], Credential::Unsupported),
            (&[b""], Credential::Unsupported),
            (&[b"Bearer a", b"Bearer a"], Credential::TwoAuthorizationHeaders),
            (&[b"Basic YTpi", b""], Credential::TwoAuthorizationHeaders),
            (&[b"", b"", b""], Credential::TwoAuthorizationHeaders),
        ];
        for (values, expected) in table {
            assert_eq!(Credential::from_authorization(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn cookies_beside_an_authorization_header_are_ignored() {
        let with = |headers: &[&'static [u8]]| {
            let credential = Credential::from_authorization(headers.iter().copied());
            credential.or_cookie([b"a=b; session=x".as_slice()], "session")
        };
        assert_eq!(with(&[]), Credential::Cookie(b"x"));
        for broken in [b"Bearer null".as_slice(), b"Bearer", b"Bearer \xff", b"Basic YTpi", b"undefined", b""]
        {
            assert_eq!(with(&[broken]), Credential::from_authorization([broken]));
        }
        assert_eq!(with(&[b"", b""]), Credential::TwoAuthorizationHeaders);
        let cookies = |text: &'static str| Credential::None.or_cookie([text.as_bytes()], "session");
        assert_eq!(cookies("a=b"), Credential::None);
        assert_eq!(cookies("session=x; session=x"), Credential::TwoCookies);
    }

    #[test]
    fn debug_does_not_show_the_token() {
        assert_eq!(format!("{:?}", Credential::Bearer("a.b.c")), "Bearer(<redacted>)");
        assert_eq!(format!("{:?}", Credential::Cookie(b"x")), "Cookie(<redacted>)");
    }
}
