//! Writes a file with a secret that only its owner can read, and never over an existing file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::CliError;

/// Creates the file with mode 0600. `hint` is added to the error when it exists already.
pub(super) fn write_new(file: &Path, text: &str, hint: &str) -> Result<(), CliError> {
    let error = |problem: &dyn std::fmt::Display| {
        CliError::new("not_written", format!("the file {} cannot be written: {problem}", file.display()))
    };
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let mut opened = opened.map_err(|cause| match cause.kind() {
        ErrorKind::AlreadyExists => error(&format!("it already exists. {hint}")),
        _ => error(&cause),
    })?;
    opened.write_all(text.as_bytes()).and_then(|()| opened.sync_all()).map_err(|cause| {
        // A partial secret looks like a whole one.
        let _ = std::fs::remove_file(file);
        error(&cause)
    })
}
