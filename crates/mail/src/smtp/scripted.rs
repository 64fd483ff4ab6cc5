//! A server that plays a script over one loopback connection and tells what it heard.

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::{Security, Server, Tls};

/// One thing the server does.
pub(crate) enum Step {
    /// Writes bytes as they are.
    Say(&'static str),
    /// Writes the same bytes again and again until the client is gone.
    SayForever(&'static [u8]),
    /// Reads a line, which must start so.
    Hear(&'static str),
    /// Reads up to and with the dot alone on its line.
    HearBody,
    /// Reads until the client closes.
    HearEnd,
    /// Shakes hands as a TLS server; everything after it is inside.
    StartTls,
}

pub(crate) struct Script {
    pub(crate) address: SocketAddr,
    heard: JoinHandle<Result<Vec<String>, String>>,
}

impl Script {
    pub(crate) async fn play(steps: Vec<Step>) -> Script {
        Script::play_with(steps, None).await
    }

    pub(crate) async fn play_with(steps: Vec<Step>, identity: Option<Identity>) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.map_err(|e| e.to_string())?;
            let mut stream: Box<dyn Duplex> = Box::new(stream);
            let mut heard = Vec::new();
            for step in steps {
                stream = perform(step, stream, identity.as_ref(), &mut heard).await?;
            }
            Ok(heard)
        });
        Script { address, heard }
    }

    /// What the client said; fails the test when it did not follow the script.
    pub(crate) async fn heard(self) -> Vec<String> {
        self.heard.await.unwrap().unwrap()
    }

    pub(crate) fn server(&self, security: Security, username: &str) -> Server {
        Server {
            host: "127.0.0.1".into(),
            port: self.address.port(),
            security,
            username: username.into(),
            credential: secrecy::SecretString::from("pass word").into(),
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

async fn perform(
    step: Step,
    mut stream: Box<dyn Duplex>,
    identity: Option<&Identity>,
    heard: &mut Vec<String>,
) -> Result<Box<dyn Duplex>, String> {
    match step {
        Step::Say(words) => {
            stream.write_all(words.as_bytes()).await.map_err(|e| e.to_string())?;
            stream.flush().await.map_err(|e| e.to_string())?;
        }
        Step::SayForever(bytes) => while stream.write_all(bytes).await.is_ok() {},
        Step::Hear(prefix) => {
            let line = line(&mut stream).await?;
            if !line.starts_with(prefix) {
                return Err(format!("wanted {prefix:?}, heard {line:?}"));
            }
            heard.push(line);
        }
        Step::HearBody => {
            let mut body = String::new();
            loop {
                let line = line(&mut stream).await?;
                if line == "." {
                    break;
                }
                body.push_str(&line);
                body.push('\n');
            }
            heard.push(body);
        }
        Step::HearEnd => {
            let mut rest = Vec::new();
            // A reset is an end as well.
            let _end = stream.read_to_end(&mut rest).await;
            heard.push(String::from_utf8_lossy(&rest).into_owned());
        }
        Step::StartTls => {
            let acceptor = identity.ok_or("no identity")?.acceptor();
            return match acceptor.accept(stream).await {
                Ok(inside) => Ok(Box::new(inside)),
                Err(error) => {
                    heard.push(format!("no TLS: {error}"));
                    Ok(Box::new(tokio::io::empty()))
                }
            };
        }
    }
    Ok(stream)
}

async fn line(stream: &mut Box<dyn Duplex>) -> Result<String, String> {
    let mut bytes = Vec::new();
    loop {
        let byte = stream.read_u8().await.map_err(|e| format!("{e} after {:?}", String::from_utf8_lossy(&bytes)))?;
        bytes.push(byte);
        if bytes.ends_with(b"\r\n") {
            bytes.truncate(bytes.len() - 2);
            return String::from_utf8(bytes).map_err(|e| e.to_string());
        }
    }
}

/// A certificate with its key, and the authority that issued it.
pub(crate) struct Identity {
    authority_pem: String,
    config: Arc<rustls::ServerConfig>,
}

/// From when to when a certificate is valid, in years.
pub(crate) struct Years(pub i32, pub i32);

impl Identity {
    pub(crate) fn new(names: &[&str], Years(from, to): Years) -> Identity {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "Test authority");
        let authority_pem = authority.self_signed(&key).unwrap().pem();
        let issuer = rcgen::Issuer::new(authority, key);

        let key = rcgen::KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        let mut leaf = rcgen::CertificateParams::new(names).unwrap();
        leaf.not_before = rcgen::date_time_ymd(from, 1, 1);
        leaf.not_after = rcgen::date_time_ymd(to, 1, 1);
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Identity { authority_pem, config: Arc::new(config) }
    }

    /// TLS settings that trust this identity's authority.
    pub(crate) fn trusted(&self) -> Tls {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(self.authority_pem.as_bytes()).unwrap();
        Tls::new(Some(file.path())).unwrap()
    }

    fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}
