//! A certificate authority for one test run, and certificates that are right or wrong on purpose.
//!
//! The tested binary trusts it through `--tls-ca`; nothing on the machine does.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What is right or wrong with a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateKind {
    /// For `localhost` and 127.0.0.1.
    Good,
    /// Good until the end of 2020.
    Expired,
    /// Good, but for `elsewhere.test`.
    WrongHost,
}

/// Issues certificates that only a client with its CA file trusts.
#[derive(Debug)]
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    /// Makes a new one.
    pub fn new() -> Result<Authority> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Relance tests");
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Authority { issuer: Issuer::new(params, key), pem })
    }

    /// Writes the CA file that `--tls-ca` takes.
    pub fn write_ca(&self, folder: &Path) -> Result<PathBuf> {
        let file = folder.join("ca.pem");
        std::fs::write(&file, &self.pem).with_context(|| file.display().to_string())?;
        Ok(file)
    }

    /// Issues a certificate and writes `<name>.crt` and `<name>.key`.
    pub fn write_certificate(&self, folder: &Path, name: &str, kind: CertificateKind) -> Result<(PathBuf, PathBuf)> {
        let (certificate, key) = self.issue(kind)?;
        let files = (folder.join(format!("{name}.crt")), folder.join(format!("{name}.key")));
        std::fs::write(&files.0, certificate.pem())?;
        std::fs::write(&files.1, key.serialize_pem())?;
        Ok(files)
    }

    /// The settings of a TLS server that shows such a certificate.
    pub fn server_config(&self, kind: CertificateKind) -> Result<Arc<rustls::ServerConfig>> {
        let (certificate, key) = self.issue(kind)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        Ok(Arc::new(config))
    }

    fn issue(&self, kind: CertificateKind) -> Result<(rcgen::Certificate, KeyPair)> {
        let names: &[&str] = match kind {
            CertificateKind::WrongHost => &["elsewhere.test"],
            CertificateKind::Good | CertificateKind::Expired => &["localhost", "127.0.0.1"],
        };
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name.push(DnType::CommonName, "Relance test server");
        if kind == CertificateKind::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 12, 31);
        }
        let key = KeyPair::generate()?;
        Ok((params.signed_by(&key, &self.issuer)?, key))
    }
}
