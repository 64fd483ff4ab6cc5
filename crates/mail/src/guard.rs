//! Which addresses are connected to, whatever the settings of a mailbox or a workspace say.
//!
//! A mail server may stand in the operator's own network; what else Relance asks over the internet may not, unless the
//! operator allows networks. Link-local, metadata, multicast and unspecified addresses are nobody's server. A name is
//! looked up once and the connection goes to the very addresses that were judged, so a second answer of the name
//! service changes nothing; of a name with several addresses only those that are allowed are tried.

use crate::{Fault, Stage};
use ipnet::IpNet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// How far a connection may reach.
#[derive(Debug, Clone, Copy)]
pub enum Reach<'a> {
    /// Mail servers: also of private networks and of this machine.
    Mail,
    /// Nothing but this machine: for connections without encryption.
    ThisMachine,
    /// The public internet, and these networks.
    Public(&'a Networks),
}

/// Networks that the operator allows beyond the public internet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Reads `10.1.0.0/16, fd12::/48`; the part that is no network comes back as the error.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(|part| network(part).ok_or_else(|| part.to_owned())).collect::<Result<_, _>>().map(Self)
    }

    fn contain(&self, ip: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&ip))
    }
}

fn network(part: &str) -> Option<IpNet> {
    part.parse().ok().or_else(|| part.parse::<IpAddr>().ok().map(IpNet::from))
}

impl Reach<'_> {
    /// Whether an address may be connected to.
    pub fn allows(self, ip: IpAddr) -> bool {
        let ip = embedded(ip);
        !is_forbidden(ip)
            && match self {
                Self::Mail => true,
                Self::ThisMachine => ip.is_loopback(),
                Self::Public(networks) => is_public(ip) || networks.contain(ip),
            }
    }
}

/// Resolves a name (or address literal) and connects to the first allowed address that answers, within `limit`.
pub async fn connect(host: &str, port: u16, reach: Reach<'_>, limit: Duration) -> Result<TcpStream, Fault> {
    let deadline = Instant::now() + limit;
    let found = resolve(host, port, deadline).await?;
    let addresses = choose(host, &found, reach)?;
    let timed_out = || Fault::TimedOut { host: host.to_owned(), at: Stage::Connect };
    let mut first_fault = None;
    for (index, address) in addresses.iter().enumerate() {
        // Each address gets its share of what is left, so one dead address does not use it all up.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - index).unwrap_or(u32::MAX);
        let fault = match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                stream.set_nodelay(true).map_err(|e| Fault::Io(e.to_string()))?;
                return Ok(stream);
            }
            Ok(Err(error)) => connect_fault(host, port, &error),
            Err(_) => timed_out(),
        };
        first_fault.get_or_insert(fault);
    }
    Err(first_fault.unwrap_or_else(timed_out))
}

fn connect_fault(host: &str, port: u16, error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Fault::Refused { host: host.to_owned(), port },
        std::io::ErrorKind::TimedOut => Fault::TimedOut { host: host.to_owned(), at: Stage::Connect },
        _ => Fault::Io(error.to_string()),
    }
}

async fn resolve(host: &str, port: u16, deadline: Instant) -> Result<Vec<SocketAddr>, Fault> {
    let not_found = || Fault::NameNotFound { host: host.to_owned() };
    let bare = host.trim().trim_start_matches('[').trim_end_matches(']');
    if let Ok(literal) = bare.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(literal, port)]);
    }
    if bare.is_empty() || bare.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/' || c == '@') {
        return Err(not_found());
    }
    match timeout_at(deadline, tokio::net::lookup_host((bare, port))).await {
        Ok(Ok(found)) => {
            let found: Vec<SocketAddr> = found.collect();
            if found.is_empty() { Err(not_found()) } else { Ok(found) }
        }
        Ok(Err(_)) => Err(not_found()),
        Err(_) => Err(Fault::TimedOut { host: host.to_owned(), at: Stage::Connect }),
    }
}

/// Of what a name resolved to, the addresses that are connected to.
fn choose(host: &str, found: &[SocketAddr], reach: Reach<'_>) -> Result<Vec<SocketAddr>, Fault> {
    let allowed: Vec<SocketAddr> = found.iter().copied().filter(|address| reach.allows(address.ip())).collect();
    if !allowed.is_empty() {
        return Ok(allowed);
    }
    let has_server = found.iter().any(|address| Reach::Mail.allows(address.ip()));
    Err(match reach {
        Reach::ThisMachine if has_server => Fault::NotEncrypted { host: host.to_owned() },
        _ => Fault::Forbidden { host: host.to_owned() },
    })
}

