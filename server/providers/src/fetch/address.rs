//! Which addresses are the public internet's: all others are somebody's own network, or nobody's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Of the IANA registries of special-purpose addresses, whatever is not globally reachable.
const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carrier-grade NAT; some clouds keep their metadata there.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local, and most clouds' metadata.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of global unicast, `2000::/3`. What carries an IPv4 address (6to4, Teredo) could lead anywhere.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

pub(super) fn is_public(address: IpAddr) -> bool {
    // `::ffff:10.0.0.1` is 10.0.0.1.
    match address.to_canonical() {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|(network, bits)| (u32::from(address) ^ u32::from(*network)).leading_zeros() >= *bits),
        IpAddr::V6(address) => {
            let is_global = address.segments()[0] >> 13 == 1;
            is_global
                && !SPECIAL_V6.iter().any(|(network, bits)| {
                    (u128::from(address) ^ u128::from(*network)).leading_zeros() >= *bits
                })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_and_other_addresses() {
        for (addresses, expected) in [
            (
                &[
                    "1.1.1.1",
                    "8.8.8.8",
                    "100.63.255.255",
                    "100.128.0.0",
                    "172.15.0.1",
                    "172.32.0.1",
                    "192.0.1.1",
                ][..],
                true,
            ),
            (
                &["198.17.255.255", "198.20.0.0", "223.255.255.255", "11.0.0.0", "128.0.0.1", "169.253.0.1"],
                true,
            ),
            (&["2606:4700:4700::1111", "2a00:1450:4001::1", "2001:4860:4860::8888", "::ffff:8.8.8.8"], true),
            (
                &[
                    "0.0.0.0",
                    "0.1.2.3",
                    "10.0.0.1",
                    "100.64.0.1",
                    "100.127.255.255",
                    "127.0.0.1",
                    "127.255.255.254",
                ],
                false,
            ),
            (
                &[
                    "169.254.169.254",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.0.0.170",
                    "192.168.1.1",
                    "192.88.99.1",
                ],
                false,
            ),
            (
                &["198.18.0.1", "198.19.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"],
                false,
            ),
            (&["192.0.2.1", "198.51.100.1", "203.0.113.1"], false),
            (
                &[
                    "::",
                    "::1",
                    "::7f00:1",
                    "fe80::1",
                    "fc00::1",
                    "fd00:ec2::254",
                    "ff02::1",
                    "fec0::1",
                    "100::1",
                ],
                false,
            ),
            (&["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1"], false),
            (
                &[
                    "64:ff9b::7f00:1",
                    "64:ff9b:1::1",
                    "2002:7f00:1::",
                    "2001::1",
                    "2001:2::1",
                    "2001:db8::1",
                    "3fff::1",
                    "4000::1",
                ],
                false,
            ),
        ] {
            for address in addresses {
                assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
            }
        }
    }
}
