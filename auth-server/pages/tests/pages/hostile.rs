//! Texts that try to become markup, to reverse the text around them, or to run as an address.

use auth_pages::{Brand, Language, Pages};

use crate::document::Document;
use crate::samples::{self, HOSTILE, LONG, ORDINARY};
use crate::{ALL_WORDS, for_each_page};

#[test]
fn hostile_texts_change_no_element_and_no_attribute() {
    let pages = Pages::new(Brand::default());
    let mut shown = 0;
    for language in Language::ALL {
        let ordinary = samples::all(&pages, language, &ORDINARY);
        let hostile = samples::all(&pages, language, &HOSTILE);
        for (ordinary, hostile) in ordinary.iter().zip(&hostile) {
            let document = Document::parse_content(&hostile.page.html);
            let expected = Document::parse_content(&ordinary.page.html).skeleton();
            assert_eq!(document.skeleton(), expected, "{}", ordinary.name);
            shown += usize::from(document.one("body").text().contains("\"><script>alert(1)</script>"));
        }
    }
    assert!(shown > 50, "{shown}: the texts are on the pages");
}

#[test]
fn no_page_has_a_script_or_a_style_in_an_attribute() {
    for words in &ALL_WORDS {
        for_each_page(words, |name, _, document, _| {
            for (attribute, _) in document.elements.iter().flat_map(|element| &element.attributes) {
                assert!(!attribute.starts_with("on") && attribute != "style", "{name}: {attribute}");
            }
            assert_eq!(document.all("script").count(), 1, "{name}");
            assert_eq!(document.one("script").text(), "", "{name}");
        });
    }
}

#[test]
fn each_address_is_a_path_an_anchor_or_of_the_web() {
    for words in &ALL_WORDS {
        for_each_page(words, |name, _, document, _| {
            for (attribute, value) in document.elements.iter().flat_map(|element| &element.attributes) {
                if matches!(attribute.as_str(), "href" | "action" | "src" | "formaction" | "data") {
                    let is_path = value.starts_with('/') && !value.starts_with("//");
                    let is_web = value.starts_with("https://") || value.starts_with("http://");
                    assert!(is_path || is_web || value.starts_with('#'), "{name}: {attribute}={value}");
                }
            }
        });
    }
}

#[test]
fn no_text_reverses_the_text_around_it() {
    for_each_page(&HOSTILE, |name, _, document, _| {
        let text = document.words();
        assert!(!text.contains('\u{202e}'), "{name}");
    });
}

#[test]
fn names_are_isolated_from_the_sentence_around_them() {
    for_each_page(&LONG, |name, _, document, _| {
        // Outside the title, which has no elements, and the name of a button, which is not shown.
        let isolated: usize =
            document.all("bdi").map(|bdi| bdi.text().matches(LONG.application).count()).sum();
        let hidden = document.all("span").filter(|span| span.attribute("class") == Some("unseen"));
        let hidden: usize = hidden.map(|span| span.text().matches(LONG.application).count()).sum();
        let claims: usize =
            document.all("code").map(|code| code.text().matches(LONG.application).count()).sum();
        let shown = document.one("body").text().matches(LONG.application).count();
        assert_eq!(isolated + hidden + claims, shown, "{name}");
    });
}
