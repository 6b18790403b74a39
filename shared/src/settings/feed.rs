//! What a follower of the revocation feed must be told.

use goptri_settings::{Settings, parse_duration};

use crate::revocation::{FeedSecrets, HEARTBEAT_INTERVAL, OnStale, StalenessPolicy};

/// `FEED_SECRET`: several separated by commas, the first presented, all accepted.
pub fn feed_secrets(settings: &Settings<'_>) -> Option<FeedSecrets> {
    settings.secrets("FEED_SECRET").map(|(first, others)| FeedSecrets::new(first, others))
}

/// The same for whom the feed is a choice: `Some(None)` when it is not set, `None` when a fault was noted.
pub fn optional_feed_secrets(settings: &Settings<'_>) -> Option<Option<FeedSecrets>> {
    if settings.has_secret("FEED_SECRET") { feed_secrets(settings).map(Some) } else { Some(None) }
}

/// `REVOCATION_MAX_STALENESS` and `ON_STALE`.
pub fn staleness(settings: &Settings<'_>) -> Option<StalenessPolicy> {
    let max = settings.value("REVOCATION_MAX_STALENESS", "60s", |text| {
        let max = parse_duration(text)?.to_std().map_err(|error| error.to_string())?;
        if max <= HEARTBEAT_INTERVAL {
            return Err("is not more than 5s, after which the next heartbeat of the feed is due".to_owned());
        }
        Ok(max)
    });
    let then = settings.value("ON_STALE", "allow", |text| match text {
        "allow" => Ok(OnStale::Allow),
        "refuse" => Ok(OnStale::Refuse),
        other => Err(format!("is {other:?}; it is either allow or refuse")),
    });
    Some(StalenessPolicy { max_age: max?, on_stale: then? })
}

#[cfg(feature = "feed")]
pub use source::auth_server;

#[cfg(feature = "feed")]
mod source {
    use std::fs;

    use reqwest::Certificate;
    use url::{Host, Url};

    use super::super::tokens::{ISSUER, base_url};
    use crate::AuthServer;
    use goptri_settings::Settings;

    /// `AUTH_SERVER_URL` and `AUTH_SERVER_CA_FILE`.
    pub fn auth_server(settings: &Settings<'_>) -> Option<AuthServer> {
        let (url, roots) = (auth_server_url(settings), auth_server_roots(settings));
        AuthServer::new(&url?, &roots?).map_err(|problem| settings.report("AUTH_SERVER_URL", problem)).ok()
    }

    /// Where auth-server is reached; unless it is said, where tokens say that it is.
    fn auth_server_url(settings: &Settings<'_>) -> Option<String> {
        if settings.is_set("AUTH_SERVER_URL") {
            return settings.value("AUTH_SERVER_URL", "", |text| reachable(text).map(|()| text.to_owned()));
        }
        // A fault in it is noted by who reads it.
        let issuer = settings.get("ISSUER").unwrap_or(ISSUER);
        base_url(issuer).ok().map(|_| issuer.to_owned())
    }

    fn auth_server_roots(settings: &Settings<'_>) -> Option<Vec<Certificate>> {
        let roots = settings.optional("AUTH_SERVER_CA_FILE", |path| {
            let named = |problem: String| format!("names the file {path:?}, which {problem}");
            let pem = fs::read(path).map_err(|error| named(format!("cannot be read: {error}")))?;
            match Certificate::from_pem_bundle(&pem) {
                Ok(roots) if !roots.is_empty() => Ok(roots),
                _ => Err(named("has no certificates in PEM".to_owned())),
            }
        });
        roots.map(Option::unwrap_or_default)
    }

    /// As `ISSUER`, and plain http also where nobody but one's own machines can be: the network of a compose file, a cluster.
    fn reachable(text: &str) -> Result<(), String> {
        match Url::parse(text) {
            Ok(url) if url.scheme() == "http" && url.host().is_some_and(|host| is_private(&host)) => {
                base_url(&text.replacen("http:", "https:", 1)).map(drop)
            }
            _ => base_url(text).map(drop).map_err(|problem| {
                problem.replace("plain http is for localhost only", "plain http is for private networks only")
            }),
        }
    }

    /// An address of a private network, or a name that means nothing outside one.
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

        fn fault(more: &[(&str, &str)]) -> String {
            let environment = Environment::from_pairs([&[SECRET], more].concat());
            let settings = Settings::new(&environment);
            let feed = optional_feed_secrets(&settings).zip(auth_server(&settings)).zip(staleness(&settings));
            settings.into_result(feed).map_or_else(|faults| faults.to_string(), |_| String::new())
        }

        /// OP-04
        #[test]
        fn the_feed_is_asked_for_over_tls_or_on_a_network_of_ones_own() {
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
                assert_eq!(fault(&[("AUTH_SERVER_URL", url)]), "", "{url}");
            }
            for (url, problem) in [
                ("http://login.example.com", "plain http is for private networks only"),
                ("http://8.8.8.8", "plain http is for private networks only"),
                ("http://172.32.0.1", "plain http is for private networks only"),
                ("http://auth-server:4000/", "no slash or space at its end"),
                ("http://me:pw@auth-server", "a user or a password"),
                ("http://auth-server?x=1", "no query"),
                ("ftp://auth-server", "it starts with https://"),
                ("auth-server", "which is no URL"),
            ] {
                let fault = fault(&[("AUTH_SERVER_URL", url)]);
                assert!(
                    fault.contains("\n  AUTH_SERVER_URL is") && fault.contains(problem),
                    "{url}: {fault}"
                );
                assert!(!fault.contains("pw"), "{fault}");
            }
        }

        #[test]
        fn without_a_url_of_its_own_the_issuer_is_asked_and_its_fault_is_told_once() {
            assert_eq!(fault(&[("ISSUER", "https://login.example.com")]), "");
            let environment = Environment::from_pairs([SECRET, ("ISSUER", "http://login.example.com")]);
            let settings = Settings::new(&environment);
            let both = issuer(&settings).zip(auth_server(&settings));
            assert_eq!(settings.into_result(both).unwrap_err().0.len(), 1);
        }

        #[test]
        fn each_fault_has_its_sentence() {
            for (variable, value, problem) in [
                ("AUTH_SERVER_CA_FILE", "/nowhere/at/all", "AUTH_SERVER_CA_FILE names the file"),
                ("AUTH_SERVER_CA_FILE", "Cargo.toml", "which has no certificates in PEM"),
                ("REVOCATION_MAX_STALENESS", "5s", "REVOCATION_MAX_STALENESS is not more than 5s"),
                ("REVOCATION_MAX_STALENESS", "soon", "REVOCATION_MAX_STALENESS is \"soon\"; a duration"),
                ("ON_STALE", "panic", "ON_STALE is \"panic\"; it is either allow or refuse"),
            ] {
                let fault = fault(&[(variable, value)]);
                assert!(fault.contains(problem) && fault.lines().count() == 2, "{fault}");
            }
            assert_eq!(fault(&[("REVOCATION_MAX_STALENESS", "6s"), ("ON_STALE", "refuse")]), "");
        }
    }
}
