//! Measures the understanding against messages whose class is known.
//!
//! [`measure`] reads a folder of messages and what is expected of them ([`expected`]), judges each
//! with [`crate::understand`], and counts ([`tally`]). It changes nothing and judges nothing itself; a folder or
//! a table that can't be read is an I/O error. [`visible`] does the same for the visible part of replies.

mod expected;
mod tally;
mod visible;

use std::path::{Path, PathBuf};

use relance_domain::inbound::{Bounce, Hardness, Judgement, Kind};
use serde::Serialize;

use crate::parse::parse;
use crate::understand::{Ours, not_understood, understand};

pub use expected::{Class, Expectation, read_expectations};
pub use tally::{ClassFigures, Tally};
pub use visible::{VisibleParts, measure_visible_parts};

/// What was measured in one folder.
#[derive(Debug, Default, Serialize)]
pub struct Accuracy {
    /// Messages in the folder.
    pub messages: usize,
    /// All expectations.
    pub all: Tally,
    /// Those of the files whose name hashes to an even number, and of the others: rules that were
    /// made for single messages of one half do not help in the other.
    pub halves: [Tally; 2],
    /// Messages without an expectation, by what they were taken for.
    pub unexpected: Vec<(String, usize)>,
    /// Files that were not expected to be a person's answer and were taken for one.
    pub taken_for_a_reply: Vec<String>,
    /// Every expectation that was not met.
    pub misjudged: Vec<Misjudged>,
}

/// An expectation that was not met.
#[derive(Debug, Serialize)]
pub struct Misjudged {
    /// The file.
    pub file: String,
    /// What was expected.
    pub expected: String,
    /// What it was taken for.
    pub judged: String,
    /// Why, in words.
    pub evidence: Vec<String>,
}

/// Judges every file of `folder` and compares.
pub fn measure(folder: &Path, expectations: &[Expectation], ours: &Ours) -> std::io::Result<Accuracy> {
    let mut accuracy = Accuracy::default();
    let mut unexpected = std::collections::BTreeMap::<String, usize>::new();
    for path in files(folder)? {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let judgement = judge(&std::fs::read(&path)?, ours);
        accuracy.messages += 1;
        let lines: Vec<&Expectation> = expectations.iter().filter(|e| e.file == file).collect();
        if lines.is_empty() {
            *unexpected.entry(name_of(&judgement.kind)).or_default() += 1;
        }
        let may_be_a_person = lines.iter().any(|e| e.class.is_a_persons());
        if matches!(judgement.kind, Kind::Reply { .. }) && !may_be_a_person {
            accuracy.taken_for_a_reply.push(file.clone());
        }
        let kinds = kinds_by_line(&judgement.kind, &lines);
        for (line, kind) in lines.iter().zip(&kinds) {
            accuracy.compare(line, kind, &judgement, half_of(&file));
        }
    }
    accuracy.unexpected = unexpected.into_iter().collect();
    Ok(accuracy)
}

impl Accuracy {
    fn compare(&mut self, line: &Expectation, kind: &Kind, judgement: &Judgement, half: usize) {
        let right = self.all.add(line, kind);
        self.halves[half].add(line, kind);
        if !right {
            self.misjudged.push(Misjudged {
                file: line.file.clone(),
                expected: line.words(),
                judged: name_of(kind),
                evidence: judgement.evidence.iter().map(|e| e.sentence()).collect(),
            });
        }
    }
}

/// What each line is compared with: with several lines, a report that tells as many recipients apart is compared
/// recipient by recipient, in whatever order the table has them.
fn kinds_by_line(kind: &Kind, lines: &[&Expectation]) -> Vec<Kind> {
    let whole = || vec![kind.clone(); lines.len()];
    let Kind::Bounce(bounce) = kind else { return whole() };
    if lines.len() < 2 || bounce.failures.len() != lines.len() {
        return whole();
    }
    let mut left: Vec<Bounce> =
        bounce.failures.iter().map(|f| bounce.concerning(std::slice::from_ref(&f.recipient))).collect();
    lines
        .iter()
        .map(|line| {
            let same = |b: &Bounce| line.hard.is_none_or(|hard| hard == (b.hardness == Hardness::Hard));
            let at = left.iter().position(same).unwrap_or(0);
            Kind::Bounce(left.remove(at))
        })
        .collect()
}

fn judge(raw: &[u8], ours: &Ours) -> Judgement {
    match parse(raw) {
        Ok(message) => understand(&message, ours),
        Err(unreadable) => not_understood(&unreadable),
    }
}

/// The name of what a message was taken for, with the hardness of a bounce.
fn name_of(kind: &Kind) -> String {
    match kind {
        Kind::Bounce(bounce) => match bounce.hardness {
            Hardness::Hard => "bounce (hard)".to_owned(),
            Hardness::Soft => "bounce (soft)".to_owned(),
            Hardness::Delayed => "delay notice".to_owned(),
            Hardness::Delivered => "delivered notice".to_owned(),
        },
        Kind::Other { what } => format!("other ({what})"),
        other => other.name().replace('_', " "),
    }
}

/// The files of a folder in the order of their names, those in its folders left out.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// 0 or 1, by a hash of the name (FNV-1a).
fn half_of(file: &str) -> usize {
    let hash = file
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    usize::from((hash >> 32) & 1 == 1)
}

#[cfg(test)]
mod tests;
