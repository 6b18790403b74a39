//! docs/errors.md is the catalogue of protocol errors. `UPDATE_DOCS=1 cargo test -p e2e errors_page` writes it.

use std::fmt::Write;

use goptri_server::{CatalogueRow, common_errors};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/errors.md");

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
    let tables =
        [table("Both servers", common.clone()), table("auth-server", auth), table("api-server", api)];
    format!("{HEAD}{}", tables.concat())
}

fn table(title: &str, mut rows: Vec<CatalogueRow>) -> String {
    rows.sort_by_key(|row| (row.error.status, row.error.code));
    let mut table = format!(
        "\n## {title}\n\n| code | status | sentence | when | what to do |\n| --- | --- | --- | --- | --- |\n"
    );
    for CatalogueRow { error, when, remedy } in rows {
        let (code, status, sentence) = (error.code, error.status, &error.description);
        writeln!(table, "| `{code}` | {status} | {sentence} | {when} | {remedy} |").unwrap();
    }
    table
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
