//! Parses the `.env` file.

mod references;

use std::io;

use crate::text_file::{self, NotText};

/// `.env` exists but cannot be used. A number is that of the line, from 1. The message never quotes the line, which may
/// contain a secret.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// The file cannot be read.
    #[error(".env cannot be read: {0}")]
    Unreadable(io::Error),
    /// The file is not UTF-8 text, but UTF-16, for example.
    #[error(".env {0}")]
    NotText(NotText),
    /// A line is not UTF-8.
    #[error("line {0} of .env is not encoded as UTF-8; save the file as UTF-8 without a byte order mark")]
    NotUtf8(usize),
    /// A line is not an assignment, or a quote is not closed.
    #[error(
        "line {0} of .env is not NAME=value; a value with spaces, quotes or # must be in quotes, and each quote must be closed"
    )]
    Syntax(usize),
    /// A `$` that begins no name, or `${…}` with something other than a name.
    #[error(
        "line {0} of .env has a $ without a name after it; write ${{NAME}} for a variable, and \\$ for the sign itself"
    )]
    LoneDollar(usize),
    /// A reference to a variable that is set neither above nor in the environment.
    #[error(
        "line {0} of .env refers with $ to a variable that is not set above or in the environment; write ${{NAME}} for a variable, and \\$ for the sign itself"
    )]
    NotSet(usize),
}

/// Parses the assignments of the file, in their order. `is_set` returns whether the process has a variable. Those take
/// precedence where a value refers to them.
///
/// # Errors
/// The first problem of the file, with its line.
pub(crate) fn parse(
    bytes: &[u8],
    is_set: impl Fn(&str) -> bool,
) -> Result<Vec<(String, String)>, EnvironmentError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = text_file::decode(bytes).map_err(|problem| match (problem, str::from_utf8(bytes)) {
        (NotText::NotUtf8, Err(error)) => {
            let before = &bytes[..error.valid_up_to()];
            EnvironmentError::NotUtf8(before.split(|byte| *byte == b'\n').count())
        }
        (problem, _) => EnvironmentError::NotText(problem),
    })?;
    let text = references::braced(text, is_set)?;
    assignments(&text).ok_or_else(|| EnvironmentError::Syntax(first_bad_line(&text)))
}

fn assignments(text: &str) -> Option<Vec<(String, String)>> {
    // dotenvy rejects a space at the end of a file that has no line feed there.
    dotenvy::from_read_iter(format!("{text}\n").as_bytes()).collect::<Result<_, _>>().ok()
}

/// The line of the first assignment that does not parse, which dotenvy does not report. A quoted value may extend over
/// several lines, so an assignment is tried with more and more of the following lines.
fn first_bad_line(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let mut start = 0;
    for end in 1..=lines.len() {
        if assignments(&lines[start..end].join("\n")).is_some() {
            start = end;
        }
    }
    start + 1
}

#[cfg(test)]
mod tests;
