//! Who is at the other end of a connection, as far as the port found out.

use std::net::{IpAddr, Ipv6Addr};

use ligate_access::PublicKey;

/// Whoever sent a request. The listener puts it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Client {
    /// The key that the client proved in the handshake, on a port that asks for one.
    pub key: Option<PublicKey>,
    /// What one holder has at will: an IPv4 address, or the first address of its /64 of IPv6.
    pub network: IpAddr,
}

/// The network of an address.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subnet_is_one_network() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8::1", "2001:db8::ffff:0:0:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
