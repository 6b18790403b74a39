//! Clients, sign-ins, and the sessions of applications.

use chrono::{DateTime, TimeDelta};
use goptri::Scope;
use goptri_settings::Plain;

use super::Subject;
use super::fixtures::{Device, device_of, id};
use crate::{AddClientOutcome, IssueCodeOutcome, OpenApplicationOutcome, SpendOutcome};
use auth_domain::{
    ApplicationSession, Client, ClientAuthentication, ClientId, ClientOrigin, CodeChallenge, CodeKey, Digest,
    Entropy, NewCode, NewSession, NewUser, RedirectUri, SessionId, SessionKey, SessionSnapshot, SignInKey,
    UserId,
};

/// Random enough for tests: the bytes of fresh ids.
#[derive(Debug)]
struct FreshIds;

impl Entropy for FreshIds {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(16) {
            part.copy_from_slice(&id().as_bytes()[..part.len()]);
        }
    }
}

/// A scope.
pub(super) fn scope(text: &str) -> Scope {
    Scope::parse(text).expect("a scope")
}

/// A new confidential client, with every attribute.
pub(super) fn new_client() -> Client {
    let uri = |text| RedirectUri::parse(text).expect("a redirect URI");
    Client {
        id: ClientId::new(format!("client-{}", id())),
        name: "Photo “Printer”".to_owned(),
        authentication: ClientAuthentication::Secret(vec![secret("one"), secret("two")]),
        redirect_uris: vec![uri("https://printer.example/callback?a=b"), uri("http://127.0.0.1/callback")],
        scope: scope("photos:read offline_access"),
        resources: vec!["https://photos.example".to_owned()],
        first_party: false,
        implicit: true,
        rotation: true,
        home: Some("https://printer.example/".to_owned()),
        logo: Some("https://printer.example/logo.png".to_owned()),
        policy: None,
        origin: ClientOrigin::Operator,
        created_at: DateTime::UNIX_EPOCH,
    }
}

/// The digest of a client secret.
pub(super) fn secret(text: &str) -> Digest<auth_domain::ClientSecret> {
    Digest::of(&Plain::new(text.to_owned()))
}

/// A handle of that session.
pub(super) fn handle_of(session: SessionKey) -> SignInKey {
    SignInKey::generate(session, &FreshIds).1
}

/// The sign-in of a browser.
pub(super) struct Browser {
    pub(super) user: NewUser,
    pub(super) sign_in: SignInKey,
}

impl Browser {
    /// The key of its session.
    pub(super) fn key(&self) -> SessionKey {
        self.sign_in.session
    }

    /// A session that this sign-in would open at that browser.
    pub(super) fn new_session(user: &NewUser) -> (SignInKey, NewSession) {
        let device = device_of(user);
        let sign_in = handle_of(device.key);
        let session = NewSession { handle_hash: Some(sign_in.hash.clone()), ..device.sign_in(user) };
        (sign_in, session)
    }

    /// A code for that client. `offline`: its scope lets the session outlive the sign-in.
    pub(super) fn code(&self, client: &ClientId, offline: bool) -> NewCode {
        NewCode {
            key: CodeKey::generate(self.user.id, &FreshIds).1,
            client_id: client.clone(),
            sign_in: self.key().id,
            redirect_uri: "https://printer.example/callback?a=b".to_owned(),
            challenge: CodeChallenge::from_bytes([7; 32]),
            scope: scope(if offline { "photos:read offline_access" } else { "photos:read" }),
            audience: "https://photos.example".to_owned(),
        }
    }
}

/// A session of an application to open, and its refresh tokens.
#[derive(Clone)]
pub(super) struct Application {
    pub(super) session: ApplicationSession,
    pub(super) tokens: Device,
}

