//! What is expected of each message: one line of a CSV table per message or recipient.
//!
//! Columns are found by their names. `file` is needed, and `class` (a name of [`Class`]) or `reason` (where
//! `feedback`, `vacation` and `delivered` are no bounces and everything else is one). `hard_bounce` is compared when it
//! is `true` or `false`, `return_date` when it is a date. A table without these columns is refused.

use std::collections::HashMap;

use jiff::civil::Date;
use serde::Serialize;

/// What a message can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A delivery that failed, or is still being tried.
    Bounce,
    /// A notice that an email arrived.
    Delivered,
    /// A complaint.
    Complaint,
    /// An automatic answer.
    AutoReply,
    /// A person's answer.
    Reply,
    /// A wish for no more mail.
    UnsubscribeRequest,
    /// From ourselves.
    Own,
    /// A receipt, a challenge, a calendar notice, bulk mail.
    Other,
    /// Machine or person, it can't be told.
    Doubtful,
    /// Past a limit.
    Unreadable,
}

impl Class {
    /// All of them, in the order of the table.
    pub const ALL: [Class; 10] = [
        Class::Bounce,
        Class::Delivered,
        Class::Complaint,
        Class::AutoReply,
        Class::Reply,
        Class::UnsubscribeRequest,
        Class::Own,
        Class::Other,
        Class::Doubtful,
        Class::Unreadable,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Class::Bounce => "bounce",
            Class::Delivered => "delivered",
            Class::Complaint => "complaint",
            Class::AutoReply => "auto_reply",
            Class::Reply => "reply",
            Class::UnsubscribeRequest => "unsubscribe_request",
            Class::Own => "own",
            Class::Other => "other",
            Class::Doubtful => "doubtful",
            Class::Unreadable => "unreadable",
        }
    }

    /// Whether a person wrote it.
    pub(super) fn is_a_persons(self) -> bool {
        matches!(self, Class::Reply | Class::UnsubscribeRequest)
    }

    fn of_reason(reason: &str) -> Class {
        match reason {
            "feedback" => Class::Complaint,
            "vacation" => Class::AutoReply,
            "delivered" => Class::Delivered,
            _ => Class::Bounce,
        }
    }
}

/// What is expected of one message, or of one recipient of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// The file's name.
    pub file: String,
    /// What it is.
    pub class: Class,
    /// Whether the bounce is hard, when that is known.
    pub hard: Option<bool>,
    /// Why it bounced, as the table names it.
    pub reason: String,
    /// The day an absent person is back, when that is known.
    pub return_date: Option<Date>,
}

impl Expectation {
    /// The expectation in words.
    pub(super) fn words(&self) -> String {
        let mut words = self.class.name().replace('_', " ");
        match self.hard {
            Some(true) => words.push_str(" (hard)"),
            Some(false) => words.push_str(" (soft)"),
            None => {}
        }
        if !self.reason.is_empty() && self.class == Class::Bounce {
            words.push_str(", ");
            words.push_str(&self.reason);
        }
        if let Some(date) = self.return_date {
            words.push_str(&format!(", back on {date}"));
        }
        words
    }
}

/// Reads a table; the error is a sentence.
pub fn read_expectations(table: &str) -> Result<Vec<Expectation>, String> {
    let mut lines = table.lines().filter(|line| !line.trim().is_empty());
    let head = lines.next().ok_or("The table of expectations is empty.")?;
    let columns: HashMap<String, usize> =
        fields(head).into_iter().enumerate().map(|(at, name)| (name.trim().to_ascii_lowercase(), at)).collect();
    if !columns.contains_key("file") || !(columns.contains_key("class") || columns.contains_key("reason")) {
        return Err("The table of expectations needs a column `file` and a column `class` or `reason`.".to_owned());
    }
    lines.map(|line| read_line(line, &columns)).collect()
}

fn read_line(line: &str, columns: &HashMap<String, usize>) -> Result<Expectation, String> {
    let values = fields(line);
    let value = |name: &str| columns.get(name).and_then(|at| values.get(*at)).map_or("", |v| v.trim());
    let class = match value("class") {
        "" => Class::of_reason(value("reason")),
        name => Class::ALL
            .into_iter()
            .find(|class| class.name() == name)
            .ok_or_else(|| format!("`{name}` is no class of messages. Line: {line}"))?,
    };
    let hard = match value("hard_bounce") {
        _ if class != Class::Bounce => None,
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    Ok(Expectation {
        file: value("file").to_owned(),
        class,
        hard,
        reason: value("reason").to_owned(),
        return_date: value("return_date").parse().ok(),
    })
}

/// The fields of one line of CSV; quotation marks may stand around a field, and twice inside one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let last = fields.len() - 1;
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                fields[last].push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields[last].push(c),
        }
    }
    fields
}
