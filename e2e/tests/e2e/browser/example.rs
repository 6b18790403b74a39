//! The example page of `cargo dev`.

use std::path::Path;

use super::chromium::Chromium;
use crate::programs::{Running, free_address, program};

/// `cargo dev` with these arguments, the origin of its example page, and the password of the demo user.
fn dev(folder: &Path, arguments: &[&str]) -> (Running, String, String) {
    let mut command = program("dev");
    command
        .args(["--example", &free_address(), "--printer", &free_address(), "--data"])
        .arg(folder)
        .args(arguments);
    let [auth, api] = [free_address(), free_address()];
    command.env("AUTH_SERVER_ADDR", auth).env("API_SERVER_ADDR", api);
    let mut dev = Running::start(command);
    let (origin, password) = (dev.wait_for("example page"), dev.wait_for("password"));
    (dev, origin, password)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_page_signs_in_shows_photos_and_signs_all_tabs_out() {
    let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/gopher.png").canonicalize().unwrap();
    let chromium = Chromium::start().await;
    for (query, arguments) in [("", &[][..]), ("?mode=bearer", &[]), ("", &["--tls"])] {
        let folder = tempfile::tempdir().unwrap();
        let (_dev, origin, password) = dev(folder.path(), arguments);
        let tab = chromium.open(&format!("{origin}/{query}")).await;
        tab.wait_for("Create an account").await;
        tab.fill("email", "demo@example.com").await;
        tab.fill("password", "wrong, wrong and wrong").await;
        tab.click("button[value=sign-in]").await;
        tab.wait_for("That e-mail and password do not match.").await;
        tab.evaluate("document.getElementById('password').value = ''; return null").await;
        tab.fill("password", &format!("{password}\n")).await;
        tab.wait_for("Signed in as demo@example.com").await;
        tab.fill("file", photo.to_str().unwrap()).await;
        tab.wait_for_element("[aria-label='Delete gopher.png']").await;

        let other = chromium.open(&format!("{origin}/{query}")).await;
        other.wait_for("Signed in as demo@example.com").await;
        other.click("#sign-out").await;
        other.wait_for("You are signed out.").await;
        tab.wait_for("Create an account").await;
    }
}