/// The IPv4 address inside an IPv6 address that stands for one (mapped, compatible, NAT64, 6to4), else the address.
fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    let octets = v6.octets();
    let inside = |at: usize| IpAddr::from(Ipv4Addr::new(octets[at], octets[at + 1], octets[at + 2], octets[at + 3]));
    let is_plain = v6.is_loopback() || v6.is_unspecified();
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => inside(12),
        [0, 0, 0, 0, 0, 0, ..] if !is_plain => inside(12),
        [0x2002, ..] => inside(2),
        _ => ip,
    }
}

/// Addresses nobody's server has: link-local, cloud metadata, multicast, broadcast, unspecified.
fn is_forbidden(ip: IpAddr) -> bool {
    const METADATA_V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match ip {
        IpAddr::V4(v4) => {
            v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_broadcast()
                || v4.is_multicast()
                || METADATA_V4.contains(&v4)
        }
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast() || v6 == METADATA_V6,
    }
}

/// Reachable by anyone, after the registries of special-purpose addresses at IANA (RFC 6890 and its updates).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            let is_special = matches!(
                (a, b, c),
                (0 | 127 | 240.., ..) | (100, 64..=127, _) | (192, 0, 0) | (192, 88, 99) | (198, 18 | 19, _)
            );
            !is_special && !v4.is_private() && !v4.is_documentation()
        }
        IpAddr::V6(v6) => {
            let [a, b, ..] = v6.segments();
            // 2000::/3 is all there is of global unicast; of it 2001::/23, documentation and 3fff::/20 are not.
            (a & 0xe000) == 0x2000 && !(a == 0x2001 && (b < 0x200 || b == 0xdb8)) && !(a == 0x3fff && b < 0x1000)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_the_public_internet_is_reached_where_no_network_is_allowed() {
        let none = Networks::default();
        for public in ["8.8.8.8", "142.250.1.1", "2a00:1450:4001::1", "2606:4700::1111", "::ffff:8.8.8.8"] {
            assert!(Reach::Public(&none).allows(ip(public)), "{public}");
        }
        for inner in [
            "127.0.0.1",
            "::1",
            "::ffff:127.0.0.1",
            "::7f00:1",
            "10.1.2.3",
            "::ffff:10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.1.2.3",
            "192.0.0.8",
            "198.18.0.1",
            "203.0.113.7",
            "240.0.0.1",
            "255.255.255.255",
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::",
            "2002:a00:1::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "::",
            "3fff::1",
            "100::1",
            "64:ff9b:1::1",
        ] {
            assert!(!Reach::Public(&none).allows(ip(inner)), "{inner}");
        }
    }

    #[test]
    fn an_operator_allows_networks_but_never_the_metadata_service() {
        let networks = Networks::parse("10.1.0.0/16, fd12::/48, 127.0.0.1,169.254.0.0/16").unwrap();
        for allowed in ["10.1.2.3", "::ffff:10.1.2.3", "fd12::7", "127.0.0.1"] {
            assert!(Reach::Public(&networks).allows(ip(allowed)), "{allowed}");
        }
        for refused in ["10.2.0.1", "127.0.0.2", "fd13::1", "169.254.169.254"] {
            assert!(!Reach::Public(&networks).allows(ip(refused)), "{refused}");
        }
        assert_eq!(Networks::parse("10.0.0.0/8, home"), Err("home".to_owned()));
        assert_eq!(Networks::parse(" "), Ok(Networks::default()));
    }

    #[test]
    fn of_a_name_with_several_addresses_only_the_allowed_ones_are_tried() {
        let none = Networks::default();
        let found: Vec<SocketAddr> =
            ["169.254.169.254:443", "8.8.8.8:443", "10.0.0.1:443"].iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(choose("both.test", &found, Reach::Public(&none)).unwrap(), [found[1]]);
        assert_eq!(choose("both.test", &found, Reach::Mail).unwrap(), found[1..]);
        let refused = choose("both.test", &found[..1], Reach::Mail).unwrap_err();
        assert_eq!(refused, Fault::Forbidden { host: "both.test".into() });
        let refused = choose("both.test", &found, Reach::ThisMachine).unwrap_err();
        assert_eq!(refused, Fault::NotEncrypted { host: "both.test".into() });
    }

    #[tokio::test]
    async fn an_address_is_judged_however_it_is_spelled() {
        let none = Networks::default();
        // Decimal, hexadecimal and octal spellings are the name service's to read; what it says is judged.
        for host in ["2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "169.16689662", "[::ffff:a9fe:a9fe]"] {
            let fault = connect(host, 9, Reach::Mail, Duration::from_secs(5)).await.unwrap_err();
            assert_eq!(fault, Fault::Forbidden { host: host.into() });
        }
        for host in ["2130706433", "0x7f.1", "localhost", "127.1", "[::1]"] {
            let fault = connect(host, 9, Reach::Public(&none), Duration::from_secs(5)).await.unwrap_err();
            assert_eq!(fault, Fault::Forbidden { host: host.into() });
        }
    }
}
