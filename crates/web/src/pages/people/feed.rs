//! The history of a person: every event in one list, headed by days, told apart by their dots.
//!
//! Names of sequences, users, emails and messages are read for the whole page at once.

mod draw;
mod received;

use std::collections::{HashMap, HashSet};

use relance_domain::activity::{Activity, ActivityKind as A};
use relance_domain::delivery::Delivery;
use relance_domain::person::Person;
use relance_domain::task::Task;
use relance_domain::{ActivityId, DeliveryId, InboundId, SequenceId, TaskId, Timestamp, UserId, VersionId};
use relance_engine::commands::absence::correctable;
use relance_storage::inbound::InboundMessage;
use relance_storage::{Tx, activities, deliveries, enrollments, inbound, sequences, tasks, users};

use crate::errors::Result;
use crate::session::Visitor;
use crate::words::{self, When};
use crate::{
    pages::people::{absence::Correction, rows},
    urls,
};

/// Events on a page.
pub const PAGE: usize = 40;

/// What stands below an event's line.
#[derive(Clone, Debug, Default)]
pub struct Card {
    /// Its bold line.
    pub subject: String,
    /// The first words, while it is folded.
    pub excerpt: String,
    /// What was written, as text.
    pub text: String,
    /// The quoted rest, folded.
    pub quoted: String,
    /// The lines of the quoted rest, in words.
    pub quoted_words: String,
    /// The address of the email as it was sent, for a frame; empty for none.
    pub body: String,
    /// To whom it was sent, in words.
    pub meta: String,
    /// Why it was taken for what it is, sentence by sentence.
    pub evidence: Vec<String>,
}

/// One event.
#[derive(Clone, Debug, Default)]
pub struct Item {
    /// The day, when it is the first of its day.
    pub day: String,
    /// Its icon.
    pub icon: &'static str,
    /// Its dot.
    pub dot: &'static str,
    /// When it happened.
    pub when: When,
    /// What happened.
    pub title: String,
    /// The words before the link.
    pub words: String,
    /// The link's words; empty for none.
    pub link: String,
    /// The link's address.
    pub href: String,
    /// The words after the link.
    pub after: String,
    /// What stands below.
    pub card: Option<Card>,
    /// The form of a note; empty where there is none.
    pub edit: String,
    /// The day of return can be corrected.
    pub correction: Option<Correction>,
}

/// Which events are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// All of them.
    #[default]
    All,
    /// Emails that were sent, or could not be.
    Emails,
    /// What came in.
    Replies,
    /// Tasks.
    Tasks,
    /// Notes and calls.
    Notes,
    /// Sequences and fields that changed.
    Changes,
}

impl Shown {
    /// All filters, in the order of the tabs: value and words.
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::All, "", "All"),
        (Self::Emails, "emails", "Emails"),
        (Self::Replies, "replies", "Replies"),
        (Self::Tasks, "tasks", "Tasks"),
        (Self::Notes, "notes", "Notes and calls"),
        (Self::Changes, "changes", "Changes"),
    ];

    /// Reads the value of a tab; everything for an unknown one.
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|(_, value, _)| *value == text).map_or(Self::All, |(shown, ..)| shown)
    }

    fn value(self) -> &'static str {
        Self::ALL.into_iter().find(|(shown, ..)| *shown == self).map_or("", |(_, value, _)| value)
    }

    /// Whether an event of this kind is shown.
    fn has(self, kind: A) -> bool {
        let of = match kind {
            A::EmailSent | A::EmailRefused | A::EmailUncertain | A::EmailResolved => Self::Emails,
            A::ReplyReceived
            | A::AutoReplyReceived
            | A::BounceReceived
            | A::ComplaintReceived
            | A::HeldForReview
            | A::Unsubscribed => Self::Replies,
            A::TaskCreated | A::TaskDone | A::TaskSkipped | A::TaskCancelled | A::TaskChanged => Self::Tasks,
            A::Note | A::CallLogged => Self::Notes,
            _ => Self::Changes,
        };
        self == Self::All || self == of
    }

    /// The kinds to ask for; none for all.
    fn kinds(self) -> Vec<A> {
        if self == Self::All { Vec::new() } else { A::ALL.into_iter().filter(|kind| self.has(*kind)).collect() }
    }
}

