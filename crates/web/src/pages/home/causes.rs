//! What holds people, grouped by cause, each with its cure; and what someone must decide.

use std::collections::BTreeMap;

use relance_domain::PersonId;
use relance_domain::enrollment::{BlockReason, State};
use relance_domain::person::Kind;
use relance_storage::Tx;
use relance_storage::enrollment_views::{self, EnrollmentFilter, EnrollmentView};

use super::tag;
use crate::errors::Result;
use crate::pages::review;
use crate::session::Visitor;
use crate::{urls, words};

/// Blocked enrollments looked at for each reason.
const MOST: u32 = 200;

/// One cause or question with what to do.
#[derive(Clone, Debug, Default)]
pub struct Cause {
    /// `blocked`, `uncertain` or `review`.
    pub state: &'static str,
    /// What holds whom.
    pub title: String,
    /// What it means.
    pub text: String,
    /// The cure's words.
    pub cure: String,
    /// The cure's address.
    pub href: String,
    /// The reason whose blocks can all be tried again; empty where they cannot.
    pub retry: String,
}

/// What is blocked by cause, and what someone must decide.
pub async fn read(tx: &mut Tx, visitor: &Visitor) -> Result<(Vec<Cause>, Vec<Cause>)> {
    let (mut causes, mut decisions) = (Vec::new(), Vec::new());
    for (code, number) in enrollment_views::blocked_by_reason(tx, Some(visitor.user.id)).await? {
        let filter = EnrollmentFilter {
            states: &["blocked"],
            blocked_reason: Some(&code),
            actor: Some(visitor.user.id),
            ..EnrollmentFilter::default()
        };
        let rows = enrollment_views::page(tx, filter, None, MOST).await?;
        match code.as_str() {
            "delivery_uncertain" => decisions.extend(rows.iter().take(5).map(uncertain)),
            "held_for_review" => {}
            "missing_merge_data" => causes.extend(missing(&rows)),
            _ => causes.extend(other(&rows, number.into())),
        }
    }
    for view in review::waiting(tx, visitor).await?.into_iter().take(5) {
        let who = view.person_name.clone().unwrap_or_else(|| view.message.from_address.clone());
        decisions.push(Cause {
            state: "review",
            title: format!("Is this a reply from {who}?"),
            text: format!(
                "{} wrote: {}. The person is held until you decide.",
                view.message.from_address, view.message.subject
            ),
            cure: "Decide".to_owned(),
            href: urls::REVIEW.to_owned(),
            ..Cause::default()
        });
    }
    Ok((causes, decisions))
}

fn reason(view: &EnrollmentView) -> Option<&BlockReason> {
    match &view.stored.enrollment.state {
        State::Blocked { reason, .. } => Some(reason),
        _ => None,
    }
}

fn uncertain(view: &EnrollmentView) -> Cause {
    Cause {
        state: "uncertain",
        title: format!("Uncertain: one email to {} may have left", view.person_name),
        text: "The connection broke at the last moment. Nothing is sent twice; look into the Sent folder and decide."
            .to_owned(),
        cure: "See the evidence".to_owned(),
        href: urls::enrollment(view.stored.enrollment.id),
        ..Cause::default()
    }
}

fn missing(rows: &[EnrollmentView]) -> Vec<Cause> {
    let mut by_tag: BTreeMap<&str, Vec<(PersonId, &str)>> = BTreeMap::new();
    for view in rows {
        let Some(BlockReason::MissingMergeData { tags }) = reason(view) else { continue };
        for tag in tags {
            by_tag.entry(tag).or_default().push((view.stored.enrollment.person_id, &view.person_name));
        }
    }
    by_tag.into_iter().map(|(name, people)| missing_one(name, &people)).collect()
}

fn missing_one(name: &str, people: &[(PersonId, &str)]) -> Cause {
    let words = tag(name);
    match people {
        [(id, person)] => Cause {
            state: "blocked",
            title: format!("{person} has no {words}"),
            text: "The next email waits. It leaves by itself when the value is there.".to_owned(),
            cure: format!("Add {words}"),
            href: urls::edit_tag(*id, name),
            ..Cause::default()
        },
        many => Cause {
            state: "blocked",
            title: format!("{} have no {words}", words::people(many.len() as u64)),
            text: "Their next email waits. It leaves by itself when the value is there.".to_owned(),
            cure: format!("Fill in {} values", words::number(many.len())),
            href: urls::complete_data(None),
            ..Cause::default()
        },
    }
}

/// *The addresses of 3 people bounced*.
fn held(because: &BlockReason, name: &str, number: u64) -> String {
    let people = words::people(number);
    match (because, number) {
        (BlockReason::Bounced { .. }, 1) => format!("The address of {name} bounced"),
        (BlockReason::Bounced { .. }, _) => format!("The addresses of {people} bounced"),
        (BlockReason::RecipientRefused { .. }, 1) => format!("The address of {name} was refused"),
        (BlockReason::RecipientRefused { .. }, _) => format!("The addresses of {people} were refused"),
        (BlockReason::NoRecipient, 1) => format!("{name} has no email address"),
        (BlockReason::NoRecipient, _) => format!("{people} have no email address"),
        (_, 1) => format!("{name} is held"),
        (_, _) => format!("{people} are held"),
    }
}

/// The list that all of them are in: leads, contacts, or first the kind that most of them are.
fn see(rows: &[EnrollmentView], because: &BlockReason) -> (String, String) {
    let leads = rows.iter().filter(|view| view.person_kind == Kind::Lead.as_str()).count();
    let kind = if leads * 2 >= rows.len() { Kind::Lead } else { Kind::Contact };
    let of_kind = if kind == Kind::Lead { leads } else { rows.len() - leads };
    let words = match (kind, of_kind == rows.len()) {
        (_, true) => "See them".to_owned(),
        (Kind::Lead, false) => format!("See the {}", words::count(of_kind as u64, "lead", "leads")),
        (Kind::Contact, false) => format!("See the {}", words::count(of_kind as u64, "contact", "contacts")),
    };
    (words, urls::with_query(urls::people(kind), &[("blocked", because.code())]))
}

fn other(rows: &[EnrollmentView], number: u64) -> Option<Cause> {
    let first = rows.first()?;
    let because = reason(first)?;
    let (title, text) = match (because.is_of_mailbox(), number) {
        (true, n) => {
            let mailbox = first.mailbox_address.as_deref().unwrap_or("The mailbox");
            let waits = words::count(n, "email waits", "emails wait");
            (
                format!("{mailbox} cannot send"),
                format!("{} Nothing was lost; {waits}. {}", because.sentence(), because.releases()),
            )
        }
        (false, n) => (held(because, &first.person_name, n), format!("{} {}", because.sentence(), because.releases())),
    };
    let (cure, href) = match (because.is_of_mailbox(), first.stored.enrollment.mailbox_id, number) {
        (true, Some(mailbox), _) => ("Reconnect".to_owned(), urls::mailbox(mailbox)),
        (_, _, 1) => ("Open".to_owned(), urls::enrollment(first.stored.enrollment.id)),
        _ => see(rows, because),
    };
    let retry = if because.retryable() { because.code().to_owned() } else { String::new() };
    Some(Cause { state: "blocked", title, text, cure, href, retry })
}
