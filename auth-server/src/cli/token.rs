//! `auth-server token inspect`: what a token says, and whether it would be accepted here.

use std::sync::Arc;

use auth_domain::{ClientId, RefreshTokens};
use chrono::{DateTime, TimeDelta, Utc};
use goptri::{Clock, Guard, SystemClock, TokenError, TokenType, UnverifiedJws};
use goptri_settings::{Environment, Plain, SecretKind, Settings, describe_duration};
use serde_json::{Value, json};

use super::{Failed, StoreSettings, read_secret};
use crate::Config;
use crate::error::Failure;
use crate::flow::RevokeToken;
use crate::rfc3339::rfc3339;

/// The kind of a token to be looked at.
enum PresentedToken {}
impl SecretKind for PresentedToken {
    const NAME: &'static str = "token";
}

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Decode a token, check it against this configuration, and say in words why it would be refused
    Inspect {
        /// The token; `-` or nothing reads it from standard input, where no process list shows it
        token: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put one access token on the blacklist; its session goes on
    Revoke {
        /// The token; `-` or nothing reads it from standard input, where no process list shows it
        token: Option<String>,
    },
}

pub(super) async fn run(command: Command, environment: &Environment) -> Result<(), Failed> {
    match command {
        Command::Inspect { token, json } => inspect(token, json, environment),
        Command::Revoke { token } => revoke(token, environment).await,
    }
}

/// From the argument, or from where no process list shows it.
fn presented(token: Option<String>) -> Result<Plain<PresentedToken>, Failed> {
    match token {
        Some(token) if token != "-" => Ok(Plain::new(token)),
        _ => read_secret("Token: "),
    }
}

async fn revoke(token: Option<String>, environment: &Environment) -> Result<(), Failed> {
    let settings = Settings::new(environment);
    let (store, config) = (StoreSettings::read(&settings), Config::read(&settings));
    let (store, config) = settings.into_result(store.zip(config))?;
    let token = presented(token)?;
    let store = store.open().await?;
    let verifier = config.access_verifier(config.keys.access.clone());
    let revoke = RevokeToken { store: Arc::clone(&store), verifier, clock: Arc::new(SystemClock) };
    let jti = revoke.run(token.expose().trim()).await.map_err(|failure| match failure {
        Failure::Refused(invalid) => Failed::because(format!("There is nothing to revoke: {invalid}.")),
        failure => failure.into(),
    })?;
    store.close().await;
    println!("Revoked the token {jti}. Its session goes on; `auth-server session end` ends that.");
    Ok(())
}

fn inspect(token: Option<String>, json: bool, environment: &Environment) -> Result<(), Failed> {
    let config = Config::from_environment(environment)?;
    let token = presented(token)?;
    let token = token.expose().trim();
    let compact = UnverifiedJws::parse(token)
        .map_err(|refusal| Failed::because(format!("this cannot be read as a token: {refusal}")))?;
    let header = readable(compact.header_json());
    let payload = compact.payload_json().map(|text| readable(&text)).unwrap_or_default();
    let (kind, checked) = check(token, &compact, config);
    if json {
        let refused = checked.as_ref().err().map(ToString::to_string);
        println!(
            "{}",
            json!({ "kind": kind, "header": header, "claims": payload, "accepted": checked.is_ok(), "reason": refused })
        );
    } else {
        println!("header  {header:#}\nclaims  {payload:#}");
        for line in times(&payload, SystemClock.now()) {
            println!("{line}");
        }
        match &checked {
            Ok(()) => println!("It is {kind}, and it would be accepted here, unless its session has ended."),
            Err(_) => println!("It is {kind}."),
        }
    }
    checked.map_err(|refusal| Failed::because(format!("it would be refused: {refusal}")))
}

/// Which kind of token it says to be, and whether it passes that kind's check.
fn check(token: &str, compact: &UnverifiedJws<'_>, config: Config) -> (&'static str, Result<(), TokenError>) {
    if compact.is(TokenType::Refresh) {
        let refresh_tokens = RefreshTokens::new(config.keys.refresh, config.issuer, None);
        return ("a refresh token", refresh_tokens.open(token, ClientId::first_party()).map(|_| ()));
    }
    let verifier = config.access_verifier(config.keys.access.clone());
    let guard = Guard::new(verifier, Arc::new(SystemClock));
    let kind = if compact.is(TokenType::Access) { "an access token" } else { "no token of this server" };
    (kind, guard.verify(token).map(|_| ()))
}

fn readable(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or_default()
}

/// The claims that are times, in words.
fn times(claims: &Value, now: DateTime<Utc>) -> Vec<String> {
    let in_words = |(name, meaning): (&str, &str)| {
        let time = DateTime::from_timestamp(claims[name].as_i64()?, 0)?;
        let distance = time - now;
        let words = if distance < TimeDelta::zero() {
            format!("{} ago", describe_duration(-distance))
        } else {
            format!("in {}", describe_duration(distance))
        };
        Some(format!("{name:9} {} ({meaning} {words})", rfc3339(time)))
    };
    [("auth_time", "signed in"), ("iat", "issued"), ("exp", "ends")]
        .into_iter()
        .filter_map(in_words)
        .collect()
}
