//! The folder of a run, free ports, accounts, and the keeper that ends what was started.
//!
//! A folder lies on tmpfs where there is room. Its keeper is a small shell that waits for the end
//! of the process that made it (its input closes, even after a `kill -9`), then ends exactly the
//! processes listed in the folder and removes the folder. Nothing here searches processes by name.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// Why a server can't be had on this machine; the tests that need it are skipped.
#[derive(Debug, Clone)]
pub struct Missing(pub String);

impl std::fmt::Display for Missing {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Room that tmpfs must have before test data is put there, in KiB.
const ROOM_NEEDED: u64 = 2 * 1024 * 1024;

/// Where test data lies: tmpfs where there is room, else the temporary folder.
pub fn scratch_folder() -> PathBuf {
    let shm = Path::new("/dev/shm");
    let room = Command::new("df").args(["-k", "--output=avail"]).arg(shm).output();
    let room = room.ok().and_then(|output| {
        let text = String::from_utf8(output.stdout).ok()?;
        text.lines().nth(1)?.trim().parse::<u64>().ok()
    });
    match room {
        Some(room) if room >= ROOM_NEEDED => shm.to_owned(),
        _ => std::env::temp_dir(),
    }
}

/// A folder for the data of servers, and the keeper that ends them and removes it.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    keeper: Child,
    servers: Vec<Child>,
}

const KEEPER: &str = r#"
trap '' INT TERM HUP
runs() { kill -0 "$1" && ! grep -q '^State:.Z' "/proc/$1/status"; }
cat >/dev/null
while read -r signal pid; do kill -s "$signal" "$pid"; done <"$1/pids"
tries=0
while read -r signal pid; do
    while runs "$pid" && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.05; done
    kill -s KILL "$pid"
done <"$1/pids"
rm -rf "$1"
"#;

impl RunFolder {
    /// Makes an empty folder inside `parent` that any account may enter.
    pub fn make(purpose: &str, parent: &Path) -> Result<RunFolder> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("relance-{purpose}-"))
            .permissions(std::fs::Permissions::from_mode(0o755))
            .tempdir_in(parent)?;
        let path = folder.keep();
        std::fs::write(path.join("pids"), "")?;
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(&path)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting the keeper of a test folder")?;
        Ok(RunFolder { path, keeper, servers: Vec::new() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Has a process ended with `signal` when the folder goes.
    pub(crate) fn end_with_us(&self, pid: u32, signal: &str) -> Result<()> {
        let mut pids = std::fs::OpenOptions::new().append(true).open(self.path.join("pids"))?;
        writeln!(pids, "{signal} {pid}")?;
        Ok(())
    }

    /// Starts a server that writes what it says to `log` in this folder, and ends with it.
    pub(crate) fn start(&mut self, command: &mut Command, log: &str, signal: &str) -> Result<()> {
        let log = std::fs::File::create(self.path.join(log))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", command.get_program().display()))?;
        let pid = child.id();
        self.servers.push(child);
        self.end_with_us(pid, signal)
    }

    /// How one of the started servers ended, if one has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        for server in &mut self.servers {
            if let Some(status) = server.try_wait()? {
                return Ok(Some(status));
            }
        }
        Ok(None)
    }

    /// The end of a log, for the message of a failure.
    pub(crate) fn log(&self, log: &str) -> String {
        let bytes = std::fs::read(self.path.join(log)).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

impl Drop for RunFolder {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper ends the servers; it goes on by itself should waiting for it fail.
        for server in &mut self.servers {
            let _ = server.wait();
        }
        let _ = self.keeper.wait();
    }
}

/// Ports of 127.0.0.1 that are free now, below those the kernel hands out by itself.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::with_capacity(N);
    for _ in 0..10_000 {
        if held.len() == N {
            break;
        }
        let port = rand::random_range(15_000..32_000_u16);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            held.push((port, listener));
        }
    }
    let ports: Vec<u16> = held.iter().map(|(port, _)| *port).collect();
    ports.try_into().map_err(|_| anyhow::anyhow!("no {N} free ports on 127.0.0.1"))
}

/// An account of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account {
    /// Its user number.
    pub uid: u32,
    /// Its group number.
    pub gid: u32,
}

impl Account {
    /// The account of that name, if the machine has it.
    pub fn named(name: &str) -> Option<Account> {
        let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
        let line = accounts.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some(Account { uid: fields.next()?.parse().ok()?, gid: fields.next()?.parse().ok()? })
    }

    /// Makes a folder that belongs to this account.
    pub fn make_folder(self, path: &Path, mode: u32) -> Result<()> {
        std::fs::create_dir_all(path)?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
        chown(path, Some(self.uid), Some(self.gid)).with_context(|| format!("giving away {}", path.display()))
    }
}

/// Does this process act as root?
pub(super) fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The program of that name on the path or in the usual folders.
pub(super) fn find_program(name: &str, more: &[&str]) -> Option<PathBuf> {
    let path = crate::variable("PATH").unwrap_or_default();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/bin", "/sbin", "/usr/local/bin"]);
    folders.chain(more.iter().copied()).map(|folder| Path::new(folder).join(name)).find(|program| program.is_file())
}

/// Runs a program to its end; its words are the error when it fails.
pub(super) fn run(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("running {program}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{program} ended with {}: {said}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(said)
}

/// Asks again every few milliseconds until there is an answer or the time is over.
pub(super) async fn poll<T>(limit: Duration, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let mut ticks = tokio::time::interval(Duration::from_millis(20));
    let begun = crate::instant();
    loop {
        ticks.tick().await;
        if let Some(answer) = ask().await? {
            return Ok(Some(answer));
        }
        if begun.elapsed() >= limit {
            return Ok(None);
        }
    }
}
