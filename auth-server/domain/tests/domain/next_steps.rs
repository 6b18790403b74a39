//! What `/authorize` does next, for every combination that a rule is about.

use auth_domain::{
    AuthorizationError, Client, ClientAuthentication, ClientId, Grant, NextStep, Situation, UserId,
};

use NextStep::{AskForConsent, Issue, SelectAccount, SignIn};

use crate::fixture::{AUDIENCE, NOW, USER, at};
use crate::oauth_fixture::{LOOPBACK, PRINTS, client, parse, query, scope};

const LOGIN_REQUIRED: NextStep = NextStep::Fail(AuthorizationError::LoginRequired);
const CONSENT_REQUIRED: NextStep = NextStep::Fail(AuthorizationError::ConsentRequired);

/// When the request arrived.
const STARTED: i64 = NOW - 10;

/// A case: the request and everything around it. By default, the user signed in long ago and has allowed nothing.
struct Case {
    client: Client,
    changes: Vec<(&'static str, Option<&'static str>)>,
    signed_in_at: Option<i64>,
    account_chosen: bool,
    granted: Option<(&'static str, &'static str)>,
}

impl Default for Case {
    fn default() -> Self {
        let (client, changes) = (client(), Vec::new());
        Self { client, changes, signed_in_at: Some(NOW - 1_000), account_chosen: false, granted: None }
    }
}

impl Case {
    fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.changes.push((name, Some(value)));
        self
    }

    fn signed_in_at(mut self, signed_in_at: Option<i64>) -> Self {
        self.signed_in_at = signed_in_at;
        self
    }

    fn granted(mut self, scope: &'static str, resource: &'static str) -> Self {
        self.granted = Some((scope, resource));
        self
    }

    fn client(mut self, change: impl FnOnce(&mut Client)) -> Self {
        change(&mut self.client);
        self
    }

    fn next_step(&self) -> NextStep {
        let request = parse(&query(&self.changes), &self.client).unwrap();
        let grant = self.granted.map(|(granted, resource)| Grant {
            user_id: UserId(USER.parse().unwrap()),
            client_id: ClientId::new("printer".to_owned()),
            scope: scope(granted),
            resources: vec![resource.to_owned()],
            granted_at: at(NOW - 500),
        });
        let situation = Situation {
            request: &request,
            client: &self.client,
            signed_in_at: self.signed_in_at.map(at),
            account_chosen: self.account_chosen,
            grant: grant.as_ref(),
            started_at: at(STARTED),
            now: at(NOW),
        };
        situation.next_step()
    }
}

fn case() -> Case {
    Case::default()
}

fn public(client: &mut Client) {
    client.authentication = ClientAuthentication::Public;
}

fn first_party(client: &mut Client) {
    client.first_party = true;
}

fn implicit(client: &mut Client) {
    client.implicit = true;
}

/// AS-18, OI-05
#[test]
fn a_browser_that_is_not_signed_in_signs_in_first() {
    for prompt in ["login", "consent", "select_account", "login consent select_account"] {
        assert_eq!(case().signed_in_at(None).with("prompt", prompt).next_step(), SignIn, "{prompt}");
    }
    assert_eq!(case().signed_in_at(None).client(first_party).next_step(), SignIn);
    assert_eq!(case().signed_in_at(None).with("prompt", "none").next_step(), LOGIN_REQUIRED);
}

/// AS-19
#[test]
fn consent_is_asked_for_once_for_the_same_or_a_narrower_scope() {
    let asks = |wanted, granted| case().with("scope", wanted).granted(granted, AUDIENCE).next_step();
    assert_eq!(case().next_step(), AskForConsent);
    assert_eq!(asks("photos:read", "photos:read"), Issue);
    assert_eq!(asks("photos:read", "photos:write photos:read"), Issue);
    assert_eq!(asks("photos:read photos:write", "photos:write photos:read"), Issue);
    assert_eq!(asks("photos:read photos:write", "photos:read"), AskForConsent);
    assert_eq!(asks("photos:read offline_access", "photos:read"), AskForConsent, "OI-09");
    assert_eq!(asks("photos:read offline_access", "photos:read offline_access"), Issue);
    assert_eq!(case().granted("photos:read", PRINTS).next_step(), AskForConsent, "another API");
}

