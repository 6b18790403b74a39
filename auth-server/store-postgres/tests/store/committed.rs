//! The statements of the store, from the committed descriptions that it is compiled against.

#![expect(clippy::unwrap_used, reason = "a test panics when it fails")]

use std::fs;

use serde_json::Value;

/// A statement that the store may run.
#[derive(Debug)]
pub(crate) struct Statement {
    /// The text, with each run of white space as one space.
    pub(crate) text: String,
    /// The types of its parameters, as sqlx names them.
    pub(crate) parameters: Vec<String>,
}

/// All statements, in the order of their texts.
pub(crate) fn statements() -> Vec<Statement> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/.sqlx");
    let mut all: Vec<_> = fs::read_dir(folder).unwrap().map(|file| parse(&file.unwrap().path())).collect();
    all.sort_by(|one, other| one.text.cmp(&other.text));
    assert!(all.len() > 30, "{all:?}");
    all
}

fn parse(file: &std::path::Path) -> Statement {
    let described: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let text = described["query"].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let parameters = described["describe"]["parameters"]["Left"].as_array().unwrap();
    Statement { text, parameters: parameters.iter().map(|name| name.as_str().unwrap().to_owned()).collect() }
}
