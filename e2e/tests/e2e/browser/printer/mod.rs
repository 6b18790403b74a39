//! The photo printer of `cargo dev`: a user lets an application read photos, at the pages of auth-server.

mod access;
mod callback;
mod keyboard;
mod without_scripts;

use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::chromium::{Chromium, Tab};
use crate::programs::{Running, TIMEOUT, free_address, program};

pub(super) const EMAIL: &str = "demo@example.com";
const PHOTOS: [&str; 4] = ["evening.jpg", "forest.jpg", "sea.jpg", "town.jpg"];
const NO_ACCESS: &str = "Photo Printer can no longer see your photos";

/// `cargo dev`, and a browser.
pub(super) struct Demo {
    pub(super) chromium: Chromium,
    /// The origin of the printer.
    pub(super) printer: String,
    /// The origin of auth-server, as browsers see it.
    pub(super) auth: String,
    pub(super) password: String,
    _dev: Running,
    _data: TempDir,
}

impl Demo {
    pub(super) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let [auth, api] = [free_address(), free_address()];
        let mut command = program("dev");
        command.args(["--example", &free_address(), "--printer", &free_address(), "--data"]).arg(data.path());
        command.env("AUTH_SERVER_ADDR", &auth).env("API_SERVER_ADDR", api);
        let mut dev = Running::start(command);
        let (printer, password) = (dev.wait_for("start here"), dev.wait_for("password"));
        let auth = auth.replace("127.0.0.1", "http://localhost");
        Self { chromium: Chromium::start().await, printer, auth, password, _dev: dev, _data: data }
    }

    /// The page for signing in, after "Print my photos".
    pub(super) async fn asked_to_sign_in(&self) -> Tab {
        let tab = self.chromium.open(&self.printer).await;
        tab.click("#print").await;
        tab.wait_for("to continue to Photo Printer").await;
        tab
    }

    pub(super) async fn sign_in(&self, tab: &Tab) {
        tab.fill("email", EMAIL).await;
        tab.fill("password", &self.password).await;
        tab.click("button.primary").await;
    }

    /// The page for consent, of the user who has just signed in.
    pub(super) async fn asked_for_consent(&self) -> Tab {
        let tab = self.asked_to_sign_in().await;
        self.sign_in(&tab).await;
        tab.wait_for("Allow Photo Printer to use your account?").await;
        tab
    }

    /// The photos to choose from, at the printer.
    pub(super) async fn allowed(&self) -> Tab {
        let tab = self.asked_for_consent().await;
        tab.click("button[value=allow]").await;
        tab.wait_for("Choose what to print").await;
        tab
    }

    pub(super) async fn account(&self) -> Tab {
        let tab = self.chromium.open(&format!("{}/account", self.auth)).await;
        tab.wait_for("Your account").await;
        tab
    }

    /// Goes on with the photos until the printer notices that it may not see them. The end of its access takes a moment
    /// to reach api-server.
    async fn wait_until_refused(&self, tab: &Tab) {
        let started = Instant::now();
        loop {
            tab.goto(&format!("{}/photos", self.printer)).await;
            if tab.text().await.contains(NO_ACCESS) {
                return;
            }
            tab.wait_for("Choose what to print").await;
            assert!(started.elapsed() < TIMEOUT, "the printer still sees the photos");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The chosen photos, on the contact sheet.
async fn assert_sheet_shows_all_photos(tab: &Tab) {
    tab.click("form[action='/sheet'] button").await;
    tab.wait_for("Contact sheet").await;
    let started = Instant::now();
    let all_loaded = "return [...document.images].every((image) => image.complete)";
    while tab.evaluate(all_loaded).await != true {
        assert!(started.elapsed() < TIMEOUT, "the photos do not load");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let shown = "return [...document.images].filter((image) => image.naturalWidth > 0).map((image) => image.closest('figure').innerText.trim())";
    assert_eq!(tab.evaluate(shown).await, serde_json::json!(PHOTOS));
}

async fn origin(tab: &Tab) -> String {
    tab.show().await;
    tab.driver.current_url().await.unwrap().origin().ascii_serialization()
}
