//! Every procedure of docs/rotating-keys.md, played with the real servers while people use them.

#![expect(clippy::print_stdout, reason = "figures for docs/rotating-keys.md, with --no-capture")]

mod away;
mod bad_files;
mod behind_one_address;
mod emergency;
mod fleet;
mod keys;
mod load;
mod moving;
mod other_secrets;
mod page;
mod people;
mod planned;
mod session_tokens;
