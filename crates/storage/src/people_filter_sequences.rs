//! Rules about sequences, tasks and history of a person.
//!
//! *Lacks data for a sequence* is the domain's `lacking::lacking` in SQL: the fields that the emails of its current
//! version cannot do without, asked of the person and of the company they work at. A test compares the two.

use crate::{
    error::Result,
    people_fields,
    people_filter::{Asked, Condition, or_none},
};
use relance_domain::{SequenceId, lacking::Field, task};

/// A person has an enrollment `e` like this.
///
/// With a limit it stays a look per person: SQLite makes a join of it otherwise, and reads every enrollment of a
/// sequence for a Bloom filter before it gives out the first person. Where few are meant, `Facts::led_by` knows.
fn enrolled(condition: &str) -> String {
    format!("EXISTS (SELECT 1 FROM enrollments e WHERE e.person_id = p.id AND {condition} LIMIT 1)")
}

const EMAILING: &str = "e.state = 'active' AND e.step_action = 'automated_email'";

impl Condition<'_> {
    /// The enrollments `e` of which a person must have one to meet this rule, where an index leads to them; `None` for
    /// every other rule.
    pub(crate) fn enrollments(&mut self, asked: &Asked<'_>) -> Result<Option<String>> {
        let of_sequence = |condition: &mut Self, state: &str| -> Result<Option<String>> {
            let sequence = condition.bind(asked.id::<SequenceId>()?);
            Ok(Some(format!("e.sequence_id = {sequence} AND {state}")))
        };
        match (asked.rule.field.as_str(), asked.op()) {
            ("sequence", "blocked_in") if asked.is_about_any() => Ok(Some("e.state = 'blocked'".to_owned())),
            ("sequence", _) if asked.is_about_any() => Ok(None),
            ("sequence", "ongoing_in") | ("ongoing_sequences", "has") => of_sequence(self, "e.state <> 'finished'"),
            ("sequence", "active_in") => of_sequence(self, "e.state = 'active'"),
            ("sequence", "paused_in") => of_sequence(self, "e.state = 'paused'"),
            ("sequence", "blocked_in") => of_sequence(self, "e.state = 'blocked'"),
            ("sequence", "finished_in") | ("completed_sequences", "has") => of_sequence(self, "e.state = 'finished'"),
            ("blocked_reason", "is") => {
                Ok(Some(format!("e.state = 'blocked' AND e.blocked_reason = {}", self.bind(asked.words()?))))
            }
            ("next_email_at", "before") => {
                let compared = self.instant(asked, "e.due_at")?;
                Ok(Some(format!("{EMAILING} AND {compared}")))
            }
            _ => Ok(None),
        }
    }

    /// Sequence state; the value names one sequence, without it any counts.
    pub(crate) fn sequence(&mut self, asked: &Asked<'_>) -> Result<String> {
        let (not, state) = match asked.op() {
            "lacks_data_for" => return self.lacks(asked),
            "has_data_for" => return Ok(format!("NOT {}", self.lacks(asked)?)),
            "in_none_now" | "not_ongoing_in" => ("NOT ", "e.state <> 'finished'"),
            "never_in_any" | "never_in" => ("NOT ", "1 = 1"),
            "ongoing_in" => ("", "e.state <> 'finished'"),
            // The first part is what the index of unfinished enrollments stands for: one look per person.
            "active_in" => ("", "e.state <> 'finished' AND e.state = 'active'"),
            "paused_in" => ("", "e.state <> 'finished' AND e.state = 'paused'"),
            "blocked_in" => ("", "e.state <> 'finished' AND e.state = 'blocked'"),
            _ => ("", "e.state = 'finished'"),
        };
        let condition = if asked.is_about_any() {
            self.of_written(state)
        } else {
            let sequence = self.bind(asked.id::<SequenceId>()?);
            format!("{state} AND e.sequence_id = {sequence}")
        };
        Ok(format!("{not}{}", enrolled(&condition)))
    }

    /// As the condition, in a sequence that people have written: an email from a task is none.
    fn of_written(&mut self, state: &str) -> String {
        format!("{state} AND e.sequence_id <> {}", self.bind(task::EMAILS))
    }

    /// The columns *ongoing* and *completed sequences*.
    pub(crate) fn in_sequences(&mut self, asked: &Asked<'_>, state: &str) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => enrolled(&self.of_written(state)),
            "is_empty" => format!("NOT {}", enrolled(&self.of_written(state))),
            op => {
                let sequence = self.bind(asked.id::<SequenceId>()?);
                let not = if op == "has_not" { "NOT " } else { "" };
                format!("{not}{}", enrolled(&format!("{state} AND e.sequence_id = {sequence}")))
            }
        })
    }

    pub(crate) fn next_email(&mut self, asked: &Asked<'_>) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => enrolled(EMAILING),
            "is_empty" => format!("NOT {}", enrolled(EMAILING)),
            "after" => {
                // The next one is the earliest: none may be before.
                let instant = asked.instant()?;
                let (from, before) = (self.bind(instant), self.bind(instant));
                let later = enrolled(&format!("{EMAILING} AND e.due_at >= {from}"));
                format!("({later} AND NOT {})", enrolled(&format!("{EMAILING} AND e.due_at < {before}")))
            }
            _ => {
                let compared = self.instant(asked, "e.due_at")?;
                enrolled(&format!("{EMAILING} AND {compared}"))
            }
        })
    }

    pub(crate) fn blocked_reason(&mut self, asked: &Asked<'_>) -> Result<String> {
        let reasons = match asked.op() {
            "is_set" => return Ok(enrolled("e.state = 'blocked'")),
            "in" => asked.texts()?,
            _ => vec![asked.words()?],
        };
        let reasons = self.bind_all(reasons);
        Ok(enrolled(&format!("e.state = 'blocked' AND e.blocked_reason IN ({reasons})")))
    }

    pub(crate) fn open_task(&mut self, asked: &Asked<'_>) -> Result<String> {
        let not = if asked.yes()? { "" } else { "NOT " };
        Ok(format!("{not}{}", tasked("1 = 1")))
    }

    pub(crate) fn open_task_due(&mut self, asked: &Asked<'_>) -> Result<String> {
        Ok(match asked.op() {
            "is_set" => tasked("1 = 1"),
            "is_empty" => format!("NOT {}", tasked("1 = 1")),
            _ => tasked(&self.instant(asked, "t.due_at")?),
        })
    }

    pub(crate) fn last_activity(&mut self, asked: &Asked<'_>) -> Result<String> {
        let any = "EXISTS (SELECT 1 FROM activities a WHERE a.person_id = p.id";
        Ok(match asked.op() {
            "is_set" => format!("{any})"),
            "is_empty" => format!("NOT {any})"),
            op => {
                let instant = self.bind(asked.instant()?);
                let since = format!("{any} AND a.at >= {instant})");
                // The last one was before: there is one, and none since.
                if op == "after" { since } else { format!("({any}) AND NOT {since})") }
            }
        })
    }

    fn lacks(&mut self, asked: &Asked<'_>) -> Result<String> {
        let id: SequenceId = asked.id()?;
        let needed = self.facts.needed(id).ok_or_else(|| asked.wrong_value("a sequence that there is"))?;
        let lacking: Result<Vec<String>> = needed.iter().map(|field| self.lacks_field(field)).collect();
        Ok(format!("({})", or_none(&lacking?)))
    }

    fn lacks_field(&mut self, field: &Field) -> Result<String> {
        Ok(match field {
            Field::Person(name) if name == "organization_name" => {
                format!("({} AND p.company_id IS NULL)", self.without_value("p", name))
            }
            Field::Person(name) if name == "last_name" => {
                format!("({} AND {})", self.without_value("p", name), self.without_value("p", "organization_name"))
            }
            Field::Person(name) => self.without_value("p", name),
            Field::Company(name) => {
                let has = format!("NOT {}", self.without_value("c", name));
                format!(
                    "NOT EXISTS (SELECT 1 FROM people c WHERE c.id = p.company_id AND c.deleted_at IS NULL AND {has})"
                )
            }
        })
    }

    /// The field of the person with this alias has no value.
    fn without_value(&mut self, alias: &str, name: &str) -> String {
        if let Some(key) = name.strip_prefix("custom_fields.") {
            let value = self.tx.json_text(&format!("{alias}.custom_fields"), &self.facts.bound_key(key));
            return format!("COALESCE({value}, '') IN ('', '[]')");
        }
        match people_fields::find(name).and_then(|known| known.column) {
            Some("p.tags") => format!("{alias}.tags = '[]'"),
            Some("p.other_emails") => format!("{alias}.other_emails = '[]'"),
            Some(column) => format!("TRIM({alias}.{}) = ''", column.trim_start_matches("p.")),
            // A tag that reads no field of a person: nobody has it.
            None => "1 = 1".to_owned(),
        }
    }
}

fn tasked(condition: &str) -> String {
    format!("EXISTS (SELECT 1 FROM tasks t WHERE t.person_id = p.id AND t.state = 'open' AND {condition})")
}
