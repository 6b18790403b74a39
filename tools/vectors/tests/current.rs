//! The file in the repository is what this crate writes.

use std::collections::HashSet;
use std::path::Path;

use chrono::DateTime;
use vectors::{NOW, Verdict, complaints, vectors};

#[test]
fn the_file_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    assert_eq!(complaints(root), Vec::<String>::new());
}

#[test]
fn each_vector_has_its_own_name_and_fits_into_a_header() {
    let all = vectors(DateTime::from_timestamp(NOW, 0).unwrap()).vectors;
    let names: HashSet<_> = all.iter().map(|vector| &vector.name).collect();
    assert_eq!(names.len(), all.len());
    assert!(names.iter().all(|name| name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_'))));
    assert!(all.len() >= 120, "{}", all.len());
    for vector in &all {
        assert!(vector.token.bytes().all(|byte| byte.is_ascii_graphic()), "{}", vector.name);
        assert!(vector.about.ends_with('.'), "{}", vector.name);
    }
}

/// A runner mints at its start and then tries one service after the other.
#[test]
fn only_vectors_at_an_edge_change_within_two_minutes() {
    let today = vectors(DateTime::from_timestamp(1_790_000_123, 0).unwrap());
    let stable: HashSet<_> = today.stable_for(120).map(|vector| &vector.name).collect();
    let changing: Vec<_> = today.vectors.iter().filter(|vector| !stable.contains(&vector.name)).collect();
    assert!(changing.iter().all(|vector| vector.time_dependent && vector.name.contains("edge")));
    assert!(!changing.is_empty());
    let expired = today.stable_for(120).find(|vector| vector.name == "expired").unwrap();
    assert_eq!(expired.verdict, Verdict::Rejected);
}