/// A tab of the history.
#[derive(Clone, Debug, Default)]
pub struct Tab {
    /// Its words.
    pub label: &'static str,
    /// Its address.
    pub href: String,
    /// It is the one that is shown.
    pub is_current: bool,
}

/// A page of the history.
#[derive(Clone, Debug, Default)]
pub struct Feed {
    /// The filters.
    pub tabs: Vec<Tab>,
    /// The events, newest first.
    pub items: Vec<Item>,
    /// Where older ones are; empty at the end.
    pub older: String,
    /// Where the newest are; empty at the beginning.
    pub newest: String,
    /// Only some kinds are shown.
    pub is_narrowed: bool,
}

impl Feed {
    /// Every address of the history keeps this, too.
    pub fn carry(&mut self, name: &str, text: &str) {
        let tabs = self.tabs.iter_mut().map(|tab| &mut tab.href);
        for href in tabs.chain([&mut self.older, &mut self.newest]).filter(|href| !href.is_empty()) {
            let between = if href.contains('?') { '&' } else { '?' };
            href.push_str(&format!("{between}{name}={}", urls::value(text)));
        }
    }
}

/// What the events speak of.
#[derive(Default)]
struct Around {
    sequences: HashMap<SequenceId, String>,
    users: HashMap<UserId, String>,
    deliveries: HashMap<DeliveryId, Delivery>,
    messages: HashMap<InboundId, InboundMessage>,
    tasks: HashMap<TaskId, Task>,
    steps: HashMap<DeliveryId, (usize, usize)>,
    correctable: HashSet<InboundId>,
}

/// Up to [`PAGE`] events before `before`.
pub async fn read(
    tx: &mut Tx,
    person: &Person,
    shown: Shown,
    before: Option<(Timestamp, ActivityId)>,
    visitor: &Visitor,
) -> Result<Feed> {
    let mut events = activities::list_of_person(tx, person.id, &shown.kinds(), before, PAGE + 1).await?;
    let at = |before: &str, shown: Shown| {
        urls::with_query(&urls::person(person.id), &[("show", shown.value()), ("before", before)])
    };
    let last = events.get(PAGE - 1).filter(|_| events.len() > PAGE);
    let older = last.map(|last| at(&format!("{}~{}", last.at.ms(), last.id), shown));
    events.truncate(PAGE);
    let mut around = around(tx, &events).await?;
    if around.messages.values().any(|message| message.effect.is_absence()) {
        around.correctable = correctable(tx, &visitor.actor, person.id).await?;
    }
    let zone = rows::zone_of(person, visitor);
    let mut items: Vec<Item> = Vec::with_capacity(events.len());
    let mut of_day = String::new();
    for event in &events {
        let day = words::day(event.at, visitor.now, &zone);
        let mut item = draw::draw(event, person, &around, &zone, visitor);
        if day != of_day {
            item.day.clone_from(&day);
            of_day = day;
        }
        items.push(item);
    }
    let tab = |(tab, _, label)| Tab { label, href: at("", tab), is_current: tab == shown };
    Ok(Feed {
        tabs: Shown::ALL.map(tab).to_vec(),
        items,
        older: older.unwrap_or_default(),
        newest: if before.is_some() { at("", shown) } else { String::new() },
        is_narrowed: shown != Shown::All,
    })
}

/// Reads the cursor of [`Feed::older`].
pub fn parse_before(text: &str) -> Option<(Timestamp, ActivityId)> {
    let (at, id) = text.split_once('~')?;
    Some((Timestamp::from_ms(at.parse().ok()?), id.parse().ok()?))
}

