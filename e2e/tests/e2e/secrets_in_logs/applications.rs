//! The flows of applications, and of the pages at which users allow them.

use std::fs;
use std::process::Command;

use goptri::clock::{Clock, SystemClock};
use goptri::keys::{Jwks, KeyRing};
use goptri::token::TokenType;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use serde_json::{Value, json};
use test_support::{Answer, CookieJar, hidden_fields};

use super::{Minted, at_trace};
use crate::programs::{EMAIL, PASSWORD, Server, run};

const CALLBACK: &str = "https://printer.example/cb";
/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
const KEY: &str = include_str!("../../../../shared/tests/goptri/test_keys/ed25519.pem");

/// Registers two clients. Returns the secret of the first and the log.
fn register(auth_server: &impl Fn() -> Command) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    let keys = KeyRing::from_pem(KEY).unwrap();
    fs::write(&jwks, serde_json::to_string(&Jwks::from(keys.verifying_keys())).unwrap()).unwrap();
    let jwks = jwks.to_str().unwrap();
    let scope = ["scope", "add", "photos:read", "--description", "See your photos", "--json"];
    let client =
        ["client", "add", "--redirect-uri", CALLBACK, "--scope", "photos:read offline_access", "--json"];
    let mut printed = Vec::new();
    let mut log = String::new();
    for arguments in [
        scope.to_vec(),
        [client.as_slice(), &["--id", "printer", "--name", "Printer"]].concat(),
        [client.as_slice(), &["--id", "album", "--name", "Album", "--jwks", jwks]].concat(),
    ] {
        let output = run(at_trace(auth_server()), &arguments, "");
        let errors = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        printed.push(serde_json::from_slice::<Value>(&output.stdout).unwrap());
        log.push_str(&errors);
    }
    (printed[1]["client_secret"].as_str().unwrap().to_owned(), log)
}

/// A browser that stores cookies and follows no redirect.
struct Browser<'a> {
    auth: &'a Server,
    client: Client,
    jar: CookieJar,
}

impl Browser<'_> {
    async fn request(&mut self, method: Method, path: &str, form: &[(&str, &str)]) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.auth.url)).form(form);
        let request = request.header("sec-fetch-site", "same-origin").header("cookie", self.jar.header(path));
        let answer = test_support::answer(request).await;
        self.jar.store(&answer);
        answer
    }

    async fn open(&mut self, path: &str) -> Answer {
        self.request(Method::GET, path, &[]).await
    }

    async fn submit(
        &mut self,
        page: &Answer,
        path: &str,
        fields: &[(&str, &str)],
        minted: &mut Minted,
    ) -> Answer {
        let hidden = hidden_fields(page, path);
        // The CSRF token, and the sealed request.
        minted.0.extend(hidden.iter().map(|(_, value)| value.clone()).filter(|value| value.len() > 30));
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let all: Vec<_> = hidden.chain(fields.iter().copied()).collect();
        self.request(Method::POST, path, &all).await
    }
}

/// Every flow of two applications and their user. Returns the log of the commands.
pub(super) async fn every_flow_of_applications(
    auth: &Server,
    auth_server: impl Fn() -> Command,
    minted: &mut Minted,
) -> String {
    let (secret, log) = register(&auth_server);
    minted.0.extend([secret.clone(), VERIFIER.to_owned()]);
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut browser = Browser { auth, client: client.clone(), jar: CookieJar::default() };
    let query = format!(
        "response_type=code&client_id=printer&redirect_uri={CALLBACK}&scope=photos:read%20offline_access\
         &code_challenge={CHALLENGE}&code_challenge_method=S256&state=zq7state"
    );
    let page = browser.open(&format!("/authorize?{query}")).await;
    let wrong = [("email", EMAIL), ("password", "zq7 wrong password")];
    let page = browser.submit(&page, "/sign-in", &wrong, minted).await;
    let right = [("email", EMAIL), ("password", PASSWORD)];
    let signed_in = browser.submit(&page, "/sign-in", &right, minted).await;
    let page = match signed_in.header("location") {
        Some(location) => browser.open(location.trim_start_matches(&auth.url)).await,
        None => signed_in,
    };
    let handle = browser.jar.get("signin").unwrap();
    minted.0.push(handle.rsplit('.').next().unwrap().to_owned());
    let code = code_of(&browser.submit(&page, "/consent", &[("decision", "allow")], minted).await);
    minted.0.push(code.clone());
    let printer = Application { auth, client, secret: &secret };
    let (access, refresh) = printer.every_redemption(&code, minted).await;
    let page = browser.open("/inspect").await;
    browser.submit(&page, "/inspect", &[("token", &access)], minted).await;
    printer.every_refresh_and_revocation(&access, &refresh, minted).await;
    let uri = printer.push(&query, minted).await;
    let uri: String = url::form_urlencoded::byte_serialize(uri.as_bytes()).collect();
    let answer = browser.open(&format!("/authorize?client_id=printer&request_uri={uri}")).await;
    minted.0.push(code_of(&answer));
    let page = browser.open("/account").await;
    browser.submit(&page, "/account/applications/withdraw", &[], minted).await;
    let page = browser.open("/account").await;
    assert_eq!(browser.submit(&page, "/sign-out", &[], minted).await.status, 303);
    log
}

