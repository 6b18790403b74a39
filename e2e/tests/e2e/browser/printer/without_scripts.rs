//! The pages with JavaScript turned off.

use serde_json::json;

use super::{Demo, assert_sheet_shows_all_photos};

/// The switch that the script of the pages adds.
const SWITCHES: &str = "return document.querySelectorAll('[aria-controls=password]').length";

#[tokio::test(flavor = "multi_thread")]
async fn every_page_from_signing_in_to_signing_out_works_without_javascript() {
    let demo = Demo::start().await;
    let tab = demo.asked_to_sign_in().await;
    assert_eq!(tab.evaluate(SWITCHES).await, 1);
    tab.command("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    tab.goto(&demo.printer).await;
    tab.click("#print").await;
    tab.wait_for("to continue to Photo Printer").await;
    assert_eq!(tab.evaluate(SWITCHES).await, 0, "scripts run");

    tab.fill("email", "demo@example.com").await;
    tab.fill("password", "wrong, wrong and wrong").await;
    tab.click("button.primary").await;
    tab.wait_for("do not match").await;
    let kept = tab.evaluate("return document.getElementById('email').value").await;
    assert_eq!(kept, "demo@example.com");
    tab.fill("password", &demo.password).await;
    tab.click("button.primary").await;
    tab.wait_for("Allow Photo Printer to use your account?").await;
    tab.click("button[value=allow]").await;
    tab.wait_for("Choose what to print").await;
    assert_sheet_shows_all_photos(&tab).await;

    tab.goto(&format!("{}/account", demo.auth)).await;
    tab.click("#applications button").await;
    tab.wait_for("That application can no longer use your account.").await;
    tab.click("header form button").await;
    tab.wait_for("You are signed out").await;
}
