//! Secrets in a folder that changes as a kubelet changes it: each file is a link into `..data`, which is a link to the
//! folder of its version.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::programs::{ACCESS_TOKEN_SECRET, FEED_SECRET, REFRESH_TOKEN_SECRET};

const NAMES: [&str; 3] = ["ACCESS_TOKEN_SECRET", "REFRESH_TOKEN_SECRET", "FEED_SECRET"];

/// The folder.
#[derive(Clone)]
pub(super) struct Mounted(PathBuf);

impl Mounted {
    /// Mounts the secrets of the tests.
    pub(super) fn create(folder: &Path) -> Self {
        let mounted = Self(folder.join("secrets"));
        fs::create_dir(&mounted.0).unwrap();
        mounted.swap(0, ACCESS_TOKEN_SECRET);
        for name in NAMES {
            symlink(format!("..data/{name}"), mounted.0.join(name)).unwrap();
        }
        mounted
    }

    /// Replaces all files at once by those of the next version.
    pub(super) fn swap(&self, version: usize, access_token_secret: &str) {
        let of_version = self.0.join(format!("..{version}"));
        fs::create_dir(&of_version).unwrap();
        for (name, secret) in NAMES.into_iter().zip([access_token_secret, REFRESH_TOKEN_SECRET, FEED_SECRET])
        {
            let file = of_version.join(name);
            fs::write(&file, secret).unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o400)).unwrap();
        }
        symlink(format!("..{version}"), self.0.join("..data_tmp")).unwrap();
        fs::rename(self.0.join("..data_tmp"), self.0.join("..data")).unwrap();
    }

    /// Lets a program read those secrets that it has as variables from their files.
    pub(super) fn given_to(&self, mut command: Command) -> Command {
        let set: Vec<_> =
            NAMES.into_iter().filter(|name| command.get_envs().any(|(known, _)| known == *name)).collect();
        for name in set {
            command.env_remove(name).env(format!("{name}_FILE"), self.0.join(name));
        }
        command
    }
}
