//! The systemd units, as far as they can be checked without a running systemd.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::documented::variables_of;
use super::{root, text_of};
use crate::programs::program;

const SERVERS: [&str; 2] = ["auth-server", "api-server"];

/// A copy of the unit that starts the program which the workspace built.
fn unit(server: &str, folder: &TempDir) -> PathBuf {
    let text = text_of(&format!("deploy/systemd/{server}.service"));
    let installed = format!("/usr/local/bin/{server}");
    assert!(text.contains(&installed), "{server} does not start {installed}");
    let built = program(server).get_program().to_str().unwrap().to_owned();
    let path = folder.path().join(format!("{server}.service"));
    fs::write(&path, text.replace(&installed, &built)).unwrap();
    path
}

/// The values of a setting.
fn values<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

fn analyze(arguments: &[&str], unit: &Path) -> Output {
    Command::new("systemd-analyze").args(arguments).arg(unit).output().unwrap()
}

#[test]
fn systemd_understands_every_line_of_the_units() {
    let folder = tempfile::tempdir().unwrap();
    for server in SERVERS {
        let verified = analyze(&["verify", "--man=no"], &unit(server, &folder));
        let complaints = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success() && complaints.is_empty(), "{complaints}");
    }
}

/// Exposure goes from 0 to 10; a service without any hardening has 9.6.
#[test]
fn the_units_are_hardened_to_an_exposure_below_two() {
    let folder = tempfile::tempdir().unwrap();
    for server in SERVERS {
        let report = analyze(&["security", "--offline=true", "--threshold=20"], &unit(server, &folder));
        assert!(report.status.success(), "{}", String::from_utf8_lossy(&report.stdout));
    }
}

#[test]
fn the_units_name_commands_variables_and_users_that_exist() {
    let users = text_of("deploy/systemd/goptri.sysusers");
    for server in SERVERS {
        let unit = text_of(&format!("deploy/systemd/{server}.service"));
        let command = values(&unit, "ExecStart")[0];
        let mut words = command.split(' ').skip(1).peekable();
        if words.peek().is_some() {
            let help = program(server).args(words).arg("--help").output().unwrap();
            assert!(help.status.success(), "{command}");
        }
        let user = values(&unit, "User")[0];
        assert!(users.contains(&format!("\nu {user} ")), "no user {user}");
        assert_eq!(values(&unit, "StateDirectory"), [user], "the state has the name of the user");
        let named = unit.lines().filter_map(|line| line.strip_prefix('#')?.split_once('='));
        for (name, value) in named {
            let name = name.rsplit(' ').next().unwrap();
            assert!(variables_of(server).contains(name), "{name}");
            assert!(value.contains(&format!("/var/lib/{user}/")), "{name} is outside the state directory");
        }
    }
}

/// The file in which systemd-sysusers declares both users.
#[test]
fn systemd_sysusers_creates_both_users() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("etc")).unwrap();
    let mut command = Command::new("systemd-sysusers");
    command.arg("--root").arg(folder.path()).arg(root().join("deploy/systemd/goptri.sysusers"));
    let created = command.output().unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let users = fs::read_to_string(folder.path().join("etc/passwd")).unwrap();
    let names: Vec<&str> = users.lines().filter_map(|line| line.split(':').next()).collect();
    assert!(names.contains(&"goptri-auth") && names.contains(&"goptri-api"), "{users}");
}
