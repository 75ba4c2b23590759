//! What sort of address this is: one that anybody may be called at, or one that leads inside.
//! Everything that is not plainly global unicast is refused, whatever way it is written or wrapped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The sorts of addresses that matter to a caller.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum AddressKind {
    /// On the public network.
    Global,
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, unique local.
    Private,
    /// Anything else: link-local and shared networks (where clouds keep what they tell their machines),
    /// multicast, tunnels, documentation, reserved.
    Special,
}

/// Where clouds tell their machines secrets, inside an otherwise private range: EC2 and Google.
const METADATA_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];

/// IPv4 networks that are neither global nor private nor loopback: address, bits of the prefix.
const SPECIAL_V4: [(Ipv4Addr, u32); 11] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    // Shared by carriers; Alibaba Cloud answers its machines at 100.100.100.200.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    // The reserved quarter, the broadcast address among it.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// IPv6 networks inside the global range that lead somewhere else.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Protocol assignments: Teredo, benchmarking, identifiers.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which wraps any IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];
const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Gateways of networks without IPv4 put the IPv4 address into the last 32 bits.
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

impl AddressKind {
    /// The sort of this address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => v4(address),
            IpAddr::V6(address) => v6(address),
        }
    }
}

impl std::fmt::Display for AddressKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Global => "a public address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::Special => "a link-local, shared or reserved address",
        })
    }
}

fn v4(address: Ipv4Addr) -> AddressKind {
    if address.is_loopback() {
        return AddressKind::Loopback;
    }
    if address.is_private() {
        return AddressKind::Private;
    }
    let special = SPECIAL_V4.iter().any(|(net, bits)| prefix_v4(address, *bits) == prefix_v4(*net, *bits));
    if special { AddressKind::Special } else { AddressKind::Global }
}

fn v6(address: Ipv6Addr) -> AddressKind {
    if let Some(inner) = address.to_ipv4_mapped() {
        return v4(inner);
    }
    if within(address, NAT64) {
        let [.., a, b, c, d] = address.octets();
        return v4(Ipv4Addr::new(a, b, c, d));
    }
    if address.is_loopback() {
        return AddressKind::Loopback;
    }
    if address.is_unique_local() && !METADATA_V6.contains(&address) {
        return AddressKind::Private;
    }
    let global = within(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|net| within(address, *net));
    if global { AddressKind::Global } else { AddressKind::Special }
}

fn prefix_v4(address: Ipv4Addr, bits: u32) -> u32 {
    address.to_bits() >> (32 - bits)
}

fn within(address: Ipv6Addr, (net, bits): (Ipv6Addr, u32)) -> bool {
    address.to_bits() >> (128 - bits) == net.to_bits() >> (128 - bits)
}

#[cfg(test)]
mod tests {
    use super::AddressKind::{self, Global, Loopback, Private, Special};

    const TABLE: [(AddressKind, &[&str]); 4] = [
        (
            Global,
            &[
                "1.1.1.1",
                "8.8.8.8",
                "9.255.255.255",
                "11.0.0.0",
                "100.63.255.255",
                "100.128.0.0",
                "126.0.0.1",
                "128.0.0.1",
                "169.253.0.1",
                "169.255.0.1",
                "172.15.255.255",
                "172.32.0.0",
                "191.255.0.1",
                "192.0.1.1",
                "192.0.3.1",
                "192.88.98.1",
                "192.167.0.1",
                "192.169.0.1",
                "198.17.0.1",
                "198.20.0.0",
                "203.0.112.1",
                "203.0.114.1",
                "223.255.255.255",
                "2001:200::1",
                "2400:3200::1",
                "2606:4700::1111",
                "2003::1",
                "3ffe::1",
                "::ffff:8.8.8.8",
                "64:ff9b::808:808",
            ],
        ),
        (
            Loopback,
            &["127.0.0.1", "127.255.255.254", "127.0.0.0", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
        ),
        (
            Private,
            &[
                "10.0.0.0",
                "10.255.255.255",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.0.1",
                "192.168.255.255",
                "fc00::1",
                "fd12:3456::1",
                "fdff:ffff::",
                "::ffff:10.0.0.1",
                "::ffff:192.168.1.1",
                "64:ff9b::a00:1",
                "fd00:ec2::253",
            ],
        ),
        (
            Special,
            &[
                "0.0.0.0",
                "0.1.2.3",
                "100.64.0.1",
                "100.100.100.200",
                "100.127.255.255",
                "169.254.0.1",
                "169.254.169.254",
                "192.0.0.1",
                "192.0.0.192",
                "192.0.2.1",
                "192.88.99.1",
                "198.18.0.1",
                "198.19.255.255",
                "198.51.100.7",
                "203.0.113.9",
                "224.0.0.1",
                "239.255.255.255",
                "240.0.0.1",
                "255.255.255.254",
                "255.255.255.255",
                "::",
                "::2",
                "::7f00:1",
                "::ffff:0.0.0.0",
                "::ffff:169.254.169.254",
                "::ffff:255.255.255.255",
                "::ffff:0:7f00:1",
                "64:ff9b::a9fe:a9fe",
                "64:ff9b:1::a00:1",
                "100::1",
                "fe80::1",
                "febf::1",
                "fec0::1",
                "ff02::1",
                "ff0e::1",
                "2001::1",
                "2001:0:4136:e378:8000:63bf:80ff:fffe",
                "2001:2::1",
                "2001:10::1",
                "2001:db8::1",
                "2001:db8:ffff::1",
                "2002:7f00:1::",
                "2002:a00:1::1",
                "2002:808:808::1",
                "3fff::1",
                "3fff:fff::1",
                "4000::1",
                "5f00::1",
                "fd00:ec2::254",
                "fd20:ce::254",
            ],
        ),
    ];

    #[test]
    fn every_address_is_of_its_kind() {
        for (kind, addresses) in TABLE {
            for text in addresses {
                assert_eq!(AddressKind::of(text.parse().unwrap()), kind, "{text}");
            }
        }
    }
}
