//! The parameters of a URL. The driver ignores those that it does not know, and with them, for example, the wish for TLS.

use std::collections::HashSet;
use std::net::IpAddr;

use sqlx::postgres::PgSslMode;
use url::Url;

use crate::hosts::SessionAttrs;

/// The parameters that have an effect, as libpq spells them.
const SUPPORTED: [&str; 14] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "target_session_attrs",
    "user",
];

/// Why a parameter cannot be used. Displays its name and never its value.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParameter {
    /// No parameter has this name, or it is not supported.
    #[error("the parameter {name} is not supported{hint}; supported are {}", SUPPORTED.join(", "))]
    Unsupported {
        /// The name.
        name: String,
        /// What to write instead, or nothing.
        hint: &'static str,
    },
    /// The name may be a part of a password that contains `&`.
    #[error(
        "one of the parameters is not supported (its name is not shown, because it may be a part of the password; & must \
         be percent-encoded as %26); supported are {}", SUPPORTED.join(", ")
    )]
    Hidden,
    /// Only one value would count.
    #[error("the parameter {0} occurs twice")]
    Repeated(&'static str),
    /// The value cannot be parsed.
    #[error("the parameter {name} must be {expected}")]
    Value {
        /// The name.
        name: &'static str,
        /// The valid values.
        expected: &'static str,
    },
    /// The driver verifies no certificate in other modes.
    #[error("the parameter sslrootcert has no effect without sslmode=verify-ca or sslmode=verify-full")]
    UnusedRootCertificate,
}

/// Checks that every parameter has an effect.
pub(crate) fn check(url: &Url) -> Result<(), InvalidParameter> {
    let pairs: Vec<_> = url.query_pairs().collect();
    let has_password = pairs.iter().any(|(key, _)| key == "password");
    let mut seen = HashSet::new();
    for (key, value) in &pairs {
        let Some(name) = supported(key) else { return Err(unsupported(key, has_password)) };
        if !seen.insert(name) && name != "options" {
            return Err(InvalidParameter::Repeated(name));
        }
        if let Some(expected) = expected_instead_of(name, value) {
            return Err(InvalidParameter::Value { name, expected });
        }
    }
    let verifies = pairs.iter().any(|(key, value)| {
        supported(key) == Some("sslmode")
            && matches!(value.parse(), Ok(PgSslMode::VerifyCa | PgSslMode::VerifyFull))
    });
    if seen.contains("sslrootcert") && !verifies {
        return Err(InvalidParameter::UnusedRootCertificate);
    }
    Ok(())
}

/// Which of several hosts is used. `None`: the URL does not say.
pub(crate) fn session_attrs(url: &Url) -> Option<SessionAttrs> {
    let (_, value) = url.query_pairs().find(|(key, _)| key == "target_session_attrs")?;
    Some(if value == "any" { SessionAttrs::Any } else { SessionAttrs::ReadWrite })
}

/// The parameter with this name or with another spelling that the driver accepts.
fn supported(key: &str) -> Option<&'static str> {
    let name = match key {
        "ssl-mode" => "sslmode",
        "ssl-root-cert" | "ssl-ca" => "sslrootcert",
        "ssl-cert" => "sslcert",
        "ssl-key" => "sslkey",
        _ if key.starts_with("options[") && key.ends_with(']') => "options",
        other => other,
    };
    SUPPORTED.into_iter().find(|supported| *supported == name)
}

fn unsupported(key: &str, has_password: bool) -> InvalidParameter {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if has_password || key.is_empty() || !key.chars().all(is_name) {
        return InvalidParameter::Hidden;
    }
    let hint = match key {
        "ssl" | "requiressl" => " (for TLS, write sslmode=require, or better sslmode=verify-full)",
        "load_balance_hosts" => " (of several hosts, the one that accepts writes is used)",
        "connect_timeout" => " (a connection that is not open after 4 s is given up)",
        _ => "",
    };
    InvalidParameter::Unsupported { name: key.to_owned(), hint }
}

