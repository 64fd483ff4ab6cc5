//! The first pane of the dialog: the sequences that can be started for a person, and why one cannot.

use askama::Template;
use relance_domain::person::Person;
use relance_domain::sequence::{Sequence, SequenceState};
use relance_domain::{EnrollmentId, PersonId};
use relance_engine::commands::preflight::{Preflight, PreflightRow};
use relance_storage::Tx;
use relance_storage::sequences::{self, SequenceFilter};

use super::Asked;
use crate::app::App;
use crate::errors::Result;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{urls, words};

/// Sequences offered at once.
const MOST_OFFERED: usize = 25;
/// Sequences looked at for those that may be used.
const MOST_LOOKED_AT: u32 = 500;

/// A sequence that can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Steps, and when it begins; or why it cannot.
    pub words: String,
    /// It cannot be started for this person.
    pub is_refused: bool,
    /// It is chosen at first.
    pub is_first: bool,
    /// What cures it, and where.
    pub cure: &'static str,
    /// Where that is.
    pub href: String,
}

#[derive(Template)]
#[template(path = "enroll/choose.html")]
pub(super) struct ChoosePage {
    frame: Frame,
    title: String,
    person: PersonId,
    asked: Asked,
    offers: Vec<Offer>,
    is_admin: bool,
    has_mailbox: bool,
}

impl ChoosePage {
    /// One of them can be started.
    fn may_go_on(&self) -> bool {
        self.offers.iter().any(|offer| !offer.is_refused)
    }
}

/// The sequences in use that the visitor may use and whose name contains `q`.
pub async fn active(tx: &mut Tx, visitor: &Visitor, q: &str) -> Result<Vec<Sequence>> {
    let filter = SequenceFilter { search: q.trim(), states: &[SequenceState::Active], folder: "" };
    let found = sequences::page(tx, filter, None, MOST_LOOKED_AT).await?.into_iter().map(|(sequence, _)| sequence);
    let may_use = |sequence: &Sequence| sequence.usable_by.allows(&visitor.actor, visitor.user.team_id);
    Ok(found.filter(may_use).take(MOST_OFFERED).collect())
}

/// The page on which a sequence is chosen for this person.
pub(super) async fn read(app: &App, visitor: &Visitor, person: &Person, asked: Asked) -> Result<ChoosePage> {
    let found = active(&mut app.read().await?, visitor, &asked.q).await?;
    let ids: Vec<_> = found.iter().map(|sequence| sequence.id).collect();
    let rows = app.engine.preflight_each(&visitor.actor, person.id, &ids).await?;
    let mut offers: Vec<Offer> =
        found.iter().zip(&rows).map(|(sequence, row)| offer(sequence, row, person, visitor)).collect();
    if let Some(first) = offers.iter_mut().find(|offer| !offer.is_refused) {
        first.is_first = true;
    }
    Ok(ChoosePage {
        frame: visitor.frame("leads"),
        title: format!("Start a sequence for {}", person.name()),
        person: person.id,
        asked,
        offers,
        is_admin: visitor.actor.is_admin(),
        has_mailbox: !visitor.mailboxes.is_empty(),
    })
}

/// What cures a refusal, and where; empty if nothing here does.
pub(crate) fn cure(code: &str, enrollment: Option<EnrollmentId>, person: PersonId) -> (&'static str, String) {
    match (code, enrollment) {
        (_, Some(enrollment)) => ("Open it", urls::enrollment(enrollment)),
        ("no_email", _) => ("Add email", urls::edit_field(person, "email")),
        ("invalid_email" | "bounced_before", _) => ("Change the address", urls::edit_field(person, "email")),
        ("suppressed", _) => ("See why", urls::SUPPRESSIONS.to_owned()),
        ("no_mailbox", _) => ("Connect a mailbox", urls::new_mailbox()),
        _ => ("", String::new()),
    }
}

fn offer(sequence: &Sequence, row: &PreflightRow, person: &Person, visitor: &Visitor) -> Offer {
    let steps = words::count(sequence.draft.steps.len() as u64, "step", "steps");
    let first = row.first_at.map(|at| crate::pages::in_sentence(&words::moment(at, visitor.now, &visitor.zone)));
    let begins = if sequence.draft.steps.first().is_some_and(|step| step.action.is_automated_email()) {
        "first email"
    } else {
        "first task"
    };
    let before = if row.was_enrolled_before { " · was in it before" } else { "" };
    let base = Offer { id: sequence.id.to_string(), name: sequence.name.clone(), ..Offer::default() };
    match &row.outcome {
        Preflight::Refused { code, message, enrollment_id } => {
            let (cure, href) = cure(code, *enrollment_id, person.id);
            Offer { words: message.clone(), is_refused: true, cure, href, ..base }
        }
        Preflight::WaitsForData { tags } => {
            let tags = relance_domain::enrollment::tag_words(tags);
            Offer { words: format!("{steps}, waits for {tags}{before}"), ..base }
        }
        Preflight::Starts => Offer {
            words: first.map_or_else(|| format!("{steps}{before}"), |at| format!("{steps}, {begins} {at}{before}")),
            ..base
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pane_offers_sequences_and_says_why_one_cannot_start() {
        let page = ChoosePage {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Start a sequence for Maya".into(),
            person: PersonId::from_uuid(Default::default()),
            asked: Asked::default(),
            offers: vec![
                Offer {
                    id: "seq_1".into(),
                    name: "Depot trial offer".into(),
                    words: "4 steps, first email Today, 10:04".into(),
                    ..Offer::default()
                },
                Offer {
                    name: "Winter depots".into(),
                    words: "Already active.".into(),
                    is_refused: true,
                    cure: "Open it",
                    href: "/enrollments/enr_1".into(),
                    ..Offer::default()
                },
            ],
            is_admin: true,
            has_mailbox: false,
        };
        let html = page.render().expect("a page");
        for words in
            ["Depot trial offer", "first email Today, 10:04", "Already active.", "Open it", "Connect a mailbox"]
        {
            assert!(html.contains(words), "{words}");
        }
        let empty = ChoosePage { offers: Vec::new(), is_admin: false, ..page };
        assert!(empty.render().expect("a page").contains("An admin must set one up"));
    }
}
