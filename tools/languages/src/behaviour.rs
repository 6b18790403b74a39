//! Credentials other than one token in one header, and services without a feed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::RequestBuilder;

use crate::Result;
use crate::outcome::Outcome;
use crate::servers::Servers;
use crate::services::{Description, Service};

/// Requests that differ in where the credential is. `{token}` is a valid token, and `{cookie}` a cookie's value with it.
const REQUESTS: [(&str, &[(&str, &str)]); 15] = [
    ("no credential", &[]),
    ("an empty header", &[("authorization", "")]),
    ("no token", &[("authorization", "Bearer")]),
    ("scheme in another case", &[("authorization", "bEARER {token}")]),
    ("spaces around the token", &[("authorization", "Bearer   {token}  ")]),
    ("another scheme", &[("authorization", "Basic YTpi")]),
    ("no scheme", &[("authorization", "{token}")]),
    ("two headers", &[("authorization", "Bearer {token}"), ("authorization", "Bearer {token}")]),
    ("two schemes", &[("authorization", "Bearer {token}"), ("authorization", "Basic YTpi")]),
    ("a cookie", &[("cookie", "theme=dark; __Host-session={cookie}")]),
    ("a cookie beside a header", &[("authorization", "Basic YTpi"), ("cookie", "__Host-session={cookie}")]),
    ("a cookie twice", &[("cookie", "__Host-session={cookie}; __Host-session={cookie}")]),
    ("a cookie of another name", &[("cookie", "session={cookie}")]),
    ("a cookie that is the token", &[("cookie", "__Host-session={token}")]),
    ("a cookie with an escape", &[("cookie", "__Host-session={escaped}")]),
];

/// Requests that both must accept, so that the comparison is not one of refusals only.
const ACCEPTED: [&str; 3] = ["scheme in another case", "spaces around the token", "a cookie"];

/// Compares the responses to requests with other credentials.
pub(crate) async fn compare(servers: &Servers, service: &Service) -> Result<Vec<String>> {
    let token = servers.sign_in().await?;
    let mut differences = Vec::new();
    for (what, headers) in REQUESTS {
        let send = async |url: &str| {
            Outcome::of(with_headers(servers.client.get(url), headers, &token).send().await?).await
        };
        let expected = send(&format!("{}/me", servers.api.url)).await?;
        if ACCEPTED.contains(&what) != matches!(expected, Outcome::Accepted(_)) {
            return Err(format!("{what}: api-server: {expected}").into());
        }
        let found = send(&service.protected).await?;
        if found != expected {
            differences.push(format!("{what}: {found}; api-server: {expected}"));
        }
    }
    Ok(differences)
}

fn with_headers(request: RequestBuilder, headers: &[(&str, &str)], token: &str) -> RequestBuilder {
    let cookie = goptri::cookie::encode(token);
    let escaped = STANDARD.encode(format!("{{\"jwt\":\"\\u{:04x}{}\"}}", token.as_bytes()[0], &token[1..]));
    headers.iter().fold(request, |request, (name, value)| {
        let value =
            value.replace("{token}", token).replace("{cookie}", &cookie).replace("{escaped}", &escaped);
        request.header(*name, value)
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

/// Compares services that get no feed with api-servers that get none, right after each has started and once its feed is
/// stale.
pub(crate) async fn compare_without_feed(
    servers: &Servers,
    description: &Description,
) -> Result<Vec<String>> {
    let token = servers.sign_in().await?;
    let send = async |url: &str| Outcome::of(servers.client.get(url).bearer_auth(&token).send().await?).await;
    let mut differences = Vec::new();
    let mut started = Vec::new();
    for (what, variables) in FAULTS {
        let api = servers.api_server_with(variables, &[200, 503]).await?;
        let expected = send(&format!("{}/me", api.url)).await?;
        let service = Service::start(description, servers, variables, &[200, 503]).await?;
        let found = send(&service.protected).await?;
        if found != expected {
            differences.push(format!("{what}, at the start: {found}; api-server: {expected}"));
        }
        started.push((what, api, service));
    }
    tokio::time::sleep(STALE_AFTER).await;
    for (what, api, service) in &started {
        let (expected, found) = (send(&format!("{}/me", api.url)).await?, send(&service.protected).await?);
        if found != expected {
            differences.push(format!("{what}, once it is stale: {found}; api-server: {expected}"));
        }
    }
    Ok(differences)
}
