//! What passes while one of the servers is down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use reqwest::Method;

use super::site::Site;

const REQUESTS: usize = 10_000;
const CLIENTS: usize = 16;

#[tokio::test]
async fn ten_thousand_requests_pass_through_each_proxy_while_auth_server_is_down() {
    let site = Arc::new({
        let mut site = Site::start().await.ready().await;
        let (access, _) = site.auth.sign_in().await;
        site.auth.running.child.kill().unwrap();
        site.auth.running.wait();
        (site, access)
    });
    for index in 0..2 {
        let left = Arc::new(AtomicUsize::new(REQUESTS));
        let clients = (0..CLIENTS).map(|_| {
            let (site, left) = (Arc::clone(&site), Arc::clone(&left));
            tokio::spawn(async move {
                let (site, access) = &*site;
                while left.try_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let request = site.proxies[index].request(Method::GET, "/").bearer_auth(access);
                    let answer = request.send().await.unwrap();
                    assert_eq!(answer.status(), 200, "{}", site.proxies[index].running.output());
                    assert_eq!(answer.text().await.unwrap(), "the application");
                }
            })
        });
        for client in clients.collect::<Vec<_>>() {
            client.await.unwrap();
        }
        // A proxy sends a GET again if the connection to the application was closed meanwhile.
        assert!(site.0.application.take().len() >= REQUESTS);
    }
}

/// nginx turns any answer but 204, 401 and 403 into 500, so its configuration makes 503 of that.
#[tokio::test]
async fn nothing_passes_while_api_server_cannot_decide_or_is_down() {
    let variables = [("AUTH_SERVER_URL", "http://127.0.0.1:1"), ("ON_STALE", "refuse")];
    let mut site = Site::with("", &variables).await;
    let (access, _) = site.auth.sign_in().await;
    for proxy in &site.proxies {
        let undecided = site.refused(proxy.request(Method::GET, "/").bearer_auth(&access), 503).await;
        assert!(undecided.headers().contains_key("retry-after"), "{}", proxy.name);
        site.refused(proxy.request(Method::GET, "/").bearer_auth("forged"), 401).await;
    }
    site.api.running.child.kill().unwrap();
    site.api.running.wait();
    for proxy in &site.proxies {
        let expected = if proxy.name == "nginx" { 503 } else { 502 };
        site.refused(proxy.request(Method::GET, "/").bearer_auth(&access), expected).await;
    }
}
