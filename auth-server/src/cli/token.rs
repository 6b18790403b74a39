//! `auth-server token inspect`: what a token says, and whether it would be accepted here.

use std::sync::Arc;

use auth_domain::{ClientId, RefreshTokens};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use goptri::{
    Clock, Compact, Environment, Guard, Kind, Plain, Refusal, SystemClock, TokenType, duration_in_words,
};
use serde_json::{Value, json};

use super::{Failed, read_secret};
use crate::Config;

/// The kind of a token to be looked at.
enum PresentedToken {}
impl Kind for PresentedToken {
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
}

pub(super) fn run(command: Command, environment: &Environment) -> Result<(), Failed> {
    let Command::Inspect { token, json } = command;
    let config = Config::from_environment(environment)?;
    let token: Plain<PresentedToken> = match token {
        Some(token) if token != "-" => Plain::new(token),
        _ => read_secret("Token: ")?,
    };
    let token = token.expose().trim();
    let compact = Compact::parse(token)
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
fn check(token: &str, compact: &Compact<'_>, config: Config) -> (&'static str, Result<(), Refusal>) {
    if compact.is(TokenType::Refresh) {
        let refresh_tokens = RefreshTokens::new(config.refresh_keys, config.issuer, None);
        return ("a refresh token", refresh_tokens.open(token, ClientId::first_party()).map(|_| ()));
    }
    let guard = Guard::new(config.access_verifier(), Arc::new(SystemClock));
    let kind = if compact.is(TokenType::Access) { "an access token" } else { "no token of this server" };
    (kind, guard.check(token).map(|_| ()))
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
            format!("{} ago", duration_in_words(-distance))
        } else {
            format!("in {}", duration_in_words(distance))
        };
        Some(format!("{name:9} {} ({meaning} {words})", time.to_rfc3339_opts(SecondsFormat::Secs, true)))
    };
    [("auth_time", "signed in"), ("iat", "issued"), ("exp", "ends")]
        .into_iter()
        .filter_map(in_words)
        .collect()
}
