//! The errors of several addresses, reported together.

use std::fmt;

use crate::ListenError;

/// The addresses that a server cannot listen on, one a line.
#[derive(Debug)]
pub struct ListenErrors(Vec<ListenError>);

impl ListenErrors {
    /// Returns both listeners.
    ///
    /// # Errors
    /// The errors of both, if both have failed.
    pub fn combine<A, B>(a: Result<A, ListenError>, b: Result<B, ListenError>) -> Result<(A, B), Self> {
        match (a, b) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (a, b) => Err(Self(a.err().into_iter().chain(b.err()).collect())),
        }
    }
}

impl fmt::Display for ListenErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for ListenErrors {}
