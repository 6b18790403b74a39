//! Which authorization requests are accepted, and where the others are reported.

use auth_domain::{
    AuthorizationError as Error, AuthorizationParameters, CodeChallenge, MAX_AUTHORIZATION_REQUEST, Prompt,
    ResponseMode, ResponseType, Unanswerable,
};
use chrono::TimeDelta;

use crate::fixture::{AUDIENCE, ISSUER};
use crate::oauth_fixture::{ARCHIVE, CALLBACK, CHALLENGE, LOOPBACK, PRINTS, client, parse, query, scope};

/// The error of a request with these changes. `Ok`: there is none.
fn outcome(changes: &[(&str, Option<&str>)]) -> Result<(), Error> {
    parse(&query(changes), &client()).map(drop)
}

fn accepted(changes: &[(&str, Option<&str>)]) -> auth_domain::AuthorizationRequest {
    parse(&query(changes), &client()).unwrap()
}

#[test]
fn a_request_is_read_as_it_was_sent() {
    let request = accepted(&[("state", Some("a b&c=\u{fc}")), ("max_age", Some("60"))]);
    assert_eq!(request.response, ResponseType::Code(CodeChallenge::parse(CHALLENGE).unwrap()));
    assert_eq!((request.to.redirect_uri.as_str(), request.to.mode), (CALLBACK, ResponseMode::Query));
    assert_eq!(request.to.state.as_deref(), Some("a b&c=\u{fc}"));
    assert_eq!((request.scope, request.audience.as_str()), (scope("photos:read"), AUDIENCE));
    assert_eq!((request.prompt, request.max_age), (Prompt::default(), Some(TimeDelta::seconds(60))));
}

/// AS-03
#[test]
fn without_a_client_and_one_of_its_redirect_uris_nothing_reaches_the_client() {
    use Unanswerable::{ClientId, NoRedirectUri, RedirectUri, RequestUri, UnknownClient};
    let client_ids = [
        (query(&[("client_id", None)]), Some(ClientId)),
        (query(&[("client_id", Some(""))]), Some(ClientId)),
        (query(&[]) + "&client_id=printer", Some(ClientId)),
        (query(&[]) + "&client_id=", None),
        (query(&[("client_id", Some("a\0b"))]), Some(UnknownClient)),
    ];
    for (query, error) in client_ids {
        assert_eq!(AuthorizationParameters::parse(&query).client_id().err(), error, "{query}");
    }
    let redirect_uris = [
        (query(&[("redirect_uri", None)]), Some(NoRedirectUri)),
        (query(&[("redirect_uri", Some(""))]), Some(NoRedirectUri)),
        (query(&[("redirect_uri", Some("https://app.example/callback/"))]), Some(RedirectUri)),
        (query(&[("redirect_uri", Some("https://evil.example/callback"))]), Some(RedirectUri)),
        (query(&[]) + "&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback", Some(RedirectUri)),
        (query(&[("redirect_uri", Some("http://127.0.0.1:49152/callback"))]), None),
        (query(&[("redirect_uri", Some("http://localhost:49152/callback"))]), Some(RedirectUri)),
    ];
    for (query, error) in redirect_uris {
        let parameters = AuthorizationParameters::parse(&query);
        assert_eq!(parameters.return_address(&client()).err(), error, "{query}");
    }
    let repeated = AuthorizationParameters::parse("request_uri=a&request_uri=b");
    assert_eq!(repeated.request_uri(), Err(RequestUri));
    assert!(repeated.has_request_uri());
}

