//! TLS for SMTP and IMAP: rustls with this machine's and Mozilla's roots, plus one extra CA file.
//!
//! There is deliberately no way to accept a bad certificate. Handshake failures become
//! [`TlsFault`]s that tell expired, wrong name and unknown issuer apart.

use crate::{Fault, Stage, TlsFault};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// The TLS settings of this process; make it once and clone it.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Loads the trusted roots and the certificates of `extra_ca` (PEM), which must hold at least one.
    pub fn new(extra_ca: Option<&Path>) -> Result<Tls, Fault> {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if let Some(path) = extra_ca {
            add_file(&mut roots, path)?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| Fault::Io(format!("TLS can't be set up: {e}")))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Tls { config: Arc::new(config) })
    }

    /// Shakes hands over an open connection, checking the certificate against `host`.
    pub async fn connect(&self, host: &str, stream: TcpStream, limit: Duration) -> Result<TlsStream<TcpStream>, Fault> {
        let bare = host.trim().trim_start_matches('[').trim_end_matches(']').trim_end_matches('.');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| Fault::NameNotFound { host: host.to_owned() })?;
        let connector = TlsConnector::from(self.config.clone());
        match tokio::time::timeout(limit, connector.connect(name, stream)).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(handshake_fault(&error)),
            Err(_) => Err(Fault::TimedOut { host: host.to_owned(), at: Stage::StartTls }),
        }
    }
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Fault> {
    let trouble = |what: String| Fault::Io(format!("the CA file {}: {what}", path.display()));
    let mut count = 0;
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| trouble(e.to_string()))? {
        let certificate = certificate.map_err(|e| trouble(e.to_string()))?;
        roots.add(certificate).map_err(|e| trouble(e.to_string()))?;
        count += 1;
    }
    if count == 0 {
        return Err(trouble("it holds no certificate in PEM form".into()));
    }
    Ok(())
}

fn handshake_fault(error: &std::io::Error) -> Fault {
    let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::ConnectionReset
            | std::io::ErrorKind::BrokenPipe => Fault::Cut { at: Stage::StartTls },
            _ => Fault::Io(error.to_string()),
        };
    };
    Fault::Tls(match tls {
        rustls::Error::InvalidCertificate(certificate) => certificate_fault(certificate),
        rustls::Error::InvalidMessage(_) => TlsFault::NotTls,
        other => TlsFault::Other(other.to_string()),
    })
}

fn certificate_fault(error: &CertificateError) -> TlsFault {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::NotValidForName => TlsFault::WrongHost { presented: Vec::new() },
        CertificateError::NotValidForNameContext { presented, .. } => {
            TlsFault::WrongHost { presented: presented.iter().take(10).map(|name| plain_name(name)).collect() }
        }
        CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsFault::Untrusted,
        // webpki's refusals of a self-signed certificate that is nobody's anchor arrive as `Other`.
        CertificateError::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => TlsFault::Untrusted,
        other => TlsFault::Other(other.to_string()),
    }
}

/// `DnsName("mail.example.com")` as rustls reports it → `mail.example.com`.
fn plain_name(reported: &str) -> String {
    reported.split('"').nth(1).unwrap_or(reported).to_owned()
}
