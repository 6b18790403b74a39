//! Measures both servers and, in the same run, the limit of the machine for the same work.
//!
//! An absolute figure says little about another machine, or about the same machine an hour later. So each measurement
//! alternates with a limit: the least work that any implementation has to do. The ratio of the two, the median of
//! several alternations, is compared with a target. A slow result never fails the run; an error or a wrong response
//! does.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]

mod arguments;
mod driver;
mod figures;
mod machine;
mod measures;
mod processes;
mod run;
mod scale;
mod seed;
mod servers;
mod shutdown;
mod tokens;

pub use arguments::{Arguments, run};
pub use tokens::{access_tokens, example_claims, guard};

/// Why there are no figures.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