/// What the value must be, if it is not.
fn expected_instead_of(name: &str, value: &str) -> Option<&'static str> {
    let (valid, expected) = match name {
        "sslmode" => (
            value.parse::<PgSslMode>().is_ok(),
            "one of disable, allow, prefer, require, verify-ca and verify-full",
        ),
        // One for each host, or one for all.
        "port" => (value.split(',').all(|port| port.parse::<u16>().is_ok()), "a number up to 65535"),
        "hostaddr" => (value.split(',').all(|address| address.parse::<IpAddr>().is_ok()), "an IP address"),
        "target_session_attrs" => {
            (matches!(value, "any" | "read-write"), "read-write or any, because auth-server writes")
        }
        "statement-cache-capacity" => (value.parse::<usize>().is_ok(), "a number"),
        _ => (true, ""),
    };
    (!valid).then_some(expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(query: &str) -> Option<String> {
        let url = format!("postgres://ann:hunter2@localhost/goptri?{query}");
        check(&url.parse().unwrap()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_parameter_without_effect_is_an_error_that_names_it_and_never_its_value() {
        for name in [
            "ssl",
            "requiressl",
            "channel_binding",
            "sslmod",
            "SSLMODE",
            "load_balance_hosts",
            "connect_timeout",
            "keepalives",
            "gssencmode",
            "passfile",
            "service",
            "pgbouncer",
            "connection_limit",
            "client_encoding",
            "currentSchema",
        ] {
            let problem = problem(&format!("sslmode=require&{name}=hunter3")).unwrap();
            assert!(problem.starts_with(&format!("the parameter {name} is not supported")), "{problem}");
            assert!(problem.contains("statement-cache-capacity") && !problem.contains("hunter"), "{problem}");
        }
    }

    #[test]
    fn a_value_without_meaning_is_an_error_that_does_not_show_it() {
        for (query, expected) in [
            ("sslmode=hunter3", "the parameter sslmode must be one of disable, allow"),
            ("sslmode=", "the parameter sslmode must be one of"),
            ("port=hunter3", "the parameter port must be a number up to 65535"),
            ("hostaddr=hunter3", "the parameter hostaddr must be an IP address"),
            ("port=1,hunter3", "the parameter port must be a number up to 65535"),
            ("target_session_attrs=hunter3", "the parameter target_session_attrs must be read-write or any"),
            (
                "target_session_attrs=read-only",
                "the parameter target_session_attrs must be read-write or any",
            ),
            (
                "target_session_attrs=prefer-standby",
                "the parameter target_session_attrs must be read-write or any",
            ),
            (
                "target_session_attrs=any&target_session_attrs=any",
                "the parameter target_session_attrs occurs twice",
            ),
            ("statement-cache-capacity=hunter3", "the parameter statement-cache-capacity must be a number"),
            ("sslmode=disable&ssl-mode=require", "the parameter sslmode occurs twice"),
            ("password=a&hunter3", "one of the parameters is not supported"),
            ("sslrootcert=ca.pem&sslmode=require", "the parameter sslrootcert has no effect"),
            ("sslrootcert=ca.pem", "the parameter sslrootcert has no effect"),
        ] {
            let problem = problem(query).unwrap_or_default();
            assert!(problem.starts_with(expected) && !problem.contains("hunter"), "{query}: {problem}");
        }
    }

    #[test]
    fn every_supported_parameter_is_accepted() {
        for query in [
            "",
            "host=/run/a,/run/b&port=1,2&target_session_attrs=read-write",
            "hostaddr=127.0.0.1,::1&target_session_attrs=any",
            "host=/run/postgresql&port=5433&dbname=goptri&user=ann&password=x",
            "hostaddr=127.0.0.1&application_name=goptri&statement-cache-capacity=0",
            "sslmode=verify-full&sslrootcert=ca.pem&sslcert=ann.pem&sslkey=ann.key",
            "ssl-mode=VERIFY-CA&ssl-ca=ca.pem",
            "options=-csearch_path%3Dapp&options[jit]=off",
        ] {
            assert_eq!(problem(query), None, "{query}");
        }
    }
}
