//! The documented variables, and the file of examples that names them.

use std::collections::BTreeSet;

use super::text_of;

/// Variables that may also name a file, with `_FILE` behind their name.
const READ_FROM_FILES: [&str; 4] =
    ["ACCESS_TOKEN_SECRET", "DATABASE_URL", "FEED_SECRET", "REFRESH_TOKEN_SECRET"];

/// Names in `.env` that only docker-compose.yml reads.
const READ_BY_COMPOSE: [&str; 3] = ["API_SERVER_SECRETS_DIR", "AUTH_SERVER_SECRETS_DIR", "POSTGRES_PASSWORD"];

/// The variables of `server` in docs/configuration.md.
pub(super) fn variables_of(server: &str) -> BTreeSet<String> {
    let page = text_of("docs/configuration.md");
    let sections = page.split("\n## ").filter(|section| {
        [&format!("{server}\n"), "Both servers\n"].iter().any(|of| section.starts_with(*of))
    });
    let names: BTreeSet<String> =
        sections.flat_map(str::lines).filter_map(variable_of).map(str::to_owned).collect();
    assert!(names.len() > 10, "{names:?}");
    names
}

fn variable_of(row: &str) -> Option<&str> {
    row.strip_prefix("| `").and_then(|row| row.split_once("` |")).map(|(name, _)| name)
}

/// The same, and the `_FILE` variants.
pub(super) fn variables_and_files_of(server: &str) -> BTreeSet<String> {
    let mut names = variables_of(server);
    let files = READ_FROM_FILES.iter().filter(|name| names.contains(**name));
    let files: Vec<String> = files.map(|name| format!("{name}_FILE")).collect();
    names.extend(files);
    names
}

/// A variable that is documented and not known would be reported as a typing error.
#[test]
fn the_servers_know_every_documented_variable_and_no_other() {
    let source = text_of("server/src/variables.rs");
    let (_, list) = source.split_once("KNOWN_VARIABLES").unwrap();
    let (list, _) = list.split_once("];").unwrap();
    let known: BTreeSet<&str> = list.split('"').skip(1).step_by(2).collect();
    let documented = &variables_and_files_of("auth-server") | &variables_and_files_of("api-server");
    let others = READ_BY_COMPOSE.into_iter().chain(["RUST_BACKTRACE"]);
    assert_eq!(known, documented.iter().map(String::as_str).chain(others).collect());
}

#[test]
fn the_example_of_env_has_every_documented_variable_once_and_no_other() {
    let example = text_of(".env.example");
    let mut shown: Vec<&str> = example
        .lines()
        .filter_map(|line| line.trim_start_matches('#').split_once('='))
        .map(|(name, _)| name)
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
        .collect();
    shown.sort_unstable();
    let documented = &variables_of("auth-server") | &variables_of("api-server");
    let mut expected: Vec<&str> = documented.iter().map(String::as_str).chain(READ_BY_COMPOSE).collect();
    expected.sort_unstable();
    assert_eq!(shown, expected);
    let compose = text_of("docker-compose.yml");
    for name in READ_BY_COMPOSE {
        assert!(compose.contains(&format!("${{{name}:")), "{name} is not in docker-compose.yml");
    }
}
