//! The claims of refresh tokens, and that minting one needs both halves of the secret.

use auth_domain::{
    ClientId, Digest, PresentedRefresh, RefreshPolicy, RefreshTokens, RefuseReason, Verdict, judge,
};
use chrono::TimeDelta;
use goptri::TokenError;
use goptri::token::TokenType;
use goptri_settings::Plain;
use serde_json::{Value, json};

use crate::fixture::{
    ISSUER, JTI, NOW, REFRESH_SECRET, ROTATED, SESSION, USER, at, jti, refresh_tokens, ring, session,
    snapshot, wire,
};

const MINUTE: TimeDelta = TimeDelta::minutes(1);

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": USER, "sid": SESSION, "jti": JTI, "gen": 7, "iat": ROTATED })
}

fn with(member: &str, value: impl Into<Value>) -> Value {
    let mut claims = claims();
    claims[member] = value.into();
    claims
}

fn open_claims(claims: &Value) -> Result<PresentedRefresh, TokenError> {
    let token = ring(REFRESH_SECRET).sign(TokenType::Refresh, claims).unwrap();
    refresh_tokens(None).verify(&token, ClientId::built_in())
}

#[test]
fn a_refresh_token_contains_exactly_these_claims() {
    assert_eq!(wire(&refresh_tokens(None).mint(&session(), &jti()).unwrap()), claims());
}

#[test]
fn a_refresh_token_has_an_expiry_only_if_its_session_ends() {
    let hour = Some(TimeDelta::hours(1));
    let table = [
        ("neither", None, None, None),
        ("absolute", Some(NOW + 60), None, Some(NOW + 60)),
        ("idle", None, hour, Some(ROTATED + 3_600)),
        ("both, absolute first", Some(NOW + 60), hour, Some(NOW + 60)),
        ("both, idle first", Some(NOW + 9_999), hour, Some(ROTATED + 3_600)),
    ];
    for (which, absolute, idle, expected) in table {
        let mut session = session();
        session.expires_at = absolute.map(at);
        let expected = expected.map_or_else(claims, |end| with("exp", end));
        assert_eq!(wire(&refresh_tokens(idle).mint(&session, &jti()).unwrap()), expected, "{which}");
    }
}

/// A retry gets the same successor from every server, however often the session was used since.
#[test]
fn minting_twice_gives_the_same_bytes() {
    let mut later = session();
    later.last_used_at = at(NOW + 77);
    let one = refresh_tokens(Some(MINUTE)).mint(&session(), &jti()).unwrap();
    let other = refresh_tokens(Some(MINUTE)).mint(&later, &jti()).unwrap();
    assert_eq!(one, other);
}

#[test]
fn a_minted_token_opens_with_the_values_of_its_session() {
    let presented = refresh_tokens(None)
        .verify(&refresh_tokens(None).mint(&session(), &jti()).unwrap(), ClientId::built_in());
    let presented = presented.unwrap();
    let session = session();
    assert_eq!((presented.key, presented.generation), (session.key, session.generation));
    assert_eq!(presented.began, session.rotated_at);
    assert_eq!(presented.jti_hash, session.jti_hash);
    assert_eq!((presented.jti().expose(), presented.client_id.as_str()), (JTI, "goptri"));
}

/// RT-07: the client is the one that presents the token; the token itself names none.
#[test]
fn the_presenting_client_is_recorded() {
    let token = refresh_tokens(None).mint(&session(), &jti()).unwrap();
    let presented = refresh_tokens(None).verify(&token, ClientId::new("printer".to_owned())).unwrap();
    assert_eq!(presented.client_id.as_str(), "printer");
}

