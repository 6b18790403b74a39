//! Reports a configuration that would send passwords and tokens of other machines over plain HTTP. Plain HTTP is for
//! this machine, and for proxies that do TLS.

use std::net::SocketAddr;

use goptri_settings::{Reported, Settings};

use crate::{Tls, TrustedProxies};

/// Reports an error if `ISSUER` is https, but the server would accept plain HTTP from other machines: it has neither a
/// certificate nor a trusted proxy, and `address` is not a loopback address. An argument that is `None` or `Err` was
/// reported before.
pub fn check_plain_listener(
    settings: &Settings<'_>,
    address: Option<SocketAddr>,
    tls: &Result<Option<Tls>, Reported>,
    proxies: Option<&TrustedProxies>,
) {
    let (Some(address), Ok(None), Some(proxies)) = (address, tls, proxies) else { return };
    let has_https_issuer = settings.get("ISSUER").is_some_and(|issuer| issuer.starts_with("https://"));
    if has_https_issuer && proxies.is_empty() && !address.ip().to_canonical().is_loopback() {
        settings.report(
            "TRUSTED_PROXIES",
            format!(
                "is not set, nor are TLS_CERT_FILE and TLS_KEY_FILE: other machines would reach {address} over plain \
                 http, although ISSUER is https. Name the proxy that does TLS, or set the two files"
            ),
        );
    }
}

#[cfg(test)]
mod tests {
    use goptri_settings::{Environment, SettingErrors};

    use super::*;

    fn problems(issuer: &str, address: &str, proxies: &str) -> usize {
        let environment = Environment::from_pairs([("ISSUER", issuer)]);
        let settings = Settings::new(&environment);
        let proxies = TrustedProxies::parse(proxies).unwrap();
        check_plain_listener(&settings, address.parse().ok(), &Ok(None), Some(&proxies));
        settings.into_result(Some(())).map_or_else(|SettingErrors(errors)| errors.len(), |()| 0)
    }

    #[test]
    fn plain_http_from_other_machines_needs_a_proxy_if_users_have_https() {
        let https = "https://login.example.com";
        for (issuer, address, proxies, expected) in [
            (https, "0.0.0.0:4000", "", 1),
            (https, "10.0.0.7:4000", "", 1),
            (https, "[::]:4000", "", 1),
            (https, "0.0.0.0:4000", "10.0.0.0/8", 0),
            (https, "127.0.0.1:4000", "", 0),
            (https, "[::1]:4000", "", 0),
            (https, "[::ffff:127.0.0.1]:4000", "", 0),
            ("http://localhost:4000", "0.0.0.0:4000", "", 0),
        ] {
            assert_eq!(problems(issuer, address, proxies), expected, "{issuer} {address} {proxies:?}");
        }
    }
}
