//! What a proxy demands of a caller, in the query of `/verify`.

use goptri::Scope;
use url::form_urlencoded;

/// What a proxy demands of a caller.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// The token must have every word of each.
    scopes: Vec<Scope>,
    redirect: bool,
}

/// The query has another parameter, or a value that no parameter has. If it were ignored, a typing error in the
/// configuration of a proxy would admit every caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownDemand;

impl Demand {
    /// Parses `scope` (words separated by spaces; may be repeated) and `redirect=1`.
    ///
    /// # Errors
    /// If the query has anything else, or an empty scope.
    pub fn parse(query: &str) -> Result<Self, UnknownDemand> {
        let mut demand = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("scope", "") => return Err(UnknownDemand),
                ("scope", words) => demand.scopes.push(Scope::parse(words).map_err(|_| UnknownDemand)?),
                ("redirect", "1") => demand.redirect = true,
                _ => return Err(UnknownDemand),
            }
        }
        Ok(demand)
    }

    /// Whether a token with this scope meets the demand.
    pub fn is_met_by(&self, granted: &Scope) -> bool {
        self.words().all(|word| granted.contains(word))
    }

    /// Whether it demands a scope.
    pub fn demands_scope(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// The words that a token must have, separated by spaces.
    pub fn scope(&self) -> String {
        self.words().collect::<Vec<_>>().join(" ")
    }

    /// Whether to redirect a user who is not signed in to the sign-in page.
    pub fn redirect(&self) -> bool {
        self.redirect
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        self.scopes.iter().flat_map(|scope| scope.as_str().split(' '))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_needs_every_word_of_every_scope() {
        for (query, granted, expected) in [
            ("", "", true),
            ("", "photos:read", true),
            ("redirect=1", "", true),
            ("scope=photos:read", "photos:read photos:write", true),
            ("scope=photos%3Aread", "photos:read", true),
            ("scope=photos:read", "photos:write", false),
            ("scope=photos:read", "photos:reader", false),
            ("scope=photos:read", "", false),
            ("scope=photos:read+photos:write", "photos:write photos:read", true),
            ("scope=photos:read%20photos:write", "photos:read", false),
            ("scope=photos:read&scope=photos:write", "photos:read photos:write", true),
            ("scope=photos:read&scope=photos:write", "photos:write", false),
        ] {
            let demand = Demand::parse(query).unwrap();
            assert_eq!(demand.is_met_by(&Scope::parse(granted).unwrap()), expected, "{query} {granted}");
        }
        assert_eq!(Demand::parse("scope=b+a&redirect=1&scope=c").unwrap().scope(), "b a c");
    }

    #[test]
    fn a_query_with_anything_else_is_rejected() {
        for query in [
            "scope=",
            "scope",
            "scope=+",
            "scope=a++b",
            "scope=a\"",
            "scope=%C3%B6",
            "scopes=photos:read",
            "Scope=photos:read",
            "scope=photos:read&x=1",
            "redirect",
            "redirect=0",
            "redirect=true",
            "redirect=1&rd=https://evil.example",
            "x",
        ] {
            assert_eq!(Demand::parse(query), Err(UnknownDemand), "{query}");
        }
        assert!(Demand::parse("redirect=1").unwrap().redirect());
        assert!(!Demand::parse("scope=a").unwrap().redirect());
    }
}
