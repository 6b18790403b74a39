//! Redeeming a code, and the scope of the tokens.

use auth_domain::{
    ClientId, CodeChallenge, CodeMismatch, CodeVerdict, Redemption, ScopeTooWide, SessionId, StoredCode,
    narrow_scope,
};
use goptri::Scope;
use goptri_settings::Plain;

use crate::fixture::{AUDIENCE, NOW, SESSION, at};

const URI: &str = "https://client.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn session() -> SessionId {
    SessionId(SESSION.parse().unwrap())
}

fn code(expires_in: i64, spent: bool) -> StoredCode {
    StoredCode {
        client_id: ClientId::new("printer".to_owned()),
        sign_in: session(),
        redirect_uri: URI.to_owned(),
        challenge: CodeChallenge::parse(CHALLENGE).unwrap(),
        scope: Scope::default(),
        audience: AUDIENCE.to_owned(),
        expires_at: at(NOW + expires_in),
        spent_for: spent.then(session),
        now: at(NOW),
    }
}

/// What a client presents.
struct Presented(&'static str, &'static str, &'static str, &'static [&'static str]);

const RIGHT: Presented = Presented("printer", URI, VERIFIER, &[]);

fn judge(code: &StoredCode, Presented(client, redirect_uri, verifier, resources): &Presented) -> CodeVerdict {
    let resources: Vec<_> = resources.iter().map(|resource| (*resource).to_owned()).collect();
    code.judge(Redemption {
        client: &ClientId::new((*client).to_owned()),
        redirect_uri,
        verifier: &Plain::new((*verifier).to_owned()),
        resources: &resources,
    })
}

/// PK-04, PK-05, PK-06, PK-07, O7
#[test]
fn a_code_is_redeemed_only_by_its_client_with_its_verifier_redirect_uri_and_resource() {
    use CodeMismatch::{Client, Expired, RedirectUri, Resource, Verifier};
    let (fresh, spent) = (code(60, false), code(60, true));
    let replayed = CodeVerdict::Replayed(session());
    let refuse = CodeVerdict::Refuse;
    let short = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjX";
    for (code, presented, expected) in [
        (&fresh, RIGHT, CodeVerdict::Redeem),
        (&fresh, Presented("printer", URI, VERIFIER, &[AUDIENCE]), CodeVerdict::Redeem),
        (&fresh, Presented("printer", URI, VERIFIER, &[AUDIENCE, AUDIENCE]), CodeVerdict::Redeem),
        (&code(1, false), RIGHT, CodeVerdict::Redeem),
        (&code(0, false), RIGHT, refuse(Expired)),
        (&code(-1, false), RIGHT, refuse(Expired)),
        (&fresh, Presented("scanner", URI, VERIFIER, &[]), refuse(Client)),
        (&fresh, Presented("Printer", URI, VERIFIER, &[]), refuse(Client)),
        (&fresh, Presented("printer", URI, CHALLENGE, &[]), refuse(Verifier)),
        (&fresh, Presented("printer", URI, short, &[]), refuse(Verifier)),
        (&fresh, Presented("printer", URI, "", &[]), refuse(Verifier)),
        (&fresh, Presented("printer", "https://client.example/cb/", VERIFIER, &[]), refuse(RedirectUri)),
        (&fresh, Presented("printer", "", VERIFIER, &[]), refuse(RedirectUri)),
        (&fresh, Presented("printer", URI, VERIFIER, &["https://other.example"]), refuse(Resource)),
        (&fresh, Presented("printer", URI, VERIFIER, &[AUDIENCE, "https://other.example"]), refuse(Resource)),
        // A second use counts, also when it comes late or with another redirect URI.
        (&spent, RIGHT, replayed),
        (&code(-3_000, true), RIGHT, replayed),
        (&spent, Presented("printer", "https://evil.example", VERIFIER, &[]), replayed),
        // Without the verifier or as another client, no session can be ended.
        (&spent, Presented("scanner", URI, VERIFIER, &[]), refuse(Client)),
        (&spent, Presented("printer", URI, CHALLENGE, &[]), refuse(Verifier)),
    ] {
        let Presented(client, uri, verifier, resources) = &presented;
        assert_eq!(judge(code, &presented), expected, "{client} {uri} {verifier} {resources:?} {code:?}");
    }
}

/// RT-08, AS-15
#[test]
fn a_scope_shrinks_and_never_grows() {
    let scope = |text| Scope::parse(text).unwrap();
    for (granted, asked, of_client, expected) in [
        ("a b c", None, "a b c", Ok("a b c")),
        ("a b c", Some("c a"), "a b c", Ok("c a")),
        ("a b c", Some("a d"), "a b c d", Err(ScopeTooWide)),
        ("a b c", Some("A"), "a b c", Err(ScopeTooWide)),
        ("", Some("a"), "a", Err(ScopeTooWide)),
        ("", None, "a", Ok("")),
        // The operator has taken b away since.
        ("a b c", None, "a c", Ok("a c")),
        ("a b c", Some("b"), "a c", Ok("")),
        ("a b c", Some("b c"), "a c d", Ok("c")),
    ] {
        let found = narrow_scope(&scope(granted), asked.map(scope).as_ref(), &scope(of_client));
        assert_eq!(found.map(|scope| scope.to_string()), expected.map(str::to_owned), "{granted}, {asked:?}");
    }
}
