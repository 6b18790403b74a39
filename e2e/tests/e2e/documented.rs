//! docs/configuration.md and docs/http.md name what the code has, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const RELIABILITY: &str = include_str!("../../../docs/reliability.md");
const HTTP: &str = include_str!("../../../docs/http.md");

/// The sources that read variables.
const SOURCES: [&str; 17] = [
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
    include_str!("../../../auth-server/src/brand.rs"),
    include_str!("../../../auth-server/src/config.rs"),
    include_str!("../../../auth-server/src/keyrings.rs"),
    include_str!("../../../auth-server/src/return_origins.rs"),
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

/// The last cell of each row of the tables whose last column is `test`.
fn tests_of_rows(page: &str) -> impl Iterator<Item = &str> {
    let mut is_about_tests = false;
    page.lines().filter_map(move |line| {
        let cell =
            line.strip_prefix("| ").map(|row| row.trim_end_matches(" |").rsplit("| ").next().unwrap().trim());
        is_about_tests = cell.is_some_and(|cell| is_about_tests || cell == "test");
        cell.filter(|cell| is_about_tests && !matches!(*cell, "test" | "---"))
    })
}

/// The rows of docs/reliability.md name their tests by a letter and a number.
#[test]
fn every_fault_in_the_page_on_reliability_has_a_test_that_exists() {
    let (tables, list) = RELIABILITY.split_once("\n## The tests\n").unwrap();
    let items = list.split("\n- ").skip(1).map(|item| item.split_once(':').unwrap());
    let tests: BTreeMap<&str, Vec<&str>> =
        items.map(|(id, item)| (id, item.split('`').skip(1).step_by(2).collect())).collect();
    let named: BTreeSet<&str> = tests_of_rows(tables).collect();
    assert!(named.len() > 40, "{named:?}");
    assert_eq!(named, tests.keys().copied().collect());
    let sources: String = rust_files().iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    for (id, names) in tests {
        assert!(!names.is_empty(), "{id} names no test");
        for test in names {
            assert!(sources.contains(&format!("fn {test}(")), "{id}: no test is called {test}");
        }
    }
}

/// The page names the tests of the other faults by their modules: `e2e logs::`.
#[test]
fn every_module_in_the_page_on_reliability_exists() {
    let files = rust_files();
    let of_tests = files.iter().filter(|file| file.components().any(|part| part.as_os_str() == "tests"));
    let modules: BTreeSet<_> = of_tests.map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
    let code = RELIABILITY.split('`').skip(1).step_by(2);
    let named: Vec<&str> = code.filter_map(|text| text.split(' ').next_back()?.strip_suffix("::")).collect();
    assert!(named.len() > 4, "{named:?}");
    for module in named {
        assert!(modules.contains(module), "there is no module {module}");
    }
}

/// All Rust files of the workspace.
fn rust_files() -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..")]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name());
            if path.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
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
