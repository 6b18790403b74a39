//! The secrets of refresh tokens and of the revocation feed.

use serde_json::json;

use super::emergency::{accepts, refresh};
use super::fleet::{FEED, Fleet, LONG, REFRESH, SECRET, client};
use super::keys::{Key, as_logged, file_of};
use super::load::Load;
use super::session_tokens;

#[tokio::test(flavor = "multi_thread")]
async fn the_refresh_token_secret_is_replaced_and_no_refresh_is_rejected() {
    let access = Key::secret("access-one");
    let mut fleet = Fleet::start(LONG, &[(SECRET, &access.text)], &[(SECRET, &access.text)]).await;
    let (old, new) = (fleet.refresh.clone(), Key::secret("refresh-two"));
    let load = Load::start(&fleet).await;
    load.runs().await;
    for ring in [&[&old, &new][..], &[&new, &old], &[&new]] {
        if ring.len() == 1 {
            load.refreshes_every_session().await;
        }
        for auth in &mut fleet.auths {
            auth.put(REFRESH, &file_of(ring));
            auth.says(&as_logged(ring));
            load.runs_briefly().await;
        }
    }
    assert_eq!(load.ends("planned, REFRESH_TOKEN_SECRET").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_refresh_token_secret_at_once_ends_all_sessions() {
    let access = Key::secret("access-one");
    let mut fleet = Fleet::start(LONG, &[(SECRET, &access.text)], &[(SECRET, &access.text)]).await;
    let session = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, 1).await.remove(0);
    let client = client();
    let (access_token, next) = refresh(&client, &fleet.auths[0], &session).await;
    let new = Key::secret("refresh-two");
    for auth in &mut fleet.auths {
        auth.put(REFRESH, &new.text);
        auth.says(&as_logged(&[&new]));
        let answer = auth.server.post("/token", &json!({ "refresh_token": next })).await;
        assert_eq!(answer.status(), 400);
    }
    // Access tokens stay valid until they expire, and users can sign in again.
    for member in fleet.all() {
        assert!(accepts(&client, member, &access_token).await);
    }
    fleet.auths[0].server.register().await;
    let (_, again) = fleet.auths[0].server.sign_in().await;
    refresh(&client, &fleet.auths[1], &again).await;
}

/// auth-servers first, so that they accept every secret that an api-server presents.
#[tokio::test(flavor = "multi_thread")]
async fn the_feed_secret_is_replaced_and_sign_outs_arrive() {
    let access = Key::secret("access-one");
    let mut fleet = Fleet::start(LONG, &[(SECRET, &access.text)], &[(SECRET, &access.text)]).await;
    let (old, new) = (fleet.feed.clone(), Key::secret("feed-two"));
    let sessions = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, 3).await;
    let mut sessions = sessions.iter();
    for auth in &mut fleet.auths {
        auth.put(FEED, &file_of(&[&old, &new]));
        auth.says("the secrets of the revocation feed have changed");
    }
    a_sign_out_arrives(&fleet, sessions.next().unwrap()).await;
    for api in &mut fleet.apis {
        api.put(FEED, &new.text);
        api.says("the secret for the revocation feed has changed");
    }
    a_sign_out_arrives(&fleet, sessions.next().unwrap()).await;
    for (auth, api) in fleet.auths.iter().zip(&fleet.apis) {
        assert_eq!(api.times_said("the connection was closed"), 0, "nothing was taken back yet");
        auth.put(FEED, &new.text);
        auth.says_times("the secrets of the revocation feed have changed", 2).await;
        api.says_times("reconnected to the revocation feed", 1).await;
        assert_eq!(api.times_said("auth-server rejects the secret"), 0);
    }
    a_sign_out_arrives(&fleet, sessions.next().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_opened_with_a_removed_secret_is_closed() {
    let access = Key::secret("access-one");
    let mut fleet = Fleet::start(LONG, &[(SECRET, &access.text)], &[(SECRET, &access.text)]).await;
    let (old, new) = (fleet.feed.clone(), Key::secret("feed-two"));
    let sessions = session_tokens::open(&fleet.database.url(), &fleet.refresh.text, 2).await;
    let client = client();
    let url = format!("{}/revocations", fleet.auths[0].server.url);
    let ask = |secret: &Key| {
        client.get(&url).header("accept", "text/event-stream").bearer_auth(&secret.text).send()
    };
    let strangers = ask(&old).await.unwrap();
    assert_eq!(strangers.status(), 200);

    for auth in &mut fleet.auths {
        auth.put(FEED, &new.text);
    }
    // Waits until the stream ends; otherwise the test times out.
    let heard = strangers.text().await.unwrap_or_default();
    assert!(heard.contains("caught-up"), "{heard}");
    assert_eq!(ask(&old).await.unwrap().status(), 401);
    assert_eq!(ask(&new).await.unwrap().status(), 200);

    // An api-server without the new secret is rejected, and receives missed entries once it has the secret.
    let (token, _) = refresh(&client, &fleet.auths[0], &sessions[0]).await;
    for api in &mut fleet.apis {
        api.says("auth-server rejects the secret (401)");
    }
    fleet.auths[1].server.delete("/logout", &json!({ "refresh_token": sessions[0] })).await;
    for api in &mut fleet.apis {
        api.put(FEED, &new.text);
        api.says("reconnected to the revocation feed");
        api.answers("/me", &token, 401).await;
    }
    a_sign_out_arrives(&fleet, &sessions[1]).await;
}

async fn a_sign_out_arrives(fleet: &Fleet, session: &str) {
    let client = client();
    let (token, next) = refresh(&client, &fleet.auths[0], session).await;
    for api in &fleet.apis {
        assert!(accepts(&client, api, &token).await);
    }
    let signed_out = fleet.auths[1].server.delete("/logout", &json!({ "refresh_token": next })).await;
    assert_eq!(signed_out.status(), 204);
    for api in &fleet.apis {
        api.answers("/me", &token, 401).await;
    }
}
