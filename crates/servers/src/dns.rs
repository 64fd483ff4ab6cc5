//! A name service that says what a test wrote down: texts, mail hosts, failures, silence. On a port of its own.
//!
//! It answers over UDP whatever it is asked, and remembers the questions. Names it knows nothing of do not exist.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::UdpSocket;

const TXT: u16 = 16;
const MX: u16 = 15;

#[derive(Debug, Default)]
struct Zone {
    texts: HashMap<String, Vec<String>>,
    hosts: HashMap<String, Vec<(u16, String)>>,
    failing: Vec<String>,
    silent: Vec<String>,
    asked: Vec<String>,
}

/// The server, until it is dropped.
#[derive(Debug)]
pub struct DnsServer {
    /// Where it listens.
    pub address: SocketAddr,
    zone: Arc<Mutex<Zone>>,
    task: tokio::task::JoinHandle<()>,
}

impl DnsServer {
    /// Listens on a free port of this machine.
    pub async fn start() -> std::io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let zone = Arc::new(Mutex::new(Zone::default()));
        let known = zone.clone();
        let task = tokio::spawn(async move {
            let mut question = [0_u8; 1_500];
            while let Ok((length, from)) = socket.recv_from(&mut question).await {
                let answer = known.lock().unwrap_or_else(PoisonError::into_inner).answer(&question[..length]);
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self { address, zone, task })
    }

    fn with<T>(&self, change: impl FnOnce(&mut Zone) -> T) -> T {
        change(&mut self.zone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A text of a name, beside those it has.
    pub fn text(&self, name: &str, text: &str) {
        self.with(|zone| zone.texts.entry(name.to_lowercase()).or_default().push(text.to_owned()));
    }

    /// Takes the texts of a name away.
    pub fn forget(&self, name: &str) {
        self.with(|zone| zone.texts.remove(&name.to_lowercase()));
    }

    /// A host that receives mail for a domain.
    pub fn mail_host(&self, domain: &str, preference: u16, host: &str) {
        self.with(|zone| zone.hosts.entry(domain.to_lowercase()).or_default().push((preference, host.to_owned())));
    }

    /// It says of this name that it failed.
    pub fn fail(&self, name: &str) {
        self.with(|zone| zone.failing.push(name.to_lowercase()));
    }

    /// It never answers about this name.
    pub fn keep_silent(&self, name: &str) {
        self.with(|zone| zone.silent.push(name.to_lowercase()));
    }

    /// The names it was asked about, in order.
    pub fn asked(&self) -> Vec<String> {
        self.with(|zone| zone.asked.clone())
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Zone {
    /// The answer to one question (RFC 1035 §4); `None` = silence, or not a question.
    fn answer(&mut self, asked: &[u8]) -> Option<Vec<u8>> {
        let (name, end) = read_name(asked, 12)?;
        let kind = u16::from_be_bytes(asked.get(end..end + 2)?.try_into().ok()?);
        self.asked.push(name.clone());
        if self.silent.contains(&name) {
            return None;
        }
        let records: Vec<Vec<u8>> = match kind {
            TXT => self.texts.get(&name).into_iter().flatten().map(|text| text_data(text)).collect(),
            MX => self.hosts.get(&name).into_iter().flatten().map(|(rank, host)| host_data(*rank, host)).collect(),
            _ => Vec::new(),
        };
        let exists = self.texts.contains_key(&name) || self.hosts.contains_key(&name);
        let code = match (self.failing.contains(&name), exists) {
            (true, _) => 2,
            (false, false) => 3,
            (false, true) => 0,
        };
        let number = if code == 0 { u16::try_from(records.len()).ok()? } else { 0 };
        let mut answer = asked.get(..2)?.to_vec();
        answer.extend([0x85, 0x80 | code, 0, 1]);
        answer.extend(number.to_be_bytes());
        answer.extend([0, 0, 0, 0]);
        answer.extend(asked.get(12..end + 4)?);
        for data in records.iter().take(usize::from(number)) {
            answer.extend([0xc0, 12]);
            answer.extend(kind.to_be_bytes());
            answer.extend([0, 1, 0, 0, 0, 60]);
            answer.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
            answer.extend(data);
        }
        Some(answer)
    }
}

fn read_name(message: &[u8], mut at: usize) -> Option<(String, usize)> {
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*message.get(at)?);
        at += 1;
        if length == 0 {
            return Some((labels.join(".").to_lowercase(), at));
        }
        labels.push(String::from_utf8_lossy(message.get(at..at + length)?).into_owned());
        at += length;
    }
}

fn text_data(text: &str) -> Vec<u8> {
    let part = |part: &[u8]| [&[u8::try_from(part.len()).unwrap_or(u8::MAX)], part].concat();
    text.as_bytes().chunks(255).flat_map(part).collect()
}

fn host_data(preference: u16, host: &str) -> Vec<u8> {
    let mut data = preference.to_be_bytes().to_vec();
    for label in host.trim_end_matches('.').split('.') {
        data.push(u8::try_from(label.len()).unwrap_or(u8::MAX));
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}
