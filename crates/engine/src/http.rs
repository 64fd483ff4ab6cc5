//! Asks other servers over HTTPS, for what Relance needs from the internet: one request, one bounded answer.
//!
//! It connects through the guard of `mail`: public addresses only, unless the operator allows networks; the address that
//! was judged is the one that is connected to. Redirects are not followed, an answer has at most 1 MiB, and everything
//! together takes at most 20 seconds. Without TLS only this machine is asked.

use futures::future::{Either, select};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, Uri,
    body::Bytes,
    header::{self, HeaderValue},
    rt::{Read, Write},
};
use hyper_util::rt::TokioIo;
use relance_mail::{
    Fault, Tls,
    guard::{self, Networks, Reach},
};
use std::{pin::pin, time::Duration};

/// Most bytes of an answer.
const MOST_BYTES: usize = 1024 * 1024;
/// Resolving and connecting, and again the TLS handshake.
const CONNECT_LIMIT: Duration = Duration::from_secs(8);
/// Everything together.
const WHOLE_LIMIT: Duration = Duration::from_secs(20);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is none that can be asked.
    #[error("{0} is no address that can be asked")]
    Address(String),
    /// The server could not be reached, or not securely.
    #[error("{0}")]
    Unreachable(Fault),
    /// No whole answer in time.
    #[error("there was no answer in time")]
    TimedOut,
    /// The answer is too long.
    #[error("the answer is too long")]
    TooLong,
    /// The server does not speak HTTP, or hung up.
    #[error("the server broke off: {0}")]
    Broken(String),
}

/// Asks other servers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Http {
    tls: Tls,
    networks: Networks,
}

impl Http {
    /// Trusts what `tls` trusts and reaches `networks` beyond the public internet.
    pub const fn new(tls: Tls, networks: Networks) -> Self {
        Self { tls, networks }
    }

    /// Sends one request; the answer with its whole body, whatever its status.
    pub async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
        tokio::time::timeout(WHOLE_LIMIT, self.ask(request)).await.unwrap_or(Err(HttpError::TimedOut))
    }

    async fn ask(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, HttpError> {
        let uri = request.uri().clone();
        let wrong = || HttpError::Address(without_query(&uri));
        let host = uri.host().ok_or_else(wrong)?.to_owned();
        let is_secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let reach = if is_secure { Reach::Public(&self.networks) } else { Reach::ThisMachine };
        let request = prepared(request, &host, uri.port_u16()).ok_or_else(wrong)?;
        let tcp = guard::connect(&host, port, reach, CONNECT_LIMIT).await.map_err(HttpError::Unreachable)?;
        if !is_secure {
            return exchange(TokioIo::new(tcp), request).await;
        }
        let stream = self.tls.connect(&host, tcp, CONNECT_LIMIT).await.map_err(HttpError::Unreachable)?;
        exchange(TokioIo::new(stream), request).await
    }
}

/// What may be shown of an address.
fn without_query(uri: &Uri) -> String {
    format!("{}://{}{}", uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default(), uri.path())
}

/// The request as one server gets it: its path, and the host in a header.
fn prepared(request: Request<Vec<u8>>, host: &str, port: Option<u16>) -> Option<Request<Full<Bytes>>> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse().ok()?;
    let host = port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    parts.headers.insert(header::HOST, HeaderValue::from_str(&host).ok()?);
    parts.headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    parts.headers.insert(header::USER_AGENT, HeaderValue::from_static("Relance"));
    Some(Request::from_parts(parts, Full::new(Bytes::from(body))))
}

async fn exchange<I>(io: I, request: Request<Full<Bytes>>) -> Result<Response<Vec<u8>>, HttpError>
where
    I: Read + Write + Send + Unpin + 'static,
{
    let broken = |error: hyper::Error| HttpError::Broken(error.to_string());
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.map_err(broken)?;
    let answer = pin!(async move {
        let (parts, body) = sender.send_request(request).await.map_err(broken)?.into_parts();
        let read = Limited::new(body, MOST_BYTES).collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() { HttpError::TooLong } else { HttpError::Broken(error.to_string()) }
        })?;
        Ok(Response::from_parts(parts, read.to_bytes().to_vec()))
    });
    match select(answer, pin!(connection)).await {
        Either::Left((answer, _)) => answer,
        // The connection is over; what was read of it is still to be handed out.
        Either::Right((_, answer)) => answer.await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A server on this machine that says this to its first caller.
    async fn saying(words: Vec<u8>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            let mut heard = vec![0; 4096];
            let count = stream.read(&mut heard).await.expect("a request");
            let _ = stream.write_all(&words).await;
            String::from_utf8_lossy(&heard[..count]).into_owned()
        });
        (format!("http://127.0.0.1:{port}/token?a=b"), task)
    }

    fn http(networks: &str) -> Http {
        Http::new(Tls::new(None).expect("a trust store"), Networks::parse(networks).expect("networks"))
    }

    fn request(url: &str) -> Request<Vec<u8>> {
        Request::post(url).header("content-type", "text/plain").body(b"hello".to_vec()).expect("a request")
    }

    #[tokio::test]
    async fn one_request_gets_its_answer_and_a_redirect_is_not_followed() {
        let words = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 4\r\n\r\nthen";
        let (url, heard) = saying(words.into()).await;
        let answer = http("").send(request(&url)).await.expect("an answer");
        assert_eq!((answer.status().as_u16(), answer.body().as_slice()), (302, b"then".as_slice()));
        let heard = heard.await.expect("heard").to_lowercase();
        assert!(heard.starts_with("post /token?a=b http/1.1\r\n") && heard.contains("host: 127.0.0.1:"), "{heard}");
    }

    #[tokio::test]
    async fn an_answer_without_an_end_is_refused() {
        let mut words = b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n".to_vec();
        words.resize(2_500_000, b'x');
        let (url, _heard) = saying(words).await;
        assert!(matches!(http("").send(request(&url)).await, Err(HttpError::TooLong)));
        let (url, _heard) = saying(b"220 hello\r\n".to_vec()).await;
        assert!(matches!(http("").send(request(&url)).await, Err(HttpError::Broken(_))));
    }

    #[tokio::test]
    async fn inner_addresses_are_refused_however_they_are_spelled() {
        for host in ["127.0.0.1", "localhost", "2130706433", "10.0.0.1", "[::ffff:10.0.0.1]", "169.254.169.254"] {
            let answer = http("").send(request(&format!("https://{host}/"))).await;
            assert!(matches!(answer, Err(HttpError::Unreachable(Fault::Forbidden { .. }))), "{host}: {answer:?}");
        }
        // Allowed by the operator, so it is tried: nothing listens there.
        let allowed = http("127.0.0.0/8").send(request("https://127.0.0.1:9/")).await;
        assert!(matches!(allowed, Err(HttpError::Unreachable(Fault::Refused { .. }))), "{allowed:?}");
        let plain = http("").send(request("http://10.0.0.1/")).await;
        assert!(matches!(plain, Err(HttpError::Unreachable(Fault::NotEncrypted { .. }))), "{plain:?}");
        let odd = http("").send(request("ftp://example.com/?secret=1")).await.expect_err("refused");
        assert!(!odd.to_string().contains("secret"), "{odd}");
    }
}
