//! A module named for what it is not about ("util", "common") becomes the drawer where everything lands. This finds
//! such names before a review has to.

use std::{
    io,
    path::{Component, Path},
    process::Command,
};

const DRAWERS: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "misc", "types", "constants"];

/// One sentence for each Rust file under such a name, among the files that git tracks or would.
pub(crate) fn complaints(root: &Path) -> io::Result<Vec<String>> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .args(["--", "*.rs"])
        .current_dir(root)
        .output()?;
    if !listed.status.success() {
        return Err(io::Error::other(format!(
            "git does not list the files of {}: {}",
            root.display(),
            String::from_utf8_lossy(&listed.stderr)
        )));
    }
    Ok(String::from_utf8_lossy(&listed.stdout).lines().filter_map(complaint).collect())
}

fn complaint(path: &str) -> Option<String> {
    let drawer = Path::new(path).components().find_map(|part| match part {
        Component::Normal(name) => {
            let stem = Path::new(name).file_stem()?.to_str()?;
            DRAWERS.contains(&stem).then_some(stem)
        }
        _ => None,
    })?;
    Some(format!("{path}: \"{drawer}\" says nothing about what is inside; name it after its subject"))
}

#[cfg(test)]
mod tests {
    use super::complaint;

    #[test]
    fn a_drawer_is_found_wherever_it_stands() {
        for path in
            ["shared/src/util.rs", "shared/src/helpers/mod.rs", "e2e/tests/common/mod.rs", "types/src/lib.rs"]
        {
            assert!(complaint(path).is_some(), "{path}");
        }
        for path in ["shared/src/utilisation.rs", "src/media_types.rs", "lib.rs"] {
            assert_eq!(complaint(path), None, "{path}");
        }
    }
}
