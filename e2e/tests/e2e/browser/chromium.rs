//! A headless Chromium, and the driver that controls it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use thirtyfour::{
    By, CapabilitiesHelper, ChromiumLikeCapabilities, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver,
    WindowHandle,
};

use crate::programs::{Running, TIMEOUT};

const ARGUMENTS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    // The driver does not wait for smooth scrolling.
    "--force-prefers-reduced-motion",
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
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All).unwrap();
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

    pub(crate) async fn goto(&self, url: &str) {
        self.show().await;
        self.driver.goto(url).await.unwrap();
    }

    /// The text on the page.
    pub(crate) async fn text(&self) -> String {
        self.show().await;
        let read = self.driver.execute("return document.body?.innerText ?? ''", Vec::new()).await;
        // One page may just be giving way to the next.
        read.ok().and_then(|text| text.json().as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Waits until a text is on the page.
    pub(crate) async fn wait_for(&self, text: &str) {
        let started = Instant::now();
        loop {
            let shown = self.text().await;
            if shown.contains(text) {
                return;
            }
            assert!(started.elapsed() < TIMEOUT, "no {text:?} in {shown}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until an element is in the page.
    pub(crate) async fn wait_for_element(&self, selector: &str) {
        let started = Instant::now();
        while self.driver.find(By::Css(selector)).await.is_err() {
            assert!(started.elapsed() < TIMEOUT, "no {selector}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.show().await;
        self.driver.find(By::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// Types a text into an empty field.
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        self.show().await;
        self.driver.find(By::Id(id)).await.unwrap().send_keys(text).await.unwrap();
    }

    /// Fails if the browser has reported anything since the last call, such as an error of a script or a violation of a
    /// content security policy. Pages of errors are no fault.
    pub(crate) async fn assert_no_reports(&self) {
        self.show().await;
        let reports = self.driver.browser_log().await.unwrap();
        let faults: Vec<_> = reports
            .into_iter()
            .map(|report| report.message)
            .filter(|message| !message.contains("the server responded with a status of 4"))
            .collect();
        assert!(faults.is_empty(), "{faults:#?}");
    }

    pub(crate) async fn command(&self, name: &str, parameters: Value) {
        self.show().await;
        self.driver.cdp().send_raw(name, parameters).await.unwrap();
    }

    /// The value of a cookie of this page, also of one that no script can read.
    pub(crate) async fn cookie(&self, name: &str) -> Option<String> {
        self.show().await;
        let cookies = self.driver.get_all_cookies().await.unwrap();
        cookies.into_iter().find(|cookie| cookie.name == name).map(|cookie| cookie.value)
    }

    /// Suspends the page, as browsers do with tabs that are not used, or wakes it up.
    pub(crate) async fn freeze(&self, frozen: bool) {
        let state = json!({ "state": if frozen { "frozen" } else { "active" } });
        self.command("Page.setWebLifecycleState", state).await;
    }

    /// Closes the tab, whatever it is doing.
    pub(crate) async fn kill(self) {
        self.show().await;
        self.driver.close_window().await.unwrap();
    }
}
