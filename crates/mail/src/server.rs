//! Where a mailbox's server is, and the one way to open a TCP connection to it.
//!
//! Every address a name resolves to is looked at before connecting: link-local, metadata, multicast
//! and unspecified addresses are never connected to, whatever the settings say, and a connection
//! without encryption goes to this machine only. TLS comes on top (`tls`), protocols above that.

use crate::{Fault, Stage};
use secrecy::SecretString;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

/// How the connection to a server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// Plain greeting, then STARTTLS; without it nothing more is said.
    StartTls,
    /// No encryption; towards loopback addresses only.
    None,
}

/// One server of a mailbox, for SMTP and IMAP alike. Its `Debug` never shows the password.
#[derive(Debug, Clone)]
pub struct Server {
    /// Name or address literal.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Encryption.
    pub security: Security,
    /// User name; empty means no sign-in.
    pub username: String,
    /// Password or app password.
    pub password: SecretString,
}

/// Resolves the server's name, refuses forbidden addresses, and connects within `limit`.
pub async fn connect_tcp(server: &Server, limit: Duration) -> Result<TcpStream, Fault> {
    let deadline = Instant::now() + limit;
    let addresses = addresses(server, deadline).await?;
    let timed_out = || Fault::TimedOut { host: server.host.clone(), at: Stage::Connect };
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
            Ok(Err(error)) => connect_fault(server, &error),
            Err(_) => timed_out(),
        };
        first_fault.get_or_insert(fault);
    }
    Err(first_fault.unwrap_or_else(timed_out))
}

fn connect_fault(server: &Server, error: &std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Fault::Refused { host: server.host.clone(), port: server.port },
        std::io::ErrorKind::TimedOut => Fault::TimedOut { host: server.host.clone(), at: Stage::Connect },
        _ => Fault::Io(error.to_string()),
    }
}

async fn addresses(server: &Server, deadline: Instant) -> Result<Vec<SocketAddr>, Fault> {
    let host = server.host.trim().trim_start_matches('[').trim_end_matches(']');
    let found: Vec<SocketAddr> = if let Ok(literal) = host.parse::<IpAddr>() {
        vec![SocketAddr::new(literal, server.port)]
    } else {
        let not_found = || Fault::NameNotFound { host: server.host.clone() };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/' || c == '@') {
            return Err(not_found());
        }
        match timeout_at(deadline, tokio::net::lookup_host((host, server.port))).await {
            Ok(Ok(found)) => found.collect(),
            Ok(Err(_)) => return Err(not_found()),
            Err(_) => return Err(Fault::TimedOut { host: server.host.clone(), at: Stage::Connect }),
        }
    };
    if found.is_empty() {
        return Err(Fault::NameNotFound { host: server.host.clone() });
    }
    let mut allowed: Vec<SocketAddr> = found.into_iter().filter(|a| !is_forbidden(a.ip())).collect();
    if allowed.is_empty() {
        return Err(Fault::Forbidden { host: server.host.clone() });
    }
    if server.security == Security::None {
        allowed.retain(|a| embedded(a.ip()).is_loopback());
        if allowed.is_empty() {
            return Err(Fault::NotEncrypted { host: server.host.clone() });
        }
    }
    Ok(allowed)
}

/// The IPv4 address inside a mapped or NAT64 IPv6 address, else the address itself.
fn embedded(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip else { return ip };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return v4.into();
    }
    let octets = v6.octets();
    if octets[..12] == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0] {
        return Ipv4Addr::new(octets[12], octets[13], octets[14], octets[15]).into();
    }
    ip
}

/// Addresses nobody's mail server has: link-local, cloud metadata, multicast, broadcast, unspecified.
fn is_forbidden(ip: IpAddr) -> bool {
    const METADATA_V4: [Ipv4Addr; 3] =
        [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
    const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    match embedded(ip) {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, security: Security) -> Server {
        Server { host: host.into(), port: 9, security, username: "u".into(), password: "secret-word".to_owned().into() }
    }

    #[tokio::test]
    async fn link_local_and_metadata_addresses_are_refused_in_every_spelling() {
        for host in [
            "169.254.169.254",
            "169.254.1.1",
            "fe80::1",
            "[fe80::1]",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "fd00:ec2::254",
            "100.100.100.200",
            "0.0.0.0",
            "::",
            "224.0.0.1",
        ] {
            let fault = connect_tcp(&server(host, Security::Tls), Duration::from_secs(5)).await.unwrap_err();
            assert_eq!(fault, Fault::Forbidden { host: host.into() });
        }
    }

    #[tokio::test]
    async fn without_encryption_only_this_machine_is_reached() {
        for host in ["10.0.0.1", "192.168.1.1", "203.0.113.9", "fd12::1"] {
            let fault = connect_tcp(&server(host, Security::None), Duration::from_secs(5)).await.unwrap_err();
            assert_eq!(fault, Fault::NotEncrypted { host: host.into() });
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut here = server("127.0.0.1", Security::None);
        here.port = listener.local_addr().unwrap().port();
        assert!(connect_tcp(&here, Duration::from_secs(5)).await.is_ok());
    }

    #[tokio::test]
    async fn a_refused_connection_and_a_wrong_name_are_told_apart() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut gone = server("127.0.0.1", Security::Tls);
        gone.port = listener.local_addr().unwrap().port();
        drop(listener);
        let fault = connect_tcp(&gone, Duration::from_secs(5)).await.unwrap_err();
        assert_eq!(fault, Fault::Refused { host: "127.0.0.1".into(), port: gone.port });
        for host in ["", "no such host", "user@host", "nothing-is-here.invalid"] {
            let fault = connect_tcp(&server(host, Security::Tls), Duration::from_secs(10)).await.unwrap_err();
            assert_eq!(fault.code(), "name_not_found", "{host}");
        }
    }

    #[test]
    fn debug_output_does_not_show_the_password() {
        assert!(!format!("{:?}", server("h", Security::Tls)).contains("secret-word"));
    }
}
