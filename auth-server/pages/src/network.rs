//! Which network an address is in.

use std::net::IpAddr;

/// The network of an address: the first three bytes of IPv4, the first 48 bits of IPv6. A user recognises it, and it
/// does not identify one user.
pub(crate) fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.x")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_as_its_network() {
        for (address, expected) in [
            ("203.0.113.77", "203.0.113.x"),
            ("::ffff:203.0.113.77", "203.0.113.x"),
            ("2001:db8:1:2::3", "2001:db8:1:…"),
        ] {
            assert_eq!(network_of(address.parse().unwrap()), expected);
        }
    }
}
