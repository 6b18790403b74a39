//! `clients/vectors.json`.

use std::collections::HashMap;
use std::path::Path;
use std::{fs, io};

use chrono::DateTime;

use crate::judge::Judge;
use crate::{Vector, Vectors, Verdict, reason, vectors};

/// The path of the file in the repository.
pub const PATH: &str = "clients/vectors.json";

/// The time at which the tokens of the file are verified, in seconds since 1970.
pub const NOW: i64 = 1_800_000_000;

/// Writes the file. ES256 signatures are random, so one that is still right is kept.
///
/// # Errors
/// If the file cannot be written.
pub fn refresh(root: &Path) -> io::Result<()> {
    fs::write(root.join(PATH), expected(root))
}

/// What is out of date: nothing, or a sentence.
pub fn complaints(root: &Path) -> Vec<String> {
    let found = fs::read_to_string(root.join(PATH)).unwrap_or_default();
    if found == expected(root) {
        Vec::new()
    } else {
        vec![format!("{PATH} is out of date: run `cargo xtask vectors`")]
    }
}

/// The text of the file, with its own ES256 signatures if they are still right.
fn expected(root: &Path) -> String {
    let found = fs::read_to_string(root.join(PATH)).unwrap_or_default();
    let found: Vec<Vector> =
        serde_json::from_str::<Vectors>(&found).map(|found| found.vectors).unwrap_or_default();
    let found: HashMap<_, _> = found.iter().map(|vector| (vector.name.as_str(), vector)).collect();
    let mut fresh = vectors(DateTime::from_timestamp(NOW, 0).unwrap());
    let judge = Judge::new();
    for vector in &mut fresh.vectors {
        if let Some(old) = found.get(vector.name.as_str())
            && is_ecdsa(&vector.token)
            && signing_input(&old.token) == signing_input(&vector.token)
            && has_verdict(&judge, &old.token, vector)
        {
            vector.token.clone_from(&old.token);
        }
    }
    serde_json::to_string_pretty(&fresh).unwrap() + "\n"
}

fn has_verdict(judge: &Judge, token: &str, vector: &Vector) -> bool {
    match judge.verdict(token, vector.now) {
        Ok(_) => vector.verdict == Verdict::Accepted,
        Err(error) => vector.reason == Some(reason(error)),
    }
}

/// Whether the header names ES256 or the like. Only such signatures are random.
fn is_ecdsa(token: &str) -> bool {
    let jws = goptri::token::UnverifiedJws::parse(token);
    jws.is_ok_and(|jws| jws.header_json().to_lowercase().contains(r#""alg":"es"#))
}

fn signing_input(token: &str) -> Option<&str> {
    token.rsplit_once('.').map(|(input, _)| input)
}
