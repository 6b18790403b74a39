//! Redirect URIs: what may be registered, and what a request may then name.

use auth_domain::{InvalidRedirectUri, RedirectUri};

use crate::redirect_uri_attacks::{ATTACKS, ATTACKS_ON_NATIVE_APPS, REGISTERED};

use InvalidRedirectUri::{Fragment, Http, NotCanonical, ResponseParameter, Scheme, UserInfo};

fn registered(text: &str) -> RedirectUri {
    RedirectUri::parse(text).unwrap_or_else(|error| panic!("{text} {error}"))
}

/// AS-01, AS-02
#[test]
fn no_variant_of_a_redirect_uri_matches_it() {
    for uri in REGISTERED.map(registered) {
        for attack in ATTACKS.iter().chain(&ATTACKS_ON_NATIVE_APPS) {
            assert!(!uri.matches(attack), "{} matches {attack:?}", uri.as_str());
        }
    }
}

/// AS-01
#[test]
fn a_redirect_uri_matches_itself_and_no_other_registered_one() {
    for (index, uri) in REGISTERED.map(registered).iter().enumerate() {
        for (other, text) in REGISTERED.iter().enumerate() {
            assert_eq!(uri.matches(text), index == other, "{} and {text}", uri.as_str());
        }
    }
}

/// AS-01; RFC 8252 §7.3
#[test]
fn on_a_loopback_address_every_port_matches_and_on_localhost_only_the_registered_one() {
    for (uri, same, other) in [
        ("http://127.0.0.1/cb", "http://127.0.0.1:51234/cb", "http://[::1]:51234/cb"),
        ("http://127.0.0.1:7000/cb", "http://127.0.0.1:51234/cb", "http://127.0.0.1:51234/"),
        ("http://127.0.0.1:7000/cb", "http://127.0.0.1/cb", "https://127.0.0.1/cb"),
        ("http://[::1]:7000/cb", "http://[::1]:51234/cb", "http://127.0.0.1:51234/cb"),
        ("http://127.0.0.1", "http://127.0.0.1:51234", "http://127.0.0.1:51234/"),
        ("http://127.0.0.1/", "http://127.0.0.1:51234/", "http://127.0.0.1:51234"),
        ("http://127.0.0.1/cb?a=/", "http://127.0.0.1:1/cb?a=/", "http://127.0.0.1:1/cb?a="),
        ("http://localhost:5000/cb", "http://localhost:5000/cb", "http://localhost:51234/cb"),
    ] {
        assert!(registered(uri).matches(same), "{uri} and {same}");
        assert!(!registered(uri).matches(other), "{uri} and {other}");
    }
}

/// AS-02
#[test]
fn only_https_this_machine_and_schemes_of_apps_can_be_registered() {
    for good in REGISTERED {
        assert_eq!(registered(good).as_str(), good);
    }
    for (bad, reason) in [
        ("", NotCanonical),
        ("/cb", NotCanonical),
        ("https://client.example/cb#", Fragment),
        ("https://client.example/cb#part", Fragment),
        ("https://client.example/cb?code=1", ResponseParameter),
        ("https://client.example/cb?a=b&%73tate", ResponseParameter),
        ("com.example.app:/cb?iss=a", ResponseParameter),
        ("https://ann@client.example/cb", UserInfo),
        ("https://ann:secret@client.example/cb", UserInfo),
        ("http://client.example/cb", Http),
        ("http://10.0.0.1/cb", Http),
        ("http://127.0.0.2/cb", Http),
        ("http://[::ffff:127.0.0.1]/cb", Http),
        ("http://localhost.example/cb", Http),
        ("http://127.0.0.1.evil.example/cb", Http),
        ("javascript:alert(1)", Scheme),
        ("data:text/html,x", Scheme),
        ("vbscript:x", Scheme),
        ("file:///etc/passwd", Scheme),
        ("ftp://client.example/cb", Scheme),
        ("myapp:/cb", Scheme),
        ("mailto:ann@client.example", Scheme),
        ("HTTPS://client.example/cb", NotCanonical),
        ("https://Client.example/cb", NotCanonical),
        ("https://client.example:443/cb", NotCanonical),
        ("https://client.example/a/../cb", NotCanonical),
        ("https://client.example/a b", NotCanonical),
        ("https://b\u{fc}cher.example/cb", NotCanonical),
        ("https://client.example\\cb", NotCanonical),
        ("https://client.example/\tcb", NotCanonical),
        ("https://@client.example/cb", NotCanonical),
        ("http://127.1/cb", NotCanonical),
        ("http://0x7f000001/cb", NotCanonical),
        ("https://*.client.example/cb\u{e9}", NotCanonical),
        (&format!("https://client.example/{}", "a".repeat(2_000)), NotCanonical),
    ] {
        assert_eq!(RedirectUri::parse(bad), Err(reason), "{bad}");
    }
}

/// RFC 8252 §8.6
#[test]
fn only_an_https_uri_has_an_origin_and_cannot_be_another_apps() {
    for (uri, origin, host, may_reach_another_app) in [
        ("https://client.example/cb", Some("https://client.example"), Some("client.example"), false),
        (
            "https://client.example:8443/cb",
            Some("https://client.example:8443"),
            Some("client.example"),
            false,
        ),
        ("http://127.0.0.1/cb", None, Some("127.0.0.1"), true),
        ("http://localhost:5000/cb", None, Some("localhost"), true),
        ("com.example.app:/cb", None, None, true),
        // The text in the place of the host is the app's choice.
        ("com.evil.app://bank.example/cb", None, None, true),
    ] {
        let uri = registered(uri);
        assert_eq!(uri.https_origin().as_deref(), origin, "{}", uri.as_str());
        assert_eq!(uri.host(), host, "{}", uri.as_str());
        assert_eq!(uri.may_reach_another_app(), may_reach_another_app, "{}", uri.as_str());
    }
}
