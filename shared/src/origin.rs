//! Web origins (RFC 6454), compared byte by byte.

use std::fmt;
use std::sync::Arc;

use url::Url;

/// The origin of a web page as browsers send it in `Origin`: scheme and host, and the port unless it is the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A list of origins. Clones share it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origins(Arc<[Origin]>);

impl Origin {
    /// Parses an https origin, or an http one of localhost, exactly as browsers send it.
    ///
    /// # Errors
    /// A clause that follows the name of a variable such as `CORS_ORIGINS`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "null" => {
                return Err(
                    "contains null, which every sandboxed page has; list the allowed origins".to_owned()
                );
            }
            "*" => return Err("contains *, which is every page; list the allowed origins".to_owned()),
            _ if text.contains('*') => {
                return Err(format!("contains {text:?}; patterns are not supported, so list each origin"));
            }
            // Not quoted: it may contain a password.
            _ if text.contains('@') => {
                return Err("contains a URL with a user or a password in it".to_owned());
            }
            _ => {}
        }
        let no_origin = || format!("contains {text:?}, which is no origin such as https://app.example.com");
        let url = Url::parse(text).map_err(|_| no_origin())?;
        match url.scheme() {
            "https" => {}
            "http" if is_local(&url) => {}
            "http" => {
                return Err(format!("contains {text:?}; plain http is for localhost only, use https"));
            }
            _ => return Err(no_origin()),
        }
        let origin = url.origin().ascii_serialization();
        if origin != text {
            return Err(format!("contains {text:?}; browsers send this origin as {origin}"));
        }
        Ok(Self(origin))
    }

    /// The origin of an http or https URL. `None`: the text is no such URL.
    pub fn of_url(text: &str) -> Option<Self> {
        let origin = Url::parse(text).ok()?.origin();
        origin.is_tuple().then(|| Self(origin.ascii_serialization()))
    }

    /// The text that browsers send.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origins {
    /// Parses origins separated by commas.
    ///
    /// # Errors
    /// For each invalid element, a clause that follows the name of a variable such as `CORS_ORIGINS`.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let (origins, errors): (Vec<_>, Vec<_>) =
            text.split(',').map(|part| Origin::parse(part.trim())).partition(Result::is_ok);
        if errors.is_empty() {
            Ok(origins.into_iter().flatten().collect())
        } else {
            Err(errors.into_iter().filter_map(Result::err).collect())
        }
    }

    /// Whether the value of an `Origin` header is in the list.
    pub fn contains(&self, header: &[u8]) -> bool {
        self.iter().any(|origin| origin.as_str().as_bytes() == header)
    }

    /// Whether no origin is in the list.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each origin.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }
}

impl FromIterator<Origin> for Origins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> Self {
        Self(origins.into_iter().collect())
    }
}

/// Whether the URL is of this machine, for which browsers trust plain http.
pub(crate) fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CK-08
    #[test]
    fn only_what_a_browser_sends_is_an_origin() {
        for good in [
            "https://app.example.com",
            "https://app.example.com:8443",
            "https://xn--bcher-kva.example",
            "https://[2001:db8::1]:8443",
            "http://localhost",
            "http://localhost:5173",
            "http://127.0.0.1:3001",
            "http://[::1]:3001",
        ] {
            assert_eq!(Origin::parse(good).map(|origin| origin.to_string()), Ok(good.to_owned()));
        }
        for (bad, problem) in [
            ("null", "contains null, which every sandboxed page has"),
            ("*", "contains *, which is every page"),
            ("https://app.example.com/", "browsers send this origin as https://app.example.com"),
            ("https://app.example.com/path", "browsers send this origin as https://app.example.com"),
            ("https://app.example.com?x", "browsers send this origin as https://app.example.com"),
            ("https://app.example.com:443", "browsers send this origin as https://app.example.com"),
            ("http://localhost:80", "browsers send this origin as http://localhost"),
            ("https://App.example.com", "browsers send this origin as https://app.example.com"),
            ("https://bücher.example", "browsers send this origin as https://xn--bcher-kva.example"),
            ("https://*.example.com", "patterns are not supported"),
            ("https:app.example.com", "browsers send this origin as https://app.example.com"),
            ("http://app.example.com", "plain http is for localhost only"),
            ("http://localhost.example.com", "plain http is for localhost only"),
            ("https://ann:hunter2@app.example.com", "contains a URL with a user or a password in it"),
            ("app.example.com", "which is no origin"),
            ("file:///index.html", "which is no origin"),
            ("chrome-extension://abcdef", "which is no origin"),
            ("https://", "which is no origin"),
            ("", "which is no origin"),
        ] {
            let found = Origin::parse(bad).unwrap_err();
            assert!(found.contains(problem) && !found.contains("hunter2"), "{bad}: {found}");
        }
    }

    #[test]
    fn every_invalid_element_of_a_list_is_reported() {
        let both = "https://a.example, http://localhost:3001";
        let origins = Origins::parse(both).unwrap();
        assert_eq!(origins.iter().map(Origin::as_str).collect::<Vec<_>>().join(", "), both);
        assert_eq!(Origins::parse(" ").unwrap(), Origins::default());
        assert_eq!(Origins::parse("https://a.example/,null,https://b.example,").unwrap_err().len(), 3);
    }

    /// CK-08
    #[test]
    fn a_header_is_compared_byte_by_byte() {
        let origins = Origins::parse("https://a.example,http://localhost:3001").unwrap();
        for known in ["https://a.example", "http://localhost:3001"] {
            assert!(origins.contains(known.as_bytes()));
        }
        for other in [
            "",
            "null",
            "*",
            "https://a.example/",
            "https://a.example:443",
            "https://a.example:444",
            "http://a.example",
            "https://A.example",
            "https://b.a.example",
            "https://a.example.evil",
            "https://a.example, https://a.example",
            "http://localhost",
            "http://localhost:3002",
        ] {
            assert!(!origins.contains(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn the_origin_of_a_url_has_no_path() {
        let of = |url| Origin::of_url(url).map(|origin| origin.to_string());
        assert_eq!(of("https://example.com/auth").as_deref(), Some("https://example.com"));
        assert_eq!(of("http://localhost:4000").as_deref(), Some("http://localhost:4000"));
        for none in ["photos", "urn:example:photos", "data:text/plain,x", ""] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
