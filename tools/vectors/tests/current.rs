//! The file in the repository is what this crate writes.

use std::collections::HashSet;
use std::path::Path;

use chrono::DateTime;
use vectors::{NOW, complaints, vectors};

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
