//! What forms carry so that they cannot be forged: the sealed pending request, and the CSRF token.
//!
//! *Sealed* means signed for one browser. It is not encrypted: a user can read it.

use auth_domain::SignInKey;
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::keys::KeyRing;
use goptri::token::{decode_base64url, encode_base64url};
use goptri_settings::{Plain, Reloadable};
use serde::{Deserialize, Serialize};

use super::browser::BrowserId;
use crate::flow::oauth::{PendingRequest, ShownConsent};

/// How long a user may take. A pushed request is kept as long.
const REQUEST_LIFETIME: TimeDelta = TimeDelta::hours(1);

const REQUEST: &str = "goptri pending request";
const CSRF: &str = "goptri csrf token";

/// Keys derived from the secrets of refresh tokens: the first signs, all verify.
#[derive(Debug, Clone)]
pub(crate) struct FormKeys {
    refresh: Reloadable<KeyRing>,
}

/// A pending request on the wire.
#[derive(Serialize, Deserialize)]
struct Sealed {
    #[serde(rename = "q")]
    query: String,
    /// Microseconds, the precision of the database.
    #[serde(rename = "t")]
    started_at: i64,
    #[serde(rename = "a", default, skip_serializing_if = "std::ops::Not::not")]
    account_chosen: bool,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    shown: Option<ShownConsent>,
}

impl FormKeys {
    pub(crate) fn new(refresh: Reloadable<KeyRing>) -> Self {
        Self { refresh }
    }

    /// The pending request, for the forms of this browser only.
    pub(super) fn seal(&self, pending: &PendingRequest, browser: &Plain<BrowserId>) -> String {
        let sealed = Sealed {
            query: pending.query.clone(),
            started_at: pending.started_at.timestamp_micros(),
            account_chosen: pending.account_chosen,
            shown: pending.shown.clone(),
        };
        // Cannot fail: it has only text and numbers.
        let payload = serde_json::to_vec(&sealed).unwrap_or_default();
        let tag = self.sign(REQUEST, browser, &payload);
        format!("{}.{tag}", encode_base64url(payload))
    }

    /// The pending request that this server sealed for this browser less than an hour ago.
    pub(super) fn open(
        &self,
        sealed: &str,
        browser: &Plain<BrowserId>,
        now: DateTime<Utc>,
    ) -> Option<PendingRequest> {
        let (payload, tag) = sealed.split_once('.')?;
        let payload = decode_base64url(payload)?;
        if !self.verify(REQUEST, browser, &payload, tag) {
            return None;
        }
        let Sealed { query, started_at, account_chosen, shown } = serde_json::from_slice(&payload).ok()?;
        let started_at = DateTime::from_timestamp_micros(started_at)?;
        let is_recent = now - started_at < REQUEST_LIFETIME;
        is_recent.then_some(PendingRequest { query, started_at, account_chosen, is_resumed: true, shown })
    }

    /// The CSRF token of this browser; for a form that needs a sign-in, of this sign-in (CK-06).
    pub(super) fn csrf(&self, browser: &Plain<BrowserId>, signed_in: Option<&SignInKey>) -> String {
        self.sign(CSRF, browser, handle(signed_in))
    }

    /// Whether it is that token. In constant time.
    pub(super) fn is_csrf(
        &self,
        token: &str,
        browser: &Plain<BrowserId>,
        signed_in: Option<&SignInKey>,
    ) -> bool {
        self.verify(CSRF, browser, handle(signed_in), token)
    }

    fn sign(&self, purpose: &'static str, browser: &Plain<BrowserId>, data: &[u8]) -> String {
        let keys = self.refresh.load().derive_keys(purpose);
        // A ring always has a key. Without one, nothing verifies.
        let tag = keys.first().map(|key| hmac::sign(&key_of(key), &message(browser, data)));
        tag.map(|tag| encode_base64url(tag.as_ref())).unwrap_or_default()
    }

    fn verify(&self, purpose: &'static str, browser: &Plain<BrowserId>, data: &[u8], tag: &str) -> bool {
        let Some(tag) = decode_base64url(tag) else { return false };
        let (keys, message) = (self.refresh.load().derive_keys(purpose), message(browser, data));
        keys.iter().any(|key| hmac::verify(&key_of(key), &message, &tag).is_ok())
    }
}

