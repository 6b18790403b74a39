//! The pages speak as users do.

use std::collections::HashMap;

use auth_pages::Language;

use crate::for_each_page;
use crate::samples::{FOR_DEVELOPERS, ORDINARY};

/// Words of specifications, and of blame.
const JARGON: [&str; 8] =
    ["grant", "scope", "token", "credential", "invalid", "illegal", "ungültig", "authentifizier"];

#[test]
fn pages_for_end_users_have_no_jargon() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        let words = document.words().to_lowercase();
        for jargon in JARGON {
            let is_allowed = name.starts_with(FOR_DEVELOPERS);
            assert!(is_allowed || !words.contains(jargon), "{name}: {jargon}");
        }
    });
}

#[test]
fn each_page_is_in_one_language() {
    let mut headings = HashMap::new();
    for_each_page(&ORDINARY, |name, language, document, _| {
        let state = name.trim_end_matches([' ', 'd', 'e', 'n']).to_owned();
        let heading = document.one("h1").text();
        match language {
            Language::English => drop(headings.insert(state, heading)),
            Language::German => assert_ne!(headings.get(&state), Some(&heading), "{name}"),
        }
    });
}

#[test]
fn german_says_sie() {
    for_each_page(&ORDINARY, |name, language, document, _| {
        if language == Language::German {
            let words = document.words();
            let informal = ["du ", "dein", "deine", "dir ", "dich "];
            let found = informal
                .iter()
                .find(|word| words.to_lowercase().split_whitespace().any(|w| w == word.trim()));
            assert_eq!(found, None, "{name}");
        }
    });
}

#[test]
fn an_application_that_the_operator_does_not_know_says_so() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        let is_warned = document.elements.iter().any(|element| element.attribute("class") == Some("warning"));
        let is_unknown = name.starts_with("consent-unknown") || name.starts_with("consent-this-device");
        assert_eq!(is_warned, is_unknown, "{name}");
    });
}

#[test]
fn consent_says_who_what_how_long_and_where_to() {
    for_each_page(&ORDINARY, |name, language, document, _| {
        let text = document.one("body").text();
        let expected: &[&str] = match (name.split(' ').next(), language) {
            (Some("consent"), Language::English) => &[
                "Allow Print Shop to use your account?",
                "alex@example.com",
                "See your photos",
                "until you sign out",
                "take it back at any time",
                "print.example",
            ],
            (Some("consent-unknown"), Language::German) => &[
                "Print Shop den Zugriff auf Ihr Konto erlauben?",
                "Goptri hat sie nicht geprüft",
                "Ihr Konto wiedererkennen",
                "auch nachdem Sie sich abgemeldet haben",
            ],
            (Some("consent-this-device"), Language::English) => &["a program on this device"],
            _ => &[],
        };
        for words in expected {
            assert!(text.contains(words), "{name}: {words} in {text}");
        }
    });
}

#[test]
fn devices_are_described_as_users_would() {
    for_each_page(&ORDINARY, |name, language, document, page| {
        let text = document.one("body").text().split_whitespace().collect::<Vec<_>>().join(" ");
        if name.starts_with("account ") && language == Language::English {
            for words in [
                "Firefox on Linux This device near the address 203.0.113.x, last active just now",
                "Safari on iPhone near the address 2001:db8:1:…, last active 5 minutes ago",
                "last active 3 days ago",
                "1,204 more",
            ] {
                assert!(text.contains(words), "{name}: {words} in {text}");
            }
            let time = r#"<time datetime="2026-03-12T14:00:00Z" title="12 March 2026, 14:00 UTC">5 minutes ago</time>"#;
            assert!(page.html.contains(time), "{}", page.html);
        }
        if name.starts_with("account ") && language == Language::German {
            assert!(
                text.contains(
                    "Safari auf dem iPhone nahe der Adresse 2001:db8:1:…, zuletzt aktiv vor 5 Minuten"
                ),
                "{text}"
            );
            assert!(text.contains("1.204 weitere"), "{text}");
        }
    });
}
