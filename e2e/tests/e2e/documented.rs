//! docs/configuration.md and docs/http.md name what the code has, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const RELIABILITY: &str = include_str!("../../../docs/reliability.md");
const HTTP: &str = include_str!("../../../docs/http.md");

/// The sources that read variables.
const SOURCES: [&str; 15] = [
    include_str!("../../../shared/src/settings/auth_server_url.rs"),
    include_str!("../../../shared/src/settings/cookies.rs"),
    include_str!("../../../shared/src/settings/feed.rs"),
    include_str!("../../../shared/src/settings/signing.rs"),
    include_str!("../../../shared/src/settings/tokens.rs"),
    include_str!("../../../server/src/client_address.rs"),
    include_str!("../../../server/src/connection/limits.rs"),
    include_str!("../../../server/src/logging/mod.rs"),
    include_str!("../../../server/src/metrics.rs"),
    include_str!("../../../server/src/request_observer.rs"),
    include_str!("../../../server/src/server_state.rs"),
    include_str!("../../../server/src/tls/certificate.rs"),
    include_str!("../../../auth-server/src/config.rs"),
    include_str!("../../../auth-server/src/keyrings.rs"),
    include_str!("../../../api-server/src/config.rs"),
];

/// The text in backticks that begins each row of the tables of a page.
fn first_cells(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next())
}

fn is_variable(text: &&str) -> bool {
    text.len() > 5 && text.contains(|c| c != '_') && text.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
}

#[test]
fn every_variable_is_documented() {
    let strings = |source: &'static str| source.split('"').skip(1).step_by(2);
    let read: BTreeSet<&str> = SOURCES.into_iter().flat_map(strings).filter(is_variable).collect();
    let documented: BTreeSet<&str> = first_cells(CONFIGURATION).collect();
    assert!(read.len() > 10, "{read:?}");
    assert_eq!(read, documented);
}

/// The rows of docs/reliability.md name their tests by a letter and a number.
#[test]
fn every_fault_in_the_page_on_reliability_has_a_test_that_exists() {
    let (tables, list) = RELIABILITY.split_once("\n## The tests\n").unwrap();
    let items = list.split("\n- ").skip(1).map(|item| item.split_once(':').unwrap());
    let tests: BTreeMap<&str, Vec<&str>> =
        items.map(|(id, item)| (id, item.split('`').skip(1).step_by(2).collect())).collect();
    let is_id = |cell: &&str| {
        let number = cell.trim_start_matches(|c: char| c.is_ascii_uppercase());
        number.len() < cell.len() && number.parse::<u32>().is_ok()
    };
    let rows: Vec<&str> = tables.lines().filter(|line| line.starts_with("| ")).collect();
    let named: Vec<&str> = rows
        .iter()
        .filter_map(|row| row.trim_end_matches('|').rsplit('|').next())
        .map(str::trim)
        .filter(is_id)
        .collect();
    assert!(named.len() > 10, "{named:?}");
    assert_eq!(named.iter().copied().collect::<BTreeSet<_>>(), tests.keys().copied().collect());
    let sources = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
    for (id, names) in tests {
        assert!(!names.is_empty(), "{id} names no test");
        for test in names {
            assert!(sources.contains(&format!("fn {test}(")), "{id}: no test is called {test}");
        }
    }
}

/// The text of all Rust files of the workspace.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&std::fs::read_to_string(&path).unwrap());
        }
    }
    text
}

#[test]
fn every_route_is_documented() {
    let (auth, api) = HTTP.split_once("\n## api-server\n").unwrap();
    for (page, table) in [(auth, auth_server::routes()), (api, api_server::http::routes())] {
        let routes: BTreeSet<String> =
            table.iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let documented: BTreeSet<String> = first_cells(page).map(str::to_owned).collect();
        assert_eq!(routes, documented);
    }
}
