//! What the test suites share.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(missing_docs, clippy::missing_panics_doc, reason = "used by tests only")]

mod answer;
pub mod forge;

pub use answer::{Answer, bearing, get};
