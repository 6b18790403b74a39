//! The caller as four headers, which a proxy passes on to the application.

use std::fmt::Write;

use goptri::AccessClaims;

/// All four headers, always: the proxy overwrites headers of the same names that the client sent.
///
/// Each value, and each word of a list, is percent-encoded UTF-8 (RFC 3986 §2.1). Roles are separated by commas, words
/// of the scope by spaces. The address is empty unless the user has confirmed it.
pub fn identity_headers(claims: &AccessClaims) -> [(&'static str, String); 4] {
    let user = claims.user();
    let confirmed = user.filter(|user| user.email_verified == Some(true));
    let email = confirmed.and_then(|user| user.email.as_deref()).unwrap_or_default();
    let roles = user.map(|user| user.roles.as_slice()).unwrap_or_default();
    let words = claims.scope.as_str().split(' ');
    [
        ("x-auth-user", encoded([claims.subject()], "")),
        ("x-auth-email", encoded([email], "")),
        ("x-auth-roles", encoded(roles.iter().map(String::as_str), ",")),
        ("x-auth-scope", encoded(words, " ")),
    ]
}

fn encoded<'a>(words: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
    let mut encoded = String::new();
    for word in words {
        if !encoded.is_empty() {
            encoded.push_str(separator);
        }
        for byte in word.bytes() {
            match byte {
                // Unreserved characters, and `@`, `:` and `/`, which have no meaning in these headers.
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' | b'/' => {
                    encoded.push(char::from(byte));
                }
                _ => {
                    let _ = write!(encoded, "%{byte:02X}");
                }
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use goptri::token::Audience;
    use goptri::{Caller, Scope, User};

    fn headers(caller: Caller, scope: &str) -> [String; 4] {
        let audience = Audience(["http://localhost:3000".into()].into());
        let mut claims = AccessClaims::new("http://localhost:4000", audience, caller);
        claims.scope = Scope::parse(scope).unwrap();
        identity_headers(&claims).map(|(_, value)| value)
    }

    #[test]
    fn each_value_is_percent_encoded_so_that_separators_are_unambiguous() {
        let mut user = User::new("0193b3a4-0000-7000-8000-000000000001", "session");
        user.email = Some("bücher+ann@example.com".into());
        user.email_verified = Some(true);
        user.roles = vec!["editor".into(), "a, b".into(), "100%".into(), "\u{1f600}\"\\;=".into()];
        assert_eq!(
            headers(Caller::User(user), "photos:read photos:write a,b%"),
            [
                "0193b3a4-0000-7000-8000-000000000001",
                "b%C3%BCcher%2Bann@example.com",
                "editor,a%2C%20b,100%25,%F0%9F%98%80%22%5C%3B%3D",
                "photos:read photos:write a%2Cb%25",
            ]
        );
    }

    /// An application must not take an address for the user's before the user has confirmed it.
    #[test]
    fn an_address_is_empty_unless_it_is_confirmed() {
        for (verified, expected) in [(None, ""), (Some(false), ""), (Some(true), "ann@example.com")] {
            let mut user = User::new("a", "session");
            user.email = Some("ann@example.com".into());
            user.email_verified = verified;
            assert_eq!(headers(Caller::User(user), ""), ["a", expected, "", ""]);
        }
    }

    #[test]
    fn a_client_has_neither_address_nor_roles() {
        let client = Caller::Client { id: "photo printer".into() };
        assert_eq!(headers(client, "photos:read"), ["photo%20printer", "", "", "photos:read"]);
    }
}
