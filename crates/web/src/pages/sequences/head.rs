//! The head of a sequence's pages: name, state, what was not published, and what can be done with it.

use std::collections::HashMap;

use relance_domain::publishing::says_the_same;
use relance_domain::sequence::{Plan, Sequence, SequenceState};
use relance_domain::step::Step;
use relance_domain::template::Template;
use relance_domain::{SequenceId, TemplateId};
use relance_storage::sequences::{self, SequenceCounts};
use relance_storage::{Tx, templates};

use crate::errors::Result;
use crate::session::Visitor;
use crate::{urls, words};

/// The head of one sequence.
#[derive(Clone, Debug, Default)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// Its folder; empty for none.
    pub folder: String,
    /// The list of that folder.
    pub folder_href: String,
    /// One line about it.
    pub sub: String,
    /// The chip's state.
    pub state: &'static str,
    /// The chip's word.
    pub word: &'static str,
    /// `Version 7`, or empty.
    pub version: String,
    /// Everyone ever enrolled.
    pub people: String,
    /// How much was changed since it was published; empty for nothing.
    pub changes: String,
    /// The templates whose words changed since they were published; empty for none.
    pub templates: String,
    /// The primary button: *Activate*, *Review and publish*, *Activate again*; empty for none.
    pub publish: String,
    /// The visitor may change it.
    pub may_write: bool,
    /// It may be paused.
    pub may_pause: bool,
    /// It may be resumed.
    pub may_resume: bool,
    /// It may be archived.
    pub may_archive: bool,
    /// Nobody was ever in it, so it may be deleted.
    pub may_delete: bool,
    /// Where the chosen tab and the forms lead.
    pub links: Links,
}

/// The addresses of the head.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// Tab.
    pub steps: String,
    /// Tab.
    pub people: String,
    /// Tab.
    pub settings: String,
    /// Tab.
    pub history: String,
    /// What people lack for it.
    pub complete: String,
    /// Dialog.
    pub publish: String,
    /// POST.
    pub pause: String,
    /// POST.
    pub resume: String,
    /// Dialog.
    pub archive: String,
    /// POST.
    pub clone: String,
    /// POST.
    pub delete: String,
}

impl Links {
    fn of(id: SequenceId) -> Self {
        let action = |action| urls::sequence_action(id, action);
        Self {
            steps: urls::sequence(id),
            people: urls::sequence_tab(id, "people"),
            settings: urls::sequence_tab(id, "settings"),
            history: urls::sequence_tab(id, "history"),
            complete: urls::complete_data(Some(id)),
            publish: urls::publish(id),
            pause: action("pause"),
            resume: action("resume"),
            archive: action("archive"),
            clone: action("clone"),
            delete: action("delete"),
        }
    }
}

/// The templates that the draft names.
async fn templates_of(tx: &mut Tx, draft: &Plan) -> Result<HashMap<TemplateId, Template>> {
    let mut found = HashMap::new();
    for id in draft.templates() {
        if let Some(template) = templates::find(tx, id).await? {
            found.insert(id, template);
        }
    }
    Ok(found)
}

/// The draft as it would be published now: with the words its templates have.
pub async fn resolved(tx: &mut Tx, sequence: &Sequence) -> Result<Plan> {
    let found = templates_of(tx, &sequence.draft).await?;
    Ok(sequence.draft.clone().with_templates(&found))
}

/// Reads the head of a sequence.
pub async fn read(tx: &mut Tx, visitor: &Visitor, sequence: &Sequence) -> Result<Head> {
    let counts = sequences::counts(tx, &[sequence.id]).await?.remove(&sequence.id).unwrap_or_default();
    let live = match sequence.version_id {
        Some(id) => sequences::find_version(tx, id).await?.map(|version| version.plan),
        None => None,
    };
    let found = templates_of(tx, &sequence.draft).await?;
    let draft = sequence.draft.clone().with_templates(&found);
    let changed = live.as_ref().map_or(0, |live| changes(live, &draft));
    let head = head(sequence, counts, changed, visitor.actor.is_admin());
    Ok(Head { templates: live.map(|live| changed_templates(&live, &draft, &found)).unwrap_or_default(), ..head })
}

/// The templates that say something else now than in the live version, by name.
fn changed_templates(live: &Plan, draft: &Plan, found: &HashMap<TemplateId, Template>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for step in &draft.steps {
        let (Some(now), Some(then)) = (step.action.email(), live.step(step.id).and_then(|step| step.action.email()))
        else {
            continue;
        };
        let template = now.template_id.filter(|id| then.template_id == Some(*id)).and_then(|id| found.get(&id));
        if let Some(template) =
            template.filter(|template| !says_the_same(now, then) && !names.contains(&&*template.name))
        {
            names.push(&template.name);
        }
    }
    words::list(&names)
}

