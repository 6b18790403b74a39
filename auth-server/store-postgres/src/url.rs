//! Parses the URL of a database.

use std::str::FromStr;

use auth_store::StoreError;
use sqlx::Error;
use sqlx::postgres::PgConnectOptions;

/// The URL cannot be used. Displays no part of it, because it may contain a password.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded (@ as %40, / as \
     %2F)"
)]
struct InvalidUrl(String);

/// The options in a URL.
pub(crate) fn parse(url: &str) -> Result<PgConnectOptions, StoreError> {
    let invalid = |reason| StoreError::Conflict(Box::new(InvalidUrl(reason)));
    // After an unencoded / or ? in the password, its beginning would be taken for the port, and appear in errors.
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.split_once(['/', '?', '#']).is_some_and(|(_, path)| path.contains('@')) {
        return Err(invalid("there is an @ after the host".to_owned()));
    }
    let options = PgConnectOptions::from_str(url).map_err(|error| {
        invalid(match error {
            Error::Configuration(cause) => cause.to_string(),
            other => other.to_string(),
        })
    })?;
    Ok(if options.get_application_name().is_none() { options.application_name("goptri") } else { options })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_is_refused_without_showing_any_part_of_a_password() {
        for url in [
            "postgres://ann:hunter2@localhost:notaport/goptri",
            "postgres://ann:7/hunter2@localhost/goptri",
            "postgres://ann:7?hunter2@localhost/goptri",
            "postgres://ann:7#hunter2@localhost/goptri",
            "postgres://ann:hunter2@localhost/goptri?sslmode=sometimes",
            "postgres://ann:hunter2@",
        ] {
            let error = parse(url).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2") && shown.contains("percent-encoded"), "{url}: {shown}");
        }
    }
}
