//! Credentials other than one token in one header, and services without a feed.

use std::time::Duration;

use reqwest::RequestBuilder;
use reqwest::header::{AUTHORIZATION, COOKIE};

use crate::Result;
use crate::outcome::Outcome;
use crate::servers::Servers;
use crate::services::{Description, Service};

/// Requests that differ in where the credential is. `T` stands for a valid token, `C` for a cookie with it.
const REQUESTS: [(&str, &[(&str, &str)]); 14] = [
    ("no credential", &[]),
    ("an empty header", &[("authorization", "")]),
    ("no token", &[("authorization", "Bearer")]),
    ("scheme in another case", &[("authorization", "bEARER T")]),
    ("spaces around the token", &[("authorization", "Bearer   T  ")]),
    ("another scheme", &[("authorization", "Basic YTpi")]),
    ("no scheme", &[("authorization", "T")]),
    ("two headers", &[("authorization", "Bearer T"), ("authorization", "Bearer T")]),
    ("two schemes", &[("authorization", "Bearer T"), ("authorization", "Basic YTpi")]),
    ("a cookie", &[("cookie", "theme=dark; __Host-session=C")]),
    ("a cookie beside a header", &[("authorization", "Basic YTpi"), ("cookie", "__Host-session=C")]),
    ("a cookie twice", &[("cookie", "__Host-session=C; __Host-session=C")]),
    ("a cookie of another name", &[("cookie", "session=C")]),
    ("a cookie that is the token", &[("cookie", "__Host-session=T")]),
];

/// Compares the answers to requests with other credentials.
pub(crate) async fn compare(servers: &Servers, service: &Service) -> Result<Vec<String>> {
    let token = servers.sign_in().await?;
    let mut differences = Vec::new();
    for (what, headers) in REQUESTS {
        let send = async |url: &str| {
            Outcome::of(with_headers(servers.client.get(url), headers, &token).send().await?).await
        };
        let expected = send(&format!("{}/me", servers.api.url)).await?;
        let found = send(&service.protected).await?;
        if found != expected {
            differences.push(format!("{what}: {found}; api-server: {expected}"));
        }
    }
    Ok(differences)
}

fn with_headers(request: RequestBuilder, headers: &[(&str, &str)], token: &str) -> RequestBuilder {
    let cookie = goptri::cookie::encode(token);
    headers.iter().fold(request, |request, (name, value)| {
        let name = if *name == "cookie" { COOKIE } else { AUTHORIZATION };
        let words = value.split_inclusive([' ', '=']);
        let value: String = words
            .map(|word| match word {
                "T" => token,
                "C" => cookie.as_str(),
                other => other,
            })
            .collect();
        request.header(name, value)
    })
}

/// What a follower may find instead of a feed, by the variables that lead there.
const FAULTS: [(&str, &[(&str, &str)]); 3] = [
    ("a wrong feed secret, refused", &[("FEED_SECRET", WRONG), ("ON_STALE", "refuse"), SHORT]),
    ("a wrong feed secret, allowed", &[("FEED_SECRET", WRONG), ("ON_STALE", "allow"), SHORT]),
    (
        "an unreachable feed, refused",
        &[("AUTH_SERVER_URL", "http://127.0.0.1:9"), ("ON_STALE", "refuse"), SHORT],
    ),
];
const WRONG: &str = "feed-1d07be1d078365f2a9c48365f2a9c4e7";
const SHORT: (&str, &str) = ("REVOCATION_MAX_STALENESS", "6s");
/// A little more than that.
const STALE_AFTER: Duration = Duration::from_millis(6_500);

/// Compares a service that gets no feed with an api-server that gets none, right after each has started and once its feed
/// is stale.
pub(crate) async fn compare_without_feed(
    servers: &Servers,
    description: &Description,
) -> Result<Vec<String>> {
    let token = servers.sign_in().await?;
    let send = async |url: &str| Outcome::of(servers.client.get(url).bearer_auth(&token).send().await?).await;
    let mut differences = Vec::new();
    for (what, variables) in FAULTS {
        let api = servers.api_server_with(variables, &[200, 503]).await?;
        let me = format!("{}/me", api.url);
        let expected_at_start = send(&me).await?;
        let service = Service::spawn(description, servers, variables, &[200, 503]).await?;
        let found_at_start = send(&service.protected).await?;
        tokio::time::sleep(STALE_AFTER).await;
        let (expected_later, found_later) = (send(&me).await?, send(&service.protected).await?);
        for (when, found, expected) in [
            ("at the start", found_at_start, expected_at_start),
            ("once it is stale", found_later, expected_later),
        ] {
            if found != expected {
                differences.push(format!("{what}, {when}: {found}; api-server: {expected}"));
            }
        }
    }
    Ok(differences)
}
