//! The identity headers that the application receives.

use chrono::TimeDelta;
use goptri::clock::{Clock, SystemClock};
use goptri::keys::KeyRing;
use goptri::token::{Audience, NumericDate, TokenType};
use goptri::{AccessClaims, Caller, User};
use goptri_settings::{AccessTokenSecret, Plain};
use reqwest::Method;

use super::site::{AUDIENCE, ISSUER, Site};
use crate::programs::ACCESS_TOKEN_SECRET;

const NAMES: [&str; 4] = ["x-auth-user", "x-auth-email", "x-auth-roles", "x-auth-scope"];

/// A token of a user with these roles.
fn token_of(user: &str, email: Option<&str>, roles: &[String]) -> String {
    let now = SystemClock.now();
    let mut user = User::new(user, "0190b0a0-0000-7000-8000-000000000002");
    user.email = email.map(str::to_owned);
    user.email_verified = email.map(|_| true);
    user.roles = roles.to_vec();
    let mut claims = AccessClaims::new(ISSUER, Audience([AUDIENCE.into()].into()), Caller::User(user));
    claims.exp = NumericDate::from(now + TimeDelta::minutes(10));
    claims.iat = NumericDate::from(now);
    claims.jti = "jti".into();
    let secret = Plain::<AccessTokenSecret>::new(ACCESS_TOKEN_SECRET.to_owned());
    KeyRing::from_secrets(&secret, &[]).unwrap().sign(TokenType::Access, &claims).unwrap()
}

/// Every spelling of a name that an application may read as the name: with each character that is neither a letter nor a
/// digit (RFC 9110 §5.6.2), and in company.
fn spellings(name: &str) -> Vec<String> {
    let with = |separators: [char; 2]| {
        let parts: Vec<&str> = name.split('-').collect();
        format!("{}{}{}{}{}", parts[0], separators[0], parts[1], separators[1], parts[2])
    };
    let alike = "-_.~|!#$%&'*+^`".chars().map(|separator| with([separator; 2]));
    alike.chain([['-', '_'], ['_', '-'], ['.', '-'], ['_', '.'], ['-', '~']].map(with)).collect()
}

#[tokio::test]
async fn an_identity_that_a_client_claims_never_reaches_the_application() {
    let site = Site::start().await.ready().await;
    let full = (
        token_of("ann", Some("ann@example.com"), &["editor".into()]),
        ["ann", "ann@example.com", "editor", ""],
    );
    let empty = (token_of("bob", None, &[]), ["bob", "", "", ""]);
    for proxy in &site.proxies {
        for (token, expected) in [&full, &empty] {
            for claimed in NAMES.iter().flat_map(|name| spellings(name)) {
                let request = proxy.request(Method::GET, "/").bearer_auth(token);
                // Twice, and in the company of the right spelling.
                let request = request.header(&claimed, "admin").header(&claimed, "root");
                let got = site.admitted(request).await;
                let values = NAMES.map(|name| got.values(name));
                let known = expected.map(|value| if value.is_empty() { vec![] } else { vec![value] });
                assert_eq!(values, known, "{} {claimed}", proxy.name);
            }
        }
        let anonymous = proxy.with(Method::GET, "/", &[("X-Auth-User", "admin"), ("X_Auth_User", "admin")]);
        site.refused(anonymous, 401).await;
    }
}

/// A proxy deletes the headers that `Connection` names (RFC 9110 §7.6.1).
#[tokio::test]
async fn a_client_cannot_remove_the_identity() {
    let site = Site::start().await.ready().await;
    let token = token_of("ann", None, &[]);
    for proxy in &site.proxies {
        for named in ["X-Auth-User", "close, x-auth-user", "Upgrade, X-Auth-User"] {
            let headers = [("Connection", named), ("Upgrade", "websocket")];
            let request = proxy.with(Method::GET, "/", &headers).bearer_auth(&token);
            assert_eq!(site.admitted(request).await.values("x-auth-user"), ["ann"], "{} {named}", proxy.name);
        }
    }
}

/// nginx has 4 KiB for all headers of a response unless it is configured.
#[tokio::test]
async fn a_user_with_many_roles_is_admitted() {
    let site = Site::start().await.ready().await;
    let roles: Vec<String> = (0..250).map(|number| format!("groß {number:010}")).collect();
    let token = token_of("ann", None, &roles);
    for proxy in &site.proxies {
        let got = site.admitted(proxy.request(Method::GET, "/").bearer_auth(&token)).await;
        let listed = got.values("x-auth-roles").concat();
        assert!(listed.len() > 5000, "{}", listed.len());
        let listed: Vec<&str> = listed.split(',').collect();
        assert_eq!((listed.len(), listed[7]), (250, "gro%C3%9F%200000000007"), "{}", proxy.name);
    }
}
