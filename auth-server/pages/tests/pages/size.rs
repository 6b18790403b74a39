//! A page is small enough for a slow network.

use auth_pages::{Account, Brand, Device, Language, Pages};
use chrono::{DateTime, Utc};

use crate::for_each_page;
use crate::samples::{LONG, ORDINARY};

/// The page, which contains its stylesheet, and the script.
const MAX_BYTES: usize = 30 * 1024;

fn script_bytes() -> usize {
    Pages::new(Brand::default()).assets().iter().map(|asset| asset.bytes.len()).sum()
}

#[test]
fn each_page_with_its_resources_has_at_most_30_kib() {
    for words in [&ORDINARY, &LONG] {
        for_each_page(words, |name, _, _, page| {
            let bytes = page.html.len() + script_bytes();
            assert!(bytes <= MAX_BYTES, "{name}: {bytes}");
        });
    }
}

#[test]
fn the_account_page_with_as_many_devices_as_it_shows_has_at_most_30_kib() {
    let device = Device {
        id: "0198c0de-7d5c-7c3a-9d8e-2f1d5a4b3c21",
        user_agent: Some("Mozilla/5.0 (Windows NT 10.0) SamsungBrowser/28.0"),
        address: "2001:db8:ffff::1".parse().ok(),
        signed_in: DateTime::<Utc>::UNIX_EPOCH,
        last_active: DateTime::<Utc>::UNIX_EPOCH,
        is_this_device: false,
    };
    let view = Account {
        csrf: &"x".repeat(43),
        email: "alex@example.com",
        now: DateTime::<Utc>::UNIX_EPOCH,
        devices: &[device; Account::MAX_DEVICES],
        more_devices: 1_000,
        applications: &[],
        min_password_length: 15,
        notice: None,
        problem: None,
    };
    for language in Language::ALL {
        let page = Pages::new(Brand::default()).account(language, &view);
        let bytes = page.html.len() + script_bytes();
        assert!(bytes <= MAX_BYTES, "{bytes}");
    }
}
