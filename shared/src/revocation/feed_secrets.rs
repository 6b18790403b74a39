//! The secrets that authenticate followers of the feed.

use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use goptri_settings::{FeedSecret, Plain};

/// A list of secrets: a follower presents the first, auth-server accepts all.
#[derive(Debug, Clone)]
pub struct FeedSecrets {
    first: Plain<FeedSecret>,
    others: Vec<Plain<FeedSecret>>,
}

impl FeedSecrets {
    /// Creates the list without checks. [`feed_secrets`](crate::settings::feed_secrets) reads and validates
    /// `FEED_SECRET`.
    pub fn new(first: Plain<FeedSecret>, others: Vec<Plain<FeedSecret>>) -> Self {
        Self { first, others }
    }

    /// Returns whether both lists have the same secrets in the same order.
    pub fn same_as(&self, other: &Self) -> bool {
        let mut pairs = self.all().zip(other.all());
        self.others.len() == other.others.len() && pairs.all(|(one, other)| one.expose() == other.expose())
    }

    /// Returns whether this list accepts every secret of `others`.
    pub fn accepts_all_of(&self, others: &Self) -> bool {
        others.all().all(|secret| self.accepts(secret.expose()))
    }

    /// The secret that a follower presents.
    pub fn first(&self) -> &Plain<FeedSecret> {
        &self.first
    }

    /// Returns whether `text` is one of the secrets, in constant time.
    pub fn accepts(&self, text: &str) -> bool {
        let text = Sha256::digest(text);
        self.all()
            .fold(Choice::from(0), |found, known| found | Sha256::digest(known.expose()).ct_eq(&text))
            .into()
    }

    fn all(&self) -> impl Iterator<Item = &Plain<FeedSecret>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goptri_settings::Settings;
    use goptri_settings::{Environment, SettingErrors};

    const ONE: &str = "feed-5f2a9c4be1d078365f2a9c4be1d07836";
    const OTHER: &str = "feed-8e71d2c5f0a9364b8e71d2c5f0a9364b";

    fn read(pairs: &[(&str, &str)]) -> Result<Option<FeedSecrets>, SettingErrors> {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let settings = Settings::new(&environment);
        let _ = settings.secrets::<goptri_settings::AccessTokenSecret>("ACCESS_TOKEN_SECRET");
        let secrets = crate::settings::optional_feed_secrets(&settings);
        settings.into_result(secrets.ok())
    }

    /// RV-12
    #[test]
    fn the_first_is_presented_and_all_are_accepted() {
        let both = format!("{ONE},{OTHER}");
        let secrets = read(&[("ACCESS_TOKEN_SECRET", &ONE[5..]), ("FEED_SECRET", &both)]).unwrap().unwrap();
        assert_eq!(secrets.first().expose(), ONE);
        for (text, accepted) in [
            (ONE, true),
            (OTHER, true),
            ("", false),
            (&ONE[1..], false),
            (&ONE.to_uppercase(), false),
            (&both, false),
            (&format!("{ONE} "), false),
        ] {
            assert_eq!(secrets.accepts(text), accepted, "{text:?}");
        }
        assert!(!format!("{secrets:?}").contains("5f2a"));
    }

    /// JV-23
    #[test]
    fn a_weak_or_duplicate_secret_is_an_error_and_a_missing_one_is_not() {
        let access = ("ACCESS_TOKEN_SECRET", ONE);
        assert!(read(&[access]).unwrap().is_none());
        assert!(read(&[access, ("FEED_SECRET", "")]).unwrap().is_none());
        for (feed, problem) in [
            (("FEED_SECRET", ONE), "FEED_SECRET is identical to ACCESS_TOKEN_SECRET"),
            (("FEED_SECRET", "changeme"), "FEED_SECRET is a well-known default"),
            (("FEED_SECRET", "5f2a9c4be1d07836"), "FEED_SECRET is 16 bytes long"),
            (("FEED_SECRET_FILE", "/nowhere/at/all"), "FEED_SECRET_FILE names the file"),
        ] {
            let errors = read(&[access, feed]).unwrap_err();
            assert!(errors.0.len() == 1 && errors.to_string().contains(problem), "{errors}");
        }
    }
}
