//! The client's address, also behind proxies. Any client can send `X-Forwarded-For`, so only the part that a trusted
//! proxy wrote is used.

use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::dev::Payload;
use actix_web::http::header::{HeaderValue, X_FORWARDED_FOR};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use ipnet::IpNet;

use goptri_settings::Settings;

/// The address of a client, as far as trusted proxies report it. An IPv4-mapped IPv6 address is stored as IPv4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(IpAddr);

/// The proxies whose `X-Forwarded-For` and other headers about the client are trusted (OP-07). It is app data; an
/// application without it trusts no proxy.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies {
    networks: Arc<[IpNet]>,
    /// Whether the warning about an untrusted proxy was logged.
    warned: Arc<AtomicBool>,
}

impl ClientAddress {
    /// Converts IPv4-mapped addresses.
    pub fn new(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The address of the client that sent this request.
    pub fn of(request: &HttpRequest) -> Self {
        let peer = peer_of(request);
        let headers: Vec<&[u8]> =
            request.headers().get_all(X_FORWARDED_FOR).map(HeaderValue::as_bytes).collect();
        let none = TrustedProxies::default();
        let proxies = TrustedProxies::of(request).unwrap_or(&none);
        if !headers.is_empty() {
            proxies.warn_untrusted_proxy_once(peer, "X-Forwarded-For");
        }
        proxies.client(peer, headers.into_iter())
    }

    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl TrustedProxies {
    /// Addresses and networks, separated by commas: `127.0.0.1, 10.0.0.0/8, 2001:db8::/32`.
    ///
    /// # Errors
    /// Every invalid element, as a clause that follows the variable's name.
    pub fn parse(text: &str) -> Result<Self, Vec<String>> {
        let parts = text.split(',').map(str::trim);
        let (networks, errors): (Vec<_>, Vec<_>) = match text.trim() {
            "" => (Vec::new(), Vec::new()),
            _ => parts.map(parse_network).partition(Result::is_ok),
        };
        if errors.is_empty() {
            Ok(Self { networks: networks.into_iter().flatten().collect(), ..Self::default() })
        } else {
            Err(errors.into_iter().filter_map(Result::err).collect())
        }
    }

    /// Whether no proxy is trusted.
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty()
    }

    /// Whether a trusted proxy sent this request. If not, ignore the headers that describe another request, such as
    /// `X-Forwarded-Method`. Call this only for a request that has such headers: it warns if the proxy is not trusted.
    pub fn sent(request: &HttpRequest) -> bool {
        let (peer, none) = (peer_of(request), Self::default());
        let proxies = Self::of(request).unwrap_or(&none);
        proxies.warn_untrusted_proxy_once(peer, "X-Forwarded-Method");
        proxies.trusts(peer.to_canonical())
    }

    fn of(request: &HttpRequest) -> Option<&Self> {
        request.app_data::<Data<Self>>().map(Data::get_ref)
    }

    /// The peer, or, if the peer is a trusted proxy, the last address in `forwarded` that is not a trusted proxy's. An
    /// element that is no address ends the search; the result is then the trusted proxy that wrote it.
    ///
    /// `forwarded` is every `X-Forwarded-For` header, in order.
    pub fn client<'a>(
        &self,
        peer: IpAddr,
        forwarded: impl DoubleEndedIterator<Item = &'a [u8]>,
    ) -> ClientAddress {
        let mut hops = forwarded.rev().flat_map(|header| header.rsplit(|byte| *byte == b','));
        let mut known = ClientAddress::new(peer);
        while self.trusts(known.0) {
            match hops.find_map(parse_hop) {
                Some(Ok(hop)) => known = hop,
                Some(Err(())) | None => break,
            }
        }
        known
    }

    /// The address families in which every public address is trusted.
    fn fully_trusted_families(&self) -> impl Iterator<Item = &'static str> {
        // The rest of IPv4 is multicast and reserved; all public IPv6 addresses begin with the bits 001.
        let unicast: [(&str, &[&str]); 2] =
            [("IPv4", &["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3"]), ("IPv6", &["2000::/3"])];
        let merged = IpNet::aggregate(&self.networks.to_vec());
        let is_trusted = move |part: &&str| {
            part.parse::<IpNet>().is_ok_and(|part| merged.iter().any(|network| network.contains(&part)))
        };
        unicast.into_iter().filter(move |(_, parts)| parts.iter().all(&is_trusted)).map(|(family, _)| family)
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    fn warn_untrusted_proxy_once(&self, peer: IpAddr, header: &str) {
        if self.may_be_unlisted_proxy(peer) && !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "ignored {header} from this address; if it is your proxy, add it to TRUSTED_PROXIES"
            );
        }
    }

    /// Whether a peer that sends the header is probably a proxy that is not configured. All clients behind it share one
    /// address, and so one rate limit. Once a proxy is configured, a public peer that sends the header counts as a
    /// client.
    fn may_be_unlisted_proxy(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        let is_local = match peer {
            IpAddr::V4(peer) => peer.is_loopback() || peer.is_private(),
            IpAddr::V6(peer) => peer.is_loopback() || peer.is_unique_local(),
        };
        !self.trusts(peer) && (is_local || self.networks.is_empty())
    }
}

