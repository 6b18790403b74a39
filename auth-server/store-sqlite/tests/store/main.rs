//! The tests of the store on SQLite: what every store promises, and what comes with a file.

mod backstage;
mod conformance;
mod trouble;
