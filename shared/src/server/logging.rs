//! Logs go to standard error, as text or as JSON.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use crate::Settings;

/// At `trace` these write out what they send and receive, secrets included; no `RUST_LOG` may turn that on.
const CAPPED: [&str; 12] = [
    "actix_http=info",
    "actix_server=info",
    "actix_web=info",
    "h2=info",
    "hyper=info",
    "hyper_util=info",
    "mio=info",
    "reqwest=info",
    "rustls=info",
    "sqlx=warn",
    "tokio=info",
    "tungstenite=info",
];

/// Starts logging as `RUST_LOG` (default `info`) and `LOG_FORMAT` (`text` or `json`) say.
///
/// Does nothing when this process logs already.
pub fn log_to_stderr(settings: &Settings<'_>) {
    let filter = settings.value("RUST_LOG", "info", filter);
    let json = settings.value("LOG_FORMAT", "text", |text| match text {
        "text" => Ok(false),
        "json" => Ok(true),
        other => Err(format!("is {other:?}; it is either text or json")),
    });
    let (Some(filter), Some(json)) = (filter, json) else { return };
    // Colours are for a terminal; in a file they are control characters.
    let colours = std::io::stderr().is_terminal();
    let lines =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(colours).with_env_filter(filter);
    // A second start in one process, as in tests and in `cargo dev`, keeps the first one's logs.
    let _ = if json { lines.json().try_init() } else { lines.try_init() };
}

fn filter(directives: &str) -> Result<EnvFilter, String> {
    let wrong = |error: ParseError| format!("is no list of log levels: {error}");
    let mut filter = EnvFilter::try_new(directives).map_err(wrong)?;
    for cap in CAPPED {
        filter = filter.add_directive(cap.parse().map_err(wrong)?);
    }
    Ok(filter)
}
