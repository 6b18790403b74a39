//! The pages of auth-server and of the photo printer, in light and dark, narrow and wide: axe finds no violation. Their
//! pictures are in `target/screenshots`.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Client;
use reqwest::header::LOCATION;
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use thirtyfour::support::base64_decode;

use super::chromium::Tab;
use super::printer::{Demo, EMAIL};

const SCHEMES: [&str; 2] = ["light", "dark"];
const WIDTHS: [u32; 2] = [360, 1280];

/// Looks at pages.
struct Viewer {
    axe: String,
    folder: PathBuf,
    faults: Vec<String>,
}

impl Viewer {
    fn new() -> Self {
        let axe =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../clients/browser/node_modules/axe-core/axe.min.js");
        let axe = fs::read_to_string(&axe).expect("axe-core is not installed; run scripts/setup");
        // `target/tmp`
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("screenshots");
        fs::create_dir_all(&folder).unwrap();
        Self { axe, folder, faults: Vec::new() }
    }

    /// Looks at the page in all variants.
    async fn look_at(&mut self, tab: &Tab, name: &str) {
        tab.show().await;
        tab.driver.execute(&self.axe, Vec::new()).await.unwrap();
        for scheme in SCHEMES {
            let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
            tab.command("Emulation.setEmulatedMedia", features).await;
            for width in WIDTHS {
                let size =
                    json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600 });
                tab.command("Emulation.setDeviceMetricsOverride", size).await;
                let variant = format!("{name}-{scheme}-{width}");
                let overflow = "return document.documentElement.scrollWidth > innerWidth";
                if tab.evaluate(overflow).await == true {
                    self.faults.push(format!("{variant}: wider than the screen"));
                }
                self.faults.extend(violations(tab, &variant).await);
                let image = json!({ "captureBeyondViewport": true });
                let image = tab.driver.cdp().send_raw("Page.captureScreenshot", image).await.unwrap();
                fs::write(
                    self.folder.join(variant + ".png"),
                    base64_decode(image["data"].as_str().unwrap()).unwrap(),
                )
                .unwrap();
            }
        }
        tab.command("Emulation.clearDeviceMetricsOverride", json!({})).await;
        tab.assert_no_reports().await;
    }

    fn finish(self) {
        assert!(self.faults.is_empty(), "{:#?}", self.faults);
    }
}

async fn violations(tab: &Tab, variant: &str) -> Vec<String> {
    let found = tab
        .run(
            "const { violations, passes } = await axe.run({ resultTypes: ['violations'] }); \
             return { passes: passes.length, violations: violations.flatMap(({ id, nodes }) => \
             nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`)) }",
        )
        .await;
    assert!(found["passes"].as_u64().is_some_and(|passes| passes > 5), "{found}");
    let violations = found["violations"].as_array().unwrap();
    violations.iter().map(|violation| format!("{variant}: {violation}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_for_users_who_are_not_signed_in_are_accessible() {
    let demo = Demo::start().await;
    let mut viewer = Viewer::new();
    let tab = demo.asked_to_sign_in().await;
    viewer.look_at(&tab, "sign-in").await;
    tab.fill("email", EMAIL).await;
    tab.fill("password", "wrong, wrong and wrong").await;
    tab.click("button.primary").await;
    tab.wait_for("do not match").await;
    viewer.look_at(&tab, "sign-in-error").await;
    tab.click("p.aside a").await;
    tab.wait_for("Create an account").await;
    viewer.look_at(&tab, "register").await;
    tab.fill("email", EMAIL).await;
    tab.fill("password", "short").await;
    tab.click("button.primary").await;
    tab.wait_for("Use at least").await;
    viewer.look_at(&tab, "register-error").await;
    tab.goto(&format!("{}/authorize?client_id=unknown", demo.auth)).await;
    tab.wait_for("For the developer of the application").await;
    viewer.look_at(&tab, "error").await;
    viewer.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_user_who_is_signed_in_are_accessible() {
    let demo = Demo::start().await;
    let mut viewer = Viewer::new();
    let tab = demo.allowed().await;
    tab.goto(&format!("{}/account", demo.auth)).await;
    tab.wait_for("Remove access").await;
    viewer.look_at(&tab, "account").await;
    tab.fill("delete-password", "wrong, wrong and wrong").await;
    tab.click("button.danger").await;
    tab.wait_for("Your account is not deleted").await;
    viewer.look_at(&tab, "account-error").await;
    tab.goto(&format!("{}/inspect", demo.auth)).await;
    tab.fill("token", &access_token(&demo).await).await;
    tab.click("button.primary").await;
    tab.wait_for("photos:read").await;
    viewer.look_at(&tab, "inspect").await;
    tab.goto(&format!("{}/account", demo.auth)).await;
    tab.click("header form button").await;
    tab.wait_for("You are signed out").await;
    viewer.look_at(&tab, "signed-out").await;
    viewer.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_consent_page_and_the_printer_are_accessible() {
    let demo = Demo::start().await;
    let mut viewer = Viewer::new();
    let tab = demo.chromium.open(&demo.printer).await;
    viewer.look_at(&tab, "printer-home").await;
    let tab = demo.asked_for_consent().await;
    viewer.look_at(&tab, "consent").await;
    tab.click("button[value=allow]").await;
    tab.wait_for("Choose what to print").await;
    viewer.look_at(&tab, "printer-photos").await;
    tab.click("form[action='/sheet'] button").await;
    tab.wait_for("Contact sheet").await;
    viewer.look_at(&tab, "printer-sheet").await;
    tab.goto(&format!("{}/nothing", demo.printer)).await;
    tab.wait_for("There is nothing here").await;
    viewer.look_at(&tab, "printer-message").await;
    viewer.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_requests_ask_for_are_accessible() {
    let demo = Demo::start().await;
    let mut viewer = Viewer::new();
    let tab = demo.allowed().await;
    let request = authorization_request(&demo).await;
    tab.goto(&format!("{request}&prompt=select_account")).await;
    tab.wait_for("Choose an account").await;
    viewer.look_at(&tab, "select-account").await;
    // With scripts, the form submits itself.
    tab.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    tab.goto(&format!("{request}&response_mode=form_post")).await;
    tab.wait_for("One more step").await;
    tab.command("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;
    viewer.look_at(&tab, "form-post").await;
    viewer.finish();
}

/// Where the printer sends the user for consent.
async fn authorization_request(demo: &Demo) -> String {
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let answer = client.get(format!("{}/print", demo.printer)).send().await.unwrap();
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

async fn access_token(demo: &Demo) -> String {
    let credentials = json!({ "email": EMAIL, "password": demo.password });
    let answer = Client::new().post(format!("{}/login", demo.auth)).json(&credentials).send().await.unwrap();
    let tokens: Value = answer.json().await.unwrap();
    tokens["access_token"].as_str().unwrap().to_owned()
}