/// AS-04, AS-09, PK-01, PK-02, PK-03, OI-10
#[test]
fn every_other_error_is_reported_to_the_client() {
    for (changes, error) in [
        (("response_type", None), Error::NoResponseType),
        (("response_type", Some("")), Error::NoResponseType),
        (("response_type", Some("id_token")), Error::UnsupportedResponseType),
        (("response_type", Some("code token")), Error::UnsupportedResponseType),
        (("response_type", Some("CODE")), Error::UnsupportedResponseType),
        (("response_type", Some("token")), Error::UnauthorizedResponseType),
        (("response_mode", Some("web_message")), Error::ResponseMode),
        (("response_mode", Some("Query")), Error::ResponseMode),
        (("code_challenge", None), Error::NoChallenge),
        (("code_challenge", Some(&CHALLENGE[1..])), Error::Challenge),
        (("code_challenge", Some(&format!("{CHALLENGE}="))), Error::Challenge),
        (("code_challenge", Some(&format!("{CHALLENGE}A"))), Error::Challenge),
        (("code_challenge_method", None), Error::ChallengeMethod),
        (("code_challenge_method", Some("plain")), Error::ChallengeMethod),
        (("code_challenge_method", Some("s256")), Error::ChallengeMethod),
        (("prompt", Some("none login")), Error::Prompt),
        (("prompt", Some("consent none")), Error::Prompt),
        (("prompt", Some("create")), Error::Prompt),
        (("max_age", Some("-1")), Error::MaxAge),
        (("max_age", Some("+1")), Error::MaxAge),
        (("max_age", Some("1.5")), Error::MaxAge),
        (("scope", Some("photos:delete")), Error::Scope),
        (("scope", Some("photos:read gone")), Error::Scope),
        (("scope", Some("photos:read  photos:write")), Error::Scope),
        (("scope", Some("\"")), Error::Scope),
        (("resource", Some("https://other.example")), Error::Target),
        (("resource", Some("https://api.example#x")), Error::Target),
        (("resource", Some("https://api.example/")), Error::Target),
        (("request", Some("eyJhbGciOiJub25lIn0..")), Error::RequestObject),
        (("request_uri", Some("https://evil.example/request")), Error::NestedRequestUri),
        (("scope", Some(&"a".repeat(MAX_AUTHORIZATION_REQUEST))), Error::TooLong),
    ] {
        assert_eq!(outcome(&[changes]), Err(error), "{changes:?}");
        assert!(error.to_string().bytes().all(|b| matches!(b, 0x20..=0x21 | 0x23..=0x5b | 0x5d..=0x7e)));
    }
    for name in ["response_type", "scope", "state", "code_challenge", "prompt", "max_age", "login_hint"] {
        let twice = format!("{}&{name}=a&{name}=a", query(&[(name, None)]));
        assert_eq!(parse(&twice, &client()).map(drop), Err(Error::Repeated(name)));
        let no_text = format!("{}&{name}=%ff", query(&[(name, None)]));
        assert_eq!(parse(&no_text, &client()).map(drop), Err(Error::NotText(name)));
    }
}

/// AS-09, OI-08
#[test]
fn unknown_and_empty_parameters_change_nothing() {
    let plain = accepted(&[]);
    for more in [
        "&display=popup&claims_locales=xx&acr_values=9&id_token_hint=x&foo=1&foo=2",
        "&prompt=&max_age=&login_hint=&resource=&request=&request_uri=&response_mode=",
        "&state=",
        "&ui_locales=xx-YY%20zz",
    ] {
        assert_eq!(parse(&(query(&[]) + more), &client()).unwrap(), plain, "{more}");
    }
}

/// AS-15
#[test]
fn a_token_in_the_response_is_only_for_clients_that_may_have_it_and_never_in_a_query() {
    let implicit = auth_domain::Client { implicit: true, ..client() };
    let ask = |mode| {
        let changes = [("response_type", Some("token")), ("code_challenge", None), ("response_mode", mode)];
        let query = query(&changes);
        (
            AuthorizationParameters::parse(&query).return_address(&implicit).unwrap().mode,
            parse(&query, &implicit).map(|request| request.response),
        )
    };
    assert_eq!(ask(None), (ResponseMode::Fragment, Ok(ResponseType::Token)));
    assert_eq!(ask(Some("fragment")), (ResponseMode::Fragment, Ok(ResponseType::Token)));
    assert_eq!(ask(Some("form_post")), (ResponseMode::FormPost, Ok(ResponseType::Token)));
    assert_eq!(ask(Some("query")), (ResponseMode::Fragment, Err(Error::ResponseMode)));
}

