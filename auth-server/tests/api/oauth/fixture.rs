//! Fixtures: an application, a signed-in user, and codes with consent.

use auth_domain::{
    Client, ClientAuthentication, ClientId, ClientOrigin, CodeChallenge, CodeKey, Credentials, Digest,
    EmailKey, Entropy, NewCode, NewSession, RedirectUri, RefreshJti, RegisteredScope, SessionId, SessionKey,
    SignInKey, random_id,
};
use auth_server::SystemEntropy;
use auth_store::{AddClientOutcome, IssueCodeOutcome, OpenOutcome};
use goptri::Scope;
use goptri::clock::Clock;
use goptri::revocation::{EntryKind, FeedPage};
use goptri::token::UnverifiedJws;
use goptri_settings::Plain;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::support::{Answer, EMAIL, FEED_SECRET, TestServer};

/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const AUDIENCE: &str = "http://localhost:3000";
pub(crate) const URI: &str = "https://printer.example/cb";
pub(crate) const SECRET: &str = "secret-of-the-printer-7c1d4e0a9b";

/// A confidential client that may read and write.
pub(crate) fn printer() -> Client {
    client("printer", ClientAuthentication::Secret(vec![Digest::of(&Plain::new(SECRET.to_owned()))]))
}

/// A public client: a page.
pub(crate) fn page() -> Client {
    client("page", ClientAuthentication::Public)
}

pub(crate) fn client(id: &str, authentication: ClientAuthentication) -> Client {
    Client {
        id: ClientId::new(id.to_owned()),
        name: format!("The {id}"),
        authentication,
        redirect_uris: vec![RedirectUri::parse(URI).unwrap()],
        scope: Scope::parse("photos:read photos:write offline_access").unwrap(),
        resources: Vec::new(),
        first_party: false,
        implicit: false,
        rotation: true,
        home: None,
        logo: None,
        policy: None,
        origin: ClientOrigin::Operator,
        created_at: goptri::clock::SystemClock.now(),
    }
}

/// What an application and its user do.
pub(crate) trait OAuth {
    async fn add(&self, client: &Client);
    async fn scope(&self, name: &str);
    async fn sign_in_row(&self) -> SessionKey;
    async fn another_sign_in(&self, user: &Credentials) -> SessionKey;
    async fn code(&self, sign_in: SessionKey, client: &str, scope: &str) -> String;
    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer;
    async fn form_as(&self, id: &str, secret: &str, path: &str, fields: &[(&str, &str)]) -> Answer;
    async fn redeem(&self, code: &str) -> Answer;
    async fn refreshed(&self, token: &str, more: &[(&str, &str)]) -> Answer;
    async fn is_in_feed(&self, kind: EntryKind, subject: &str) -> bool;
}

impl OAuth for TestServer {
    async fn add(&self, client: &Client) {
        assert_eq!(self.store.add_client(client).await.unwrap(), AddClientOutcome::Added);
    }

    async fn scope(&self, name: &str) {
        let (name, description) = (name.to_owned(), format!("Use {name}"));
        self.store.put_scope(&RegisteredScope { name, description, resource: None }).await.unwrap();
    }

    /// Registers the user, who then has a sign-in at the pages.
    async fn sign_in_row(&self) -> SessionKey {
        assert_eq!(self.register().await.status, 201);
        let email: EmailKey = auth_domain::Email::parse(EMAIL).unwrap().key();
        let credentials = self.store.credentials(&email).await.unwrap().unwrap();
        self.another_sign_in(&credentials).await
    }

    /// Another sign-in of a user.
    async fn another_sign_in(&self, user: &Credentials) -> SessionKey {
        let id = SessionId(random_id(&SystemEntropy, self.clock.now()));
        let key = SessionKey { user_id: user.user_id, id };
        let session = NewSession {
            key,
            verified_hash: user.password_hash.clone().unwrap(),
            client_id: ClientId::built_in(),
            scope: Scope::default(),
            audience: vec![AUDIENCE.to_owned(), "http://localhost:4000".to_owned()],
            jti_hash: Digest::<RefreshJti>::of(&Plain::new("not used".to_owned())),
            lifetime: None,
            user_agent: None,
            ip: None,
            remember: false,
            handle_hash: Some(SignInKey::generate(key, &SystemEntropy).1.hash),
        };
        assert!(matches!(self.store.open_session(&session).await.unwrap(), OpenOutcome::Opened(_)));
        key
    }

    /// A code that the user has allowed.
    async fn code(&self, sign_in: SessionKey, client: &str, scope: &str) -> String {
        let (allowed, words) = (ClientId::new(client.to_owned()), Scope::parse(scope).unwrap());
        let resources = [AUDIENCE.to_owned()];
        self.store.put_grant(sign_in.user_id, &allowed, &words, &resources).await.unwrap();
        let (code, key) = CodeKey::generate(sign_in.user_id, &SystemEntropy);
        let new = NewCode {
            key,
            client_id: ClientId::new(client.to_owned()),
            sign_in: sign_in.id,
            redirect_uri: URI.to_owned(),
            challenge: CodeChallenge::parse(CHALLENGE).unwrap(),
            scope: Scope::parse(scope).unwrap(),
            audience: AUDIENCE.to_owned(),
        };
        assert_eq!(self.store.issue_code(&new).await.unwrap(), IssueCodeOutcome::Issued);
        code.expose().to_owned()
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).form(fields)).await
    }

    async fn form_as(&self, id: &str, secret: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.request(Method::POST, path).basic_auth(id, Some(secret)).form(fields)).await
    }

    /// Redeems a code of the printer.
    async fn redeem(&self, code: &str) -> Answer {
        self.send(redemption(self, code)).await
    }

    /// Refreshes a session of the printer.
    async fn refreshed(&self, token: &str, more: &[(&str, &str)]) -> Answer {
        let fields = [&[("grant_type", "refresh_token"), ("refresh_token", token)], more].concat();
        self.form_as("printer", SECRET, "/token", &fields).await
    }

    /// Whether services are told to reject it.
    async fn is_in_feed(&self, kind: EntryKind, subject: &str) -> bool {
        let answer = self.get("/revocations", Some(FEED_SECRET)).await;
        let page: FeedPage = serde_json::from_str(&answer.text).unwrap();
        page.entries.iter().any(|entry| entry.kind == kind && entry.subject == subject)
    }
}

/// The fields of the redemption of a code.
pub(crate) fn fields(code: &str) -> Vec<(&str, &str)> {
    vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", URI),
        ("code_verifier", VERIFIER),
    ]
}

/// The fields with one changed; `None` leaves it out.
pub(crate) fn with<'a>(
    mut fields: Vec<(&'a str, &'a str)>,
    name: &'a str,
    value: Option<&'a str>,
) -> Vec<(&'a str, &'a str)> {
    fields.retain(|(known, _)| *known != name);
    fields.extend(value.map(|value| (name, value)));
    fields
}

/// The request with which the printer redeems a code.
pub(crate) fn redemption(server: &TestServer, code: &str) -> RequestBuilder {
    server.request(Method::POST, "/token").basic_auth("printer", Some(SECRET)).form(&fields(code))
}

/// The claims of a token.
pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_str(&UnverifiedJws::parse(token).unwrap().payload_json().unwrap()).unwrap()
}

/// The session of a token.
pub(crate) fn session_of(token: &str) -> String {
    claims(token)["sid"].as_str().unwrap().to_owned()
}

/// 256 random bits, in base64url.
pub(crate) fn random() -> String {
    let mut bytes = [0; 32];
    SystemEntropy.fill(&mut bytes);
    goptri::token::encode_base64url(bytes)
}
