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

/// `cargo dev` with these arguments, the origin of its example page, and the password of the demo user.
fn dev(folder: &Path, arguments: &[&str]) -> (Running, String, String) {
    let mut command = program("dev");
    command.args(["--example", &free_address(), "--data"]).arg(folder).args(arguments);
    let [auth, api] = [free_address(), free_address()];
    command.env("AUTH_SERVER_ADDR", auth).env("API_SERVER_ADDR", api);
    let mut dev = Running::start(command);
    let (origin, password) = (dev.wait_for("example page"), dev.wait_for("password"));
    (dev, origin, password)
}

async fn click(tab: &Tab, selector: &str) {
    tab.show().await;
    tab.driver.find(By::Css(selector)).await.unwrap().click().await.unwrap();
}

/// Types a text into an empty field.
async fn fill(tab: &Tab, id: &str, text: &str) {
    tab.show().await;
    let field = tab.driver.find(By::Id(id)).await.unwrap();
    field.send_keys(text).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_page_signs_in_shows_photos_and_signs_all_tabs_out() {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gopher.png").canonicalize().unwrap();
    let chromium = Chromium::start().await;
    for (query, arguments) in [("", &[][..]), ("?mode=bearer", &[]), ("", &["--tls"])] {
        let folder = tempfile::tempdir().unwrap();
        let (_dev, origin, password) = dev(folder.path(), arguments);
        let tab = chromium.open(&format!("{origin}/{query}")).await;
        wait_for(&tab, "Create an account").await;
        fill(&tab, "email", "demo@example.com").await;
        fill(&tab, "password", "wrong, wrong and wrong").await;
        click(&tab, "button[value=sign-in]").await;
        wait_for(&tab, "That e-mail and password do not match.").await;
        tab.evaluate("document.getElementById('password').value = ''; return null").await;
        fill(&tab, "password", &format!("{password}\n")).await;
        wait_for(&tab, "Signed in as demo@example.com").await;
        fill(&tab, "file", photo.to_str().unwrap()).await;
        wait_for(&tab, "Delete").await;

        let other = chromium.open(&format!("{origin}/{query}")).await;
        wait_for(&other, "Signed in as demo@example.com").await;
        click(&other, "#sign-out").await;
        wait_for(&other, "You are signed out.").await;
        wait_for(&tab, "Create an account").await;
    }
}
