//! Each wrong arrow is told, each right one is not, and the workspace as it stands has none that is wrong.

use super::{Crate, Entry, Place, complaints, workspace};

const MEMBERS: [(&str, Place); 10] = [
    ("goptri", Place::Room),
    ("auth-domain", Place::Room),
    ("store-postgres", Place::Room),
    ("store-sqlite", Place::Room),
    ("auth-server", Place::Room),
    ("api-server", Place::Room),
    ("actix-service-example", Place::Examples),
    ("dev", Place::Tools),
    ("scratch-pg", Place::Tools),
    ("e2e", Place::E2e),
];

/// A workspace with a single entry in a single manifest.
fn with(from: &str, entry: Entry) -> Vec<Crate> {
    let mut crates: Vec<Crate> = MEMBERS
        .iter()
        .map(|(name, place)| Crate { name: (*name).to_owned(), place: *place, manifest: Vec::new() })
        .collect();
    if let Some(member) = crates.iter_mut().find(|member| member.name == from) {
        member.manifest.push(entry);
    }
    crates
}

fn plain(on: &str) -> Entry {
    Entry { on: on.to_owned(), dev: false, optional: false }
}

#[test]
fn an_arrow_is_allowed_or_told_as_architecture_draws_it() {
    let table = [
        ("auth-domain", "goptri", true),
        ("store-postgres", "auth-domain", true),
        ("auth-server", "store-sqlite", true),
        ("api-server", "goptri", true),
        ("actix-service-example", "goptri", true),
        ("dev", "auth-server", true),
        ("dev", "scratch-pg", true),
        ("e2e", "dev", true),
        ("e2e", "actix-service-example", true),
        ("goptri", "auth-domain", false),
        ("auth-domain", "store-postgres", false),
        ("store-postgres", "store-sqlite", false),
        ("store-sqlite", "auth-server", false),
        ("auth-server", "api-server", false),
        ("api-server", "auth-domain", false),
        ("api-server", "store-postgres", false),
        ("actix-service-example", "auth-domain", false),
        ("actix-service-example", "scratch-pg", false),
        ("auth-server", "scratch-pg", false),
        ("auth-server", "actix-service-example", false),
        ("auth-server", "e2e", false),
        ("dev", "e2e", false),
        ("dev", "actix-service-example", false),
    ];
    for (from, to, allowed) in table {
        let told = complaints(&with(from, plain(to)));
        assert_eq!(told.is_empty(), allowed, "{from} -> {to}: {told:?}");
        assert!(told.len() <= 1, "one sentence: {told:?}");
    }
}

#[test]
fn a_dev_dependency_is_exempt() {
    let entry = Entry { dev: true, ..plain("scratch-pg") };
    assert!(complaints(&with("auth-server", entry)).is_empty());
}

#[test]
fn a_library_that_a_room_does_without_is_told() {
    let plain_only = |on| plain(on);
    let optional = |on| Entry { optional: true, ..plain(on) };
    let dev = |on| Entry { dev: true, ..plain(on) };
    let table = [
        ("goptri", plain_only("sqlx"), false),
        ("auth-domain", optional("sqlx"), false),
        ("auth-server", dev("sqlx"), false),
        ("api-server", plain_only("sqlx"), false),
        ("goptri", plain_only("actix-web"), false),
        ("goptri", optional("actix-web"), true),
        ("goptri", dev("actix-web"), true),
        ("auth-domain", plain_only("actix-web"), false),
        ("auth-domain", plain_only("tokio"), false),
        ("auth-domain", optional("tokio"), true),
        ("store-postgres", plain_only("sqlx"), true),
        ("auth-server", plain_only("tokio"), true),
    ];
    for (from, entry, allowed) in table {
        let told = complaints(&with(from, entry.clone()));
        assert_eq!(told.is_empty(), allowed, "{from} lists {entry:?}: {told:?}");
    }
}

#[test]
fn a_new_room_must_be_given_its_place() {
    let mut crates = with("goptri", plain("serde"));
    crates.push(Crate { name: "annex".to_owned(), place: Place::Room, manifest: vec![plain("goptri")] });
    let told = complaints(&crates);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].starts_with("annex "), "{told:?}");
}

#[test]
fn this_workspace_has_no_wrong_arrow() -> Result<(), cargo_metadata::Error> {
    let crates = workspace()?;
    for (name, place) in MEMBERS {
        let member = crates.iter().find(|member| member.name == name);
        assert_eq!(member.map(|member| member.place), Some(place), "{name}");
    }
    assert_eq!(complaints(&crates), Vec::<String>::new());
    Ok(())
}
