//! The limit of sessions per user, which keeps ending all of them possible.

use auth_domain::{Email, MAX_SESSIONS, NewSession, PasswordHash, SessionId, SessionKey, UserId};
use auth_store::OpenOutcome;
use chrono::TimeDelta;
use goptri_settings::Plain;
use uuid::Uuid;

use crate::support::{EMAIL, Engine, TestServer, on_both_engines};

/// Opens sessions on this many devices, least recently used first, without hashing a password.
async fn sign_in_on(server: &TestServer, devices: u32) -> Vec<SessionId> {
    let user_id = server.id_of_ann().await;
    let credentials = server.store.credentials(&Email::parse(EMAIL).unwrap().key()).await.unwrap();
    let hash = credentials.unwrap().password_hash.unwrap();
    let mut ids = Vec::new();
    for number in 1..=devices {
        ids.push(open(server, user_id, hash.clone(), number).await);
        server.later(TimeDelta::milliseconds(10));
    }
    ids
}

async fn open(server: &TestServer, user_id: UserId, verified_hash: PasswordHash, number: u32) -> SessionId {
    let key = SessionKey { user_id, id: SessionId(Uuid::from_u128(number.into())) };
    let session = NewSession::for_test(key, verified_hash, &Plain::new(number.to_string()));
    assert!(matches!(server.store.open_session(&session).await, Ok(OpenOutcome::Opened(_))));
    session.key.id
}

async fn sessions(server: &TestServer) -> Vec<SessionId> {
    let listed = server.store.list_sessions(server.id_of_ann().await, None, 9_999).await.unwrap();
    listed.into_iter().map(|session| session.id).collect()
}

on_both_engines! {
    async fn a_sign_in_beyond_the_limit_ends_the_least_recently_used_sessions(server) {
        let (_, oldest) = server.signed_in().await;
        let devices = sign_in_on(&server, MAX_SESSIONS + 1).await;
        let oldest = server.refresh(&oldest).await.field("refresh_token");

        let newest = server.login().await;
        assert_eq!(newest.status, 200, "{}", newest.text);
        let left = sessions(&server).await;
        assert_eq!(left.len(), MAX_SESSIONS as usize);
        assert!(devices[..3].iter().all(|id| !left.contains(id)), "the least recently used ended");
        assert!(devices[3..].iter().all(|id| left.contains(id)), "all others live on");
        for token in [oldest, newest.field("refresh_token")] {
            assert_eq!(server.refresh(&token).await.status, 200);
        }
        let ended = server.store.read_revocations(None, 99).await.unwrap().entries;
        let mut ended: Vec<_> = ended.into_iter().map(|entry| entry.subject).collect();
        ended.sort();
        assert_eq!(ended, [1, 2, 3].map(|number| Uuid::from_u128(number).to_string()));
        assert_eq!(server.delete("/logout?everywhere=true", &newest.field("access_token")).await.status, 204);
        assert_eq!(sessions(&server).await, []);
    }
}

#[actix_web::test]
async fn a_sign_in_succeeds_although_excess_sessions_cannot_be_ended() {
    let server = TestServer::start(Engine::Postgres, &[]).await;
    server.signed_in().await;
    sign_in_on(&server, MAX_SESSIONS).await;
    let refuse = "create function fail() returns trigger language plpgsql as
                      $$ begin raise exception 'refused by the test'; end $$;
                  create trigger keeps_all before delete on sessions for each row execute function fail();";
    server.postgres().execute(refuse).await;
    let signed_in = server.login().await;
    assert_eq!(signed_in.status, 200, "{}", signed_in.text);
    assert_eq!(sessions(&server).await.len(), MAX_SESSIONS as usize + 2);

    server.postgres().execute("drop trigger keeps_all on sessions").await;
    assert_eq!(server.login().await.status, 200);
    assert_eq!(sessions(&server).await.len(), MAX_SESSIONS as usize, "the next sign-in ends them");
    assert_eq!(server.refresh(&signed_in.field("refresh_token")).await.status, 200);
}
