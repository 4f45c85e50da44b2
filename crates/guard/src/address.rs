//! Which addresses are reachable for everybody, and which names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Endings of names that are looked up on this machine or in this network.
///
/// Source: RFC 6761 §6.3, RFC 6762 §3, RFC 8375, ICANN Board resolution 2024.07.29.06 (`internal`);
/// `localdomain` is what many a hosts file has.
const INSIDE: [&str; 5] = [".internal", ".local", ".localdomain", ".localhost", ".home.arpa"];

/// Azure's services for its own machines, at an address that looks public.
///
/// Source: Microsoft Learn, "What is IP address 168.63.129.16?"
const AZURE: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// Whether an address is reachable for everybody.
///
/// Source: IANA IPv4 and IPv6 Special-Purpose Address Registries.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Whether a name is one of this machine, whatever it is looked up as.
pub(crate) fn is_local_name(name: &str) -> bool {
    let name = bare(name);
    name == "localhost" || name.ends_with(".localhost")
}

/// Whether a name can be one that everybody looks up alike.
pub(crate) fn is_public_name(name: &str) -> bool {
    let name = bare(name);
    name.contains('.') && !INSIDE.iter().any(|ending| name.ends_with(ending))
}

fn bare(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let is_special = match (a, b, c) {
        // "this network", multicast and reserved; carrier-grade NAT; protocol assignments and 6to4
        // relays; benchmarks
        (0 | 224.., ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _) => {
            true
        }
        _ => ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_documentation(),
    };
    !is_special && ip != AZURE
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // NAT64: the IPv4 address is in the last 32 bits
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // protocol assignments with Teredo, documentation, 6to4
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // all that is global so far; neither mapped IPv4, nor local, nor multicast
        [0x2000..=0x3fff, ..] => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_inside_is_public() {
        let inside = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.9.9.9",
            "168.63.129.16",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
        ];
        let outside = [
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.1",
            "192.167.255.255",
            "192.169.0.1",
            "223.255.255.255",
        ];

        assert_eq!(public_of(&inside), [""; 0]);
        assert_eq!(public_of(&outside), outside);
    }

    #[test]
    fn nothing_inside_is_public_in_its_long_form_either() {
        let inside = [
            "::",
            "::1",
            // mapped, translated (RFC 2765) and compatible IPv4
            "::ffff:8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:a9fe:a9fe",
            "::ffff:0:127.0.0.1",
            "::127.0.0.1",
            "::8.8.8.8",
            // NAT64, of everybody and of a network
            "64:ff9b::7f00:1",
            "64:ff9b::169.254.169.254",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::808:808",
            // 6to4 and Teredo
            "2002:7f00:1::",
            "2002:808:808::1",
            "2001::1",
            "2001:0:7f00:1::",
            // local, multicast, discard, documentation
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "fd00:ec2::254",
            "ff02::1",
            "100::1",
            "2001:db8::1",
            "3fff::1",
            "5f00::1",
        ];
        let outside = ["2606:4700::1", "2a00:1450::1", "2001:4860:4860::8888", "64:ff9b::808:808"];

        assert_eq!(public_of(&inside), [""; 0]);
        assert_eq!(public_of(&outside), outside);
    }

    fn public_of<'a>(texts: &[&'a str]) -> Vec<&'a str> {
        let public = |text: &&&str| is_public(text.parse().expect("an address"));
        texts.iter().filter(public).copied().collect()
    }

    #[test]
    fn names_of_this_network_are_not_public() {
        let inside = [
            "localhost",
            "localhost.",
            "a.LOCALHOST..",
            "localhost.localdomain",
            "backend",
            "metadata.google.internal",
            "ip-10-0-0-1.ec2.internal.",
            "printer.local",
            "nas.home.arpa",
            "",
            ".",
        ];
        let outside = ["example.com", "example.com.", "local.example.com", "internal.dev"];

        assert!(inside.iter().all(|name| !is_public_name(name)));
        assert!(outside.iter().all(|name| is_public_name(name)));
        assert_eq!(inside.map(is_local_name).iter().filter(|is_local| **is_local).count(), 3);
    }
}
