//! The real binary, as an operator starts it.
//!
//! It waits until the binary says where it listens; a binary that ends before is an error with
//! its last words. `kill9` is a power cut for one process; `stop` asks politely and waits.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use crate::run::poll;

/// What the binary says on stderr once it serves.
const LISTENING: &str = "Relance is listening on ";

/// How long it may take to serve, or to end after a polite request.
const LIMIT: Duration = Duration::from_secs(60);

/// How to start the binary.
#[derive(Debug, Default)]
pub struct RelanceCommand {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    wrapper: Vec<String>,
    input: String,
}

impl RelanceCommand {
    /// Gives it this on standard input; only for [`RelanceCommand::output`].
    pub fn input(mut self, text: &str) -> Self {
        text.clone_into(&mut self.input);
        self
    }

    /// Sets a variable of its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it through another program, such as `strace -f -o FILE`.
    pub fn under(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Starts a server and waits until it listens.
    pub async fn start(self) -> Result<Relance> {
        let mut child = self.command()?.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let said = Arc::new(Mutex::new(Vec::new()));
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(listen_to(BufReader::new(stderr), Arc::clone(&said)));
        }
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(listen_to(BufReader::new(stdout), Arc::clone(&said)));
        }
        let mut relance = Relance { url: String::new(), child, said };
        let url = poll(LIMIT, async || {
            let url = relance.said().lines().find_map(|line| {
                let after = line.split_once(LISTENING)?.1;
                Some(after.split_whitespace().next()?.trim_end_matches('/').to_owned())
            });
            match (url, relance.child.try_wait()?) {
                (Some(url), _) => Ok(Some(url)),
                (None, Some(status)) => bail!("relance ended with {status}: {}", relance.said()),
                (None, None) => Ok(None),
            }
        });
        match url.await? {
            Some(url) => Ok(Relance { url, ..relance }),
            None => bail!("relance did not say where it listens: {}", relance.said()),
        }
    }

    /// Runs it to its end, for commands that are not servers.
    pub async fn output(self) -> Result<std::process::Output> {
        let mut command = self.command()?;
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A command that reads nothing may have ended by now.
            let _ = stdin.write_all(self.input.as_bytes()).await;
        }
        Ok(child.wait_with_output().await?)
    }

    fn command(&self) -> Result<Command> {
        let binary = Relance::binary()?;
        let mut command = match self.wrapper.split_first() {
            Some((program, arguments)) => {
                let mut command = Command::new(program);
                command.args(arguments).arg(binary);
                command
            }
            None => Command::new(binary),
        };
        command.args(&self.arguments).kill_on_drop(true);
        // The settings of whoever runs the tests are not for their servers.
        for name in ["RELANCE_DATA", "RELANCE_LISTEN", "RELANCE_DATABASE", "RELANCE_BASE_URL"] {
            command.env_remove(name);
        }
        for (name, value) in &self.variables {
            command.env(name, value);
        }
        Ok(command)
    }
}

/// A running Relance server, killed with this value.
#[derive(Debug)]
pub struct Relance {
    /// Where it listens, such as `http://127.0.0.1:41234`.
    pub url: String,
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Relance {
    /// The binary beside the running test, built by the test command.
    pub fn binary() -> Result<PathBuf> {
        let test = std::env::current_exe()?;
        let folders = test.ancestors().skip(1).take(3);
        let found = folders.map(|folder| folder.join("relance")).find(|path| path.is_file());
        found.context("the relance binary is not built: cargo build -p relance")
    }

    /// Begins a command line of the binary.
    pub fn command(arguments: &[&str]) -> RelanceCommand {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        RelanceCommand { arguments, ..RelanceCommand::default() }
    }

    /// Starts a server with these arguments on a free port and waits until it listens.
    pub async fn start(arguments: &[&str]) -> Result<Relance> {
        let mut arguments = arguments.to_vec();
        if !arguments.contains(&"--listen") {
            arguments.extend(["--listen", "127.0.0.1:0"]);
        }
        Relance::command(&arguments).start().await
    }

    /// Its process id.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Everything it has said so far.
    pub fn said(&self) -> String {
        self.said.lock().expect("no reader panics").join("\n")
    }

    /// Ends it as a power cut would, and waits until it is gone.
    pub async fn kill9(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks it to stop (SIGTERM) and waits until it has.
    pub async fn stop(mut self) -> Result<ExitStatus> {
        if let Some(pid) = self.child.id() {
            crate::run::run(std::process::Command::new("kill").args(["-s", "TERM", &pid.to_string()]))?;
        }
        self.wait(LIMIT).await
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let ended = tokio::time::timeout(limit, self.child.wait()).await;
        Ok(ended.with_context(|| format!("relance still runs after {limit:?}: {}", self.said()))??)
    }
}

async fn listen_to(stream: impl tokio::io::AsyncBufRead + Unpin, said: Arc<Mutex<Vec<String>>>) {
    let mut lines = stream.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        said.lock().expect("no reader panics").push(line);
    }
}

/// The root of the repository, where `node_modules` and the browser scripts lie.
pub(super) fn repository() -> &'static Path {
    let testkit = Path::new(env!("CARGO_MANIFEST_DIR"));
    testkit.ancestors().nth(2).unwrap_or(testkit)
}
