//! The bearer middleware while the revocation set is stale or has the caller's token.

use std::sync::Arc;
use std::time::Duration;

use goptri::Guard;
use goptri::revocation::{EntryKind, ManualMonotonicClock, OnStale, RevocationSet, StalenessPolicy};

use crate::protected_app::call_guarded;
use crate::revocation_set::{SESSION, entry};
use test_support::forge::{NOW, good, stopped_clock, verifier};
use test_support::{bearing, get};

fn revocations(on_stale: OnStale) -> (RevocationSet, Guard) {
    let staleness = StalenessPolicy { max_age: Duration::from_mins(1), on_stale };
    let revocations = RevocationSet::new(staleness, Arc::new(ManualMonotonicClock::default()));
    let guard = Guard::new(verifier(), stopped_clock()).with_revocations(revocations.clone());
    (revocations, guard)
}

/// RV-07
#[actix_web::test]
async fn a_stale_set_answers_503_with_retry_after_and_no_challenge_to_valid_tokens_only() {
    let (revocations, guard) = revocations(OnStale::Refuse);
    for path in ["/api/me", "/open/who", "/open/me"] {
        let stale = call_guarded(bearing(path, &good()), guard.clone()).await;
        assert_eq!(stale.error(), (503, "temporarily_unavailable"), "{path}");
        assert!(stale.header("retry-after").is_some());
        assert!(stale.header("www-authenticate").is_none());
    }
    let anonymous = call_guarded(get("/open/who"), guard.clone()).await;
    assert_eq!((anonymous.status, anonymous.text.as_str()), (200, "anonymous"));
    for (request, code) in
        [(get("/api/me"), "missing_token"), (bearing("/api/me", "forged"), "invalid_token")]
    {
        let refused = call_guarded(request, guard.clone()).await;
        assert_eq!(refused.error(), (401, code));
    }
    revocations.set_age(Duration::ZERO);
    assert_eq!(call_guarded(bearing("/api/me", &good()), guard).await.status, 200);
}

/// JV-27: the response does not reveal that the token was revoked.
#[actix_web::test]
async fn a_revoked_token_gets_the_response_of_any_invalid_token() {
    let (revocations, guard) = revocations(OnStale::Allow);
    revocations.insert(&entry(EntryKind::Session, SESSION, NOW, 60)).unwrap();
    let revoked = call_guarded(bearing("/api/me", &good()), guard.clone()).await;
    assert_eq!(revoked.status, 401);
    assert_eq!(revoked, call_guarded(bearing("/api/me", "forged"), guard.clone()).await);
    let anonymous = call_guarded(bearing("/open/who", &good()), guard).await;
    assert_eq!((anonymous.status, anonymous.text.as_str()), (200, "anonymous"));
}
