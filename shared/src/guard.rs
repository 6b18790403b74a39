//! Decides about a presented access token: all that a service needs, whatever its web framework.

use std::io;
use std::sync::Arc;

use goptri_settings::{Environment, FileWatch, SecretFiles, SettingError, SettingErrors, Settings};

use crate::access_claims::AccessClaims;
use crate::access_verifier::AccessVerifier;
use crate::clock::{Clock, SystemClock};
use crate::keys::{KeySnapshot, KeySource, KeysUnavailable};
use crate::revocation::{self, RevocationSet};
use crate::settings;
use crate::token_cache::VerifiedTokens;
use crate::token_error::TokenError;

/// A verifier with a clock, and what was ended before its time. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Arc<AccessVerifier>,
    clock: Arc<dyn Clock>,
    revocations: Option<RevocationSet>,
    verified: Option<Arc<VerifiedTokens>>,
    files: Option<Arc<FileWatch>>,
    #[cfg(feature = "feed")]
    followers: Option<Arc<crate::remote_guard::Followers>>,
}

/// Why a service should not be asked yet, or not any more: it cannot tell which tokens are good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotReady {
    /// Which are genuine.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    /// Which were ended.
    #[error(transparent)]
    Feed(#[from] revocation::FeedNotReady),
}

impl Guard {
    /// A guard that asks `clock` for the time.
    pub fn new(verifier: AccessVerifier, clock: Arc<dyn Clock>) -> Self {
        Self {
            verifier: Arc::new(verifier),
            clock,
            revocations: None,
            verified: None,
            files: None,
            #[cfg(feature = "feed")]
            followers: None,
        }
    }

    /// A guard of the variables `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE`, `CLOCK_LEEWAY` and
    /// `VERIFIED_CACHE_ENTRIES`. It lets a token pass until it expires, also when its session was ended. A file of the
    /// secret is read again when it changes.
    ///
    /// # Errors
    /// Names every faulty variable at once.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingErrors> {
        let settings = Settings::new(environment);
        let verifier = settings::access_verifier(&settings).zip(settings::verified_cache_entries(&settings));
        let files = settings.secret_files();
        let (verifier, entries) = settings.into_result(verifier)?;
        let keys = verifier.keys().clone();
        let guard = Self::new(verifier, Arc::new(SystemClock)).with_token_cache(entries);
        let watching = guard.watching(files, move |settings| {
            if let Some(own) = settings::access_secrets(settings) {
                keys.reload_local(own);
            }
        });
        watching.map_err(|error| no_thread("ACCESS_TOKEN_SECRET_FILE", &error))
    }

    /// The same, and it hears from the auth-server of `AUTH_SERVER_URL`: the public keys that it verifies with besides
    /// `ACCESS_TOKEN_SECRET`, which may be left out then; and with `FEED_SECRET` what was ended, which it refuses within moments.
    /// `REVOCATION_MAX_STALENESS` and `ON_STALE` say what happens when the feed is lost; without `FEED_SECRET` it says in the log
    /// that it follows none. It follows on threads of its own, until its last clone is dropped.
    ///
    /// # Errors
    /// Names every faulty variable at once.
    #[cfg(feature = "feed")]
    pub fn following(environment: &Environment) -> Result<Self, SettingErrors> {
        use crate::remote_guard::GuardBuilder;
        use crate::revocation::SystemMonotonicClock;

        let settings = Settings::new(environment);
        let following = GuardBuilder::read(&settings);
        let following = settings.into_result(following)?;
        following
            .start(Arc::new(SystemClock), Arc::new(SystemMonotonicClock::default()))
            .map_err(|error| no_thread("AUTH_SERVER_URL", &error))
    }

    /// The same, and it refuses what is in `revocations`.
    #[must_use]
    pub fn with_revocations(self, revocations: RevocationSet) -> Self {
        Self { revocations: Some(revocations), ..self }
    }

    /// The same, and it remembers at most so many tokens that it found good, about a kilobyte each, and verifies them only
    /// once. Whether they have expired or were ended is looked at each time; other keys, and nothing counts any more.
    #[must_use]
    pub fn with_token_cache(self, entries: usize) -> Self {
        let verified = (entries > 0).then(|| Arc::new(VerifiedTokens::new(entries)));
        Self { verified, ..self }
    }

    /// How many tokens it remembers.
    pub fn cached_tokens(&self) -> usize {
        self.verified.as_ref().map_or(0, |verified| verified.len())
    }

    /// The same, kept up to date by these.
    #[cfg(feature = "feed")]
    pub(crate) fn kept_by(self, followers: crate::remote_guard::Followers) -> Self {
        Self { followers: Some(Arc::new(followers)), ..self }
    }

    /// The same, and `reread` is called whenever one of the files has changed.
    pub(crate) fn watching(
        self,
        files: SecretFiles,
        reread: impl FnMut(&Settings<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        let files = FileWatch::start(files, reread)?.map(Arc::new);
        Ok(Self { files, ..self })
    }

    /// What was ended, if this guard looks at it.
    pub fn revocations(&self) -> Option<&RevocationSet> {
        self.revocations.as_ref()
    }

    /// Whether every good token can be told from every other one.
    ///
    /// # Errors
    /// Why a service with this guard should not be asked.
    pub fn ready(&self) -> Result<(), NotReady> {
        self.revocations.as_ref().map_or(Ok(()), RevocationSet::ready)?;
        Ok(self.keys().ready()?)
    }

    /// What it verifies with.
    pub fn keys(&self) -> &KeySource {
        self.verifier.keys()
    }

    /// The files of its secrets, if there are any.
    pub fn secret_files(&self) -> Option<Arc<FileWatch>> {
        self.files.clone()
    }

    /// The claims of `token`, if it is genuine, valid now, for this service, and not revoked.
    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenError> {
        // The keys may change meanwhile. The cache stores the token with the version that verified it.
        let keys = self.keys().snapshot();
        let Some(cache) = &self.verified else { return self.verify_uncached(&keys, token).map(Arc::new) };
        if let Some(claims) = cache.get(token, keys.version()) {
            self.verifier.check_times(&claims, self.clock.micros())?;
            self.check_revoked(&claims)?;
            return Ok(claims);
        }
        Ok(cache.insert(token, keys.version(), self.verify_uncached(&keys, token)?))
    }

    fn verify_uncached(&self, keys: &KeySnapshot, token: &str) -> Result<AccessClaims, TokenError> {
        let claims = self.verifier.verify_with(keys, token, self.clock.micros());
        #[cfg(feature = "feed")]
        if let (Err(TokenError::UnknownKey | TokenError::KeysUnavailable), Some(followers)) =
            (&claims, &self.followers)
        {
            followers.keys.missed();
        }
        let claims = claims?;
        // Last, so that a forged token costs no lookup.
        self.check_revoked(&claims)?;
        Ok(claims)
    }

    fn check_revoked(&self, claims: &AccessClaims) -> Result<(), TokenError> {
        self.revocations.as_ref().map_or(Ok(()), |revocations| revocations.check(claims))
    }
}

fn no_thread(variable: &str, error: &io::Error) -> SettingErrors {
    let problem = format!("cannot be used, for there is no thread to follow it: {error}");
    SettingErrors(vec![SettingError { variable: variable.to_owned(), problem }])
}
