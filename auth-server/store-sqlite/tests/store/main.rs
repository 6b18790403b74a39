//! The tests of the store on SQLite: what every store promises, and what comes with a file.

mod conformance;
mod file;
mod probe;
