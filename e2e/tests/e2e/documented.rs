//! docs/configuration.md and docs/http.md name what the code has, and nothing else.

use std::collections::BTreeSet;

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");
const HTTP: &str = include_str!("../../../docs/http.md");

/// The sources that read variables.
const SOURCES: [&str; 12] = [
    include_str!("../../../shared/src/settings/auth_server_url.rs"),
    include_str!("../../../shared/src/settings/feed.rs"),
    include_str!("../../../shared/src/settings/signing.rs"),
    include_str!("../../../shared/src/settings/tokens.rs"),
    include_str!("../../../server/src/client_address.rs"),
    include_str!("../../../server/src/connection/limits.rs"),
    include_str!("../../../server/src/logging/mod.rs"),
    include_str!("../../../server/src/metrics.rs"),
    include_str!("../../../server/src/request_observer.rs"),
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