fn key_of(bytes: &[u8; 32]) -> hmac::Key {
    hmac::Key::new(HMAC_SHA256, bytes)
}

/// The browser's id has no zero byte, so that no two inputs give the same message.
fn message(browser: &Plain<BrowserId>, data: &[u8]) -> Vec<u8> {
    [browser.expose().as_bytes(), b"\0", data].concat()
}

fn handle(signed_in: Option<&SignInKey>) -> &[u8] {
    signed_in.map_or(&[], |key| key.hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use auth_domain::{Digest, SessionId, SessionKey, UserId};
    use goptri_settings::RefreshTokenSecret;
    use uuid::Uuid;

    use super::*;

    const OLD: &str = "8e71d2c5f0a9364b8e71d2c5f0a9364b";
    const NEW: &str = "5f2a9c4be1d078365f2a9c4be1d07836";

    fn keys(secrets: &[&str]) -> FormKeys {
        let secrets: Vec<_> =
            secrets.iter().map(|text| Plain::<RefreshTokenSecret>::new((*text).to_owned())).collect();
        FormKeys::new(KeyRing::from_secrets(&secrets[0], &secrets[1..]).unwrap().into())
    }

    fn browser(id: &str) -> Plain<BrowserId> {
        Plain::new(id.to_owned())
    }

    fn sign_in(handle: &str) -> SignInKey {
        let session = SessionKey { user_id: UserId(Uuid::nil()), id: SessionId(Uuid::nil()) };
        SignInKey { session, hash: Digest::of(&Plain::new(handle.to_owned())) }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn only_the_same_browser_opens_a_sealed_request_within_an_hour() {
        let pending = PendingRequest {
            query: "client_id=printer&state=a.b".to_owned(),
            started_at: at(0),
            account_chosen: true,
            is_resumed: true,
            shown: None,
        };
        let sealed = keys(&[OLD]).seal(&pending, &browser("a"));
        let open = |keys: &FormKeys, sealed: &str, id, seconds| keys.open(sealed, &browser(id), at(seconds));
        assert_eq!(open(&keys(&[OLD]), &sealed, "a", 3_599), Some(pending.clone()));
        assert_eq!(open(&keys(&[NEW, OLD]), &sealed, "a", 0), Some(pending), "after a change of the secret");
        assert_eq!(open(&keys(&[OLD]), &sealed, "a", 3_600), None);
        assert_eq!(open(&keys(&[OLD]), &sealed, "b", 0), None);
        assert_eq!(open(&keys(&[NEW]), &sealed, "a", 0), None);
        let (payload, tag) = sealed.split_once('.').unwrap();
        let other = encode_base64url(r#"{"q":"client_id=evil","t":1800000000000000}"#);
        let csrf = keys(&[OLD]).csrf(&browser("a"), None);
        for forged in [
            format!("{other}.{tag}"),
            format!("{payload}.{csrf}"),
            format!("{payload}."),
            payload.to_owned(),
            String::new(),
        ] {
            assert_eq!(open(&keys(&[OLD]), &forged, "a", 0), None, "{forged}");
        }
    }

    /// CK-06
    #[test]
    fn a_csrf_token_belongs_to_one_browser_and_one_sign_in() {
        let (one, other) = (sign_in("one"), sign_in("other"));
        let token = keys(&[OLD]).csrf(&browser("a"), Some(&one));
        let is_csrf = |keys: &[&str], id, key| super::tests::keys(keys).is_csrf(&token, &browser(id), key);
        assert!(is_csrf(&[OLD], "a", Some(&one)));
        assert!(is_csrf(&[NEW, OLD], "a", Some(&one)));
        assert!(!is_csrf(&[OLD], "a", Some(&other)));
        assert!(!is_csrf(&[OLD], "a", None));
        assert!(!is_csrf(&[OLD], "b", Some(&one)));
        assert!(!is_csrf(&[NEW], "a", Some(&one)));
    }
}
