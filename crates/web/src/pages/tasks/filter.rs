//! Which tasks the list shows: the part of time, whose, of which kind and sequence, and words. All of it stands in the
//! address, so that it can be kept and shared.

use relance_domain::sequence::SequenceState;
use relance_domain::step::TaskKind;
use relance_domain::{SequenceId, TaskId, Timestamp, UserId};
use relance_storage::sequences::SequenceFilter;
use relance_storage::tasks::TaskFilter;
use relance_storage::{Tx, sequences as stored, users as accounts};
use serde::Deserialize;

use super::today;
use crate::errors::Result;
use crate::pages::form::Choice;
use crate::session::Visitor;
use crate::urls;

/// Heading and words when a filter holds for nothing.
pub(super) const NOTHING: (&str, &str) =
    ("Nothing matches", "No task is like this. Change the filter, or look at another part.");

const PARTS: [&str; 4] = ["overdue", "today", "upcoming", "done"];

/// Which tasks are shown.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Shown {
    /// Empty (overdue and today), `overdue`, `today`, `upcoming`, `done`.
    pub(super) part: String,
    /// `team` for everyone's.
    pub(super) of: String,
    /// Of this user only, where one looks at the team.
    pub(super) owner: String,
    /// Of this kind only.
    pub(super) kind: String,
    /// Of this sequence only.
    pub(super) sequence: String,
    /// Words of the task or the person's name.
    pub(super) q: String,
    /// Due time and id of the last row, with a line between.
    after: String,
}

impl Shown {
    /// What the visitor may ask; what is not known is left out.
    pub(super) fn known(mut self, visitor: &Visitor) -> Self {
        if !PARTS.contains(&self.part.as_str()) {
            self.part.clear();
        }
        if self.of != "team" || !visitor.actor.acts_for_others() {
            self.of.clear();
            self.owner.clear();
        }
        self
    }

    pub(super) fn is_team(&self) -> bool {
        self.of == "team"
    }

    pub(super) fn is_filtered(&self) -> bool {
        [&self.owner, &self.kind, &self.sequence, &self.q].iter().any(|text| !text.is_empty())
    }

    pub(super) fn after(&self) -> Option<(Timestamp, TaskId)> {
        let (at, id) = self.after.split_once('|')?;
        Some((Timestamp::from_ms(at.parse().ok()?), id.parse().ok()?))
    }

    /// Whose tasks; nobody named = everyone's.
    pub(super) fn owners(&self, visitor: &Visitor) -> Vec<UserId> {
        if self.is_team() { self.owner.parse().into_iter().collect() } else { vec![visitor.user.id] }
    }

    /// The rows of one part of time.
    pub(super) fn filter<'a>(&'a self, part: &str, owners: &'a [UserId], visitor: &'a Visitor) -> TaskFilter<'a> {
        let (start, end) = today(visitor);
        let base = TaskFilter {
            owners,
            open: Some(true),
            kind: TaskKind::parse(&self.kind),
            sequence: self.sequence.parse::<SequenceId>().ok(),
            words: &self.q,
            manages: visitor.actor.acts_for_others(),
            seen_by: visitor.seen_by(),
            ..TaskFilter::default()
        };
        match part {
            "overdue" => TaskFilter { due_before: Some(start), ..base },
            "today" => TaskFilter { due_from: Some(start), due_before: Some(end), ..base },
            "upcoming" => TaskFilter { due_from: Some(end), ..base },
            "done" => TaskFilter { open: Some(false), ..base },
            _ => TaskFilter { due_before: Some(end), ..base },
        }
    }

    /// The address of this list with other values.
    pub(super) fn address(&self, changed: &[(&str, &str)]) -> String {
        let mut pairs = vec![
            ("part", self.part.as_str()),
            ("of", &self.of),
            ("owner", &self.owner),
            ("kind", &self.kind),
            ("sequence", &self.sequence),
            ("q", &self.q),
        ];
        for (name, value) in changed {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name, value));
        }
        urls::with_query(urls::TASKS, &pairs)
    }
}

/// The sequences to choose from: at most 200 that are no drafts.
pub(super) async fn sequences(tx: &mut Tx) -> Result<Vec<Choice>> {
    let begun = [SequenceState::Active, SequenceState::Archived];
    let filter = SequenceFilter { states: &begun, ..SequenceFilter::default() };
    let found = stored::page(tx, filter, None, 200).await?;
    Ok(found.into_iter().map(|(sequence, _)| Choice::new(sequence.id, sequence.name)).collect())
}

/// Whose tasks one may look at and give away; nobody's for reps.
pub(super) async fn users(tx: &mut Tx, visitor: &Visitor) -> Result<Vec<Choice>> {
    if !visitor.actor.acts_for_others() {
        return Ok(Vec::new());
    }
    let seen = |id| visitor.sight.sees(Some(id));
    let found = accounts::list(tx).await?.into_iter().filter(|user| user.deactivated_at.is_none() && seen(user.id));
    Ok(found.map(|user| Choice::new(user.id, user.name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_keeps_what_is_chosen_and_changes_what_is_asked() {
        let shown = Shown { kind: "call".into(), q: "ada & co".into(), part: "today".into(), ..Shown::default() };
        assert_eq!(shown.address(&[("part", "done")]), "/tasks?kind=call&q=ada%20%26%20co&part=done");
        assert_eq!(shown.address(&[("kind", ""), ("q", "")]), "/tasks?part=today");
        assert!(shown.is_filtered() && !Shown { part: "done".into(), ..Shown::default() }.is_filtered());
        let after = Shown { after: "1|nonsense".into(), ..Shown::default() };
        assert_eq!(after.after(), None);
    }
}
