//! Tabs that share one session.

use serde_json::{Value, json};
use test_support::Link;

use super::relay::Fault;
use super::site::{MODES, Site};
use crate::programs::EMAIL;

const REFRESH: &str = "POST /auth/token";
const PHOTO: &[u8] = include_bytes!("../../../../docs/gopher.png");
const CALL: &str = "return (await goptri.fetch('/me')).status";

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_that_find_the_session_expired_refresh_it_once() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let one = site.signed_in().await;
        let other = site.open().await;
        site.expire(&one).await;
        site.relay.next(REFRESH, Fault::Held);
        one.start(CALL).await;
        site.relay.held().await;
        other.start("return Promise.all([1, 2].map(async () => (await goptri.fetch('/me')).status))").await;
        other.evaluate("return new Promise((done) => setTimeout(done, 200))").await;
        site.relay.release();
        assert_eq!(one.result().await, 200);
        assert_eq!(other.result().await, json!([200, 200]));
        assert_eq!(site.refreshes(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_without_web_locks_both_go_on() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let one = site.signed_in().await;
        let other = site.open().await;
        for tab in [&one, &other] {
            tab.evaluate("Object.defineProperty(navigator, 'locks', { value: undefined }); return null")
                .await;
        }
        site.expire(&one).await;
        site.relay.next(REFRESH, Fault::Held);
        one.start(CALL).await;
        site.relay.held().await;
        assert_eq!(other.run(CALL).await, 200);
        site.relay.release();
        assert_eq!(one.result().await, 200);
        assert_eq!(site.refreshes(), 2);
        site.expire(&one).await;
        assert_eq!(one.run(CALL).await, 200, "both have stored the same successor");
        assert_eq!(other.run(CALL).await, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tab_that_is_closed_during_a_refresh_loses_nothing() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let one = site.signed_in().await;
        let other = site.open().await;
        site.expire(&other).await;
        site.relay.next(REFRESH, Fault::Held);
        one.start(CALL).await;
        site.relay.held().await;
        one.kill().await;
        // A browser may still handle the response of a closed tab: this one never arrives.
        site.network.set(Link::Down);
        site.network.set(Link::Up);
        site.relay.release();
        assert_eq!(other.run(CALL).await, 200);
        assert!(site.refreshes() >= 2, "the refresh of the closed tab, and one that repeats it");
        site.expire(&other).await;
        assert_eq!(other.run(CALL).await, 200, "the session lives on");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_response_of_a_refresh_is_fetched_again() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let tab = site.signed_in().await;
        site.expire(&tab).await;
        site.relay.next(REFRESH, Fault::CutOff);
        assert_eq!(tab.run(CALL).await, 200);
        assert_eq!(site.refreshes(), 2);

        site.expire(&tab).await;
        site.relay.next(REFRESH, Fault::Held);
        tab.start(CALL).await;
        site.relay.held().await;
        site.network.set(Link::Down);
        site.network.set(Link::Up);
        site.relay.release();
        assert_eq!(tab.result().await, 200);
        assert_eq!(tab.evaluate("return changes").await, json!(["signed-in"]), "and no sign-out");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_signs_no_user_out_and_retry_after_is_respected() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let tab = site.signed_in().await;
        site.expire(&tab).await;
        site.relay.next(REFRESH, Fault::Unavailable(1));
        assert_eq!(tab.run(CALL).await, 200);
        assert_eq!(site.refreshes(), 2);

        site.expire(&tab).await;
        site.relay.next(REFRESH, Fault::Unavailable(60));
        let failed = tab.run(CALL).await;
        assert_eq!(failed, json!({ "code": "temporarily_unavailable", "retryAfter": 60 }));
        let again = tab.run(CALL).await;
        assert!(again["retryAfter"].as_u64().unwrap() > 30, "{again}");
        assert_eq!(site.refreshes(), 3, "no request while the server has asked to wait");
        assert_eq!(site.open().await.run(CALL).await, 200, "the session lives on");
        assert_eq!(tab.run(CALL).await, 200, "with the token of the other tab");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_slept_until_its_token_expired_goes_on() {
    for mode in MODES {
        let site = Site::with(mode, &[("ACCESS_TOKEN_TTL", "2s"), ("CLOCK_LEEWAY", "0s")]).await;
        let tab = site.signed_in().await;
        let token = site.access_token(&tab).await;
        tab.freeze(true).await;
        site.wait_until_rejected(&token).await;
        let before = site.refreshes();
        tab.freeze(false).await;
        assert_eq!(tab.run("return (await goptri.fetch('/photos/none')).status").await, 404);
        assert!(site.refreshes() > before);
        assert_eq!(tab.run("return (await goptri.currentUser()).email").await, EMAIL);
        assert_eq!(tab.evaluate("return changes").await, json!(["signed-in"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_sent_again_after_a_refresh() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let tab = site.signed_in().await;
        site.expire(&tab).await;
        let photo = format!("new Uint8Array({PHOTO:?})");
        let put = format!(
            "const photo = new File([{photo}], 'gopher.png'); \
             const put = await goptri.fetch('/photos/gopher.png', {{ method: 'PUT', body: photo }}); \
             const got = await goptri.fetch('/photos/gopher.png'); \
             return [put.status, (await got.blob()).size]"
        );
        assert_eq!(tab.run(&put).await, json!([201, PHOTO.len()]));
        assert_eq!(site.relay.count("PUT /api/photos/gopher.png"), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_in_one_tab_reaches_the_other() {
    for mode in MODES {
        let site = Site::start(mode).await;
        let one = site.signed_in().await;
        let other = site.open().await;
        assert_eq!(other.run(CALL).await, 200);
        let heard = "window.heard = new Promise((done) => goptri.onChange(done)); return null";
        other.evaluate(heard).await;
        let token = site.access_token(&one).await;
        assert_eq!(one.run("await goptri.signOut(); return 'done'").await, "done");
        assert_eq!(other.evaluate("return window.heard").await, "signed-out");
        assert_eq!(other.run("return goptri.currentUser()").await, Value::Null);
        assert_eq!(other.run(CALL).await, 401);
        site.wait_until_rejected(&token).await;
        assert_eq!(site.refreshes(), 0);
        assert_eq!(other.cookie("session").await, None);
        assert_eq!(other.cookie("refresh").await, None);
    }
}
