//! The address of auth-server, as a follower reaches it.

use goptri_settings::{Settings, read_text_file, restore_pem_layout};
use reqwest::Certificate;
use url::{Host, Url};

use super::tokens::{ISSUER, parse_base_url};
use crate::auth_server::AuthServer;

/// `AUTH_SERVER_URL` (default: `ISSUER`) and `AUTH_SERVER_CA_FILE`.
pub fn auth_server(settings: &Settings<'_>) -> Option<AuthServer> {
    let (url, roots) = (auth_server_url(settings), auth_server_roots(settings));
    AuthServer::new(&url?, &roots?).map_err(|problem| settings.report("AUTH_SERVER_URL", problem)).ok()
}

fn auth_server_url(settings: &Settings<'_>) -> Option<String> {
    if settings.is_set("AUTH_SERVER_URL") {
        return settings
            .value("AUTH_SERVER_URL", "", |text| check_auth_server_url(text).map(|()| text.to_owned()));
    }
    // Its errors are reported where `ISSUER` itself is read.
    let issuer = settings.get("ISSUER").unwrap_or(ISSUER);
    parse_base_url(issuer).ok().map(|_| issuer.to_owned())
}

fn auth_server_roots(settings: &Settings<'_>) -> Option<Vec<Certificate>> {
    let roots = settings.optional("AUTH_SERVER_CA_FILE", |path| {
        let pem = read_text_file(path)?;
        match Certificate::from_pem_bundle(restore_pem_layout(&pem).as_bytes()) {
            Ok(roots) if !roots.is_empty() => Ok(roots),
            _ => Err(format!("names the file {path:?}, which has no certificates in PEM")),
        }
    });
    roots.map(Option::unwrap_or_default).ok()
}

/// Checks a base URL. Accepts plain http on private networks too, such as those of Compose or of a cluster.
pub(crate) fn check_auth_server_url(text: &str) -> Result<(), String> {
    match Url::parse(text) {
        Ok(url) if url.scheme() == "http" && url.host().is_some_and(|host| is_private(&host)) => {
            parse_base_url(&text.replacen("http:", "https:", 1)).map(drop)
        }
        _ => parse_base_url(text).map(drop).map_err(|problem| {
            problem.replace("plain http is for localhost only", "plain http is for private networks only")
        }),
    }
}

/// Returns whether the host is an address of a private network, or a name that resolves only in one.
fn is_private(host: &Host<&str>) -> bool {
    match host {
        Host::Ipv4(address) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Host::Ipv6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Host::Domain(name) => {
            !name.contains('.')
                || [".localhost", ".local", ".internal"].iter().any(|private| name.ends_with(private))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::*;
    use goptri_settings::Environment;

    const SECRET: (&str, &str) = ("FEED_SECRET", "feed-5f2a9c4be1d078365f2a9c4be1d07836");

    fn errors_of(more: &[(&str, &str)]) -> String {
        let environment = Environment::from_pairs([&[SECRET], more].concat());
        let settings = Settings::new(&environment);
        let feed =
            optional_feed_secrets(&settings).ok().zip(auth_server(&settings)).zip(staleness(&settings));
        settings.into_result(feed).map_or_else(|errors| errors.to_string(), |_| String::new())
    }

    /// OP-04
    #[test]
    fn auth_server_is_reached_over_tls_or_on_a_private_network() {
        for url in [
            "https://login.example.com",
            "https://login.example.com/auth",
            "http://localhost:4000",
            "http://127.0.0.1:4000",
            "http://[::1]:4000",
            "http://auth-server:4000",
            "http://10.1.2.3:4000",
            "http://192.168.1.2",
            "http://[fd00::1]:4000",
            "http://auth.goptri.svc.cluster.local:4000",
            "http://auth.internal",
        ] {
            assert_eq!(errors_of(&[("AUTH_SERVER_URL", url)]), "", "{url}");
        }
        for (url, problem) in [
            ("http://login.example.com", "plain http is for private networks only"),
            ("http://8.8.8.8", "plain http is for private networks only"),
            ("http://172.32.0.1", "plain http is for private networks only"),
            ("http://auth-server:4000/", "it must not end with a slash"),
            ("http://me:pw@auth-server", "a user or a password"),
            ("http://auth-server?x=1", "no query"),
            ("ftp://auth-server", "it must start with https://"),
            ("auth-server", "which has no scheme; write https://auth-server"),
        ] {
            let error = errors_of(&[("AUTH_SERVER_URL", url)]);
            assert!(error.contains("\n  AUTH_SERVER_URL is") && error.contains(problem), "{url}: {error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn the_default_is_the_issuer_whose_error_is_reported_once() {
        assert_eq!(errors_of(&[("ISSUER", "https://login.example.com")]), "");
        let environment = Environment::from_pairs([SECRET, ("ISSUER", "http://login.example.com")]);
        let settings = Settings::new(&environment);
        let both = issuer(&settings).zip(auth_server(&settings));
        assert_eq!(settings.into_result(both).unwrap_err().0.len(), 1);
    }

    #[test]
    fn each_error_has_its_own_message() {
        for (variable, value, problem) in [
            ("AUTH_SERVER_CA_FILE", "/nowhere/at/all", "AUTH_SERVER_CA_FILE names the file"),
            ("AUTH_SERVER_CA_FILE", "Cargo.toml", "which has no certificates in PEM"),
            ("REVOCATION_MAX_STALENESS", "5s", "REVOCATION_MAX_STALENESS must be longer than 5s"),
            ("REVOCATION_MAX_STALENESS", "soon", "REVOCATION_MAX_STALENESS is \"soon\"; a duration"),
            ("ON_STALE", "panic", "ON_STALE is \"panic\"; it must be allow or refuse"),
        ] {
            let error = errors_of(&[(variable, value)]);
            assert!(error.contains(problem) && error.lines().count() == 2, "{error}");
        }
        assert_eq!(errors_of(&[("REVOCATION_MAX_STALENESS", "6s"), ("ON_STALE", "refuse")]), "");
    }
}
