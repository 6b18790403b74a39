//! docs/errors.md is the catalogue of protocol errors. `UPDATE_DOCS=1 cargo test -p e2e errors_page` writes it.

use goptri_server::{CatalogueRow, common_errors};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");

/// Lines of the page are at most this long, as in every document.
const WIDTH: usize = 120;

const HEAD: &str = r#"# Errors

<!-- Generated from the catalogues in the code: UPDATE_DOCS=1 cargo test -p e2e errors_page -->

Every error is `{"error": "<code>", "error_description": "<one sentence>"}` (RFC 6749 §5.2). Programs should look at
the status and the code; sentences may change. Every response has an `X-Request-Id`, which the log has too.
"#;

fn page() -> String {
    let common = common_errors();
    let own = |rows: Vec<CatalogueRow>| -> Vec<_> {
        rows.into_iter().filter(|row| !common.contains(row)).collect()
    };
    let (auth, api) = (own(auth_server::error::catalogue()), own(api_server::error::catalogue()));
    let sections =
        [section("Both servers", common.clone()), section("auth-server", auth), section("api-server", api)];
    format!("{HEAD}{}", sections.concat())
}

fn section(title: &str, mut rows: Vec<CatalogueRow>) -> String {
    rows.sort_by_key(|row| (row.error.status, row.error.code));
    let rows: String = rows.iter().map(error).collect();
    format!("\n## {title}\n\n{rows}")
}

fn error(CatalogueRow { error, when, remedy }: &CatalogueRow) -> String {
    let head = format!("**{} `{}`**: {}", error.status, error.code, error.description);
    let lines = [
        item("-", &head),
        item("  -", &format!("When: {when}")),
        item("  -", &format!("What to do: {remedy}")),
    ];
    lines.concat()
}

/// An item of a list, broken into lines of up to `WIDTH`.
fn item(marker: &str, text: &str) -> String {
    let (mut item, mut length) = (marker.to_owned(), marker.len());
    for word in text.split(' ') {
        let needed = 1 + word.chars().count();
        if length + needed > WIDTH {
            item += "\n";
            item += &" ".repeat(marker.len());
            length = marker.len();
        }
        item += " ";
        item += word;
        length += needed;
    }
    item + "\n"
}

#[test]
fn the_page_of_errors_is_the_catalogue() {
    let page = page();
    #[expect(clippy::disallowed_methods, reason = "a switch for the developer who runs this test")]
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        written == page,
        "docs/errors.md is out of date: run UPDATE_DOCS=1 cargo test -p e2e errors_page"
    );
}