/// The code in a response of `/authorize`.
fn code_of(answer: &Answer) -> String {
    let location = answer.header("location").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
    let location = Url::parse(location).unwrap();
    location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
}

/// The printer, at the endpoints for applications.
struct Application<'a> {
    auth: &'a Server,
    client: Client,
    secret: &'a str,
}

impl Application<'_> {
    async fn post(&self, path: &str, secret: &str, fields: &[(&str, &str)]) -> Answer {
        let request =
            self.client.post(format!("{}{path}", self.auth.url)).basic_auth("printer", Some(secret));
        test_support::answer(request.form(fields)).await
    }

    async fn every_redemption(&self, code: &str, minted: &mut Minted) -> (String, String) {
        let fields = |verifier| {
            let redemption =
                [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", CALLBACK)];
            [&redemption[..], &[("code_verifier", verifier)]].concat()
        };
        let wrong_verifier = "zq7-wrong-verifier-zq7-wrong-verifier-zq7-wrong";
        assert_eq!(self.post("/token", "zq7 wrong secret", &fields(VERIFIER)).await.status, 401);
        assert_eq!(self.post("/token", self.secret, &fields(wrong_verifier)).await.status, 400);
        let opened = self.post("/token", self.secret, &fields(VERIFIER)).await;
        assert_eq!(opened.status, 200, "{}", opened.text);
        let tokens = minted.tokens(&serde_json::from_str(&opened.text).unwrap());
        assert_eq!(self.post("/token", "zq7 wrong secret", &fields(VERIFIER)).await.status, 401);
        tokens
    }

    async fn every_refresh_and_revocation(&self, access: &str, refresh: &str, minted: &mut Minted) {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let refreshed = self.post("/token", self.secret, &fields).await;
        let (_, next) = minted.tokens(&serde_json::from_str(&refreshed.text).unwrap());
        let assertion =
            KeyRing::from_pem(KEY).unwrap().sign(TokenType::ClientAssertion, &self.claims()).unwrap();
        minted.token(&assertion);
        for assertion in [assertion.as_str(), access] {
            let credentials = [
                ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                ("client_assertion", assertion),
            ];
            let request = self.client.post(format!("{}/token", self.auth.url));
            let answer = test_support::answer(request.form(&[&fields[..], &credentials].concat())).await;
            assert!(matches!(answer.status, 400 | 401), "not the album's token: {}", answer.text);
        }
        for token in [access, next.as_str(), "zq7 wrong token"] {
            assert_eq!(self.post("/revoke", self.secret, &[("token", token)]).await.status, 200);
        }
        assert_eq!(self.post("/token", self.secret, &fields).await.status, 400);
    }

    fn claims(&self) -> Value {
        let exp = SystemClock.now().timestamp() + 60;
        let aud = format!("{}/token", self.auth.url);
        json!({ "iss": "album", "sub": "album", "aud": aud, "exp": exp, "jti": "zq7-jti-of-the-assertion" })
    }

    /// The request URI of a pushed request.
    async fn push(&self, query: &str, minted: &mut Minted) -> String {
        let pairs: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let pushed = self.post("/par", self.secret, &pairs).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text);
        let uri = pushed.field("request_uri");
        minted.0.push(uri.rsplit(':').next().unwrap().to_owned());
        uri
    }
}
