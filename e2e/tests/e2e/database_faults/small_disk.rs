//! A small disk that a test fills or turns read-only. Needs root.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

pub(super) struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Mounts a tmpfs of this size. Returns `None` if this process may not mount, and prints the reason.
    #[expect(clippy::print_stderr, reason = "says what was left out")]
    pub(super) fn mount(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("disk").tempdir().unwrap();
        let options = format!("size={mebibytes}m,mode=1777");
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder }),
            other => {
                eprintln!("left out, because no disk can be mounted: {other:?}");
                None
            }
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `ro` or `rw`.
    pub(super) fn remount(&self, mode: &str) {
        let options = format!("remount,{mode}");
        let status = Command::new("mount").args(["-o", &options]).arg(self.folder.path()).status().unwrap();
        assert!(status.success(), "{mode}");
    }

    /// Leaves not a single byte.
    pub(super) fn fill(&self) {
        let mut file = File::options().create(true).append(true).open(self.path("filler")).unwrap();
        for size in [1 << 20, 1 << 12, 1] {
            let block = vec![0; size];
            while file.write_all(&block).is_ok() {}
        }
    }

    pub(super) fn free(&self) {
        fs::remove_file(self.path("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, because a server may still be ending.
        let _ = Command::new("umount").arg("--lazy").arg(self.folder.path()).status();
    }
}
