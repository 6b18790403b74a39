//! How a user is printed.

use auth_domain::{Role, User};
use serde_json::{Value, json};

use crate::cli::output::minute;
use crate::cli::{CliError, Format};
use crate::rfc3339::rfc3339;

/// Prints a text, or the user as JSON, with the number of ended sessions where a command ends them.
pub(super) fn print_user(
    format: Format,
    user: &User,
    text: &str,
    ended_sessions: Option<u64>,
) -> Result<(), CliError> {
    let mut json = to_json(user);
    if let Some(ended) = ended_sessions {
        json["ended_sessions"] = ended.into();
    }
    format.print(text, &json)
}

pub(super) fn to_json(user: &User) -> Value {
    json!({
        "id": user.id,
        "email": user.email.as_str(),
        "email_verified": user.email_verified,
        "roles": user.roles,
        "created_at": rfc3339(user.created_at),
        "disabled_at": user.disabled_at.map(rfc3339),
    })
}

/// All that is known of a user, one line each.
pub(super) fn details(user: &User) -> String {
    let disabled = user.disabled_at.map_or("no".to_owned(), |since| format!("since {} UTC", minute(since)));
    let lines = [
        ("id", user.id.to_string()),
        ("email", user.email.to_string()),
        ("confirmed", if user.email_verified { "yes" } else { "no" }.to_owned()),
        ("roles", role_names(&user.roles)),
        ("created", format!("{} UTC", minute(user.created_at))),
        ("disabled", disabled),
    ];
    lines.map(|(name, value)| format!("{name:10} {value}")).join("\n")
}

/// The roles, separated by commas; a dash for none.
pub(super) fn role_names(roles: &[Role]) -> String {
    match roles {
        [] => "-".to_owned(),
        roles => roles.iter().map(Role::as_str).collect::<Vec<_>>().join(","),
    }
}

/// Whether the user can sign in, and whether the address is confirmed.
pub(super) fn state(user: &User) -> &'static str {
    match (user.disabled_at, user.email_verified) {
        (Some(_), _) => "disabled",
        (None, true) => "confirmed",
        (None, false) => "unconfirmed",
    }
}