#[test]
fn invalid_claims_are_rejected() {
    let json = Err(TokenError::Json("payload"));
    let mut table = vec![("nothing wrong", claims(), Ok(())), ("unknown", with("admin", true), Ok(()))];
    for issuer in
        ["https://auth.example/", "https://auth", "", "https://evil.example", "HTTPS://auth.example"]
    {
        table.push(("iss", with("iss", issuer), Err(TokenError::WrongIssuer)));
    }
    for required in ["iss", "sub", "sid", "jti", "gen", "iat"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(required);
        table.push((required, claims, json));
        for wrong in [json!(null), json!(true), json!([7]), json!({ "x": 7 })] {
            table.push((required, with(required, wrong), json));
        }
    }
    for generation in
        [json!(-1), json!(7.0), json!(7.5), json!("7"), json!(1_u64 << 32), json!(u64::MAX), json!(1e99)]
    {
        table.push(("gen", with("gen", generation), json));
    }
    for id in ["sub", "sid"] {
        for text in [
            "",
            "goptri",
            "7",
            "0190b0a0-0000-7000-8000-00000000000",
            "0190b0a0-0000-7000-8000-00000000000g",
            "../../etc",
        ] {
            table.push((id, with(id, text), json));
        }
        table.push((id, with(id, 7), json));
    }
    for text in ["", " ", "\0", "a\0b", "a\nb", "a\u{85}"] {
        table.push(("jti", with("jti", text), Err(TokenError::InvalidClaim("jti"))));
    }
    table.push(("exp before iat", with("exp", ROTATED - 1), Err(TokenError::InvalidClaim("exp"))));
    table.push(("exp at iat", with("exp", ROTATED), Ok(())));
    for time in [json!("1800000000"), json!(-1), json!(1e99)] {
        table.push(("iat", with("iat", time.clone()), json));
        table.push(("exp", with("exp", time), json));
    }
    for (what, claims, expected) in table {
        assert_eq!(open_claims(&claims).map(drop), expected, "{what}: {claims}");
    }
    assert_eq!(open_claims(&with("gen", u32::MAX)).unwrap().generation.number(), i64::from(u32::MAX));
}

/// The expiry in a token informs its client; the session's row and the database's clock decide.
#[test]
fn a_token_past_its_expiry_still_opens() {
    assert!(open_claims(&with("exp", ROTATED + 1)).is_ok());
}

#[test]
fn a_token_signed_with_another_secret_is_rejected() {
    let foreign = RefreshTokens::new(ring("c3a5e90b7d1f48266c2be4f0915d37a0"), ISSUER.to_owned(), None);
    let token = foreign.mint(&session(), &jti()).unwrap();
    assert_eq!(
        refresh_tokens(None).verify(&token, ClientId::built_in()).map(drop),
        Err(TokenError::UnknownKey)
    );
}

/// RT-02: the database and the signing secret do not contain the `jti`, which only tokens contain.
#[test]
fn a_copy_of_the_database_does_not_allow_minting_even_with_the_signing_secret() {
    let snapshot = snapshot();
    let row = format!("{snapshot:?} {:?}", snapshot.session.jti_hash.as_bytes());
    assert!(!row.contains(JTI), "{row}");

    let hex = snapshot.session.jti_hash.as_bytes().map(|byte| format!("{byte:02x}")).concat();
    let policy = RefreshPolicy {
        rotation: true,
        grace: MINUTE,
        forgiveness: true,
        idle_lifetime: None,
        lifetime: None,
    };
    for guess in [hex.clone(), hex[..32].to_owned(), SESSION.to_owned(), "0".to_owned()] {
        let token = refresh_tokens(None).mint(&snapshot.session, &Plain::new(guess)).unwrap();
        let presented = refresh_tokens(None).verify(&token, ClientId::built_in()).unwrap();
        assert_eq!(judge(&snapshot, &presented, &policy), Verdict::Refuse(RefuseReason::OtherToken));
    }
    let genuine = refresh_tokens(None).mint(&snapshot.session, &jti()).unwrap();
    let genuine = refresh_tokens(None).verify(&genuine, ClientId::built_in()).unwrap();
    assert_eq!(judge(&snapshot, &genuine, &policy), Verdict::TryAgain);
    assert_eq!(genuine.jti_hash, Digest::of(&jti()));
}

/// OP-03
#[test]
fn debug_output_of_a_presented_token_contains_no_secret() {
    let presented = open_claims(&claims()).unwrap();
    let shown = format!("{presented:?} {:?}", refresh_tokens(None));
    assert!(!shown.contains(JTI) && !shown.contains(REFRESH_SECRET), "{shown}");
}
