//! Redirect URIs: what may be registered, and what a request may then name.

use auth_domain::{InvalidRedirectUri, RedirectUri};

use InvalidRedirectUri::{Fragment, Http, NotCanonical, Scheme, UserInfo};

/// The URIs of a web application, of a page with a query, of native apps, and of a program under development.
const REGISTERED: [&str; 7] = [
    "https://client.example/cb",
    "https://client.example/cb?tenant=1",
    "https://xn--bcher-kva.example:8443/cb",
    "http://127.0.0.1/cb",
    "http://[::1]/cb",
    "http://localhost:5000/cb",
    "com.example.app:/cb",
];

/// Each is one of [`REGISTERED`], changed as an attacker would change it.
const ATTACKS: [&str; 110] = [
    // Nothing, or part of one.
    "",
    " ",
    "/cb",
    "cb",
    "//client.example/cb",
    "https:",
    "https://",
    "https:///client.example/cb",
    "https:client.example/cb",
    "https:/client.example/cb",
    "client.example/cb",
    // The scheme.
    "http://client.example/cb",
    "HTTPS://client.example/cb",
    "hTTps://client.example/cb",
    "httpss://client.example/cb",
    "ftp://client.example/cb",
    "ws://client.example/cb",
    "file://client.example/cb",
    "javascript:alert(1)",
    "javascript://client.example/cb%0aalert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "blob:https://client.example/cb",
    "view-source:https://client.example/cb",
    "about:blank",
    "https://127.0.0.1/cb",
    // The host.
    "https://client.example.evil.example/cb",
    "https://evilclient.example/cb",
    "https://evil.client.example/cb",
    "https://client.example./cb",
    "https://CLIENT.example/cb",
    "https://client.exam\u{440}le/cb",
    "https://clie\u{ff4e}t.example/cb",
    "https://client\u{3002}example/cb",
    "https://cli%65nt.example/cb",
    "https://client.example%00.evil.example/cb",
    "https://client.example%2eevil.example/cb",
    "https://client.example\u{200b}/cb",
    "https://b\u{fc}cher.example:8443/cb",
    "https://xn--bcher-kva.example/cb",
    "https://evil.example/https://client.example/cb",
    "https://evil.example/?https://client.example/cb",
    "https://evil.example#https://client.example/cb",
    "https://evil.example\\@client.example/cb",
    "https://evil.example\\.client.example/cb",
    // The port.
    "https://client.example:443/cb",
    "https://client.example:/cb",
    "https://client.example:0443/cb",
    "https://client.example:8443/cb",
    "https://client.example:65536/cb",
    "https://xn--bcher-kva.example:8444/cb",
    // A user.
    "https://user@client.example/cb",
    "https://user:secret@client.example/cb",
    "https://@client.example/cb",
    "https://:@client.example/cb",
    "https://client.example@evil.example/cb",
    "https://client.example:secret@evil.example/cb",
    "https://client.example%40evil.example/cb",
    "http://127.0.0.1:5000@evil.example/cb",
    "http://user@127.0.0.1:5000/cb",
    // The path.
    "https://client.example",
    "https://client.example/",
    "https://client.example/c",
    "https://client.example/cb/",
    "https://client.example//cb",
    "https://client.example/cb/evil",
    "https://client.example/cb/../evil",
    "https://client.example/evil/../cb",
    "https://client.example/./cb",
    "https://client.example/cb/.",
    "https://client.example/cb/..",
    "https://client.example/%2e%2e/cb",
    "https://client.example/evil%2f..%2fcb",
    "https://client.example/CB",
    "https://client.example/%63b",
    "https://client.example/cb%00",
    "https://client.example/cb%0d%0aSet-Cookie:a=b",
    "https://client.example/cb;evil",
    "https://client.example\\cb",
    "https:\\\\client.example\\cb",
    "https://client.example/cb\\..\\evil",
    "https://client.example/cb\t",
    "https://client.example/c\tb",
    "https://client.example/cb\n",
    "https://client.example/cb ",
    " https://client.example/cb",
    "\thttps://client.example/cb",
    "\u{feff}https://client.example/cb",
    // The query and the fragment.
    "https://client.example/cb?",
    "https://client.example/cb?code=stolen",
    "https://client.example/cb?tenant=2",
    "https://client.example/cb?tenant=1&next=https://evil.example",
    "https://client.example/cb?tenant=1#",
    "https://client.example/cb#",
    "https://client.example/cb#evil",
    // This machine, where only the port may differ.
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "http://0177.0.0.1/cb",
    "http://127.0.0.1./cb",
    "http://127.0.0.2/cb",
    "http://0.0.0.0/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://[0:0:0:0:0:0:0:1]/cb",
    "http://[::]/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1:5000.evil.example/cb",
    "http://localhost/cb",
    "http://localhost:5001/cb",
    "http://localhost.evil.example:5000/cb",
];

/// As [`ATTACKS`], on this machine and at the scheme of an app.
const ATTACKS_ON_NATIVE_APPS: [&str; 22] = [
    "http://LOCALHOST:5000/cb",
    "http://localhost.:5000/cb",
    "http://sub.localhost:5000/cb",
    "http://127.0.0.1:5000",
    "http://127.0.0.1:5000/",
    "http://127.0.0.1:5000/evil",
    "http://127.0.0.1:5000/cb/",
    "http://127.0.0.1:5000/x/../cb",
    "http://127.0.0.1:5000/cb?next=evil",
    "http://127.0.0.1:5000/cb?",
    "http://127.0.0.1:5000/cb#",
    "http://127.0.0.1:5000\\cb",
    "http://127.0.0.1:5000:6000/cb",
    "http://127.0.0.1:-1/cb",
    "http://127.0.0.1:05000/cb",
    "http://127.0.0.1:/cb",
    "http://[::1]:5000/cb\t",
    "http://[::1%25lo]:5000/cb",
    "com.example.app:/CB",
    "com.example.app:cb",
    "com.example.app://cb",
    "com.example.app.evil:/cb",
];

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
    for (uri, origin, host, may_be_another_apps) in [
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
        assert_eq!(uri.may_be_another_apps(), may_be_another_apps, "{}", uri.as_str());
    }
}
