//! What assistive technology relies on.

use std::collections::HashSet;

use auth_pages::{Brand, Language, Pages};

use crate::document::{Document, Element};
use crate::samples::{self, ORDINARY};
use crate::{ALL_WORDS, for_each_page};

#[test]
fn each_page_is_html_that_a_browser_need_not_repair() {
    for words in &ALL_WORDS {
        for_each_page(words, |name, _, document, _| {
            assert_eq!(document.errors, Vec::<String>::new(), "{name}");
        });
    }
}

#[test]
fn each_page_has_a_language_a_title_landmarks_and_one_heading() {
    for_each_page(&ORDINARY, |name, language, document, page| {
        assert_eq!(document.one("html").attribute("lang"), Some(language.tag()), "{name}");
        assert_eq!(page.language, language, "{name}");
        let title = document.one("title").text();
        assert!(title.ends_with(" – Goptri") && title.len() > " – Goptri".len(), "{name}: {title}");
        assert!(!document.one("h1").text().trim().is_empty(), "{name}");
        for landmark in ["header", "main"] {
            document.one(landmark);
        }
        assert!(!document.all("nav").any(|nav| nav.attribute("aria-label").is_none()), "{name}");
    });
}

#[test]
fn each_field_has_a_label_and_says_what_browsers_may_fill_in() {
    let mut fields = 0;
    for_each_page(&ORDINARY, |name, _, document, _| {
        for input in document.all("input").chain(document.all("textarea")).filter(|input| is_visible(input)) {
            let id = input.attribute("id").expect(name);
            let label = document.all("label").find(|label| label.attribute("for") == Some(id)).expect(name);
            assert!(!label.text().trim().is_empty(), "{name}: {id}");
            assert!(input.attribute("autocomplete").is_some(), "{name}: {id}");
            fields += 1;
        }
    });
    assert!(fields > 50, "{fields}");
}

fn is_visible(input: &Element) -> bool {
    input.attribute("type") != Some("hidden") && input.attribute("hidden").is_none()
}

#[test]
fn each_reference_to_an_element_leads_to_one() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        let ids: Vec<_> = document.elements.iter().filter_map(|element| element.attribute("id")).collect();
        assert_eq!(ids.len(), ids.iter().collect::<HashSet<_>>().len(), "{name}: ids are unique");
        for element in &document.elements {
            let links = element.attribute("href").and_then(|href| href.strip_prefix('#'));
            let others = ["aria-describedby", "aria-labelledby", "for"].map(|name| element.attribute(name));
            for id in others.into_iter().chain([links]).flatten().flat_map(str::split_whitespace) {
                assert!(document.has_id(id), "{name}: {id}");
            }
        }
    });
}

#[test]
fn each_button_and_image_has_a_name() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        assert!(!document.all("button").any(|button| button.text().trim().is_empty()), "{name}");
        assert!(!document.all("a").any(|link| link.text().trim().is_empty()), "{name}");
        assert!(!document.all("img").any(|image| image.attribute("alt").is_none()), "{name}");
        for icon in document.all("svg") {
            assert_eq!(icon.attribute("aria-hidden"), Some("true"), "{name}");
        }
    });
}

#[test]
fn buttons_of_a_list_say_which_row_they_are_for() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        if name.starts_with("account ") {
            let buttons: Vec<_> =
                document.all("button").map(|button| button.text().trim().to_owned()).collect();
            assert!(buttons.iter().any(|text| text.ends_with("Safari on iPhone") || text.ends_with("Safari auf dem iPhone")), "{buttons:?}");
            assert!(buttons.iter().any(|text| text.ends_with("Print Shop")), "{buttons:?}");
        }
    });
}

