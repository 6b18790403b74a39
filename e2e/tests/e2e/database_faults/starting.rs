//! Databases and URLs that auth-server refuses at start, and the errors that name the remedy.

use std::fs;
use std::process::Command;

use scratch_pg::{Profile, ScratchPg};

use super::psql;
use crate::programs::{Running, auth_server, run};

/// Starts auth-server, which must end with this code, and runs its command `check`. Returns what both print.
fn refused(command: impl Fn() -> Command, code: i32) -> [String; 2] {
    let mut starting = Running::start(command());
    let ended = starting.wait();
    let started = starting.whole_output();
    assert_eq!(ended.code(), Some(code), "{started}");
    let output = run(command(), &["check"], "");
    let checked = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{checked}");
    [started, checked]
}

fn without_migrating(url: &str) -> Command {
    let mut command = auth_server(url);
    command.env("AUTO_MIGRATE", "off");
    command
}

#[test]
fn a_database_that_is_not_utf8_is_refused_with_a_remedy() {
    let postgres = ScratchPg::start(Profile::Fast).unwrap();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = encoding.to_lowercase();
        let create = format!("create database {name} encoding '{encoding}' locale 'C' template template0");
        psql(&postgres.url("postgres"), &create);
        let url = postgres.url(&name);
        for command in [auth_server, without_migrating] {
            for printed in refused(|| command(&url), 1) {
                assert!(printed.contains(encoding) && printed.contains("encoding 'UTF8'"), "{printed}");
            }
        }
    }
}

#[test]
fn a_parameter_of_database_url_without_effect_is_an_error_that_names_it_and_never_its_value() {
    for parameter in
        ["ssl", "requiressl", "channel_binding", "sslmod", "load_balance_hosts", "connect_timeout"]
    {
        let url = format!("postgres://ann@127.0.0.1:1/goptri?{parameter}=hunter2");
        for printed in refused(|| auth_server(&url), 2) {
            let expected = format!("the parameter {parameter} is not supported");
            assert!(printed.contains(&expected) && !printed.contains("hunter2"), "{printed}");
        }
    }
}

#[test]
fn an_unescaped_password_is_an_error_that_tells_to_percent_encode_it_and_shows_no_part_of_it() {
    for password in ["hun#ter2", "hun?ter2", "hun/ter2", "7#ter2", "7/hun"] {
        let url = format!("postgres://ann:{password}@127.0.0.1:1/goptri");
        for printed in refused(|| auth_server(&url), 2) {
            assert!(printed.contains("percent-encoded"), "{printed}");
            assert!(!printed.contains("hun") && !printed.contains("ter2"), "{printed}");
        }
    }
}

#[test]
fn a_password_with_an_emoji_is_an_error_without_any_character_of_it() {
    let postgres = ScratchPg::start(Profile::Fast).unwrap();
    let admin = postgres.url("postgres");
    psql(&admin, "create role ann login password 'hunter🦊'");
    fs::write(
        postgres.folder().join("data/pg_hba.conf"),
        "local all postgres trust\nlocal all ann scram-sha-256\n",
    )
    .unwrap();
    postgres.restart().unwrap();
    let url = admin.replace("postgres@", "ann:hunter%F0%9F%A6%8A@");
    for printed in refused(|| auth_server(&url), 1) {
        assert!(printed.contains("give the role another password"), "{printed}");
        for part in ["🦊", "1f98a", "hunter"] {
            assert!(!printed.contains(part), "{printed}");
        }
    }
}

#[test]
fn a_role_without_the_rights_it_needs_is_refused_with_the_statement_that_grants_them() {
    let postgres = ScratchPg::start(Profile::Fast).unwrap();
    let admin = postgres.url("postgres");
    assert!(run(auth_server(&admin), &["migrate"], "").status.success());
    psql(
        &admin,
        "create role app login; grant select, insert, update, delete on all tables in schema public to app;
         revoke delete on sessions from app",
    );
    let url = admin.replace("postgres@", "app@");
    for printed in refused(|| without_migrating(&url), 1) {
        assert!(printed.contains("role app lacks delete on sessions"), "{printed}");
        let remedy = "grant select, insert, update, delete on all tables in schema public to app";
        assert!(printed.contains(remedy), "{printed}");
    }
    psql(&admin, "grant delete on sessions to app");
    let output = run(without_migrating(&url), &["check"], "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
