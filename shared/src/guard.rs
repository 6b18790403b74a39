//! Decides whether an access token is accepted, independent of any web framework.

use std::io;
use std::sync::Arc;

use goptri_settings::{
    Environment, FileWatch, SecretFiles, SettingError, SettingErrors, Settings, TaskHealth,
};

use crate::access_claims::AccessClaims;
use crate::access_verifier::AccessVerifier;
use crate::clock::Clock;
use crate::cookie::{self, SessionCookie};
#[cfg(feature = "feed")]
use crate::following::BackgroundTasks;
use crate::guard_builder::{GuardBuilder, GuardError};
use crate::keys::{KeySnapshot, KeySource, KeysUnavailable};
use crate::revocation::{FeedNotReady, RevocationSet};
use crate::token_cache::VerifiedTokens;
use crate::token_error::TokenError;

/// Decides whether an access token is accepted. Clones are cheap and share everything.
#[derive(Debug, Clone)]
pub struct Guard {
    verifier: Arc<AccessVerifier>,
    clock: Arc<dyn Clock>,
    revocations: Option<RevocationSet>,
    cache: Option<Arc<VerifiedTokens>>,
    session_cookie: SessionCookie,
    files: Option<Arc<FileWatch>>,
    #[cfg(feature = "feed")]
    background: Option<Arc<BackgroundTasks>>,
}

