//! The configuration of nginx in docs/browsers.md, with a page in Chromium over TLS.

use std::fs;
use std::net::SocketAddr;

use serde_json::json;

use super::chromium::Chromium;
use super::relay::{MODULE, PAGE};
use crate::deploying::nginx::{nginx, wait_until_it_listens};
use crate::programs::{
    Database, EMAIL, PASSWORD, Server, api_server_that_follows, auth_server, free_address,
};

const PAGE_ON_BROWSERS: &str = include_str!("../../../../docs/browsers.md");
const HOST: &str = "app.example.com";

/// CK-01
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_nginx_serves_one_origin_whose_cookies_have_the_strict_prefixes() {
    let (database, folder) = (Database::sqlite(), tempfile::tempdir().unwrap());
    let https: SocketAddr = free_address().parse().unwrap();
    let origin = format!("https://{HOST}:{}", https.port());
    let names = [
        ("ISSUER", format!("{origin}/auth")),
        ("AUDIENCE", format!("{origin}/api")),
        ("TRUSTED_PROXIES", "127.0.0.1".to_owned()),
    ];
    let auth = Server::start({
        let mut command = auth_server(&database.url());
        command.envs(names.clone());
        command
    });
    let api = Server::start({
        let mut command = api_server_that_follows(&auth.url);
        command.envs(names);
        command
    });
    auth.register().await;

    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    fs::write(folder.path().join("fullchain.pem"), made.cert.pem()).unwrap();
    fs::write(folder.path().join("privkey.pem"), made.signing_key.serialize_pem()).unwrap();
    fs::write(folder.path().join("index.html"), PAGE).unwrap();
    fs::write(folder.path().join("goptri.js"), MODULE).unwrap();
    let mut nginx = nginx(folder.path(), &configuration(folder.path().to_str().unwrap(), https, &auth, &api));
    wait_until_it_listens(&mut nginx, https);

    let chromium = Chromium::start().await;
    let tab = chromium.open(&origin).await;
    let credentials = json!({ "email": EMAIL, "password": PASSWORD, "remember": true });
    let script = format!(
        "window.goptri = module.createClient({{ authServer: '/auth', api: '/api', mode: 'cookie' }}); \
         await goptri.signIn({credentials}); \
         return [(await goptri.fetch('/me')).status, (await goptri.currentUser()).email, document.cookie]"
    );
    assert_eq!(tab.run(&script).await, json!([200, EMAIL, ""]));
    assert!(tab.cookie("__Host-session").await.is_some());
    // The refresh cookie is for one path, and no page is there.
    assert_eq!(tab.cookie("__Secure-refresh").await, None);
    tab.driver.goto(format!("{origin}/auth/token")).await.unwrap();
    assert!(tab.cookie("__Secure-refresh").await.is_some());
    tab.driver.goto(&origin).await.unwrap();
    let script = "window.goptri = module.createClient({ authServer: '/auth', api: '/api', mode: 'cookie' }); \
         await goptri.signOut(); return [(await goptri.fetch('/me')).status, await goptri.currentUser()]";
    assert_eq!(tab.run(script).await, json!([401, null]));
    assert_eq!(tab.cookie("__Host-session").await, None);
    let feed = tab.run("return (await fetch('/auth/revocations')).status").await;
    assert_eq!(feed, 404, "the feed is not for browsers");
}

/// The block of the page, with the ports and paths of the test.
fn configuration(folder: &str, https: SocketAddr, auth: &Server, api: &Server) -> String {
    let (_, rest) = PAGE_ON_BROWSERS.split_once("```nginx\n").unwrap();
    let mut text = rest.split_once("```").unwrap().0.to_owned();
    let [auth, api] = [auth, api].map(|server| format!("{}/;", server.url));
    for (documented, here) in [
        ("443 ssl", format!("{https} ssl").as_str()),
        ("/etc/letsencrypt/live/app.example.com", folder),
        ("/srv/app", folder),
        ("http://127.0.0.1:4000/;", &auth),
        ("http://127.0.0.1:3000/;", &api),
    ] {
        assert!(text.contains(documented), "no {documented:?} in {text}");
        text = text.replace(documented, here);
    }
    // Debian's nginx.conf includes the types of files.
    format!("types {{ text/html html; text/javascript js; }} {text}")
}
