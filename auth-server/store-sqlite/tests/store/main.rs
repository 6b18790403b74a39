//! The tests of the store on SQLite: what every store promises, and what comes with a file.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]

mod conformance;
mod file;
mod probe;
