//! Access that a user gives, denies and takes back.

use super::{Demo, EMAIL, NO_ACCESS, assert_sheet_shows_all_photos, origin};

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_allows_the_printer_and_sees_the_photos_on_its_sheet() {
    let demo = Demo::start().await;
    let tab = demo.asked_to_sign_in().await;
    assert_eq!(origin(&tab).await, demo.auth);
    tab.assert_no_reports().await;
    demo.sign_in(&tab).await;
    tab.wait_for("Allow Photo Printer to use your account?").await;
    assert_eq!(origin(&tab).await, demo.auth);
    let page = tab.text().await;
    for part in [
        "See your photos",
        EMAIL,
        "This lasts until you sign out.",
        "You will return to a program on this device.",
    ] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
    for other in ["delete your photos", "Recognise your account"] {
        assert!(!page.contains(other), "{other:?} was not asked for: {page}");
    }
    tab.assert_no_reports().await;
    tab.click("button[value=allow]").await;
    tab.wait_for("Choose what to print").await;
    assert_eq!(origin(&tab).await, demo.printer);
    assert_sheet_shows_all_photos(&tab).await;
    tab.assert_no_reports().await;

    // Neither sees the cookies of the other.
    assert_eq!(tab.cookie("signin").await, None);
    let account = demo.account().await;
    assert!(account.cookie("signin").await.is_some());
    account.assert_no_reports().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_whose_access_is_withdrawn_says_so_at_its_next_page_and_asks_again() {
    let demo = Demo::start().await;
    let tab = demo.allowed().await;
    let account = demo.account().await;
    let applications = "return document.getElementById('applications').innerText";
    let listed = account.evaluate(applications).await;
    for part in ["Photo Printer", "See your photos", "until you sign out"] {
        assert!(listed.as_str().unwrap().contains(part), "no {part:?} in {listed}");
    }
    account.click("#applications button").await;
    account.wait_for("That application can no longer use your account.").await;
    let listed = account.evaluate(applications).await;
    assert!(!listed.as_str().unwrap().contains("Photo Printer"), "{listed}");
    account.assert_no_reports().await;

    demo.wait_until_refused(&tab).await;
    tab.click("#print").await;
    tab.wait_for("Allow Photo Printer to use your account?").await;
    tab.click("button[value=allow]").await;
    tab.wait_for("Choose what to print").await;
    tab.assert_no_reports().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_that_a_user_does_not_allow_gets_nothing_and_may_ask_again() {
    let demo = Demo::start().await;
    let tab = demo.asked_for_consent().await;
    tab.click("button[value=cancel]").await;
    tab.wait_for("Nothing was printed").await;
    assert_eq!(origin(&tab).await, demo.printer);
    tab.goto(&format!("{}/photos", demo.printer)).await;
    tab.wait_for("Your photos, on paper").await;
    tab.assert_no_reports().await;
    let account = demo.account().await;
    account.wait_for("No applications yet.").await;

    tab.click("#print").await;
    tab.wait_for("Allow Photo Printer to use your account?").await;
    tab.click("button[value=allow]").await;
    tab.wait_for("Choose what to print").await;
    assert_sheet_shows_all_photos(&tab).await;
    tab.assert_no_reports().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_out_stops_the_printer_too() {
    let demo = Demo::start().await;
    let tab = demo.allowed().await;
    let account = demo.account().await;
    account.click("header form button").await;
    account.wait_for("You are signed out").await;
    account.assert_no_reports().await;
    demo.wait_until_refused(&tab).await;
    assert!(tab.text().await.contains(NO_ACCESS));
    tab.click("#print").await;
    tab.wait_for("to continue to Photo Printer").await;
    tab.assert_no_reports().await;
}
