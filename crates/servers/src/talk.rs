//! A conversation in lines with a mail server, said word by word.
//!
//! Tests use it to be the other side: a prospect's mail server, a second mail program. It knows
//! enough SMTP to hand a message over and leaves everything else to its caller.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long the other side may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of either kind.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A conversation with a server on 127.0.0.1.
pub struct Talk {
    stream: BufReader<Box<dyn Stream>>,
}

impl Talk {
    /// Connects without TLS.
    pub async fn connect(port: u16) -> Result<Talk> {
        let stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.set_nodelay(true)?;
        Ok(Talk { stream: BufReader::new(Box::new(stream)) })
    }

    /// Goes on in TLS; the server's certificate must be for `localhost`, signed by that CA.
    pub async fn secure(self, ca_file: &Path) -> Result<Talk> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca_file).context("the CA file")?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost")?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, self.stream.into_inner()).await?;
        Ok(Talk { stream: BufReader::new(Box::new(stream)) })
    }

    /// Says one line.
    pub async fn say(&mut self, line: &str) -> Result<()> {
        self.stream.write_all(format!("{line}\r\n").as_bytes()).await?;
        Ok(self.stream.flush().await?)
    }

    /// Hears one line, without its end.
    pub async fn hear(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let heard = tokio::time::timeout(PATIENCE, self.stream.read_until(b'\n', &mut line));
        if heard.await.context("the server said nothing")?? == 0 {
            bail!("the server closed the connection");
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    /// Hears an SMTP answer of one or more lines; any other code is an error with the answer.
    pub async fn expect(&mut self, code: &str) -> Result<String> {
        let mut answer = String::new();
        loop {
            let line = self.hear().await?;
            let more = line.as_bytes().get(3) == Some(&b'-');
            answer.push_str(&line);
            if !more {
                break;
            }
            answer.push('\n');
        }
        if !answer.starts_with(code) {
            bail!("{answer}");
        }
        Ok(answer)
    }

    /// Says a line and hears the SMTP answer.
    pub async fn ask(&mut self, line: &str, code: &str) -> Result<String> {
        self.say(line).await?;
        self.expect(code).await
    }

    /// Hands over a message by SMTP, after EHLO and whatever else comes first.
    pub async fn send_message(&mut self, from: &str, to: &[&str], raw: &[u8]) -> Result<String> {
        self.ask(&format!("MAIL FROM:<{from}>"), "250").await?;
        for address in to {
            self.ask(&format!("RCPT TO:<{address}>"), "250").await?;
        }
        self.ask("DATA", "354").await?;
        self.stream.write_all(&dot_stuffed(raw)).await?;
        self.ask(".", "250").await
    }

    /// Says an IMAP command and hears everything up to its tagged answer, which must be OK.
    pub async fn imap(&mut self, command: &str) -> Result<Vec<String>> {
        self.say(&format!("t {command}")).await?;
        let mut heard = Vec::new();
        loop {
            let line = self.hear().await?;
            match line.strip_prefix("t ") {
                Some(answer) if answer.starts_with("OK") => return Ok(heard),
                Some(answer) => bail!("{answer}"),
                None => heard.push(line),
            }
        }
    }
}

/// A message as DATA carries it: CRLF line ends, dots doubled, ended by a line end.
fn dot_stuffed(raw: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(raw.len() + 64);
    for line in raw.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
        stuffed.extend_from_slice(b"\r\n");
    }
    stuffed
}

/// The value of a message's first header of that name, unfolded.
pub(super) fn header(raw: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(raw);
    let mut value: Option<String> = None;
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match &mut value {
            Some(value) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            Some(_) => break,
            None => {
                let found = line.split_once(':').filter(|(key, _)| key.eq_ignore_ascii_case(name));
                value = found.map(|(_, rest)| rest.trim().to_owned());
            }
        }
    }
    value
}

/// Text from base64 (RFC 4648), wrong characters left out.
pub(super) fn from_base64(encoded: &str) -> String {
    use base64::Engine;
    let engine = base64::engine::general_purpose::STANDARD;
    String::from_utf8_lossy(&engine.decode(encoded.trim()).unwrap_or_default()).into_owned()
}

/// Text as base64 (RFC 4648).
#[cfg(test)]
pub(super) fn to_base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}
