//! Measures what `engine.md` promises about cost, and prints figures beside their limits.
//!
//! The engine runs in this process as it does in the binary, on a SQLite file and on a private PostgreSQL, both on a
//! real disk that every commit waits for. `smtp-sink` takes the emails; `smtp-source` says what this machine can do.
//! Without Postfix or PostgreSQL their parts are left out with a line that says so. Slow figures do not fail the run.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

mod ground;
mod lists;
mod measure;
mod messages;
mod people;
mod report;
mod sending;
mod ticks;

use clap::{Parser, ValueEnum};
use ground::{Grounds, Kind};
use report::Report;
use std::path::PathBuf;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Emails per second beside smtp-source.
    Sending,
    /// The cost of a turn with few and with many waiting.
    Ticks,
    /// Enrolling many.
    Enrolling,
    /// Importing a CSV file.
    Importing,
    /// Pages of lists.
    Lists,
    /// Understanding received mail.
    Messages,
}

/// Measure how fast Relance works on this machine.
#[derive(Debug, Parser)]
struct Arguments {
    /// Small data sets, to check the program rather than the machine.
    #[arg(long)]
    quick: bool,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Only this database.
    #[arg(long, value_enum)]
    database: Option<Kind>,
    /// Emails to send.
    #[arg(long)]
    emails: Option<usize>,
    /// Mailboxes to send them from.
    #[arg(long)]
    mailboxes: Option<usize>,
    /// Enrollments that wait while a turn is measured.
    #[arg(long)]
    waiting: Option<usize>,
    /// People to enroll.
    #[arg(long)]
    people: Option<usize>,
    /// People in lists.
    #[arg(long)]
    listed: Option<usize>,
    /// Rows of the CSV file.
    #[arg(long)]
    rows: Option<usize>,
    /// Where the data lie while it runs: a folder on a disk, not in memory.
    #[arg(long, default_value = "/var/tmp")]
    folder: PathBuf,
}

/// How large the data sets are.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    emails: usize,
    mailboxes: usize,
    waiting: usize,
    people: usize,
    listed: usize,
    rows: usize,
}

impl Arguments {
    fn sizes(&self) -> Sizes {
        let of = |chosen: Option<usize>, quick: usize, full: usize| {
            chosen.unwrap_or(if self.quick { quick } else { full }).max(1)
        };
        Sizes {
            emails: of(self.emails, 400, 20_000),
            mailboxes: of(self.mailboxes, 20, 100),
            waiting: of(self.waiting, 5_000, 1_000_000),
            people: of(self.people, 2_000, 100_000),
            listed: of(self.listed, 5_000, 1_000_000),
            rows: of(self.rows, 2_000, 200_000),
        }
    }

    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let sizes = arguments.sizes();
    let mut report = Report::new();
    let grounds = Grounds::start(&arguments.folder, arguments.database).await?;
    if arguments.wants(Part::Sending) {
        sending::measure(&grounds, sizes, &mut report).await?;
    }
    for kind in grounds.kinds() {
        if arguments.wants(Part::Ticks) {
            ticks::measure(&grounds, kind, sizes, &mut report).await?;
        }
        if arguments.wants(Part::Enrolling) {
            people::measure_enrolling(&grounds, kind, sizes, &mut report).await?;
        }
        if arguments.wants(Part::Importing) {
            people::measure_importing(&grounds, kind, sizes, &mut report).await?;
        }
        if arguments.wants(Part::Lists) {
            lists::measure(&grounds, kind, sizes, &mut report).await?;
        }
    }
    if arguments.wants(Part::Messages) {
        messages::measure(if arguments.quick { 200 } else { 20_000 }, &mut report)?;
        messages::measure_matching(&grounds, sizes, &mut report).await?;
    }
    println!("\n{report}");
    Ok(())
}
