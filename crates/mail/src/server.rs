//! Where a mailbox's server is, how one signs in to it, and the one way to open a TCP connection to it.
//!
//! Every address a name resolves to is judged before connecting (`guard`), and a connection without encryption goes to
//! this machine only. TLS comes on top (`tls`), protocols above that.

use crate::Fault;
use crate::guard::{self, Reach};
use secrecy::SecretString;
use std::time::Duration;
use tokio::net::TcpStream;

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

/// What proves who signs in. Its `Debug` never shows it.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A password or app password.
    Password(SecretString),
    /// An access token of OAuth 2.0, for XOAUTH2.
    AccessToken(SecretString),
}

impl Default for Credential {
    fn default() -> Self {
        Self::Password(SecretString::default())
    }
}

impl From<SecretString> for Credential {
    fn from(password: SecretString) -> Self {
        Self::Password(password)
    }
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
    /// Password or access token.
    pub credential: Credential,
}

/// Resolves the server's name, refuses forbidden addresses, and connects within `limit`.
pub async fn connect_tcp(server: &Server, limit: Duration) -> Result<TcpStream, Fault> {
    let reach = if server.security == Security::None { Reach::ThisMachine } else { Reach::Mail };
    guard::connect(&server.host, server.port, reach, limit).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str, security: Security) -> Server {
        let secret = SecretString::from("secret-word");
        Server { host: host.into(), port: 9, security, username: "u".into(), credential: secret.into() }
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
        // Taken, so that no other test gets it, and nobody listens.
        let taken = tokio::net::TcpSocket::new_v4().unwrap();
        taken.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let mut gone = server("127.0.0.1", Security::Tls);
        gone.port = taken.local_addr().unwrap().port();
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
