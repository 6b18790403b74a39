//! Which language a page is in.

use crate::text::{ENGLISH, GERMAN, Texts};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English, the default.
    English,
    /// German.
    German,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::English, Self::German];

    /// The language that the application asks for (`ui_locales` of OpenID Connect, in order of preference), else the
    /// one that the browser prefers (`Accept-Language`), else English.
    pub fn choose(ui_locales: Option<&str>, accept_language: Option<&str>) -> Self {
        let asked = ui_locales.and_then(|tags| tags.split(' ').find_map(Self::of_tag));
        asked.or_else(|| accept_language.and_then(Self::preferred)).unwrap_or(Self::English)
    }

    /// The tag for `lang` and `Content-Language`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
        }
    }

    pub(crate) fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }

    /// The language of a tag, whatever its region or script (`de-AT`).
    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split('-').next()?;
        Self::ALL.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag()))
    }

    /// The language with the highest weight (RFC 9110 §12.5.4); of equal ones, the first.
    fn preferred(accept_language: &str) -> Option<Self> {
        let mut best: Option<(Self, f32)> = None;
        for range in accept_language.split(',') {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let Some(language) = Self::of_tag(tag) else { continue };
            let weight =
                weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()).unwrap_or(0.0);
            if weight > best.map_or(0.0, |(_, weight)| weight) {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_decides_then_the_browser_then_it_is_english() {
        for (ui_locales, accept_language, expected) in [
            (None, None, Language::English),
            (None, Some("de-AT,de;q=0.9,en;q=0.8"), Language::German),
            (None, Some("fr-FR,fr;q=0.9,en;q=0.5,de;q=0.7"), Language::German),
            (None, Some("en, de"), Language::English),
            (None, Some("de;q=0, en;q=0.1"), Language::English),
            (None, Some("fr, *"), Language::English),
            (None, Some("DE"), Language::German),
            (None, Some(";;,q=,de;q=x"), Language::English),
            (Some("fr-CA de en"), Some("en"), Language::German),
            (Some("en-GB"), Some("de"), Language::English),
            (Some("fr"), Some("de"), Language::German),
            (Some(""), Some("de"), Language::German),
        ] {
            assert_eq!(
                Language::choose(ui_locales, accept_language),
                expected,
                "{ui_locales:?} {accept_language:?}"
            );
        }
    }
}
