//! `auth-server token inspect` and `token revoke`.

mod inspect;

use std::sync::Arc;

use goptri::clock::SystemClock;
use goptri_settings::{Plain, SecretKind};
use serde_json::json;

use super::prompt::read_secret;
use super::{CliError, Context, DatabaseAccess};
use crate::Config;
use crate::error::Failure;
use crate::flow::RevokeToken;

/// The kind of a token from the command line.
enum PresentedToken {}
impl SecretKind for PresentedToken {
    const NAME: &'static str = "token";
}

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Decode a token, verify it if keys are configured, and ask the database, if there is one, for its session
    Inspect {
        /// The token, also with Bearer before it. `-` or nothing reads standard input, which process lists do not show
        #[arg(num_args = 0..=2)]
        token: Vec<String>,
    },
    /// Revoke one access token. Its session lives on
    Revoke {
        /// The token, also with Bearer before it. `-` or nothing reads standard input, which process lists do not show
        #[arg(num_args = 0..=2)]
        token: Vec<String>,
    },
}

pub(super) async fn run(command: Command, context: &Context) -> Result<(), CliError> {
    match command {
        Command::Inspect { token } => inspect::run(&presented(&token)?, context).await,
        Command::Revoke { token } => revoke(&presented(&token)?, context).await,
    }
}

/// The token from the arguments or from standard input, without `Authorization: Bearer`.
fn presented(words: &[String]) -> Result<Plain<PresentedToken>, CliError> {
    let text: Plain<PresentedToken> = match words {
        [] => read_secret("Token: ")?,
        [word] if word == "-" => read_secret("Token: ")?,
        words => Plain::new(words.join(" ")),
    };
    let token = text.expose().split_whitespace().next_back().unwrap_or_default();
    if token.is_empty() {
        return Err(CliError::arguments("give a token as an argument or on standard input"));
    }
    Ok(Plain::new(token.to_owned()))
}

async fn revoke(token: &Plain<PresentedToken>, context: &Context) -> Result<(), CliError> {
    let revoked = context.with_store(DatabaseAccess::Change, Config::read, async |store, config| {
        let verifier = config.access_verifier(config.keys.access.clone());
        let revoke = RevokeToken { store: Arc::clone(store), verifier, clock: Arc::new(SystemClock) };
        revoke.run(token.expose()).await.map_err(|failure| match failure {
            Failure::Refused(error) => {
                CliError::new("invalid_token", format!("there is nothing to revoke: {error}"))
            }
            other => other.into(),
        })
    });
    let jti = revoked.await?;
    let text = format!("Revoked the token {jti}. Its session lives on; `auth-server session end` ends it.");
    context.format.print(&text, &json!({ "jti": jti }))
}
