//! Anyone can convert an ECDSA signature (r, s) into (r, n - s), which is also valid: one token in two texts.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use goptri::revocation::{EntryKind, ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy};
use goptri::token::AccessVerifier;
use goptri::{Guard, TokenError};

use crate::revocation_set::{SESSION, TOKEN, entry};
use crate::test_keys::{P256, kid_of, pairs, sign, unsigned};
use test_support::forge::{AUDIENCE, ISSUER, LEEWAY, NOW, base64url, stopped_clock};
use vectors::twin;

/// JV-28: tokens are revoked by id and not by text, because anyone can compute the other form.
#[test]
fn both_signature_forms_of_a_revoked_es256_token_are_rejected() {
    for (kind, subject) in [(EntryKind::Token, TOKEN), (EntryKind::Session, SESSION)] {
        let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale: OnStale::Allow };
        let revocations = RevocationSet::new(staleness, Arc::new(ManualMonotonicClock::default()));
        revocations.set_age(Duration::ZERO);
        let leeway = TimeDelta::seconds(LEEWAY);
        let verifier = AccessVerifier::new(pairs(P256), ISSUER.into(), AUDIENCE.into(), leeway);
        let guard = Guard::new(verifier, stopped_clock()).with_revocations(revocations.clone());
        let guard = guard.with_token_cache(10);

        let signed = unsigned("ES256", &kid_of(P256));
        let signature = sign("ES256", P256, &signed);
        let [one, other] = [signature.clone(), twin(&signature)]
            .map(|signature| format!("{signed}.{}", base64url(signature)));
        assert_ne!(one, other);
        assert_eq!(twin(&twin(&signature)), signature);
        for token in [&one, &other] {
            assert!(guard.verify(token).is_ok(), "both forms are valid before the revocation");
        }
        revocations.insert(&entry(kind, subject, NOW, 60)).unwrap();
        for token in [&one, &other] {
            assert_eq!(guard.verify(token).err(), Some(TokenError::Revoked), "{kind:?}");
        }
    }
}
