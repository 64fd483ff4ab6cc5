//! Tells Dovecot whose an access token is, as a provider's own mail servers know it.
//!
//! A test's OAuth server runs in the test's process, Dovecot in the run's: between them lies a folder with one file per
//! token that is good (`address`, then until when in milliseconds). Answers Dovecot's `introspection_mode = auth`.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;

/// Answers on `port` for as long as the process lives.
pub(super) fn answer(port: u16, folder: PathBuf) -> Result<()> {
    std::fs::create_dir_all(&folder)?;
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let folder = folder.clone();
            // A caller that breaks off is its own affair.
            std::thread::spawn(move || talk(stream, &folder));
        }
    });
    Ok(())
}

fn talk(mut stream: TcpStream, folder: &Path) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut heard = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Ok(());
        }
        heard.extend_from_slice(&piece[..count]);
        // One connection may carry several questions, one after the other.
        while let Some(end) = heard.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&heard[..end]).into_owned();
            heard.drain(..end + 4);
            let (status, body) = match token_in(&head).and_then(|token| owner_of(folder, token)) {
                Some(address) => ("200 OK", format!(r#"{{"active":"true","email":"{address}"}}"#)),
                None => ("401 Unauthorized", r#"{"active":"false","error":"invalid_token"}"#.to_owned()),
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            );
            stream.write_all(answer.as_bytes())?;
        }
    }
}

fn token_in(head: &str) -> Option<&str> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("authorization").then(|| value.trim().strip_prefix("Bearer ")).flatten()
    })
}

/// Whose a token is, while it is good.
fn owner_of(folder: &Path, token: &str) -> Option<String> {
    let is_plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let file = std::fs::read_to_string(folder.join(token)).ok().filter(|_| is_plain)?;
    let (address, until) = file.split_once('\n')?;
    (until.trim().parse::<i64>().ok()? > crate::now_ms()).then(|| address.to_owned())
}