#[test]
fn a_page_with_an_error_says_so_first_in_its_title_and_links_to_the_field() {
    let mut links = 0;
    for_each_page(&ORDINARY, |name, language, document, _| {
        let prefix = if language == Language::English { "Error: " } else { "Fehler: " };
        let alert = document.elements.iter().find(|element| element.attribute("role") == Some("alert"));
        let is_error_page = name.starts_with("error-");
        let has_error = alert.is_some() || is_error_page;
        assert_eq!(document.one("title").text().starts_with(prefix), has_error, "{name}");
        let marked =
            document.elements.iter().filter(|element| element.attribute("aria-invalid") == Some("true"));
        for field in marked {
            let described_by = field.attribute("aria-describedby").expect(name);
            assert!(described_by.ends_with("problem"), "{name}: {described_by}");
            links += document.all("a").filter(|a| is_link_to(a, field)).count();
        }
    });
    // Wrong e-mail and password marks two fields and links to the first.
    assert!(links >= 2 * 10, "{links}");
}

fn is_link_to(link: &Element, field: &Element) -> bool {
    link.attribute("href").and_then(|href| href.strip_prefix('#')) == field.attribute("id")
}

#[test]
fn a_failed_form_keeps_the_address_and_never_a_password() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        for password in document.all("input").filter(|input| input.attribute("type") == Some("password")) {
            assert_eq!(password.attribute("value"), None, "{name}");
        }
        assert!(document.all("textarea").all(|textarea| textarea.text().is_empty()), "{name}");
        if name.starts_with("sign-in-wrong") || name.starts_with("register-short") {
            let email = document.all("input").find(|input| input.attribute("id") == Some("email"));
            assert_eq!(email.and_then(|email| email.attribute("value")), Some(ORDINARY.email), "{name}");
        }
    });
}

#[test]
fn each_form_posts_with_the_csrf_token_except_to_an_application() {
    let mut forms = 0;
    for_each_page(&ORDINARY, |name, _, document, _| {
        for form in document.all("form") {
            assert_eq!(form.attribute("method"), Some("post"), "{name}");
        }
        if !name.starts_with("form-post") {
            let csrf = document.all("input").filter(|input| input.attribute("name") == Some("csrf"));
            assert_eq!(csrf.count(), document.all("form").count(), "{name}");
            forms += document.all("form").count();
        }
    });
    assert!(forms > 100, "{forms}");
}

#[test]
fn links_between_sign_in_and_register_carry_the_pending_request() {
    let pages = Pages::new(Brand::default());
    for sample in samples::all(&pages, Language::English, &ORDINARY) {
        let document = Document::parse_content(&sample.page.html);
        if matches!(sample.name.as_str(), "sign-in-wrong" | "register" | "register-closed") {
            let links: Vec<_> = document.all("a").filter_map(|link| link.attribute("href")).collect();
            let expected = format!("?request={}", ORDINARY.hidden);
            assert!(links.iter().any(|link| link.ends_with(&expected)), "{}: {links:?}", sample.name);
        }
    }
}

#[test]
fn allow_and_cancel_are_alike_in_size() {
    for_each_page(&ORDINARY, |name, _, document, _| {
        if name.starts_with("consent") {
            let decisions =
                document.all("button").filter(|button| button.attribute("name") == Some("decision"));
            let classes: Vec<_> = decisions.map(|button| button.attribute("class")).collect();
            // The stylesheet gives both classes one rule for their size, and the grid two equal columns.
            assert_eq!(classes, [Some("secondary"), Some("primary")], "{name}");
        }
    });
}

#[test]
fn pages_of_an_issuer_with_a_path_stay_below_it() {
    let pages = Pages::new(Brand::default()).below("/auth/");
    for sample in samples::all(&pages, Language::English, &ORDINARY) {
        let document = Document::parse_content(&sample.page.html);
        for (attribute, value) in document.elements.iter().flat_map(|element| &element.attributes) {
            if matches!(attribute.as_str(), "href" | "action" | "src")
                && value.starts_with('/')
                && !value.starts_with("/logos/")
            {
                assert!(value.starts_with("/auth/"), "{}: {value}", sample.name);
            }
        }
    }
}
