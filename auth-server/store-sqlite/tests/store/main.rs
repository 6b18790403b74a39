//! The tests of the store on SQLite beyond the conformance suite.

#![expect(clippy::disallowed_methods, reason = "tests measure and wait in real time")]

mod clock_set_back;
mod faults;
mod file;
mod upgrading;
