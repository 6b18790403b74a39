//! Every procedure of docs/rotating-keys.md, with the real programs under load.

#![expect(clippy::print_stdout, reason = "figures for docs/rotating-keys.md, with --no-capture")]

mod auth_server_down;
mod bad_files;
mod behind_one_address;
mod documented_commands;
mod emergency;
mod fleet;
mod keys;
mod load;
mod other_secrets;
mod planned;
mod secret_to_key_file;
pub(crate) mod session_tokens;
mod users;