async fn around(tx: &mut Tx, events: &[Activity]) -> Result<Around> {
    let distinct = |ids: Vec<SequenceId>| {
        ids.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>()
    };
    let sequence_ids = distinct(events.iter().filter_map(|event| event.sequence_id).collect());
    let delivery_ids: Vec<_> = events.iter().filter_map(|event| event.delivery_id).collect();
    let message_ids: Vec<_> = events.iter().filter_map(|event| event.inbound_id).collect();
    let mut around = Around {
        sequences: sequences::find_many(tx, &sequence_ids).await?.into_iter().map(|s| (s.id, s.name)).collect(),
        users: users::list(tx).await?.into_iter().map(|user| (user.id, user.name)).collect(),
        deliveries: deliveries::find_many(tx, &delivery_ids).await?.into_iter().map(|d| (d.id, d)).collect(),
        messages: inbound::find_many(tx, &message_ids).await?.into_iter().map(|m| (m.id, m)).collect(),
        ..Around::default()
    };
    for event in events {
        if let Some(id) = event.task_id.filter(|id| !around.tasks.contains_key(id))
            && let Some(task) = tasks::find(tx, id).await?
        {
            around.tasks.insert(id, task);
        }
    }
    around.steps = steps(tx, &around.deliveries).await?;
    Ok(around)
}

/// Position and number of steps of each email, in the version its enrollment follows.
async fn steps(tx: &mut Tx, emails: &HashMap<DeliveryId, Delivery>) -> Result<HashMap<DeliveryId, (usize, usize)>> {
    let ids: Vec<_> = emails.values().map(|email| email.enrollment_id).collect();
    let versions: HashMap<_, VersionId> = enrollments::find_many(tx, &ids, false)
        .await?
        .into_iter()
        .map(|e| (e.enrollment.id, e.enrollment.version_id))
        .collect();
    let wanted: Vec<_> = versions.values().copied().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    let plans: HashMap<_, _> =
        sequences::find_versions(tx, &wanted).await?.into_iter().map(|version| (version.id, version.plan)).collect();
    Ok(emails
        .values()
        .filter_map(|email| {
            let plan = plans.get(versions.get(&email.enrollment_id)?)?;
            Some((email.id, (plan.position(email.step_id)?, plan.steps.len())))
        })
        .collect())
}

#[cfg(test)]
pub(super) fn sample() -> Feed {
    let email = Card {
        subject: "Re: Cold-chain gaps".into(),
        excerpt: "Hi Maya".into(),
        body: "/deliveries/dlv_1/body".into(),
        ..Card::default()
    };
    let reply = Card {
        text: "Come back in November.".into(),
        quoted: "On Monday".into(),
        quoted_words: "Quoted text, 18 lines".into(),
        evidence: vec!["Nothing in it points to a machine.".into()],
        ..Card::default()
    };
    Feed {
        items: vec![
            Item {
                day: "Today".into(),
                icon: "route",
                dot: "sequence",
                title: "Email sent".into(),
                link: "Winter depots".into(),
                href: "/enrollments/enr_1".into(),
                card: Some(email),
                ..Item::default()
            },
            Item {
                icon: "reply",
                dot: "replied",
                title: "Maya Okafor replied".into(),
                card: Some(reply),
                ..Item::default()
            },
        ],
        older: "/people/per_1?before=1~act_1".into(),
        tabs: vec![Tab { label: "Emails", href: "/people/per_1?show=emails".into(), is_current: false }],
        ..Feed::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_belongs_to_one_filter() {
        for kind in A::ALL {
            let of = Shown::ALL.into_iter().filter(|(shown, ..)| *shown != Shown::All && shown.has(kind)).count();
            assert_eq!(of, 1, "{}", kind.as_str());
        }
        assert!(Shown::All.kinds().is_empty());
        assert_eq!(Shown::parse("notes").kinds(), [A::Note, A::CallLogged]);
        assert_eq!(Shown::parse("nonsense"), Shown::All);
    }

    #[test]
    fn the_cursor_of_older_events_reads_back() {
        let id = ActivityId::from_uuid(uuid::Uuid::from_u128(9));
        assert_eq!(parse_before(&format!("1700~{id}")), Some((Timestamp::from_ms(1700), id)));
        assert_eq!(parse_before("1700"), None);
    }
}
