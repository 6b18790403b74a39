//! docker-compose.yml: which variables it passes on, and that the servers start with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::documented::variables_and_files_of;
use super::page::{blocks_of, run};
use super::text_of;
use crate::programs::{Database, Server, program};

const SECTION: &str = "With Docker Compose";

type Variables = BTreeMap<String, String>;

/// The `environment:` of a service, with the shared part merged in, as the file has it.
fn environment_of(service: &str) -> Variables {
    let file = text_of("docker-compose.yml");
    let shared = block(&file, "x-settings: &settings", 2);
    let service = block(&file, &format!("  {service}:"), 4).join("\n");
    let mut variables = Variables::new();
    for line in block(&service, "    environment:", 6).into_iter().filter(|line| !line.starts_with('#')) {
        let lines = if line == "<<: *settings" { shared.clone() } else { vec![line] };
        for line in lines.into_iter().filter(|line| !line.starts_with('#')) {
            let (name, value) = line.split_once(": ").unwrap();
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    variables
}

/// The lines below `heading` that are indented by at least `indent`, without the indentation of the first kind.
fn block(file: &str, heading: &str, indent: usize) -> Vec<String> {
    let lines = file.lines().skip_while(|line| *line != heading).skip(1);
    let inside = lines.take_while(|line| line.is_empty() || line.starts_with(&" ".repeat(indent)));
    let strip = |line: &str| if indent == 4 { line.to_owned() } else { line.trim_start().to_owned() };
    inside.filter(|line| !line.is_empty()).map(strip).collect()
}

/// The value that Compose makes of `text`: `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`.
fn interpolate(text: &str, env: &Variables) -> Result<String, String> {
    let Some((before, rest)) = text.split_once("${") else { return Ok(text.to_owned()) };
    let end = closing_brace(rest);
    let (inside, after) = (&rest[..end], &rest[end + 1..]);
    let name_ends = inside.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(inside.len());
    let (name, operation) = inside.split_at(name_ends);
    let (set, non_empty) = (env.get(name), env.get(name).filter(|value| !value.is_empty()));
    let value = match (operation.get(..2), set, non_empty) {
        (Some(":-" | ":?"), _, Some(value)) => value.clone(),
        (Some(":-"), ..) => interpolate(&operation[2..], env)?,
        (Some(":?"), ..) => return Err(format!("{name}: {}", &operation[2..])),
        (_, Some(value), _) => value.clone(),
        _ => interpolate(operation.strip_prefix('-').unwrap(), env)?,
    };
    Ok(format!("{before}{value}{}", interpolate(after, env)?))
}

fn closing_brace(text: &str) -> usize {
    let mut depth = 1;
    text.find(|c| {
        depth += i32::from(c == '{') - i32::from(c == '}');
        depth == 0
    })
    .unwrap()
}

/// What the containers of a service get, with that `.env`.
fn resolved(service: &str, env: &Variables) -> Result<Variables, String> {
    let resolve = |(name, value): (String, String)| Ok((name, interpolate(&value, env)?));
    environment_of(service).into_iter().map(resolve).collect()
}

fn dot_env(lines: &str) -> Variables {
    let pair = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.lines().filter_map(pair).collect()
}

fn fresh_secrets() -> Variables {
    let printed = program("auth-server").arg("secrets").output().unwrap().stdout;
    dot_env(std::str::from_utf8(&printed).unwrap())
}

#[test]
fn compose_passes_on_every_documented_variable_and_no_other() {
    for service in ["auth-server", "api-server"] {
        let passed: Vec<String> = environment_of(service).into_keys().collect();
        let documented: Vec<String> = variables_and_files_of(service).into_iter().collect();
        assert_eq!(passed, documented, "{service}");
    }
}

#[test]
fn api_server_gets_no_secret_that_only_auth_server_needs() {
    let secrets = fresh_secrets();
    let given = resolved("api-server", &secrets).unwrap();
    for name in ["REFRESH_TOKEN_SECRET", "POSTGRES_PASSWORD"] {
        assert!(!given.values().any(|value| value.contains(&secrets[name])), "{name}");
    }
}

#[test]
fn without_secrets_compose_says_where_to_find_out() {
    let refused = resolved("auth-server", &Variables::new()).unwrap_err();
    assert!(refused.contains("POSTGRES_PASSWORD") && refused.contains("docs/deploy.md"), "{refused}");
}

#[test]
fn every_port_is_published_on_this_machine_only() {
    let file = text_of("docker-compose.yml");
    let ports: Vec<&str> =
        file.lines().skip_while(|line| !line.starts_with("services:")).filter(|line| is_port(line)).collect();
    assert_eq!(ports, ["      - 127.0.0.1:4000:4000", "      - 127.0.0.1:3000:3000"]);
}

fn is_port(line: &str) -> bool {
    line.trim().strip_prefix("- ").is_some_and(|item| item.split(':').count() == 3 && item.ends_with("000"))
}

/// The servers with what Compose gives them, except for addresses and folders that only containers have. `folders`
/// are mounted as /secrets.
async fn start_both(env: &Variables, database: &Database, folders: [&Path; 2]) {
    let [mut auth, mut api] =
        [("auth-server", folders[0]), ("api-server", folders[1])].map(|(server, folder)| {
            let mut variables = resolved(server, env).unwrap();
            for value in variables.values_mut().filter(|value| value.starts_with("/secrets/")) {
                *value = value.replacen("/secrets", folder.to_str().unwrap(), 1);
            }
            let mut command = program(server);
            command.envs(variables).current_dir(folder);
            command
        });
    auth.env("AUTH_SERVER_ADDR", "127.0.0.1:0");
    if !env.contains_key("DATABASE_URL") {
        auth.env("DATABASE_URL", database.url());
    }
    let auth = Server::start(auth);
    api.env("API_SERVER_ADDR", "127.0.0.1:0").env("AUTH_SERVER_URL", &auth.url).env("PHOTOS_DIR", "photos");
    let api = Server::start(api);
    auth.register().await;
    let (access, _) = auth.sign_in().await;
    let me: Value = api.get("/me", &access).await.json().await.unwrap();
    assert_eq!(me["scope"], "photos:read photos:write");
}

#[tokio::test]
async fn both_servers_start_with_what_compose_gives_them() {
    let (secrets, folder) = (fresh_secrets(), tempfile::tempdir().unwrap());
    let given = resolved("auth-server", &secrets).unwrap();
    let url = format!("postgres://goptri:{}@postgres:5432/goptri", secrets["POSTGRES_PASSWORD"]);
    assert_eq!(given["DATABASE_URL"], url);
    start_both(&secrets, &Database::postgres().await, [folder.path(); 2]).await;
}

/// The folders and the lines of `.env` are those of docs/deploy.md.
#[tokio::test]
async fn both_servers_start_with_secrets_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let printed = program("auth-server").arg("secrets").output().unwrap().stdout;
    fs::write(folder.path().join(".env"), printed).unwrap();
    run(&blocks_of(SECTION, "sh")[0], folder.path(), &[]);
    let [auth, api] = ["auth-server", "api-server"].map(|server| folder.path().join("secrets").join(server));
    assert!(!api.join("refresh-token-secret").exists());
    let env = env_for_files(&fresh_secrets());
    start_both(&env, &Database::postgres().await, [&auth, &api]).await;
}

#[tokio::test]
async fn both_servers_start_with_a_key_pair_and_the_url_of_the_database_in_files() {
    let (folder, database) = (tempfile::tempdir().unwrap(), Database::postgres().await);
    let secrets = fresh_secrets();
    for (file, contents) in [
        ("refresh-token-secret", &secrets["REFRESH_TOKEN_SECRET"]),
        ("feed-secret", &secrets["FEED_SECRET"]),
        ("database-url", &database.url()),
    ] {
        fs::write(folder.path().join(file), contents).unwrap();
    }
    let made = program("auth-server").args(["key", "generate", "keys.pem"]).current_dir(&folder).output();
    assert!(made.unwrap().status.success());
    let mut env = env_for_files(&secrets);
    env.remove("ACCESS_TOKEN_SECRET_FILE");
    env.extend(dot_env(
        "ACCESS_TOKEN_KEY_FILE=/secrets/keys.pem\nDATABASE_URL=\nDATABASE_URL_FILE=/secrets/database-url\n",
    ));
    start_both(&env, &database, [folder.path(); 2]).await;
}

/// `.env` after its three secrets were replaced.
fn env_for_files(secrets: &Variables) -> Variables {
    let mut env = dot_env(&blocks_of(SECTION, "ini")[0]);
    assert_eq!(env.len(), 5);
    env.insert("POSTGRES_PASSWORD".to_owned(), secrets["POSTGRES_PASSWORD"].clone());
    env
}
