//! Finds the server programs of Postgres and the user that they can run as: Debian installs them outside PATH, one folder
//! per version, and they refuse to run as root.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder with `initdb` and `postgres`: `$PG_BIN`, else the newest Debian version, else from PATH.
pub(crate) fn folder() -> io::Result<PathBuf> {
    if let Some(chosen) = variable("PG_BIN") {
        let chosen = PathBuf::from(chosen);
        return if complete(&chosen) {
            Ok(chosen)
        } else {
            Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!(
                    "PG_BIN is {}, which has no initdb and postgres; correct or unset it",
                    chosen.display()
                ),
            ))
        };
    }
    let path = variable("PATH").unwrap_or_default();
    debian().into_iter().chain(std::env::split_paths(&path)).find(|folder| complete(folder)).ok_or_else(
        || {
            io::Error::new(
                io::ErrorKind::NotFound,
                "no PostgreSQL found; run scripts/setup, or name the folder of its server programs in PG_BIN",
            )
        },
    )
}

/// The path of a program that comes with the server, such as `pgbench`.
///
/// # Errors
/// If `PostgreSQL` or this program is not installed.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let program = folder()?.join(name);
    if program.is_file() {
        return Ok(program);
    }
    Err(io::Error::new(io::ErrorKind::NotFound, format!("{} does not exist", program.display())))
}

/// The path of `pgbouncer`, which Debian installs outside the PATH of users.
pub(crate) fn pgbouncer() -> io::Result<PathBuf> {
    let path = variable("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join("pgbouncer"))
        .find(|program| program.is_file())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no pgbouncer found; run scripts/setup"))
}

/// Whether a server from this folder can load a library, judged by the usual places.
pub(crate) fn has_library(programs: &Path, name: &str) -> bool {
    // PATH may have a symbolic link to Debian's folder.
    let programs = programs.join("postgres").canonicalize().unwrap_or_default();
    let Some(root) = programs.ancestors().nth(2) else { return false };
    ["lib", "lib/postgresql", "lib64/pgsql", "lib/pgsql"]
        .iter()
        .flat_map(|folder| ["so", "dylib"].map(|ending| root.join(folder).join(format!("{name}.{ending}"))))
        .any(|library| library.is_file())
}

/// The uid and gid for a server started by root.
pub(crate) fn unprivileged() -> io::Result<(u32, u32)> {
    let passwd = fs::read_to_string("/etc/passwd")?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| account(&passwd, name))
        .ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::NotFound,
                "PostgreSQL refuses to run as root, and there is no user postgres or nobody; add one or run as another user",
            )
        })
}

/// The only place where this crate reads the environment.
#[expect(clippy::disallowed_methods, reason = "tools have no Environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn complete(folder: &Path) -> bool {
    ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// Newest first.
fn debian() -> Vec<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder).collect()
}

fn account(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let matches = fields.next() == Some(name);
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        matches.then_some((uid, gid))
    })
}

#[cfg(test)]
mod tests {
    use super::account;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0:root:/:/bin/sh\npostgres2:x:1:2::/:/bin/sh\n\npostgres:x:104:107::/:/bin/sh\n";
        assert_eq!(account(passwd, "postgres"), Some((104, 107)));
        assert_eq!(account(passwd, "nobody"), None);
    }
}