/// The address of the peer. Only a request that did not come over TCP has none; it gets the unspecified address.
fn peer_of(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip())
}

/// Parses a network, or explains why it cannot be trusted.
fn parse_network(text: &str) -> Result<IpNet, String> {
    let network = match text.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => text.parse().map_err(|_| {
            format!("contains {text:?}, which is not an address or network such as 127.0.0.1 or 10.0.0.0/8")
        })?,
    };
    if network.prefix_len() == 0 {
        return Err(format!(
            "contains {text}, which is every address: then any client could claim any address"
        ));
    }
    if network.trunc() != network {
        return Err(format!("contains {text}; the network of that length is {}", network.trunc()));
    }
    if matches!(network.addr(), IpAddr::V6(address) if address.to_ipv4_mapped().is_some()) {
        return Err(format!("contains {text}; write it as an IPv4 address"));
    }
    Ok(network)
}

/// One element of the header: `None` if it is empty, an error if it is not an address. Some proxies add the port.
fn parse_hop(element: &[u8]) -> Option<Result<ClientAddress, ()>> {
    let text = match str::from_utf8(element.trim_ascii()) {
        Ok("") => return None,
        Ok(text) => text,
        Err(_) => return Some(Err(())),
    };
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address = bare.parse().or_else(|_| text.parse::<SocketAddr>().map(|socket| socket.ip()));
    Some(address.map(ClientAddress::new).map_err(drop))
}

/// `TRUSTED_PROXIES`. Empty by default.
pub fn trusted_proxies(settings: &Settings<'_>) -> Option<TrustedProxies> {
    const NAME: &str = "TRUSTED_PROXIES";
    let parsed = settings.value(NAME, "", |text| Ok::<_, String>(TrustedProxies::parse(text)))?;
    let proxies =
        parsed.map_err(|errors| errors.into_iter().for_each(|error| settings.report(NAME, error))).ok()?;
    for family in proxies.fully_trusted_families() {
        tracing::warn!(
            variable = NAME,
            "every {family} address is trusted: any client can claim any address with X-Forwarded-For; name your proxies only"
        );
    }
    Some(proxies)
}

impl FromRequest for ClientAddress {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use goptri_settings::Environment;

    fn client(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::parse(trusted).unwrap();
        proxies.client(peer.parse().unwrap(), forwarded.iter().map(|header| header.as_bytes())).to_string()
    }

    /// OP-07
    #[test]
    fn networks_that_together_contain_every_address_are_found() {
        for (networks, families) in [
            ("0.0.0.0/1,128.0.0.0/1", vec!["IPv4"]),
            ("0.0.0.0/1, 128.0.0.0/2, 192.0.0.0/3", vec!["IPv4"]),
            ("0.0.0.0/2,64.0.0.0/2,128.0.0.0/1", vec!["IPv4"]),
            ("::/1,8000::/1", vec!["IPv6"]),
            ("2000::/3", vec!["IPv6"]),
            ("2000::/4, 3000::/4, 10.0.0.0/8", vec!["IPv6"]),
            ("0.0.0.0/1,128.0.0.0/1,::/1,8000::/1", vec!["IPv4", "IPv6"]),
            ("", vec![]),
            ("0.0.0.0/1", vec![]),
            ("0.0.0.0/1,128.0.0.0/2,192.0.0.0/4", vec![]),
            ("10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fd00::/8", vec![]),
            ("2000::/4", vec![]),
        ] {
            let proxies = TrustedProxies::parse(networks).unwrap();
            assert_eq!(proxies.fully_trusted_families().collect::<Vec<_>>(), families, "{networks}");
        }
    }

