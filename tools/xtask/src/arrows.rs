//! The arrows between crates. A crate edge is the only wall that the compiler guards, but it guards only the walls
//! that the manifests draw; this says which ones they may draw.

use cargo_metadata::{DependencyKind, MetadataCommand, camino::Utf8Path};

/// The rooms of the house, and what each may stand on.
const ARROWS: [(&str, &[&str]); 9] = [
    ("goptri-settings", &[]),
    ("goptri", &["goptri-settings"]),
    ("goptri-server", &["goptri", "goptri-settings"]),
    ("auth-domain", &["goptri", "goptri-settings"]),
    ("auth-store", &["auth-domain", "goptri", "goptri-settings"]),
    ("store-postgres", &["auth-domain", "auth-store", "goptri", "goptri-settings"]),
    ("store-sqlite", &["auth-domain", "auth-store", "goptri", "goptri-settings"]),
    (
        "auth-server",
        &[
            "auth-domain",
            "auth-store",
            "goptri",
            "goptri-server",
            "goptri-settings",
            "store-postgres",
            "store-sqlite",
        ],
    ),
    ("api-server", &["goptri", "goptri-server", "goptri-settings"]),
];

/// What an example may stand on: what a user of Goptri has.
const EXAMPLES: &[&str] = &["goptri"];

/// Libraries that a room does without, so that it stays what it is.
const BANS: [Ban; 7] = [
    Ban::of("goptri", "sqlx", Unless::Never),
    Ban::of("auth-domain", "sqlx", Unless::Never),
    Ban::of("auth-server", "sqlx", Unless::Never),
    Ban::of("api-server", "sqlx", Unless::Never),
    Ban::of("goptri", "actix-web", Unless::OptionalOrDev),
    Ban::of("auth-domain", "actix-web", Unless::OptionalOrDev),
    Ban::of("auth-domain", "tokio", Unless::OptionalOrDev),
];

struct Ban {
    room: &'static str,
    dependency: &'static str,
    unless: Unless,
}

#[derive(PartialEq, Eq)]
enum Unless {
    Never,
    OptionalOrDev,
}

impl Ban {
    const fn of(room: &'static str, dependency: &'static str, unless: Unless) -> Self {
        Self { room, dependency, unless }
    }
}

/// A member of the workspace, as far as its arrows go.
#[derive(Clone, Debug)]
pub(crate) struct Crate {
    name: String,
    place: Place,
    manifest: Vec<Entry>,
}

/// Where a crate's folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Room,
    Examples,
    Tools,
    E2e,
}

/// One line of a manifest's dependencies.
#[derive(Clone, Debug)]
struct Entry {
    on: String,
    dev: bool,
    optional: bool,
}

/// The workspace as its manifests are.
pub(crate) fn workspace() -> Result<Vec<Crate>, cargo_metadata::Error> {
    let metadata = MetadataCommand::new().no_deps().exec()?;
    Ok(metadata
        .workspace_packages()
        .into_iter()
        .map(|package| Crate {
            name: package.name.to_string(),
            place: Place::of(&package.manifest_path, &metadata.workspace_root),
            manifest: package
                .dependencies
                .iter()
                .map(|dependency| Entry {
                    on: dependency.name.clone(),
                    dev: dependency.kind == DependencyKind::Development,
                    optional: dependency.optional,
                })
                .collect(),
        })
        .collect())
}

/// One sentence for each arrow that points where none may.
pub(crate) fn complaints(workspace: &[Crate]) -> Vec<String> {
    workspace
        .iter()
        .flat_map(|from| {
            let strangers = (from.place == Place::Room && room(&from.name).is_none()).then(|| {
                format!(
                    "{} has no place in the house: say in tools/xtask/src/arrows.rs what it may depend on",
                    from.name
                )
            });
            let arrows = from.manifest.iter().filter_map(|entry| {
                let to = workspace.iter().find(|other| other.name == entry.on)?;
                (!entry.dev && !may(from, to)).then(|| {
                    format!(
                        "{} may not depend on {}: ARCHITECTURE.md draws no such arrow",
                        from.name, to.name
                    )
                })
            });
            strangers.into_iter().chain(arrows).chain(banned(from))
        })
        .collect()
}

fn may(from: &Crate, to: &Crate) -> bool {
    match (from.place, to.place) {
        // What has no place yet is complained about once.
        (Place::Room, Place::Room) => {
            room(&from.name).is_none_or(|allowed| allowed.contains(&to.name.as_str()))
        }
        (Place::Examples, _) => EXAMPLES.contains(&to.name.as_str()),
        (Place::Room, _) => false,
        (Place::Tools, to) => matches!(to, Place::Room | Place::Tools),
        (Place::E2e, _) => true,
    }
}

fn banned(from: &Crate) -> impl Iterator<Item = String> {
    from.manifest.iter().filter_map(|entry| {
        let ban = BANS.iter().find(|ban| ban.room == from.name && ban.dependency == entry.on)?;
        let excused = ban.unless == Unless::OptionalOrDev && (entry.optional || entry.dev);
        (!excused).then(|| {
            let how = match ban.unless {
                Unless::Never => "does without",
                Unless::OptionalOrDev => "may have only behind a feature or for its tests",
            };
            format!("{} {how} {}", from.name, entry.on)
        })
    })
}

fn room(name: &str) -> Option<&'static [&'static str]> {
    ARROWS.iter().find(|(room, _)| *room == name).map(|(_, allowed)| *allowed)
}

impl Place {
    fn of(manifest: &Utf8Path, root: &Utf8Path) -> Self {
        let inside = manifest.strip_prefix(root).unwrap_or(manifest);
        match inside.components().next().map(|first| first.as_str()) {
            Some("examples") => Self::Examples,
            Some("tools") => Self::Tools,
            Some("e2e") => Self::E2e,
            _ => Self::Room,
        }
    }
}

#[cfg(test)]
mod tests;
