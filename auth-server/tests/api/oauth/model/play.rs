//! Plays a schedule on a real server, and compares what happens with what must happen.

use std::collections::{BTreeSet, HashSet};

use auth_domain::{ClientAuthentication, ClientId, Credentials, Digest, Email, SessionId, SessionKey};
use chrono::TimeDelta;
use futures_util::future::join_all;
use goptri::revocation::FeedPage;
use goptri_settings::Plain;

use super::super::fixture::{OAuth, SECRET, client, fields, session_of};
use super::steps::Step;
use super::world::{Redeemed, World};
use crate::support::{Answer, EMAIL, Engine, FEED_SECRET, TestServer};

const APPLICATIONS: [&str; 2] = ["printer", "album"];

/// A server with one user and two applications.
pub(super) struct Stage {
    server: TestServer,
    user: Credentials,
}

/// What a schedule has produced, in the order of [`World`].
#[derive(Default)]
struct Produced {
    sessions: Vec<SessionKey>,
    /// The newest refresh token of each; empty for a sign-in.
    refresh_tokens: Vec<String>,
    codes: Vec<String>,
}

impl Stage {
    pub(super) async fn on(engine: Engine) -> Self {
        let server = TestServer::start(engine, &[]).await;
        for id in APPLICATIONS {
            let secret = Digest::of(&Plain::new(SECRET.to_owned()));
            let application = client(id, ClientAuthentication::Secret(vec![secret]));
            server.add(&application).await;
        }
        assert_eq!(server.register().await.status, 201);
        let email = Email::parse(EMAIL).unwrap().key();
        let user = server.store.credentials(&email).await.unwrap().unwrap();
        Self { server, user }
    }

    /// Plays one schedule, and returns what was notable.
    pub(super) async fn play(&self, steps: &[Step]) -> Result<Vec<&'static str>, String> {
        self.server.store.end_sessions_of(self.user.user_id, None).await.unwrap();
        let (mut world, mut produced) = (World::default(), Produced::default());
        for step in steps {
            self.step(step, &mut world, &mut produced).await?;
            self.compare(&world, &produced).await.map_err(|error| format!("after {step:?}: {error}"))?;
        }
        Ok(world.events)
    }

    async fn step(&self, step: &Step, world: &mut World, produced: &mut Produced) -> Result<(), String> {
        match *step {
            Step::SignIn => {
                world.sign_in();
                produced.sessions.push(self.server.another_sign_in(&self.user).await);
                produced.refresh_tokens.push(String::new());
            }
            Step::SignOut(browser) => {
                if let Some(sign_in) = world.live_sign_in(browser) {
                    world.sign_out(sign_in);
                    self.server.store.end_session(produced.sessions[sign_in], None).await.unwrap();
                }
            }
            Step::Allow { browser, application, offline } => {
                if let Some(sign_in) = world.live_sign_in(browser) {
                    world.allow(sign_in, application, offline);
                    let scope = if offline { "photos:read offline_access" } else { "photos:read" };
                    let key = produced.sessions[sign_in];
                    produced.codes.push(self.server.code(key, APPLICATIONS[application], scope).await);
                }
            }
            Step::Redeem { code, times } => {
                if let Some(code) = world.code(code) {
                    return self.redeem(code, times, world, produced).await;
                }
            }
            Step::Refresh(number) => {
                if let Some(session) = world.application_session(number) {
                    return self.refresh(session, world, produced).await;
                }
            }
            Step::Revoke(number) => {
                if let Some(session) = world.application_session(number) {
                    let application = APPLICATIONS[world.sessions[session].application.unwrap()];
                    let fields = [("token", produced.refresh_tokens[session].as_str())];
                    let answer = self.server.form_as(application, SECRET, "/revoke", &fields).await;
                    world.revoke(session);
                    return expect(&answer, 200);
                }
            }
            Step::Withdraw(application) => {
                world.withdraw(application);
                let application = ClientId::new(APPLICATIONS[application].to_owned());
                self.server.store.withdraw_grant(self.user.user_id, &application).await.unwrap();
            }
            Step::SignOutEverywhere => {
                world.sign_out_everywhere();
                self.server.store.end_sessions_of(self.user.user_id, None).await.unwrap();
            }
            Step::Wait => {
                world.wait();
                self.server.later(TimeDelta::seconds(61));
            }
        }
        Ok(())
    }

    async fn redeem(
        &self,
        code: usize,
        times: usize,
        world: &mut World,
        produced: &mut Produced,
    ) -> Result<(), String> {
        let application = APPLICATIONS[world.application_of_code(code)];
        let fields = fields(&produced.codes[code]);
        let redemption = || self.server.form_as(application, SECRET, "/token", &fields);
        let answers = join_all((0..times).map(|_| redemption())).await;
        let (good, bad): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
        bad.iter().try_for_each(|answer| expect(answer, 400))?;
        match (world.redeem(code, times), good.as_slice()) {
            (Redeemed::Opens, [opened]) => {
                let refresh = opened.field("refresh_token");
                let id = SessionId(session_of(&refresh).parse().unwrap());
                produced.sessions.push(SessionKey { user_id: self.user.user_id, id });
                produced.refresh_tokens.push(refresh);
                Ok(())
            }
            (Redeemed::Refused, []) => Ok(()),
            (expected, good) => Err(format!("{} redemptions succeeded, and {expected:?}", good.len())),
        }
    }

    async fn refresh(&self, session: usize, world: &World, produced: &mut Produced) -> Result<(), String> {
        let application = APPLICATIONS[world.sessions[session].application.unwrap()];
        let token = &mut produced.refresh_tokens[session];
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
        let answer = self.server.form_as(application, SECRET, "/token", &fields).await;
        expect(&answer, if world.sessions[session].lives { 200 } else { 400 })?;
        if answer.status == 200 {
            *token = answer.field("refresh_token");
        }
        Ok(())
    }

    /// Exactly the expected sessions live, and services are told of the others.
    async fn compare(&self, world: &World, produced: &Produced) -> Result<(), String> {
        let listed = self.server.store.list_sessions(self.user.user_id, None, 100).await.unwrap();
        let living: BTreeSet<SessionId> = listed.into_iter().map(|session| session.id).collect();
        let revoked = self.revoked().await;
        for (number, (session, key)) in world.sessions.iter().zip(&produced.sessions).enumerate() {
            if session.lives != living.contains(&key.id) {
                return Err(format!("session {number} must live: {}", session.lives));
            }
            let is_revoked = revoked.contains(&key.id.to_string());
            if session.lives == is_revoked {
                return Err(format!("session {number} is in the feed: {is_revoked}"));
            }
        }
        let expected = world.sessions.iter().filter(|session| session.lives).count();
        if living.len() == expected {
            Ok(())
        } else {
            Err(format!("{} sessions, not {expected}", living.len()))
        }
    }

    /// The subjects of all revocations.
    async fn revoked(&self) -> HashSet<String> {
        let mut subjects = HashSet::new();
        let mut path = "/revocations".to_owned();
        loop {
            let answer = self.server.get(&path, Some(FEED_SECRET)).await;
            let FeedPage { entries, next, .. } = serde_json::from_str(&answer.text).unwrap();
            let is_last = entries.len() < 1_000;
            subjects.extend(entries.into_iter().map(|entry| entry.subject));
            if is_last {
                return subjects;
            }
            path = format!("/revocations?after={next}");
        }
    }
}

fn expect(answer: &Answer, status: u16) -> Result<(), String> {
    if answer.status == status {
        Ok(())
    } else {
        Err(format!("not {status} but {}: {}", answer.status, answer.text))
    }
}
