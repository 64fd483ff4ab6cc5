//! A door in front of a server of this machine that a test can shut or let swallow everything.

use std::sync::Arc;

use anyhow::Result;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What the door does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    /// Passes everything on.
    Open,
    /// Cuts every connection and takes none.
    Shut,
    /// Keeps connections and passes nothing on.
    Swallows,
}

/// A door in front of one port of 127.0.0.1.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    door: Arc<watch::Sender<Door>>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    /// Opens a door in front of `to`.
    pub async fn start(to: u16) -> Result<Proxy> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (door, seen) = watch::channel(Door::Open);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut visitors = JoinSet::new();
            while let Ok((from, _)) = listener.accept().await {
                let seen = seen.clone();
                visitors.spawn(async move {
                    if *seen.borrow() != Door::Shut
                        && let Ok(server) = TcpStream::connect(("127.0.0.1", to)).await
                    {
                        pass(from, server, seen).await;
                    }
                });
            }
        });
        Ok(Proxy { port, door: Arc::new(door), _tasks: tasks })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Cuts every connection and takes none.
    pub fn refuse(&self) {
        self.door.send_replace(Door::Shut);
    }

    /// Keeps the connections there are, but nothing passes any more, in either direction.
    pub fn swallow(&self) {
        self.door.send_replace(Door::Swallows);
    }

    /// Lets new connections through; those that were swallowed are cut.
    pub fn allow(&self) {
        self.door.send_replace(Door::Open);
    }
}

async fn pass(client: TcpStream, server: TcpStream, seen: watch::Receiver<Door>) {
    let (client_in, client_out) = client.into_split();
    let (server_in, server_out) = server.into_split();
    let mut end = seen.clone();
    tokio::select! {
        () = copy(client_in, server_out, seen.clone()) => {}
        () = copy(server_in, client_out, seen) => {}
        () = ended(&mut end) => {}
    }
}

/// The door was shut, or opened again after it swallowed.
async fn ended(seen: &mut watch::Receiver<Door>) {
    let mut swallowed = *seen.borrow() == Door::Swallows;
    while seen.changed().await.is_ok() {
        match *seen.borrow() {
            Door::Shut => return,
            Door::Open if swallowed => return,
            Door::Open => {}
            Door::Swallows => swallowed = true,
        }
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, seen: watch::Receiver<Door>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(_) if *seen.borrow() == Door::Swallows => {}
            Ok(length) => {
                if to.write_all(&buffer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}
