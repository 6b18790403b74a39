//! What an image is built from, and what it says about itself.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{root, text_of};
use crate::programs::{Server, api_server, auth_server};

/// Copies what .dockerignore lets through, as far as cargo reads it.
fn build_context() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in text_of(".dockerignore").lines().filter_map(|line| line.strip_prefix('!')) {
        copy(&root().join(path), &folder.path().join(path));
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    if !from.is_dir() {
        fs::copy(from, to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        return;
    }
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_name() != "target" {
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    }
}

#[test]
fn the_build_context_has_every_member_of_the_workspace() {
    let folder = build_context();
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"]);
    let output = command.current_dir(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_build_context_has_every_file_that_the_servers_include() {
    let folder = build_context();
    let mut sources = Vec::new();
    for member in ["api-server", "auth-server", "server", "settings", "shared"] {
        rust_sources(&folder.path().join(member), &mut sources);
    }
    let mut included = 0;
    for source in sources {
        let text = fs::read_to_string(&source).unwrap();
        // A path in a migration macro starts at the manifest, all others at the file.
        let package = source.ancestors().find(|path| path.join("Cargo.toml").exists()).unwrap();
        for (call, base) in [
            ("include_str!(\"", source.parent().unwrap()),
            ("include_bytes!(\"", source.parent().unwrap()),
            ("migrate!(\"", package),
        ] {
            for path in text.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                included += 1;
                assert!(base.join(path).exists(), "{} includes {path}", source.display());
            }
        }
    }
    assert!(included > 5, "{included}");
}

fn rust_sources(folder: &Path, sources: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            // Tests are not part of an image.
            if path.file_name().unwrap() != "tests" {
                rust_sources(&path, sources);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            sources.push(path);
        }
    }
}

#[test]
fn the_image_has_the_version_of_the_workspace_and_does_not_run_as_root() {
    let dockerfile = text_of("Dockerfile");
    let label = format!("org.opencontainers.image.version=\"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(dockerfile.contains(&label), "no {label}");
    let users: Vec<&str> = dockerfile.lines().filter(|line| line.starts_with("USER ")).collect();
    assert_eq!(users, ["USER 10001:0"], "group 0, so that the random user of OpenShift can write to /data");
    let rust = include_str!("../../../../Cargo.toml").split("rust-version = \"").nth(1).unwrap();
    let rust = rust.split('"').next().unwrap();
    assert!(dockerfile.contains(&format!("FROM rust:{rust}-")), "not built with Rust {rust}");
}

/// The command, run from a copy of its program, as a user of group 0 that nothing knows of.
fn as_random_user(command: &Command, folder: &Path, data: &Path) -> Command {
    let program = folder.join(Path::new(command.get_program()).file_name().unwrap());
    fs::copy(command.get_program(), &program).unwrap();
    let mut of_user = Command::new(program);
    of_user.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    of_user.current_dir(data).uid(1_000_680_000).gid(0);
    of_user
}

/// Some clusters run every container so. Needs root, to become another user.
#[tokio::test]
async fn a_random_user_of_group_0_without_a_home_can_run_both_servers_in_the_folder_of_the_image() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let dockerfile = text_of("Dockerfile");
    let install =
        dockerfile.lines().find_map(|line| line.strip_prefix("RUN install ")?.strip_suffix(" /data"));
    let data = folder.path().join("data");
    let installed = Command::new("install").args(install.unwrap().split(' ')).arg(&data).status().unwrap();
    assert!(installed.success());
    let auth = Server::start(as_random_user(&auth_server("sqlite://goptri.db"), folder.path(), &data));
    auth.register().await;
    auth.sign_in().await;
    let mut api = as_random_user(&api_server(), folder.path(), &data);
    api.env("PHOTOS_DIR", "photos");
    Server::start(api);
    assert!(data.join("goptri.db").exists() && data.join("photos").is_dir());
}
