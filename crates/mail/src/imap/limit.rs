//! The connection below the IMAP library, watching what comes in.
//!
//! The library buffers whatever a server announces, up to half a gigabyte. This reader counts: each command
//! brings a budget of bytes, and a literal (`{2147483648}`) larger than what is left of it, or a line without an end,
//! fails the read at once, before anything of that size is buffered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, BufWriter, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Longest line outside literals: a SEARCH answer over a hundred thousand messages.
const MAX_LINE: usize = 1024 * 1024;

/// A connection, with TLS or without.
#[derive(Debug)]
pub(super) enum Stream {
    /// Without.
    Plain(TcpStream),
    /// With.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection with a budget.
#[derive(Debug)]
pub(super) struct Limited {
    stream: BufWriter<Stream>,
    budget: usize,
    scan: Scan,
    commands: u64,
}

/// What the last bytes were: enough to see a literal coming.
#[derive(Debug, Default)]
struct Scan {
    line: usize,
    in_literal: usize,
    brace: Brace,
}

#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Brace {
    #[default]
    None,
    Digits(usize),
    Closed(usize),
}

impl Limited {
    /// Watches over `stream`, with a budget for a greeting.
    pub(super) fn new(stream: Stream) -> Limited {
        Limited {
            stream: BufWriter::with_capacity(16 * 1024, stream),
            budget: 64 * 1024,
            scan: Scan::default(),
            commands: 0,
        }
    }

    /// Sets the budget for what comes next.
    pub(super) fn allow(&mut self, bytes: usize) {
        self.budget = bytes;
    }

    /// A tag that was not used on this connection.
    pub(super) fn next_tag(&mut self) -> String {
        self.commands += 1;
        format!("R{}", self.commands)
    }

    /// The connection itself.
    pub(super) fn into_stream(self) -> Stream {
        self.stream.into_inner()
    }

    fn admit(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.budget = self.budget.checked_sub(bytes.len()).ok_or_else(too_much)?;
        self.scan.admit(bytes, self.budget)
    }
}

fn too_much() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the server sent more than was asked for")
}

impl Scan {
    fn admit(&mut self, mut bytes: &[u8], budget: usize) -> io::Result<()> {
        while !bytes.is_empty() {
            if self.in_literal > 0 {
                let skipped = self.in_literal.min(bytes.len());
                self.in_literal -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            let byte = bytes[0];
            bytes = &bytes[1..];
            self.line += 1;
            if self.line > MAX_LINE {
                return Err(too_much());
            }
            self.brace = match (self.brace, byte) {
                (_, b'{') => Brace::Digits(0),
                (Brace::Digits(n), b'0'..=b'9') => {
                    Brace::Digits(n.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
                }
                (Brace::Digits(n), b'+') => Brace::Digits(n),
                (Brace::Digits(n), b'}') => Brace::Closed(n),
                (Brace::Closed(n), b'\r') => Brace::Closed(n),
                (Brace::Closed(n), b'\n') => {
                    // What of the literal has arrived with this read is already off the budget.
                    if n > budget.saturating_add(bytes.len()) {
                        return Err(too_much());
                    }
                    self.in_literal = n;
                    self.line = 0;
                    Brace::None
                }
                (_, b'\n') => {
                    self.line = 0;
                    Brace::None
                }
                _ => Brace::None,
            };
        }
        Ok(())
    }
}

impl AsyncRead for Limited {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        Poll::Ready(self.admit(&buf.filled()[before..]))
    }
}

impl AsyncWrite for Limited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_larger_than_the_budget_is_refused_when_announced() {
        assert!(Scan::default().admit(b"* 1 FETCH (BODY[] {2147483648}\r\n", 1_000).is_err());
        assert!(Scan::default().admit(b"* 1 FETCH (BODY[] {99999999999999999999999999}\r\n", 1_000).is_err());
        assert!(Scan::default().admit(b"* 1 FETCH (BODY[] {1000}\r\n", 1_000).is_ok());
    }

    #[test]
    fn braces_inside_a_literal_and_in_text_announce_nothing() {
        let mut scan = Scan::default();
        assert!(scan.admit(b"* 1 FETCH (BODY[] {14}\r\n{2147483648}\r\n)\r\n", 1_000).is_ok());
        assert!(scan.admit(b"* OK {2147483648} is a number\r\n", 1_000).is_ok());
    }

    #[test]
    fn an_announcement_cut_anywhere_is_still_seen() {
        let announcement = b"* 1 FETCH (BODY[] {2147483648}\r\n";
        for cut in 1..announcement.len() {
            let mut scan = Scan::default();
            assert!(scan.admit(&announcement[..cut], 1_000).is_ok(), "{cut}");
            assert!(scan.admit(&announcement[cut..], 1_000).is_err(), "{cut}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_refused() {
        assert!(Scan::default().admit(&vec![b'x'; MAX_LINE + 1], usize::MAX).is_err());
    }
}
