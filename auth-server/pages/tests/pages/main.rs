//! The pages in both languages, with ordinary, hostile and long texts.

mod document;
mod hostile;
mod policy;
mod samples;
mod size;
mod structure;
mod words;

use auth_pages::{Brand, Language, Pages};
use document::Document;
use samples::{HOSTILE, LONG, ORDINARY, Words};

/// Calls `check` with each page in each state and language, parsed, and with a name for messages.
fn for_each_page(words: &Words, mut check: impl FnMut(&str, Language, &Document, &auth_pages::Page)) {
    let pages = Pages::new(Brand::default());
    for language in Language::ALL {
        for sample in samples::all(&pages, language, words) {
            let name = format!("{} {}", sample.name, language.tag());
            check(&name, language, &Document::parse_content(&sample.page.html), &sample.page);
        }
    }
}

/// All words, for rules without exception.
const ALL_WORDS: [Words; 3] = [ORDINARY, HOSTILE, LONG];
