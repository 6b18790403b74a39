//! Every security requirement that the code names is defined in docs/requirements.md.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/requirements.md");

/// The requirement ids in `text`, such as `JV-24`: two capital letters, a hyphen, two digits, and no more of a word.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_')).filter(|word| {
        let [a, b, b'-', c, d] = word.as_bytes() else { return false };
        [a, b].iter().all(|letter| letter.is_ascii_uppercase())
            && [c, d].iter().all(|digit| digit.is_ascii_digit())
    })
}

/// The Rust files below `folder`, without build output and hidden folders.
fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_str().unwrap();
        if entry.file_type().unwrap().is_dir() {
            if name != "target" && !name.starts_with('.') {
                rust_files(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The ids that the page's tables define, each with its number of rows.
fn defined() -> BTreeMap<&'static str, usize> {
    let mut defined = BTreeMap::new();
    for row in PAGE.lines().filter_map(|line| line.strip_prefix("| ")) {
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        for id in cells.first().copied().into_iter().flat_map(ids) {
            assert!(cells.len() == 3 && cells.iter().all(|cell| !cell.is_empty()), "not a definition: {row}");
            *defined.entry(id).or_default() += 1;
        }
    }
    defined
}

#[test]
fn every_requirement_that_the_code_names_is_defined_once() {
    let defined = defined();
    let mut files = Vec::new();
    rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut files);
    let mut named = 0;
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for id in ids(&text) {
            named += 1;
            let rows = defined.get(id).copied().unwrap_or_default();
            assert_eq!(
                rows,
                1,
                "{} names {id}, which has {rows} rows in docs/requirements.md",
                file.display()
            );
        }
    }
    assert!(named > 200, "only {named} ids were found in the code");
}
