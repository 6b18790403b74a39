//! The variables that may stand in `.env`.

use goptri_settings::Environment;

/// Every variable of both servers, because they can share one `.env`, and those of Compose, which reads `.env` too.
pub const KNOWN_VARIABLES: [&str; 51] = [
    "ACCESS_TOKEN_KEY_FILE",
    "ACCESS_TOKEN_SECRET",
    "ACCESS_TOKEN_SECRET_FILE",
    "ACCESS_TOKEN_SIGNED_BY",
    "ACCESS_TOKEN_TTL",
    "API_SERVER_ADDR",
    "API_SERVER_SECRETS_DIR",
    "AUDIENCE",
    "AUTH_SERVER_ADDR",
    "AUTH_SERVER_CA_FILE",
    "AUTH_SERVER_SECRETS_DIR",
    "AUTH_SERVER_URL",
    "AUTO_MIGRATE",
    "BRAND_FILE",
    "CLOCK_LEEWAY",
    "CORS_ORIGINS",
    "DATABASE_CONNECTIONS",
    "DATABASE_URL",
    "DATABASE_URL_FILE",
    "DEFAULT_SCOPE",
    "FEED_SECRET",
    "FEED_SECRET_FILE",
    "ISSUER",
    "KEEP_ALIVE",
    "LOG_FORMAT",
    "METRICS_ADDR",
    "ON_STALE",
    "PASSWORD_MIN_LENGTH",
    "PHOTOS_DIR",
    "POSTGRES_PASSWORD",
    "REFRESH_BATCHING",
    "REFRESH_FORGIVENESS",
    "REFRESH_GRACE",
    "REFRESH_ROTATION",
    "REFRESH_TOKEN_IDLE_TTL",
    "REFRESH_TOKEN_SECRET",
    "REFRESH_TOKEN_SECRET_FILE",
    "REFRESH_TOKEN_TTL",
    "REGISTRATION",
    "REQUEST_LOG",
    "RETURN_ORIGINS",
    "REVOCATION_MAX_STALENESS",
    "RUST_BACKTRACE",
    "RUST_LOG",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_NAME",
    "SHUTDOWN_DELAY",
    "TLS_CERT_FILE",
    "TLS_KEY_FILE",
    "TRUSTED_PROXIES",
    "VERIFIED_CACHE_ENTRIES",
];

/// Logs a warning for each variable in `.env` that is not known, with the known name that may have been meant, and for
/// each `NAME_FILE`, wherever it is set, if only `NAME` is known.
pub(crate) fn warn_unknown_variables(environment: &Environment) {
    for (variable, similar) in environment.unknown_in_dotenv(&KNOWN_VARIABLES) {
        match similar {
            Some(similar) => {
                tracing::warn!(variable, "unknown variable in .env, ignored; did you mean {similar}?");
            }
            None if variable.starts_with("COMPOSE_") => {}
            None => tracing::warn!(variable, "unknown variable in .env, ignored"),
        }
    }
    let unread = KNOWN_VARIABLES.map(|name| format!("{name}_FILE"));
    for variable in unread.iter().filter(|name| !KNOWN_VARIABLES.contains(&name.as_str())) {
        if environment.get(variable).is_some() {
            tracing::warn!(variable, "ignored: only secrets and DATABASE_URL are read from files");
        }
    }
}
