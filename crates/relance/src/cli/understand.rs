//! `relance understand`: how often the understanding of mail is right, measured with messages whose class is known.
//!
//! A folder holds messages, one a file, or folders of them; `NAME-expected.csv` beside a folder (or `--expected`) says
//! what they are. A folder with `emails/` and `trimmed/` measures the visible part of replies. Needs no workspace and
//! changes nothing; a table of expectations that can't be read is refused.

use crate::output::Output;
use anyhow::{Context, anyhow};
use clap::Args;
use comfy_table::{Table, presets};
use relance_mail::{
    accuracy::{Accuracy, Tally, VisibleParts, measure, measure_visible_parts, read_expectations},
    understand::Ours,
};
use serde_json::{Value, json};
use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// What to measure.
#[derive(Debug, Args)]
pub struct UnderstandArguments {
    /// A folder of messages, or of such folders
    folder: PathBuf,
    /// What is expected: CSV with `file`, `class` or `reason`, and perhaps `hard_bounce` and `return_date`
    #[arg(long, value_name = "FILE")]
    expected: Option<PathBuf>,
    /// An address of the mailbox the messages came to
    #[arg(long, value_name = "ADDRESS")]
    ours: Vec<String>,
}

/// What came out for one folder.
enum Measured {
    Messages(Box<Accuracy>),
    Visible(VisibleParts),
}

/// Measures and prints.
pub fn run(arguments: &UnderstandArguments, output: &Output) -> anyhow::Result<()> {
    let ours = Ours { addresses: arguments.ours.clone() };
    let mut words = String::new();
    let mut facts = Vec::new();
    for folder in folders(&arguments.folder)? {
        let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        let measured = measure_folder(&folder, arguments.expected.as_deref(), &ours)
            .with_context(|| format!("measuring {}", folder.display()))?;
        match &measured {
            Measured::Messages(accuracy) => say_accuracy(&mut words, &name, accuracy)?,
            Measured::Visible(parts) => say_visible(&mut words, &name, parts)?,
        }
        facts.push(facts_of(&name, &measured));
    }
    output.result(words.trim_end(), &json!({ "folders": facts }));
    Ok(())
}

/// The folder itself when it has messages or replies, else the folders in it.
fn folders(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root).with_context(|| format!("reading {}", root.display()))?;
    let mut inner: Vec<PathBuf> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            inner.push(path);
        }
    }
    inner.sort();
    if inner.is_empty() || is_of_replies(root) { Ok(vec![root.to_path_buf()]) } else { Ok(inner) }
}

fn is_of_replies(folder: &Path) -> bool {
    folder.join("emails").is_dir() && folder.join("trimmed").is_dir()
}

fn measure_folder(folder: &Path, expected: Option<&Path>, ours: &Ours) -> anyhow::Result<Measured> {
    if is_of_replies(folder) {
        return Ok(Measured::Visible(measure_visible_parts(folder)?));
    }
    let beside = PathBuf::from(format!("{}-expected.csv", folder.display().to_string().trim_end_matches('/')));
    let table = match expected {
        Some(file) => Some(file.to_path_buf()),
        None => beside.is_file().then_some(beside),
    };
    let expectations = match table {
        Some(file) => {
            let text = std::fs::read_to_string(&file).with_context(|| format!("reading {}", file.display()))?;
            read_expectations(&text).map_err(|why| anyhow!(why))?
        }
        None => Vec::new(),
    };
    Ok(Measured::Messages(Box::new(measure(folder, &expectations, ours)?)))
}

fn percent(right: usize, of: usize) -> String {
    if of == 0 { "-".to_owned() } else { format!("{:.1} %", 100.0 * right as f64 / of as f64) }
}

fn say_accuracy(out: &mut String, name: &str, accuracy: &Accuracy) -> std::fmt::Result {
    writeln!(out, "{name}: {} messages, {} expectations", accuracy.messages, accuracy.all.lines)?;
    let [even, odd] = &accuracy.halves;
    for (label, tally) in [("all", &accuracy.all), ("one half of the files", even), ("the other half", odd)] {
        if tally.lines > 0 {
            writeln!(out, "  {label}: {}", figures(tally))?;
        }
    }
    match accuracy.taken_for_a_reply.len() {
        0 => writeln!(out, "  None was taken for a person's answer that is not known to be one.")?,
        n => writeln!(out, "  {n} taken for a person's answer: {}", accuracy.taken_for_a_reply.join(", "))?,
    }
    if accuracy.all.lines > 0 {
        writeln!(out, "\n{}\n\n{}\n", classes(&accuracy.all), confusion(&accuracy.all))?;
    }
    for (judged, count) in &accuracy.unexpected {
        writeln!(out, "  Without an expectation: {count} taken for {judged}")?;
    }
    for miss in &accuracy.misjudged {
        writeln!(out, "  {}: expected {}, taken for {}", miss.file, miss.expected, miss.judged)?;
        miss.evidence.iter().try_for_each(|sentence| writeln!(out, "    {sentence}"))?;
    }
    writeln!(out)
}

fn figures(tally: &Tally) -> String {
    let part = |right, of| format!("{right} of {of} ({})", percent(right, of));
    let mut words = format!("class right {}", part(tally.right_class, tally.lines));
    if tally.hardness_lines > 0 {
        let _ = write!(words, ", hard or soft right {}", part(tally.right_hardness, tally.hardness_lines));
    }
    if tally.date_lines > 0 {
        let _ = write!(words, ", return date right {}", part(tally.right_dates, tally.date_lines));
    }
    words
}

fn classes(tally: &Tally) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(["  class", "expected", "judged", "right", "precision", "recall"]);
    for class in tally.classes() {
        table.add_row([
            format!("  {}", class.class.name()),
            class.expected.to_string(),
            class.judged.to_string(),
            class.right.to_string(),
            percent(class.right, class.judged),
            percent(class.right, class.expected),
        ]);
    }
    table
}

fn confusion(tally: &Tally) -> Table {
    let mut judged: Vec<&str> = tally.confusion.iter().map(|(_, judged, _)| judged.as_str()).collect();
    judged.sort_unstable();
    judged.dedup();
    let mut expected: Vec<&str> = tally.confusion.iter().map(|(expected, ..)| expected.as_str()).collect();
    expected.dedup();
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_header(std::iter::once("  expected / taken for").chain(judged.iter().copied()));
    for row in expected {
        let count = |column: &&str| {
            let found = tally.confusion.iter().find(|(e, j, _)| e == row && j == column);
            found.map_or_else(|| ".".to_owned(), |(.., count)| count.to_string())
        };
        table.add_row(std::iter::once(format!("  {row}")).chain(judged.iter().map(count)));
    }
    table
}

fn say_visible(out: &mut String, name: &str, parts: &VisibleParts) -> std::fmt::Result {
    let share = percent(parts.right, parts.replies);
    writeln!(out, "{name}: the visible part of {} of {} replies is right ({share})", parts.right, parts.replies)?;
    if !parts.wrong.is_empty() {
        writeln!(out, "  Not: {}", parts.wrong.join(", "))?;
    }
    writeln!(out)
}

fn facts_of(name: &str, measured: &Measured) -> Value {
    match measured {
        Measured::Messages(accuracy) => {
            json!({ "folder": name, "classes": accuracy.all.classes(), "accuracy": accuracy })
        }
        Measured::Visible(parts) => json!({ "folder": name, "visible": parts }),
    }
}
