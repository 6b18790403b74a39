//! The content security policy of each page fits the page.

use auth_pages::{Brand, Language, Pages};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::samples::{self, ORDINARY, Words};
use crate::{ALL_WORDS, for_each_page};

const BRAND: &str = r##"
name = "Acme"
logo = "logo.png"
accent = { light = "#7a2e8e" }
"##;

/// The sources of a directive.
fn sources<'a>(policy: &'a str, directive: &str) -> Vec<&'a str> {
    let found = policy.split("; ").find_map(|entry| entry.strip_prefix(directive)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{directive} in {policy}")).split(' ').collect()
}

fn hash(bytes: &[u8]) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(bytes)))
}

#[test]
fn each_policy_denies_what_it_does_not_name() {
    for words in &ALL_WORDS {
        for_each_page(words, |name, _, _, page| {
            let policy = &page.content_security_policy;
            for directive in ["default-src", "frame-ancestors", "base-uri"] {
                assert_eq!(sources(policy, directive), ["'none'"], "{name}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{name}: {policy}");
            assert_eq!(policy.split("; ").count(), 7, "{name}: {policy}");
            assert!(policy.is_ascii() && !policy.contains(char::is_control), "{name}: {policy}");
        });
    }
}

#[test]
fn the_hashes_are_those_of_the_stylesheet_and_the_script() {
    let brand = Brand::parse(BRAND).unwrap().with_logo(b"\x89PNG".to_vec()).unwrap();
    for pages in [Pages::new(Brand::default()), Pages::new(brand)] {
        let script = &pages.assets()[0];
        for sample in samples::all(&pages, Language::English, &ORDINARY) {
            let (document, policy) =
                (Document::parse(&sample.page.html), &sample.page.content_security_policy);
            assert_eq!(sources(policy, "style-src"), [hash(document.one("style").text().as_bytes())]);
            assert_eq!(sources(policy, "script-src"), [hash(&script.bytes)]);
            let element = document.one("script");
            assert_eq!(element.attribute("src"), Some(script.path.as_str()));
            let integrity = element.attribute("integrity").unwrap_or_default();
            assert_eq!(format!("'{integrity}'"), hash(&script.bytes));
        }
    }
}

#[test]
fn images_are_those_of_this_server_and_of_the_application_that_the_page_shows() {
    let words = Words { logo: "https://print.example:8443/logo.svg", ..ORDINARY };
    for_each_page(&words, |name, _, document, page| {
        let shows_logo = document.all("img").any(|image| image.attribute("src") == Some(words.logo));
        let expected: &[_] = if shows_logo { &["'self'", "https://print.example:8443"] } else { &["'self'"] };
        assert_eq!(sources(&page.content_security_policy, "img-src"), expected, "{name}");
        assert_eq!(shows_logo, name.starts_with("consent ") || has_applications(name), "{name}");
    });
}

fn has_applications(name: &str) -> bool {
    let done =
        ["account ", "account-device-ended", "account-application-withdrawn", "account-password-changed"];
    done.iter().any(|prefix| name.starts_with(prefix))
}

#[test]
fn the_logo_of_the_operator_is_on_each_page() {
    let brand = Brand::parse(BRAND).unwrap().with_logo(b"\x89PNG".to_vec()).unwrap();
    let pages = Pages::new(brand);
    for sample in samples::all(&pages, Language::English, &ORDINARY) {
        let policy = &sample.page.content_security_policy;
        assert_eq!(sources(policy, "img-src"), ["'self'"], "{}", sample.name);
        let document = Document::parse(&sample.page.html);
        let logo = pages.assets()[1].path.as_str();
        assert!(document.all("img").any(|image| image.attribute("src") == Some(logo)), "{}", sample.name);
    }
}

#[test]
fn forms_lead_to_this_server_and_to_where_the_pending_request_goes() {
    for (destination, expected) in [
        ("https://print.example/callback", vec!["'self'", "https:"]),
        ("http://127.0.0.1:5000/callback", vec!["'self'", "https:", "http:"]),
    ] {
        let words = Words { destination, ..ORDINARY };
        for_each_page(&words, |name, _, document, page| {
            let allowed = sources(&page.content_security_policy, "form-action");
            if name.starts_with("sign-in-wrong")
                || name.starts_with("consent ")
                || name.starts_with("form-post")
            {
                assert_eq!(allowed, expected, "{name}");
            } else if name.starts_with("consent-this-device") {
                assert_eq!(allowed, ["'self'", "https:", "com.example.printer:"], "{name}");
            } else if name.starts_with("account") && document.all("form").count() > 0 {
                assert_eq!(allowed, ["'self'"], "{name}");
            } else if document.all("form").count() == 0 {
                assert_eq!(allowed, ["'none'"], "{name}");
            }
        });
    }
}

#[test]
fn the_colours_of_a_brand_are_in_the_stylesheet() {
    let pages = Pages::new(Brand::parse(BRAND).unwrap());
    let sample = samples::all(&pages, Language::German, &ORDINARY).remove(0);
    let document = Document::parse(&sample.page.html);
    let style = document.one("style").text();
    let own = style.rfind("--accent:#7a2e8e;--on-accent:#ffffff");
    assert!(own.is_some_and(|own| style.find("--accent:").is_some_and(|default| default < own)), "{style}");
}
