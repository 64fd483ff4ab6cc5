//! Headless Chromium, driven by a script with playwright-core.
//!
//! A script lies in `tests/browser/`, reads `BASE_URL` and `CHROMIUM` from its environment and
//! ends with 0 when all it checked holds. Without Node, Chromium or `npm ci` the test is skipped.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::relance::repository;
use crate::run::find_program;

/// How long a script may take.
const LIMIT: Duration = Duration::from_secs(300);

/// How a browser test ended, when it didn't fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrowserOutcome {
    /// All that the script checked holds.
    Passed,
    /// The machine can't run it; SKIPPED was printed.
    Skipped,
}

/// Runs `tests/browser/<script>.mjs` against a running Relance; its failure is the error.
pub async fn browser_test(script: &str, base_url: &str, variables: &[(&str, &str)]) -> Result<BrowserOutcome> {
    let found = find_program("node", &[]).zip(find_program("chromium", &[]));
    let playwright = repository().join("node_modules/playwright-core/package.json");
    let (Some((node, chromium)), true) = (found, playwright.is_file()) else {
        crate::skip("no browser: Node, Chromium and playwright-core (npm ci) are needed");
        return Ok(BrowserOutcome::Skipped);
    };
    let profile = tempfile::tempdir_in(crate::scratch_folder())?;
    let mut command = Command::new(node);
    command
        .arg(format!("tests/browser/{script}.mjs"))
        .current_dir(repository())
        .env("BASE_URL", base_url)
        .env("CHROMIUM", chromium)
        .env("TMPDIR", profile.path())
        .envs(variables.iter().copied())
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    let ended = tokio::time::timeout(LIMIT, command.output()).await;
    let output = ended.with_context(|| format!("{script} still runs after {LIMIT:?}"))??;
    let (said, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !output.status.success() {
        bail!("{script} ended with {}\n{said}{errors}", output.status);
    }
    println_for_the_log(&said);
    Ok(BrowserOutcome::Passed)
}

#[expect(clippy::print_stdout, reason = "a test's output is shown by its runner when asked for")]
fn println_for_the_log(said: &str) {
    print!("{said}");
}
