//! The files of a `.sqlx` folder as a value, so that two folders can be compared.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The cached descriptions of a crate's queries.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Cache(BTreeMap<String, Vec<u8>>);

/// One file that differs from what it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Difference<'a> {
    /// A query without a file.
    Missing(&'a str, &'a [u8]),
    /// A file that describes another schema.
    Changed(&'a str, &'a [u8]),
    /// A file without a query.
    LeftOver(&'a str),
}

impl Cache {
    /// The files of the folder; none if it does not exist.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            entries => entries?,
        };
        let mut files = BTreeMap::new();
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            files.insert(name, fs::read(entry.path())?);
        }
        Ok(Self(files))
    }

    /// How this folder differs from `wanted`.
    pub(crate) fn differences<'a>(&'a self, wanted: &'a Self) -> Vec<Difference<'a>> {
        let wrong =
            wanted.0.iter().filter_map(|(name, text)| match self.0.get(name).map(|own| own == text) {
                None => Some(Difference::Missing(name, text)),
                Some(false) => Some(Difference::Changed(name, text)),
                Some(true) => None,
            });
        let left = self.0.keys().filter(|name| !wanted.0.contains_key(*name));
        wrong.chain(left.map(|name| Difference::LeftOver(name))).collect()
    }
}

impl Difference<'_> {
    /// Removes this difference from the folder.
    pub(crate) fn fix(&self, folder: &Path) -> io::Result<()> {
        match self {
            Self::Missing(name, text) | Self::Changed(name, text) => {
                fs::create_dir_all(folder)?;
                fs::write(folder.join(name), text)
            }
            Self::LeftOver(name) => fs::remove_file(folder.join(name)),
        }
    }

    /// A sentence about the file in `folder`.
    pub(crate) fn describe(&self, folder: &Path) -> String {
        let path = |name: &str| -> PathBuf { folder.join(name) };
        match self {
            Self::Missing(name, _) => {
                format!("{} is missing, though there is a query for it", path(name).display())
            }
            Self::Changed(name, _) => {
                format!("{} is out of date: it does not match the migrations", path(name).display())
            }
            Self::LeftOver(name) => {
                format!("{} is left over: no query needs it", path(name).display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, io};

    use super::{Cache, Difference};

    fn cache(files: &[(&str, &str)]) -> Cache {
        let files = files.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec()));
        Cache(files.collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn missing_changed_and_left_over_files_are_distinguished() {
        let committed = cache(&[("same", "1"), ("changed", "old"), ("left-over", "1")]);
        let wanted = cache(&[("same", "1"), ("changed", "new"), ("missing", "1")]);
        assert_eq!(
            committed.differences(&wanted),
            [
                Difference::Changed("changed", b"new"),
                Difference::Missing("missing", b"1"),
                Difference::LeftOver("left-over"),
            ]
        );
        assert_eq!(wanted.differences(&wanted), []);
    }

    #[test]
    fn fixing_every_difference_leaves_none() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let folder = folder.path().join(".sqlx");
        for wanted in [cache(&[("a", "1"), ("b", "2")]), cache(&[("a", "3"), ("c", "4")]), cache(&[])] {
            for difference in Cache::read(&folder)?.differences(&wanted) {
                difference.fix(&folder)?;
            }
            assert_eq!(Cache::read(&folder)?, wanted);
        }
        fs::remove_dir(&folder)
    }
}
