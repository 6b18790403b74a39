//! Logs, on standard error, as text or as JSON.
//!
//! Logging never blocks, fails or panics: lines wait in a bounded buffer for a thread that writes them.

mod limits_per_kind;
mod line_buffer;
mod line_limit;
mod line_writer;
mod panics;
mod stderr;

use std::io::IsTerminal;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use goptri_settings::Settings;

use crate::variables::warn_unknown_variables;

use limits_per_kind::LimitLayer;
pub use line_limit::LineLimit;
pub use stderr::{Stderr, flush_log, print_error};

/// At more verbose levels, these modules log what they send and receive, secrets included. `RUST_LOG` cannot enable
/// that.
const MAX_LEVELS: [(&str, LevelFilter); 17] = [
    ("actix_http", LevelFilter::WARN),
    ("actix_rt", LevelFilter::WARN),
    ("actix_server", LevelFilter::WARN),
    ("actix_web", LevelFilter::WARN),
    // Repeats the line of the request.
    ("goptri::bearer::check", LevelFilter::WARN),
    ("h2", LevelFilter::INFO),
    ("hyper", LevelFilter::INFO),
    ("hyper_util", LevelFilter::INFO),
    ("mio", LevelFilter::INFO),
    ("reqwest", LevelFilter::INFO),
    ("rustls", LevelFilter::INFO),
    ("sqlx", LevelFilter::WARN),
    ("sqlx_core", LevelFilter::WARN),
    ("sqlx_postgres", LevelFilter::WARN),
    // Warns of each unknown URL parameter with its value, which may be a password.
    ("sqlx_postgres::options", LevelFilter::ERROR),
    ("sqlx_sqlite", LevelFilter::WARN),
    ("tokio", LevelFilter::INFO),
];

/// Starts logging, at the levels of `RUST_LOG` (default `info`), in the format of `LOG_FORMAT` (`text` or `json`).
///
/// Does nothing if this process logs already, as in tests and in `cargo dev`.
pub fn log_to_stderr(settings: &Settings<'_>) {
    let levels = settings.value("RUST_LOG", "info", parse_levels);
    let json = settings.value("LOG_FORMAT", "text", |text| match text {
        "text" => Ok(false),
        "json" => Ok(true),
        other => Err(format!("is {other:?}; it must be text or json")),
    });
    let (Some(levels), Some(json)) = (levels, json) else { return };
    // In a file, colours would be control characters.
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt()
        .with_writer(Stderr::start())
        // They would go to standard error directly, and panic if it is not writable.
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_max_level(LevelFilter::TRACE);
    let capped = filter_fn(|event| is_within_max_level(event.target(), *event.level()));
    let limited = LimitLayer(Stderr::limits());
    let started = if json {
        lines.json().finish().with(levels).with(capped).with(limited).try_init()
    } else {
        lines.finish().with(levels).with(capped).with(limited).try_init()
    };
    if started.is_ok() {
        panics::log_panics();
    }
    warn_unknown_variables(settings.environment());
    if settings.environment().dotenv_is_world_readable() {
        tracing::warn!("every user of this machine can read .env, which may have secrets; `chmod 600 .env`");
    }
}

/// The levels of a list such as `info,auth_server=debug`.
///
/// `Targets` takes a word that is not a level for a module, all of which is then logged. That is an error here.
fn parse_levels(list: &str) -> Result<Targets, String> {
    let is_level = |word: &str| word.parse::<LevelFilter>().is_ok();
    let words: Vec<_> = list.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
    match words.iter().find(|word| !word.contains(['=', ':', '[']) && !is_level(word)) {
        Some(word) => Err(format!(
            "has {word:?}, which is not a level: error, warn, info, debug, trace or off, for one module MODULE=LEVEL"
        )),
        None => words.join(",").parse().map_err(|error| format!("is not a list of log levels: {error}")),
    }
}

fn is_within_max_level(target: &str, level: tracing::Level) -> bool {
    let is_in = |module: &str| {
        target.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    MAX_LEVELS.iter().all(|(module, cap)| level <= *cap || !is_in(module))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// OP-03
    #[test]
    fn no_log_level_makes_a_library_log_what_it_sends() {
        for (target, level, expected) in [
            ("sqlx::query", Level::WARN, true),
            ("sqlx::query", Level::INFO, false),
            ("sqlx_core::pool", Level::DEBUG, false),
            ("sqlx_postgres::connection", Level::TRACE, false),
            ("sqlx_postgres::options::parse", Level::WARN, false),
            ("sqlx_sqlite::connection", Level::INFO, false),
            ("actix_http::h1::dispatcher", Level::WARN, true),
            ("actix_server::builder", Level::INFO, false),
            ("actix_http", Level::TRACE, false),
            ("auth_server::flow", Level::TRACE, true),
            ("sqlxample", Level::TRACE, true),
        ] {
            assert_eq!(is_within_max_level(target, level), expected, "{target} {level}");
        }
    }

    #[test]
    fn a_module_has_its_own_level() {
        let levels = parse_levels("warn, auth_server=debug,sqlx=off,").unwrap();
        for (target, level, expected) in [
            ("auth_server::flow", Level::DEBUG, true),
            ("auth_server::flow", Level::TRACE, false),
            ("api_server", Level::WARN, true),
            ("api_server", Level::INFO, false),
            ("sqlx::query", Level::ERROR, false),
        ] {
            assert_eq!(levels.would_enable(target, &level), expected, "{target} {level}");
        }
    }

    #[test]
    fn a_word_that_is_not_a_level_is_rejected() {
        for good in ["info", "WARN", "off", "info,auth_server=debug", "auth_server::flow", "warn, sqlx=off,"]
        {
            assert!(parse_levels(good).is_ok(), "{good}");
        }
        for (bad, word) in [("loud", "loud"), ("info,verbose", "verbose"), ("auth_server", "auth_server")] {
            let error = parse_levels(bad).unwrap_err();
            assert!(
                error.starts_with(&format!("has {word:?}, which is not a level: error, warn")),
                "{error}"
            );
        }
    }
}