/// Why a service is not ready, as a clause that follows "this service": keys or revocations are missing, or a background
/// task is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// Keys are missing.
    #[error(transparent)]
    Keys(#[from] KeysUnavailable),
    /// The revocation feed is missing or stale.
    #[error(transparent)]
    Feed(#[from] FeedNotReady),
    /// A background task has panicked, and is being restarted. Tokens are still accepted.
    #[error("restarts a background task that failed: {0}")]
    Task(&'static str),
}

impl Guard {
    /// A builder with the default options.
    pub fn builder() -> GuardBuilder {
        GuardBuilder::default()
    }

    /// A guard that has no cache and checks no revocations. It accepts the default [`SessionCookie`] of issuer and
    /// audience.
    pub fn new(verifier: AccessVerifier, clock: Arc<dyn Clock>) -> Self {
        Self {
            session_cookie: SessionCookie::new(verifier.issuer(), verifier.audience()),
            verifier: Arc::new(verifier),
            clock,
            revocations: None,
            cache: None,
            files: None,
            #[cfg(feature = "feed")]
            background: None,
        }
    }

    /// A guard from `ACCESS_TOKEN_SECRET`, `ISSUER`, `AUDIENCE`, `CLOCK_LEEWAY`, `VERIFIED_CACHE_ENTRIES`,
    /// `SESSION_COOKIE_NAME`, `SESSION_COOKIE_DOMAIN` and `CORS_ORIGINS`. It accepts a token until it expires, even
    /// after its session has ended. It reloads the secret when the file `ACCESS_TOKEN_SECRET_FILE` changes.
    ///
    /// # Errors
    /// Lists all invalid variables.
    pub fn from_environment(environment: &Environment) -> Result<Self, SettingErrors> {
        let settings = Settings::new(environment);
        let builder = GuardBuilder::from_settings(&settings);
        settings.into_result(builder)?.build().map_err(|error| setting_errors("ACCESS_TOKEN_SECRET", &error))
    }

    /// Like [`from_environment`](Self::from_environment), but the guard also follows the auth-server at
    /// `AUTH_SERVER_URL` (default: `ISSUER`): it fetches the public keys, and with `FEED_SECRET` it rejects revoked
    /// tokens within moments. If `AUTH_SERVER_URL` is set, `ACCESS_TOKEN_SECRET` is optional. `AUTH_SERVER_CA_FILE`
    /// adds trusted certificates. `REVOCATION_MAX_STALENESS` and `ON_STALE` decide what happens while the feed is
    /// unavailable.
    ///
    /// It does so on its own threads, until its last clone is dropped.
    ///
    /// # Errors
    /// Lists all invalid variables.
    #[cfg(feature = "feed")]
    pub fn from_environment_with_feed(environment: &Environment) -> Result<Self, SettingErrors> {
        let settings = Settings::new(environment);
        let builder = GuardBuilder::from_settings_with_optional_feed(&settings);
        settings.into_result(builder)?.build().map_err(|error| setting_errors("AUTH_SERVER_URL", &error))
    }

    /// Rejects the tokens that `revocations` revokes, and every token while its
    /// [`check_ready`](RevocationSet::check_ready) fails.
    #[must_use]
    pub fn with_revocations(self, revocations: RevocationSet) -> Self {
        Self { revocations: Some(revocations), ..self }
    }

    /// Caches up to `entries` verified tokens, about 1 KiB each. Expiry and revocation are checked on every call. A
    /// change of the keys invalidates the cache.
    #[must_use]
    pub fn with_token_cache(self, entries: usize) -> Self {
        let cache = (entries > 0).then(|| Arc::new(VerifiedTokens::new(entries)));
        Self { cache, ..self }
    }

    /// Replaces the session cookie that the guard accepts.
    #[must_use]
    pub fn with_session_cookie(self, session_cookie: SessionCookie) -> Self {
        Self { session_cookie, ..self }
    }

    /// Keeps `tasks` running until the last clone of the guard is dropped.
    #[cfg(feature = "feed")]
    pub(crate) fn with_background_tasks(self, tasks: BackgroundTasks) -> Self {
        Self { background: Some(Arc::new(tasks)), ..self }
    }

    /// Calls `reload` whenever one of the files has changed.
    pub(crate) fn with_file_watch(
        self,
        files: SecretFiles,
        reload: impl FnMut(&Settings<'_>) + Send + 'static,
    ) -> io::Result<Self> {
        let files = FileWatch::start(files, "watch of the files of secrets", reload)?.map(Arc::new);
        Ok(Self { files, ..self })
    }

    /// The number of cached tokens.
    pub fn cached_tokens(&self) -> usize {
        self.cache.as_ref().map_or(0, |cache| cache.len())
    }

    /// The revocations that this guard checks.
    pub fn revocations(&self) -> Option<&RevocationSet> {
        self.revocations.as_ref()
    }

    /// Checks whether the service should receive requests: whether valid tokens are accepted, and no background task is
    /// down.
    ///
    /// # Errors
    /// Why not: keys or revocations are missing, or a background task is down.
    pub fn check_ready(&self) -> Result<(), NotReady> {
        if let Some(down) = self.tasks().find(|task| task.is_down()) {
            return Err(NotReady::Task(down.name()));
        }
        self.revocations.as_ref().map_or(Ok(()), RevocationSet::check_ready)?;
        match self.keys().check_ready() {
            // With a secret, the guard waits for auth-server's keys no longer than for its feed.
            Err(KeysUnavailable::NotFetched)
                if self.is_past_catch_up_timeout() && !self.keys().snapshot().is_empty() =>
            {
                Ok(())
            }
            ready => Ok(ready?),
        }
    }

    /// Its background tasks: the watch of its files and, with the feature `feed`, those that follow auth-server.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskHealth> {
        let files = self.files.iter().map(|files| files.health());
        #[cfg(feature = "feed")]
        let files = files.chain(self.background.iter().flat_map(|background| background.tasks()));
        files
    }

    /// Returns whether the catch-up timeout has passed, after which the guard no longer waits for auth-server.
    fn is_past_catch_up_timeout(&self) -> bool {
        self.revocations.as_ref().is_some_and(|revocations| !revocations.is_within_catch_up_timeout())
    }

    /// The keys that it verifies with.
    pub fn keys(&self) -> &KeySource {
        self.verifier.keys()
    }

    /// The watch of the files of its secrets. `None`: no secret is in a file.
    pub fn file_watch(&self) -> Option<Arc<FileWatch>> {
        self.files.clone()
    }

    /// The claims of `token`, if it is genuine, valid now, for this service, and not revoked.
    pub fn verify(&self, token: &str) -> Result<Arc<AccessClaims>, TokenError> {
        // The keys may change meanwhile. The cache stores the token with the version that verified it.
        let keys = self.keys().snapshot();
        let Some(cache) = &self.cache else { return self.verify_uncached(&keys, token).map(Arc::new) };
        if let Some(claims) = cache.get(token, keys.version()) {
            self.recheck(&claims)?;
            return Ok(claims);
        }
        Ok(cache.insert(token, keys.version(), self.verify_uncached(&keys, token)?))
    }

    /// Like [`verify`](Self::verify), for the value of a [session cookie](Self::session_cookie).
    pub fn verify_cookie(&self, value: &[u8]) -> Result<Arc<AccessClaims>, TokenError> {
        cookie::with_token(value, |token| self.verify(token))
    }

    /// The cookie that may carry an access token.
    pub fn session_cookie(&self) -> &SessionCookie {
        &self.session_cookie
    }

    /// Checks the times and the revocation of claims that [`verify`](Self::verify) returned. Call it after long work,
    /// such as receiving a large body, and before its effect.
    pub fn recheck(&self, claims: &AccessClaims) -> Result<(), TokenError> {
        self.verifier.check_times(claims, self.clock.coarse_micros())?;
        self.check_revoked(claims)
    }

    fn verify_uncached(&self, keys: &KeySnapshot, token: &str) -> Result<AccessClaims, TokenError> {
        let claims = self.verifier.verify_with(keys, token, self.clock.coarse_micros());
        #[cfg(feature = "feed")]
        if let (Err(TokenError::UnknownKey | TokenError::KeysUnavailable), Some(tasks)) =
            (&claims, &self.background)
        {
            tasks.keys.notify_unknown_kid();
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

/// The settings were validated, so the only possible error is that a thread cannot be created.
fn setting_errors(variable: &str, error: &GuardError) -> SettingErrors {
    let problem = format!("cannot be used: {error}");
    SettingErrors(vec![SettingError { variable: variable.to_owned(), problem }])
}
