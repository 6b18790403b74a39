//! A headless Chromium, and the driver that controls it.

use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver, WindowHandle,
};

use crate::programs::Running;

const ARGUMENTS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    // Chromium ends when the driver does, however that ends.
    "--remote-debugging-pipe",
    "--host-resolver-rules=MAP *.example.com 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
];

/// A browser with an empty profile, which ends with this value.
pub(crate) struct Chromium {
    driver: WebDriver,
    _chromedriver: Running,
    _profile: TempDir,
}

impl Chromium {
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").env("HOME", profile.path()).stdin(Stdio::null());
        let mut chromedriver = Running::start(command);
        let port = chromedriver.wait_for("started successfully on port ");
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument).unwrap();
        }
        wanted.add_arg(&format!("--user-data-dir={}", profile.path().display())).unwrap();
        // The certificates of the tests are signed by no authority.
        wanted.accept_insecure_certs(true).unwrap();
        let url = format!("http://127.0.0.1:{}", port.trim_end_matches('.'));
        let driver = WebDriver::new(url, wanted).await.unwrap();
        Self { driver, _chromedriver: chromedriver, _profile: profile }
    }

    /// A new tab with this page.
    pub(crate) async fn open(&self, url: &str) -> Tab {
        let window = self.driver.new_tab().await.unwrap();
        let tab = Tab { driver: self.driver.clone(), window };
        tab.show().await;
        tab.driver.goto(url).await.unwrap();
        tab
    }
}

/// A tab.
pub(crate) struct Tab {
    pub(crate) driver: WebDriver,
    window: WindowHandle,
}

impl Tab {
    /// Directs the driver to this tab.
    pub(crate) async fn show(&self) {
        self.driver.switch_to_window(self.window.clone()).await.unwrap();
    }

    /// What this body of an async function returns. An error that it throws is returned as `{ code, retryAfter }`.
    pub(crate) async fn run(&self, body: &str) -> Value {
        self.start(body).await;
        self.result().await
    }

    /// Starts this body of an async function, and does not wait for it.
    pub(crate) async fn start(&self, body: &str) {
        let script = format!(
            "window.running = (async () => {{ {body} }})().catch((error) => \
             ({{ code: error.code ?? String(error), retryAfter: error.retryAfter }})); return null"
        );
        self.evaluate(&script).await;
    }

    /// The result of the body that was started.
    pub(crate) async fn result(&self) -> Value {
        self.evaluate("return window.running").await
    }

    pub(crate) async fn evaluate(&self, script: &str) -> Value {
        self.show().await;
        let returned = self.driver.execute(script, Vec::new()).await.unwrap();
        returned.json().clone()
    }

    /// The value of a cookie of this page, also of one that no script can read.
    pub(crate) async fn cookie(&self, name: &str) -> Option<String> {
        self.show().await;
        let cookies = self.driver.get_all_cookies().await.unwrap();
        cookies.into_iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value)
    }

    /// Suspends the page, as browsers do with tabs that are not used, or wakes it up.
    pub(crate) async fn freeze(&self, frozen: bool) {
        self.show().await;
        let state = json!({ "state": if frozen { "frozen" } else { "active" } });
        self.driver.cdp().send_raw("Page.setWebLifecycleState", state).await.unwrap();
    }

    /// Closes the tab, whatever it is doing.
    pub(crate) async fn kill(self) {
        self.show().await;
        self.driver.close_window().await.unwrap();
    }
}
