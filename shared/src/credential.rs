//! The credential of a request, independent of any web framework.

use std::fmt;

use crate::protocol_error::ProtocolError;

/// The credential in the `Authorization` header of a request, not yet verified.
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
    Conflict,
}

impl<'a> Credential<'a> {
    /// Parses the values of all `Authorization` headers of a request. Schemes are case-insensitive (RFC 9110 §11.1).
    pub fn from_authorization(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        let (value, None) = (values.next(), values.next()) else { return Self::Conflict };
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

    /// The bearer token, or `None` if the request has no credential or one of another scheme.
    ///
    /// # Errors
    /// [`ProtocolError::TWO_CREDENTIALS`] for a conflict and [`ProtocolError::INVALID_TOKEN`] for a malformed token.
    pub fn bearer_token(self) -> Result<Option<&'a str>, ProtocolError> {
        match self {
            Self::Bearer(token) => Ok(Some(token)),
            Self::None | Self::Basic | Self::Unsupported => Ok(None),
            Self::MalformedBearer => Err(ProtocolError::INVALID_TOKEN),
            Self::Conflict => Err(ProtocolError::TWO_CREDENTIALS),
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
            Self::Conflict => "Conflict",
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
            (&[b"Bearer a", b"Bearer a"], Credential::Conflict),
            (&[b"Basic YTpi", b""], Credential::Conflict),
            (&[b"", b"", b""], Credential::Conflict),
        ];
        for (values, expected) in table {
            assert_eq!(Credential::from_authorization(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn debug_does_not_show_the_token() {
        assert_eq!(format!("{:?}", Credential::Bearer("a.b.c")), "Bearer(<redacted>)");
    }
}
