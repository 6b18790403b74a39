//! How fast both servers are, beside what this machine could do at best, measured in the same run.
//!
//! A figure alone says little on another machine, and little on the same one an hour later. So each is measured in alternation
//! with a limit: the least work that anybody would have to do for the same thing. What is judged is the ratio of the
//! two, the median of several alternations. Nothing fails for being slow; an error or a wrong answer is a failure, for a
//! bench that measures errors is worth nothing.

mod arguments;
mod driver;
mod ending;
mod figures;
mod machine;
mod measures;
mod processes;
mod scale;
mod servers;
mod stage;
mod tokens;

pub use arguments::{Arguments, run};
pub use tokens::{access_tokens, guard, someone};

/// Why there are no figures, in words.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;
