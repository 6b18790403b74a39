//! A token of one kind is not accepted as the other.

use auth_domain::{ClientId, RefreshTokens, access_claims};
use chrono::TimeDelta;
use goptri::TokenError;
use goptri::token::TokenType;
use serde_json::Value;

use crate::fixture::{
    ACCESS_SECRET, ISSUER, NOW, REFRESH_SECRET, at, jti, ring, session, snapshot, verifier,
};

/// The claims of an access token and of a refresh token of the same session.
fn claims_of_both() -> [(TokenType, Value); 2] {
    let access = access_claims(&snapshot(), ISSUER, TimeDelta::minutes(15), "a1b2".to_owned());
    let refresh =
        RefreshTokens::new(ring(REFRESH_SECRET), ISSUER.to_owned(), None).mint(&session(), &jti()).unwrap();
    [
        (TokenType::Access, serde_json::to_value(access).unwrap()),
        (TokenType::Refresh, crate::fixture::wire(&refresh)),
    ]
}

/// The error when a token is checked as one of kind `check` with the key `secret`.
fn check(check: TokenType, secret: &str, token: &str) -> Option<TokenError> {
    match check {
        TokenType::Access => verifier(secret).verify(token, at(NOW)).err(),
        TokenType::Refresh => RefreshTokens::new(ring(secret), ISSUER.to_owned(), None)
            .verify(token, ClientId::built_in())
            .err(),
        _ => unreachable!("there are two types of tokens"),
    }
}

/// JV-21: every combination of claims, `typ` and key; a token passes only if all three are of the checked kind.
#[test]
fn a_token_of_one_kind_fails_the_check_of_the_other_kind() {
    let secret_of = |kind| if kind == TokenType::Access { ACCESS_SECRET } else { REFRESH_SECRET };
    let kinds = [TokenType::Access, TokenType::Refresh];
    let mut passed = Vec::new();
    for (claims_of, claims) in claims_of_both() {
        for typ in kinds {
            for key_of in kinds {
                let token = ring(secret_of(key_of)).sign(typ, &claims).unwrap();
                for checked_as in kinds {
                    let expected = match () {
                        () if typ != checked_as => Some(TokenError::WrongType),
                        () if key_of != checked_as => Some(TokenError::UnknownKey),
                        () if claims_of != checked_as => Some(TokenError::Json("payload")),
                        () => None,
                    };
                    let found = check(checked_as, secret_of(checked_as), &token);
                    assert_eq!(
                        found, expected,
                        "{claims_of:?} claims, {typ:?} typ, {key_of:?} key, as {checked_as:?}"
                    );
                    passed.extend(found.is_none().then_some(checked_as));
                }
            }
        }
    }
    assert_eq!(passed, kinds);
}

/// JV-21: the settings reject one secret for both kinds; even with it, `typ` would keep them apart.
#[test]
fn the_kinds_stay_apart_even_if_both_key_rings_have_the_same_secret() {
    let mut passed = Vec::new();
    for (kind, claims) in claims_of_both() {
        let token = ring(ACCESS_SECRET).sign(kind, &claims).unwrap();
        for checked_as in [TokenType::Access, TokenType::Refresh] {
            let expected = (kind != checked_as).then_some(TokenError::WrongType);
            assert_eq!(check(checked_as, ACCESS_SECRET, &token), expected, "{kind:?} as {checked_as:?}");
            passed.extend(expected.is_none().then_some(kind));
        }
    }
    assert_eq!(passed, [TokenType::Access, TokenType::Refresh]);
}