#[test]
fn a_code_is_in_the_query_unless_the_client_asks_otherwise() {
    for (asked, mode) in [
        (None, ResponseMode::Query),
        (Some("query"), ResponseMode::Query),
        (Some("fragment"), ResponseMode::Fragment),
        (Some("form_post"), ResponseMode::FormPost),
    ] {
        assert_eq!(accepted(&[("response_mode", asked)]).to.mode, mode);
    }
    let app = [("response_mode", Some("form_post")), ("redirect_uri", Some("com.example.app:/done"))];
    assert_eq!(outcome(&app), Err(Error::ResponseMode), "browsers post forms only to http and https");
    let parameters = AuthorizationParameters::parse(&query(&app));
    assert_eq!(parameters.return_address(&client()).unwrap().mode, ResponseMode::Query);
}

#[test]
fn without_a_scope_everything_registered_is_asked_for_except_access_after_sign_out() {
    let client = auth_domain::Client { scope: scope("photos:write gone offline_access"), ..client() };
    assert_eq!(parse(&query(&[("scope", None)]), &client).unwrap().scope, scope("photos:write"));
    assert_eq!(
        accepted(&[("scope", Some("offline_access photos:read"))]).scope,
        scope("offline_access photos:read")
    );
}

/// RFC 8707
#[test]
fn a_token_is_for_one_api() {
    let both = "photos:read prints:order";
    for (scope, resources, audience) in [
        ("photos:read", vec![], Ok(AUDIENCE)),
        ("photos:read", vec![AUDIENCE, AUDIENCE], Ok(AUDIENCE)),
        ("photos:read", vec![ARCHIVE], Ok(ARCHIVE)),
        ("prints:order", vec![], Ok(PRINTS)),
        ("prints:order offline_access", vec![PRINTS], Ok(PRINTS)),
        (both, vec![PRINTS], Ok(PRINTS)),
        (both, vec![], Err(Error::SeveralTargets)),
        (both, vec![AUDIENCE], Err(Error::ScopeOfAnotherApi)),
        ("photos:read", vec![AUDIENCE, ARCHIVE], Err(Error::SeveralTargets)),
        ("photos:read", vec![PRINTS], Err(Error::Target)),
        ("prints:order", vec![ARCHIVE], Err(Error::ScopeOfAnotherApi)),
    ] {
        let resource = |resource| format!("&resource={resource}");
        let query = query(&[("scope", Some(scope))]) + &resources.iter().map(resource).collect::<String>();
        let found = parse(&query, &client()).map(|request| request.audience);
        assert_eq!(found, audience.map(str::to_owned), "{scope} {resources:?}");
    }
}

/// AS-04, AS-05
#[test]
fn every_response_has_the_exact_state_and_the_issuer() {
    let with = |changes: &[(&str, Option<&str>)]| {
        let address = AuthorizationParameters::parse(&query(changes)).return_address(&client()).unwrap();
        let parameters = address.parameters([("code", "c+d")], ISSUER);
        address.with_parameters(&parameters)
    };
    let end = "code=c%2Bd&state=s&iss=https%3A%2F%2Fauth.example";
    assert_eq!(with(&[]), Some(format!("{CALLBACK}?{end}")));
    assert_eq!(with(&[("response_mode", Some("fragment"))]), Some(format!("{CALLBACK}#{end}")));
    assert_eq!(with(&[("response_mode", Some("form_post"))]), None);
    assert_eq!(
        with(&[("redirect_uri", Some("https://app.example/callback?tenant=1"))]),
        Some(format!("https://app.example/callback?tenant=1&{end}"))
    );
    assert_eq!(
        with(&[("redirect_uri", Some("com.example.app:/done"))]),
        Some(format!("com.example.app:/done?{end}"))
    );
    assert_eq!(
        with(&[("state", None), ("redirect_uri", Some(LOOPBACK))]),
        Some(format!("{LOOPBACK}?code=c%2Bd&iss=https%3A%2F%2Fauth.example"))
    );
    let odd = with(&[("state", Some("a b\u{fc}&x=1#"))]).unwrap();
    assert!(odd.contains("&state=a+b%C3%BC%26x%3D1%23&iss="), "{odd}");
}

#[test]
fn hints_are_ignored_when_they_are_too_long() {
    let long = "a".repeat(257);
    let parameters = AuthorizationParameters::parse(&format!("login_hint={long}&ui_locales=de"));
    assert_eq!((parameters.login_hint(), parameters.ui_locales()), (None, Some("de")));
}
