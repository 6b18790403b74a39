//! The example page of `cargo dev`.

use std::path::Path;
use std::time::{Duration, Instant};

use thirtyfour::By;

use super::chromium::{Chromium, Tab};
use crate::programs::{Running, TIMEOUT, free_address, program};

/// Waits until a text is on the page.
async fn wait_for(tab: &Tab, text: &str) {
    let started = Instant::now();
    loop {
        let shown = tab.evaluate("return document.body.innerText").await;
        if shown.as_str().unwrap().contains(text) {
            return;
        }
        assert!(started.elapsed() < TIMEOUT, "no {text:?} in {shown}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_page_signs_in_shows_photos_and_signs_all_tabs_out() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = program("dev");
    command.args(["--example", &free_address(), "--data"]).arg(folder.path());
    let [auth, api] = [free_address(), free_address()];
    command.env("AUTH_SERVER_ADDR", auth).env("API_SERVER_ADDR", api);
    let mut dev = Running::start(command);
    let origin = dev.wait_for("example page");
    let password = dev.wait_for("password");
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gopher.png").canonicalize().unwrap();
    let chromium = Chromium::start().await;
    for query in ["", "?mode=bearer"] {
        let tab = chromium.open(&format!("{origin}/{query}")).await;
        wait_for(&tab, "Create an account").await;
        for (field, value) in [("email", "demo@example.com"), ("password", "wrong, wrong and wrong")] {
            tab.driver.find(By::Id(field)).await.unwrap().send_keys(value).await.unwrap();
        }
        tab.driver.find(By::Css("button[value=sign-in]")).await.unwrap().click().await.unwrap();
        wait_for(&tab, "That e-mail and password do not match.").await;
        let field = tab.driver.find(By::Id("password")).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(format!("{password}\n")).await.unwrap();
        wait_for(&tab, "Signed in as demo@example.com").await;
        tab.driver.find(By::Id("file")).await.unwrap().send_keys(photo.to_str().unwrap()).await.unwrap();
        wait_for(&tab, "Delete").await;

        let other = chromium.open(&format!("{origin}/{query}")).await;
        wait_for(&other, "Signed in as demo@example.com").await;
        other.driver.find(By::Id("sign-out")).await.unwrap().click().await.unwrap();
        wait_for(&other, "You are signed out.").await;
        wait_for(&tab, "Create an account").await;
    }
}