#[test]
fn without_a_page_missing_consent_is_an_error() {
    assert_eq!(case().with("prompt", "none").next_step(), CONSENT_REQUIRED);
    assert_eq!(case().with("prompt", "none").granted("photos:read", AUDIENCE).next_step(), Issue);
    assert_eq!(case().with("prompt", "none").client(first_party).next_step(), Issue);
    let native = case().client(public).with("redirect_uri", LOOPBACK).granted("photos:read", AUDIENCE);
    assert_eq!(native.with("prompt", "none").next_step(), CONSENT_REQUIRED);
}

#[test]
fn the_operators_own_clients_do_not_ask_for_consent_unless_they_want_to() {
    assert_eq!(case().client(first_party).next_step(), Issue);
    assert_eq!(case().client(first_party).with("prompt", "consent").next_step(), AskForConsent);
    assert_eq!(case().with("prompt", "consent").granted("photos:read", AUDIENCE).next_step(), AskForConsent);
}

/// RFC 8252 §8.6
#[test]
fn a_public_client_whose_response_another_app_could_receive_always_asks_for_consent() {
    for uri in [LOOPBACK, "http://127.0.0.1:49152/callback", "com.example.app:/done"] {
        let allowed = || case().with("redirect_uri", uri).granted("photos:read", AUDIENCE);
        assert_eq!(allowed().client(public).next_step(), AskForConsent, "{uri}");
        assert_eq!(allowed().client(public).client(first_party).next_step(), AskForConsent, "{uri}");
        assert_eq!(allowed().next_step(), Issue, "{uri}: a client with a secret proves what it is");
    }
    assert_eq!(case().client(public).granted("photos:read", AUDIENCE).next_step(), Issue);
    assert_eq!(case().client(public).client(first_party).next_step(), Issue);
}

#[test]
fn a_token_in_the_response_always_asks_for_consent() {
    let implicit = case().client(implicit).client(first_party).with("response_type", "token");
    assert_eq!(implicit.granted("photos:read", AUDIENCE).next_step(), AskForConsent);
}

/// OI-05
#[test]
fn a_sign_in_that_is_too_old_is_repeated_once() {
    let (before, started, after) = (Some(STARTED - 1), Some(STARTED), Some(STARTED + 1));
    for (name, value) in [("prompt", "login"), ("max_age", "0"), ("max_age", "5")] {
        let at = |signed_in_at| case().client(first_party).with(name, value).signed_in_at(signed_in_at);
        assert_eq!(at(before).next_step(), SignIn, "{name}={value}");
        assert_eq!(at(started).next_step(), Issue, "{name}={value}");
        assert_eq!(at(after).next_step(), Issue, "{name}={value}");
    }
}

/// OI-05
#[test]
fn max_age_is_counted_from_the_sign_in() {
    let at = |age, max_age| {
        case().client(first_party).signed_in_at(Some(NOW - age)).with("max_age", max_age).next_step()
    };
    assert_eq!(at(60, "60"), Issue);
    assert_eq!(at(61, "60"), SignIn);
    assert_eq!(at(1_000, "99999999999999999999999999"), Issue);
    let silent = case().client(first_party).with("prompt", "none").with("max_age", "60");
    assert_eq!(silent.next_step(), LOGIN_REQUIRED);
}

#[test]
fn the_account_is_chosen_once() {
    let select = || case().client(first_party).with("prompt", "select_account");
    assert_eq!(select().next_step(), SelectAccount);
    assert_eq!(Case { account_chosen: true, ..select() }.next_step(), Issue);
    assert_eq!(select().signed_in_at(Some(STARTED)).next_step(), Issue, "another account, just signed in");
    let both = case().with("prompt", "select_account consent");
    assert_eq!(both.next_step(), SelectAccount);
    assert_eq!(Case { account_chosen: true, ..both }.next_step(), AskForConsent);
    let login = || case().client(first_party).with("prompt", "select_account login");
    assert_eq!(login().next_step(), SignIn);
    assert_eq!(login().signed_in_at(Some(STARTED)).next_step(), Issue);
}
