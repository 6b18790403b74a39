//! Parses the URL of a database.

use std::str::FromStr;

use sqlx::Error;
use sqlx::postgres::PgConnectOptions;
use url::Url;

use crate::hosts::{Hosts, MAX_HOSTS, SessionAttrs, one_url_each, with_first_host};
use crate::parameters::{self, InvalidParameter};

/// Why a URL cannot be used. Displays no part of it except names of parameters, because it may contain a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// A special character in the user or password ends it early.
    #[error(
        "an @ follows a /, ? or #; these characters must be percent-encoded in the user and the password (/ as %2F, ? as \
         %3F, # as %23, @ as %40, % as %25)"
    )]
    Unescaped,
    /// It has a fragment, which has no meaning.
    #[error("it contains a #; in a user, password or parameter it must be percent-encoded as %23")]
    Fragment,
    /// It is not a URL.
    #[error(
        "{0}; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded (@ as %40, / as \
         %2F)"
    )]
    Syntax(String),
    /// A parameter cannot be used.
    #[error(transparent)]
    Parameter(#[from] InvalidParameter),
    /// A list of hosts has an empty place.
    #[error("a host is missing in the list; write HOST:PORT,HOST:PORT without a comma before or after it")]
    EmptyHost,
    /// There are not as many of something as hosts.
    #[error(
        "the numbers of hosts ({hosts}) and {of} ({others}) differ; write one for each host, or one port for all"
    )]
    Counts {
        /// The number of hosts.
        hosts: usize,
        /// The number of the others.
        others: usize,
        /// What the others are.
        of: &'static str,
    },
    /// A list of hosts is too long.
    #[error("it has {0} hosts; it may have {MAX_HOSTS}")]
    TooManyHosts(usize),
}

/// The servers that a URL names, and how to connect to them.
pub(crate) fn parse(url: &str) -> Result<Hosts, InvalidUrl> {
    // Otherwise the beginning of the password would be taken for the port, and appear in errors.
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    if rest.split_once(['/', '?', '#']).is_some_and(|(_, path)| path.contains('@')) {
        return Err(InvalidUrl::Unescaped);
    }
    if rest.contains('#') {
        return Err(InvalidUrl::Fragment);
    }
    let checked = Url::parse(&with_first_host(url)).map_err(|error| InvalidUrl::Syntax(error.to_string()))?;
    parameters::check(&checked)?;
    let urls = one_url_each(url)?;
    let attrs = parameters::session_attrs(&checked).unwrap_or(match urls.len() {
        1 => SessionAttrs::Any,
        _ => SessionAttrs::ReadWrite,
    });
    for url in &urls {
        parameters::check(&Url::parse(url).map_err(|error| InvalidUrl::Syntax(error.to_string()))?)?;
    }
    let options = urls.iter().map(|url| one_host(url)).collect::<Result<_, _>>()?;
    Ok(Hosts { options, attrs })
}

/// How to connect to the only host of a URL.
fn one_host(url: &str) -> Result<PgConnectOptions, InvalidUrl> {
    let options = PgConnectOptions::from_str(url).map_err(|error| {
        InvalidUrl::Syntax(match error {
            Error::Configuration(cause) => cause.to_string(),
            other => other.to_string(),
        })
    })?;
    // No statement returns a floating-point number, and PgBouncer before 1.20 refuses this setting.
    let options = options.extra_float_digits(None);
    Ok(if options.get_application_name().is_none() { options.application_name("goptri") } else { options })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_url_is_rejected_without_showing_any_part_of_a_password() {
        for url in [
            "postgres://ann:hunter2@localhost:notaport/goptri",
            "postgres://ann:7/hunter2@localhost/goptri",
            "postgres://ann:hunter2/7@localhost/goptri",
            "postgres://ann:7?hunter2@localhost/goptri",
            "postgres://ann:7?hunter2=1@localhost/goptri",
            "postgres://ann:7#hunter2@localhost/goptri",
            "postgres://ann:hunter2#@localhost:5432/goptri?sslmode=require",
            "postgres://ann:hunter2@",
            "postgres://ann@localhost/goptri?password=7#hunter2",
        ] {
            let error = parse(url).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2") && shown.contains("percent-encoded"), "{url}: {shown}");
        }
    }
}