fn head(sequence: &Sequence, counts: SequenceCounts, changed: usize, is_admin: bool) -> Head {
    let (state, word) = super::state_words(sequence);
    let is_archived = sequence.state == SequenceState::Archived;
    let publish = match sequence.state {
        SequenceState::Draft => "Activate".to_owned(),
        SequenceState::Archived => "Activate again".to_owned(),
        SequenceState::Active if changed > 0 => "Review and publish".to_owned(),
        SequenceState::Active => String::new(),
    };
    let ongoing = u64::from(counts.active + counts.paused + counts.blocked);
    Head {
        name: sequence.name.clone(),
        folder: sequence.folder.clone(),
        folder_href: urls::with_query(urls::SEQUENCES, &[("folder", &sequence.folder)]),
        sub: sub(sequence, ongoing),
        state,
        word,
        version: if sequence.version > 0 { format!("Version {}", sequence.version) } else { String::new() },
        people: words::number(counts.total()),
        changes: if changed > 0 {
            format!("{} not published", words::count(changed as u64, "change", "changes"))
        } else {
            String::new()
        },
        publish: if is_admin { publish } else { String::new() },
        templates: String::new(),
        may_write: is_admin,
        may_pause: is_admin && sequence.state == SequenceState::Active && sequence.paused_at.is_none(),
        may_resume: is_admin && sequence.paused_at.is_some(),
        may_archive: is_admin && !is_archived && sequence.version > 0,
        may_delete: is_admin && counts.total() == 0,
        links: Links::of(sequence.id),
    }
}

fn sub(sequence: &Sequence, ongoing: u64) -> String {
    let steps = words::count(sequence.draft.steps.len() as u64, "step", "steps");
    let now = match (sequence.state, ongoing) {
        (SequenceState::Draft, _) => "Nobody can be enrolled before it is activated.".to_owned(),
        (SequenceState::Archived, 0) => "Nobody can be enrolled any more.".to_owned(),
        (SequenceState::Archived, n) => format!("Nobody new can be enrolled; {} still on it.", people_are(n)),
        (SequenceState::Active, 0) => "Nobody is on it now.".to_owned(),
        (SequenceState::Active, n) => format!("{} on it now.", people_are(n)),
    };
    format!("{steps}. {now}")
}

fn people_are(n: u64) -> String {
    format!("{} {}", words::people(n), if n == 1 { "is" } else { "are" })
}

/// How many things differ: steps that are new, gone or say something else, their order, and each part of the settings.
pub fn changes(live: &Plan, draft: &Plan) -> usize {
    let different = |step: &&Step| live.step(step.id).is_none_or(|before| !is_same(before, step));
    let written = draft.steps.iter().filter(different).count();
    let gone = live.steps.iter().filter(|step| draft.step(step.id).is_none()).count();
    let common = |plan: &Plan, other: &Plan| -> Vec<_> {
        plan.steps.iter().map(|step| step.id).filter(|id| other.step(*id).is_some()).collect()
    };
    let moved = common(live, draft) != common(draft, live);
    let settings =
        [live.schedule != draft.schedule, live.exit != draft.exit, live.unsubscribe != draft.unsubscribe, moved];
    written + gone + settings.into_iter().filter(|differs| *differs).count()
}

/// The same wait, task and words, wherever the words were copied from.
fn is_same(live: &Step, draft: &Step) -> bool {
    let same_words = match (live.action.email(), draft.action.email()) {
        (Some(a), Some(b)) => says_the_same(a, b),
        (None, None) => true,
        _ => false,
    };
    same_words
        && live.wait == draft.wait
        && live.action.task() == draft.action.task()
        && live.action.as_str() == draft.action.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::StepId;
    use relance_domain::schedule::Schedule;
    use relance_domain::step::{Action, EmailText, Wait};

    fn step(number: u128, subject: &str) -> Step {
        let email = EmailText { subject: subject.into(), ..EmailText::default() };
        Step {
            id: StepId::from_uuid(uuid::Uuid::from_u128(number)),
            wait: Wait::IMMEDIATELY,
            action: Action::AutomatedEmail { email },
        }
    }

    #[test]
    fn changes_are_steps_order_and_settings() {
        let live = Plan { steps: vec![step(1, "a"), step(2, "b"), step(3, "c")], ..Plan::default() };
        assert_eq!(changes(&live, &live), 0);
        let mut draft = live.clone();
        draft.steps[0] = step(1, "A");
        draft.steps.remove(2);
        draft.schedule = Some(Schedule::default());
        assert_eq!(changes(&live, &draft), 3);
        let swapped = Plan { steps: vec![step(2, "b"), step(1, "a"), step(3, "c")], ..Plan::default() };
        assert_eq!(changes(&live, &swapped), 1);
    }
}