impl Application {
    /// The session that a code opens.
    pub(super) fn of(code: &NewCode) -> Self {
        let key = SessionKey { user_id: code.key.user_id, id: SessionId(id()) };
        let tokens = Device { key, jti: format!("{:032x}", id()), client_id: code.client_id.clone() };
        let session = ApplicationSession {
            key,
            client_id: code.client_id.clone(),
            sign_in: code.sign_in,
            scope: code.scope.clone(),
            audience: code.audience.clone(),
            jti_hash: tokens.proof(),
            lifetime: None,
            user_agent: Some("printer/1.0".to_owned()),
            ip: Some("203.0.113.9".to_owned()),
        };
        Self { session, tokens }
    }
}

impl Subject {
    /// Registers a client.
    pub(super) async fn client(&self) -> Client {
        let client = new_client();
        assert_eq!(self.store.add_client(&client).await.expect("no error"), AddClientOutcome::Added);
        client
    }

    /// A browser at which a new user has signed in.
    pub(super) async fn browser(&self) -> Browser {
        let user = self.user().await;
        self.another_browser(&user).await
    }

    /// A browser at which that user has signed in.
    pub(super) async fn another_browser(&self, user: &NewUser) -> Browser {
        self.browser_for(user, None).await
    }

    /// A browser at which that user has signed in for a limited time.
    pub(super) async fn browser_for(&self, user: &NewUser, lifetime: Option<TimeDelta>) -> Browser {
        let (sign_in, session) = Browser::new_session(user);
        self.open(&NewSession { lifetime, ..session }).await;
        Browser { user: user.clone(), sign_in }
    }

    /// Issues that code.
    pub(super) async fn issue(&self, code: &NewCode) -> IssueCodeOutcome {
        self.store.issue_code(code).await.expect("no error")
    }

    /// Spends a code for a session.
    pub(super) async fn spend(&self, code: &NewCode, application: &Application) -> SpendOutcome {
        self.store.spend_code(&code.key, &application.session).await.expect("no error")
    }

    /// Issues a code to that client, after the user has allowed it everything.
    pub(super) async fn code(&self, browser: &Browser, client: &Client, offline: bool) -> NewCode {
        self.allow(browser.user.id, client).await;
        let code = browser.code(&client.id, offline);
        assert_eq!(self.issue(&code).await, IssueCodeOutcome::Issued);
        code
    }

    /// Asserts that the code is spent for that session.
    pub(super) async fn assert_spends(&self, code: &NewCode, application: &Application) -> SessionSnapshot {
        match self.spend(code, application).await {
            SpendOutcome::Opened(snapshot) => snapshot,
            other => panic!("{other:?}"),
        }
    }

    /// An application that redeemed a code.
    pub(super) async fn application(&self, browser: &Browser, client: &Client, offline: bool) -> Application {
        let code = self.code(browser, client, offline).await;
        let application = Application::of(&code);
        self.assert_spends(&code, &application).await;
        application
    }

    /// Opens a session without a code.
    pub(super) async fn open_without_code(&self, application: &Application) -> OpenApplicationOutcome {
        self.store.open_application_session(&application.session).await.expect("no error")
    }

    /// Whether the session exists.
    pub(super) async fn exists(&self, key: SessionKey) -> bool {
        self.store.find_session(key).await.expect("no error").is_some()
    }

    /// Whether the code exists.
    pub(super) async fn has_code(&self, code: &NewCode) -> bool {
        self.store.find_code(&code.key).await.expect("no error").is_some()
    }

    /// Records that the user allowed the client everything.
    pub(super) async fn allow(&self, user: UserId, client: &Client) {
        self.store.put_grant(user, &client.id, &client.scope, &client.resources).await.expect("no error");
    }

    /// Removes a client, which must exist.
    pub(super) async fn remove(&self, client: &Client) {
        let removed = self.store.remove_client(&client.id).await.expect("no error");
        assert_eq!(removed, crate::ChangeClientOutcome::Changed);
    }

    /// Deletes what belonged to a removed client, and the client.
    pub(super) async fn clear(&self, client: &Client) {
        while self.store.clear_removed_client(&client.id, 9).await.expect("no error") > 0 {}
    }
}