    #[test]
    fn only_addresses_that_a_trusted_proxy_wrote_are_used() {
        let both = "10.0.0.0/8, 2001:db8::/32";
        let table: [(&str, &str, &[&str], &str); 22] = [
            // The peer is not trusted.
            ("", "203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            ("", "127.0.0.1", &["198.51.100.1"], "127.0.0.1"),
            (both, "203.0.113.9", &["198.51.100.1"], "203.0.113.9"),
            (both, "203.0.113.9", &["10.0.0.1"], "203.0.113.9"),
            // One proxy, which appends its peer to what the client sent.
            (both, "10.0.0.1", &[], "10.0.0.1"),
            (both, "10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
            (both, "10.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
            (both, "10.0.0.1", &["6.6.6.6,198.51.100.1"], "198.51.100.1"),
            (both, "10.0.0.1", &["10.0.0.9, 198.51.100.1"], "198.51.100.1"),
            // Several proxies; several headers are one list.
            (both, "10.0.0.1", &["6.6.6.6, 198.51.100.1, 10.0.0.2"], "198.51.100.1"),
            (both, "10.0.0.1", &["6.6.6.6", "198.51.100.1", "10.0.0.2, 2001:db8::3"], "198.51.100.1"),
            (both, "10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
            // An element that is not an address ends the search.
            (both, "10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
            (both, "10.0.0.1", &["198.51.100.1, _hidden, 10.0.0.2"], "10.0.0.2"),
            (both, "10.0.0.1", &["198.51.100.1,, ,10.0.0.2,"], "198.51.100.1"),
            (both, "10.0.0.1", &["", "  "], "10.0.0.1"),
            (both, "10.0.0.1", &["999.1.1.1"], "10.0.0.1"),
            // Spellings.
            (both, "::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
            (both, "2001:db8::1", &["2001:470::a"], "2001:470::a"),
            (both, "10.0.0.1", &["198.51.100.1:4711, [2001:db8::2], [2001:db8::2]:443"], "198.51.100.1"),
            (both, "10.0.0.1", &["[2001:470::a]:4711"], "2001:470::a"),
            ("10.0.0.1", "10.0.0.2", &["198.51.100.1"], "10.0.0.2"),
        ];
        for (trusted, peer, forwarded, expected) in table {
            assert_eq!(client(trusted, peer, forwarded), expected, "{trusted:?} {peer} {forwarded:?}");
        }
        let proxies = TrustedProxies::parse(both).unwrap();
        let garbage: &[u8] = b"198.51.100.1, \xff\xfe";
        assert_eq!(
            proxies.client([10, 0, 0, 1].into(), [garbage].into_iter()).ip(),
            IpAddr::from([10, 0, 0, 1])
        );
    }

    #[test]
    fn a_peer_may_be_an_unlisted_proxy_if_it_is_local_or_no_proxy_is_configured() {
        for (trusted, peer, expected) in [
            ("", "127.0.0.1", true),
            ("", "10.0.0.1", true),
            ("", "203.0.113.9", true),
            ("", "2001:db8::1", true),
            ("10.0.0.0/8", "10.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", false),
            ("10.0.0.0/8", "127.0.0.1", true),
            ("10.0.0.0/8", "fd00::1", true),
            ("10.0.0.0/8", "203.0.113.9", false),
        ] {
            let proxies = TrustedProxies::parse(trusted).unwrap();
            assert_eq!(proxies.may_be_unlisted_proxy(peer.parse().unwrap()), expected, "{trusted:?} {peer}");
        }
    }

    #[test]
    fn every_invalid_element_is_reported() {
        let errors = |text| {
            let environment = Environment::from_pairs([("TRUSTED_PROXIES", text)]);
            let settings = Settings::new(&environment);
            let proxies = trusted_proxies(&settings);
            settings.into_result(proxies).map_or_else(|errors| errors.0, |_| Vec::new())
        };
        for good in ["", " ", "127.0.0.1", "127.0.0.1,::1", " 10.0.0.0/8 , 2001:db8::/32 ", "10.1.2.3/32"] {
            assert_eq!(errors(good), [], "{good:?}");
        }
        for (bad, problem) in [
            ("0.0.0.0/0", "contains 0.0.0.0/0, which is every address"),
            ("::/0", "contains ::/0, which is every address"),
            ("10.0.0.1/8", "contains 10.0.0.1/8; the network of that length is 10.0.0.0/8"),
            ("::ffff:10.0.0.1", "contains ::ffff:10.0.0.1; write it as an IPv4 address"),
            ("127.0.0.1,", "contains \"\", which is not an address or network"),
            ("10.0.0.0/33", "contains \"10.0.0.0/33\""),
            ("proxy.example.com", "contains \"proxy.example.com\""),
            ("127.0.0.1 10.0.0.1", "contains \"127.0.0.1 10.0.0.1\""),
            ("127.0.0.1:80", "contains \"127.0.0.1:80\""),
            ("fe80::1%eth0", "contains \"fe80::1%eth0\""),
        ] {
            let found = errors(bad);
            assert!(found.len() == 1 && found[0].problem.starts_with(problem), "{bad:?}: {found:?}");
        }
        let found = errors("a, 127.0.0.1, 0.0.0.0/0, 10.0.0.1/8");
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found.iter().all(|error| error.variable == "TRUSTED_PROXIES"));
    }
}
