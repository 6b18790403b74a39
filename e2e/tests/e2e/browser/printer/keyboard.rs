//! The pages without a mouse.

use thirtyfour::prelude::{Key, TypingData};

use super::super::chromium::Tab;
use super::{Demo, EMAIL};

/// The most elements on a page that take the focus before the one that is looked for.
const MAX_STEPS: usize = 12;

/// Presses Tab until this element has the focus. All elements on the way show that they have it.
async fn tab_to(tab: &Tab, selector: &str) {
    tab.show().await;
    for _ in 0..MAX_STEPS {
        if focused(tab, selector).await {
            return;
        }
        press(tab, Key::Tab).await;
        let visible = "const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement); \
             return outlineStyle !== 'none' && outlineWidth !== '0px'";
        assert_eq!(tab.evaluate(visible).await, true, "the focus cannot be seen");
    }
    panic!("Tab does not reach {selector}");
}

async fn focused(tab: &Tab, selector: &str) -> bool {
    tab.evaluate(&format!("return document.activeElement.matches(\"{selector}\")")).await == true
}

/// Types into the element that has the focus.
async fn press(tab: &Tab, keys: impl Into<TypingData>) {
    tab.show().await;
    tab.driver.action_chain().send_keys(keys).perform().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_in_and_allows_the_printer_with_the_keyboard_alone() {
    let demo = Demo::start().await;
    let tab = demo.chromium.open(&demo.printer).await;
    tab_to(&tab, "#print").await;
    press(&tab, Key::Enter).await;
    tab.wait_for("to continue to Photo Printer").await;
    assert!(focused(&tab, "#email").await, "the first field has the focus");
    press(&tab, EMAIL).await;
    tab_to(&tab, "#password").await;
    press(&tab, "wrong, wrong and wrong").await;
    press(&tab, Key::Enter).await;
    tab.wait_for("do not match").await;
    assert!(focused(&tab, "#problem").await, "screen readers read what is wrong");
    tab_to(&tab, "#password").await;
    press(&tab, demo.password.as_str()).await;
    tab_to(&tab, "button.primary").await;
    press(&tab, Key::Enter).await;
    tab.wait_for("Allow Photo Printer to use your account?").await;
    assert!(focused(&tab, "body").await, "no key decides before the user has chosen a button");
    tab_to(&tab, "button[value=cancel]").await;
    tab_to(&tab, "button[value=allow]").await;
    press(&tab, Key::Enter).await;
    tab.wait_for("Choose what to print").await;
    tab.assert_no_reports().await;
}
