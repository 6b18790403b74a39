//! What pages of other origins may do, checked for each route of a server.

use crate::{Answer, LocalServer};

/// A page that may use the server, and the setting that says so.
pub const LISTED_PAGE: &str = "https://app.example.com";
pub const CORS_ORIGINS: (&str, &str) =
    ("CORS_ORIGINS", "https://app.example.com,http://localhost:5173,https://other.example.com:8443");

/// Origins that resemble one that is listed.
const NOT_LISTED: [&str; 11] = [
    "null",
    "https://app.example.com/",
    "https://app.example.com/page",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "http://app.example.com",
    "https://APP.example.com",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://app.example.com,http://localhost:5173",
    "http://localhost:51730",
];

/// Which pages a route is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    Listed,
    Every,
    None,
}

/// What the table declares about one route.
#[derive(Debug)]
pub struct DeclaredRoute {
    pub method: String,
    pub path: &'static str,
    pub headers: Vec<String>,
    pub pages: Pages,
}

impl DeclaredRoute {
    async fn preflight(&self, server: &LocalServer, origin: &str, method: &str, headers: &str) -> Answer {
        let mut request = server
            .request("OPTIONS", &self.path.replace(['{', '}'], ""))
            .header("Origin", origin)
            .header("Access-Control-Request-Method", method);
        if !headers.is_empty() {
            request = request.header("Access-Control-Request-Headers", headers);
        }
        server.send(request).await
    }

    /// Checks preflight requests, and a request itself, of pages that are listed and of others.
    pub async fn check(&self, server: &LocalServer) {
        let headers = self.headers.join(",");
        let preflight = self.preflight(server, LISTED_PAGE, &self.method, &headers).await;
        let what = format!("{self:?}: {preflight:?}");
        let (origin, credentials) = match self.pages {
            Pages::Listed => (Some(LISTED_PAGE), Some("true")),
            Pages::Every => (Some("*"), None),
            Pages::None => (None, None),
        };
        let allowed = |answer: &Answer| {
            ["origin", "credentials"]
                .map(|name| answer.header(&format!("access-control-allow-{name}")).map(str::to_owned))
        };
        let expected = [origin, credentials].map(|value| value.map(str::to_owned));
        assert_eq!(allowed(&preflight), expected, "{what}");
        if self.pages == Pages::None {
            assert_ne!(preflight.status, 200, "{what}");
        } else {
            assert_eq!((preflight.status, preflight.text.as_str()), (200, ""), "{what}");
            self.assert_precise(server, &preflight).await;
        }

        let request = |origin| {
            let path = self.path.replace(['{', '}'], "");
            server.send(server.request(self.method.as_str(), &path).header("Origin", origin))
        };
        let answer = request(LISTED_PAGE).await;
        assert_eq!(allowed(&answer), expected, "{self:?}: {answer:?}");
        if self.pages != Pages::None {
            let exposed = answer.header("access-control-expose-headers").unwrap().to_ascii_lowercase();
            for name in ["www-authenticate", "retry-after", "x-request-id"] {
                assert!(exposed.contains(name), "{exposed}");
            }
        }
        if self.pages == Pages::Listed {
            for other in NOT_LISTED {
                for answer in
                    [request(other).await, self.preflight(server, other, &self.method, &headers).await]
                {
                    let found =
                        answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
                    assert!(!found, "{other}: {self:?}: {answer:?}");
                    let vary: Vec<_> = answer.headers.get_all("vary").iter().collect();
                    assert!(vary.iter().any(|value| value.to_str().unwrap().contains("Origin")), "{vary:?}");
                }
            }
        }
    }

    /// Asserts that the answer names what the route takes, and that other methods and headers are rejected.
    async fn assert_precise(&self, server: &LocalServer, preflight: &Answer) {
        let methods = preflight.header("access-control-allow-methods").unwrap();
        assert!(methods.split(", ").any(|method| method == self.method), "{self:?}: {methods}");
        let known = preflight.header("access-control-allow-headers").unwrap_or_default();
        for header in &self.headers {
            assert!(known.split(", ").any(|known| known == header), "{self:?}: {known}");
        }
        assert!(preflight.header("access-control-max-age").is_some());
        let refused = [
            self.preflight(server, LISTED_PAGE, "PATCH", "").await,
            self.preflight(server, LISTED_PAGE, &self.method, "x-http-method-override").await,
        ];
        for answer in refused {
            assert_eq!(answer.error(), (400, "invalid_request"), "{self:?}: {answer:?}");
            assert!(answer.header("access-control-allow-origin").is_none(), "{answer:?}");
        }
    }
}
