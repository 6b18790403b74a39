//! Reads passwords, tokens and answers. No secret is ever an argument, which process lists show.

use std::io::{IsTerminal, Read, Write};

use auth_domain::Password;
use goptri_settings::{Plain, SecretKind};

use super::CliError;

/// A secret from a prompt, or all of standard input when that is not a terminal.
pub(super) fn read_secret<K: SecretKind>(prompt: &str) -> Result<Plain<K>, CliError> {
    if std::io::stdin().is_terminal() {
        return Ok(Plain::new(rpassword::prompt_password(prompt).map_err(CliError::io)?));
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(CliError::io)?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(Plain::new(text))
}

/// A new password: asked for twice at a prompt, or read once from standard input.
pub(super) fn read_new_password(prompt: &str) -> Result<Plain<Password>, CliError> {
    let password = read_secret(prompt)?;
    if password.expose().is_empty() {
        let message = "the password is empty; type it at the prompt, or send it to standard input";
        return Err(CliError::new("empty_password", message));
    }
    if std::io::stdin().is_terminal() {
        let again: Plain<Password> = read_secret("The same password again: ")?;
        if again.expose() != password.expose() {
            return Err(CliError::new("passwords_differ", "the two passwords differ; nothing was changed"));
        }
    }
    Ok(password)
}

/// Asks for a yes. Fails without a terminal, where `--yes` is the answer.
pub(super) fn confirm(question: &str) -> Result<(), CliError> {
    if !std::io::stdin().is_terminal() {
        return Err(CliError::new("not_confirmed", "this cannot be undone; confirm it with --yes"));
    }
    write!(std::io::stderr(), "{question} [y/N] ").map_err(CliError::io)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(CliError::io)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(CliError::new("not_confirmed", "nothing was changed")),
    }
}
