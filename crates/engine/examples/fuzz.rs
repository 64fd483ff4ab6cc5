//! Feeds the entries of the fuzz targets with changed seeds for a while, without a fuzzing engine and on stable Rust.
//!
//! `cargo run -p relance-engine --example fuzz -- TARGET SECONDS [FOLDER …]`: files of the folders are the seeds, beside
//! the fixtures of the mail crate. Bytes that break a promise are left in `fuzz-TARGET.crash`, and it ends with 1.
#![allow(clippy::disallowed_methods, reason = "it measures how long it runs")]

#[path = "../../../fuzz/entries/csv.rs"]
mod csv;
#[path = "../../../fuzz/entries/mail.rs"]
mod mail;
#[path = "../../../fuzz/entries/merge.rs"]
mod merge;

use std::{
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

/// Longest input.
const LONGEST: usize = 64 * 1024;
/// Inputs that are kept to change them further.
const MOST_KEPT: usize = 4_000;

/// What is put in between: places where readers of mail, answers, templates and tables go wrong.
const WORDS: &str = "\r\n|\n|\r|\0|\r\n\r\n|\r\n.\r\n|=?utf-8?B?|=?utf-8?Q?=00?=|?=|--b\r\n|--b--\r\n|\
    Content-Type: multipart/mixed; boundary=b\r\n|Content-Type: message/rfc822\r\n\r\n|charset=utf-16|charset=gb18030|\
    Content-Transfer-Encoding: base64\r\n|References: <a@b> |In-Reply-To: <|Auto-Submitted: auto-replied\r\n|\
    Status: 5.1.1\r\n|Action: delayed\r\n|Final-Recipient: rfc822; |> |-- \r\n|<blockquote>|&#x110000;|<!--|31 February |\
    \u{202e}\u{feff}|ß|12月31日|550-|250 |421 4.7.0 |5.99999.1|{{|}}|{%|%}|{{ person.first_name }}|{# #}|\
    {{ sender.signature }}|{% if person %}|{% endif %}|person.custom.x|\"|\"\"|,|;|\t|email,first_name\n";

/// Pseudo-random numbers (xorshift64*): the same run of inputs each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below `end`; 0 if there is nothing below it.
    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }

    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.below(len);
        let most = if self.below(4) == 0 { len - start } else { 32.min(len - start) };
        start..start + self.below(most + 1)
    }
}

/// One small change.
fn change(input: &mut Vec<u8>, other: &[u8], words: &[&str], random: &mut Random) {
    let at = random.below(input.len() + 1);
    match random.below(8) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.byte(),
        2 => drop(input.drain(random.range(input.len()))),
        3 => {
            let piece = input[random.range(input.len())].repeat(1 + random.below(40));
            input.splice(at..at, piece);
        }
        4 => {
            let piece = other[random.range(other.len())].to_vec();
            input.splice(at..at, piece);
        }
        5 => input.truncate(at),
        _ => {
            let word = words[random.below(words.len())].repeat(1 + random.below(3));
            input.splice(at..at, word.into_bytes());
        }
    }
    input.truncate(LONGEST);
}

/// Feeds one input; `false` for a target that is not known.
fn feed(target: &str, input: &[u8]) -> bool {
    match target {
        "understand_mail" => mail::understand_mail(input),
        "smtp_reply" => mail::judge_smtp_reply(input),
        "csv" => csv::read_csv(input),
        "merge_tags" => {
            let middle = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
            let (text, value) = input.split_at(middle);
            merge::render_merge_tags(&String::from_utf8_lossy(text), &String::from_utf8_lossy(value));
        }
        _ => return false,
    }
    true
}

/// The files in a folder and in those below it, cut to the longest input.
fn files(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, found);
        } else if let Ok(mut bytes) = std::fs::read(&path) {
            bytes.truncate(LONGEST);
            found.push(bytes);
        }
    }
}

/// Feeds changed seeds for so many seconds; the bytes that broke a promise, or how it went.
fn run(target: &str, seconds: u64, mut pool: Vec<Vec<u8>>) -> Result<String, Vec<u8>> {
    let words: Vec<&str> = WORDS.split('|').collect();
    pool.extend(words.iter().map(|word| word.as_bytes().to_vec()));
    let seeds = pool.len();
    let (mut random, mut fed, mut slowest) = (Random(0x9E37_79B9_7F4A_7C15), 0_u64, Duration::ZERO);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        let mut input = pool[random.below(pool.len())].clone();
        for _ in 0..=random.below(8) {
            let other = random.below(pool.len());
            change(&mut input, &pool[other], &words, &mut random);
        }
        let start = Instant::now();
        if panic::catch_unwind(AssertUnwindSafe(|| feed(target, &input))).is_err() {
            return Err(input);
        }
        (fed, slowest) = (fed + 1, slowest.max(start.elapsed()));
        if random.below(20) == 0 {
            if pool.len() < seeds + MOST_KEPT {
                pool.push(input);
            } else {
                pool[seeds + random.below(MOST_KEPT)] = input;
            }
        }
    }
    Ok(format!("{fed} inputs from {seeds} seeds, the slowest {} ms", slowest.as_millis()))
}

fn main() -> io::Result<ExitCode> {
    let mut words = std::env::args().skip(1);
    let (target, seconds) = (words.next().unwrap_or_default(), words.next().and_then(|word| word.parse().ok()));
    let (Some(seconds), true) = (seconds, feed(&target, b"")) else {
        writeln!(io::stderr(), "usage: fuzz understand_mail|smtp_reply|merge_tags|csv SECONDS [FOLDER …]")?;
        return Ok(ExitCode::from(2));
    };
    let mut pool = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../mail/src/understand/fixtures"), &mut pool);
    for folder in words {
        files(Path::new(&folder), &mut pool);
    }
    match run(&target, seconds, pool) {
        Ok(words) => {
            writeln!(io::stdout(), "{target}: {words}")?;
            Ok(ExitCode::SUCCESS)
        }
        Err(input) => {
            let file = format!("fuzz-{target}.crash");
            std::fs::write(&file, &input)?;
            writeln!(io::stderr(), "A promise was broken; the bytes are in {file}.")?;
            Ok(ExitCode::FAILURE)
        }
    }
}
