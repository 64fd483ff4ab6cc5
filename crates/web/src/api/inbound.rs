//! `inbound`: received messages with their judgement and evidence, and the decisions of the review tray.
//!
//! Reps see what came to their own mailboxes, managers and admins what came to those of the team.

use super::{
    auth::Caller,
    body::{Body, NoBody},
    doc,
    query::{Id, List, Query, at_cursor, cursor_at, limit_u32, words},
    shapes::EndedBody,
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{DeliveryId, EnrollmentId, InboundId, MailboxId, PersonId, Timestamp, inbound::Evidence};
use relance_storage::{
    Tx,
    inbound::{self, InboundFilter, InboundMessage, InboundView},
    mailboxes,
    visibility::SeenBy,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

const KINDS: &[&str] =
    &["reply", "auto_reply", "bounce", "complaint", "unsubscribe_request", "own", "other", "doubtful", "unreadable"];

/// The routes of this resource.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(assign))
        .routes(routes!(away))
        .routes(routes!(ignore))
        .routes(routes!(correct_return))
}

/// One piece of evidence.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Evidence)]
struct EvidenceBody {
    /// The rule that held.
    rule: serde_json::Value,
    /// What it saw.
    value: String,
    /// The same as a sentence.
    sentence: String,
}

impl From<&Evidence> for EvidenceBody {
    fn from(evidence: &Evidence) -> Self {
        let rule = serde_json::to_value(evidence.rule).unwrap_or_default();
        Self { rule, value: evidence.value.clone(), sentence: evidence.sentence() }
    }
}

/// A received message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = InboundMessage)]
struct InboundBody {
    /// Its id.
    #[schema(value_type = doc::InboundId)]
    id: InboundId,
    /// Which mailbox got it.
    #[schema(value_type = doc::MailboxId)]
    mailbox_id: MailboxId,
    /// What it is: `reply`, `auto_reply`, `bounce`, `complaint`, `unsubscribe_request`, `own`, `other`, `doubtful` or `unreadable`.
    kind: &'static str,
    /// The rules that held, most telling first.
    evidence: Vec<EvidenceBody>,
    /// How it was matched to a person: `thread`, `sender`, `colleague_in_thread`, `thread_from_elsewhere` or `none`.
    #[schema(value_type = Option<String>)]
    matched_by: Option<relance_domain::inbound::Match>,
    /// What it did.
    #[schema(value_type = Object)]
    effect: serde_json::Value,
    /// Where it stands in the review tray: `none`, `open`, `assigned` or `ignored`.
    tray: &'static str,
    /// Whom it belongs to.
    #[schema(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// Which enrollment it answers.
    #[schema(value_type = Option<doc::EnrollmentId>)]
    enrollment_id: Option<EnrollmentId>,
    /// Which email it answers.
    #[schema(value_type = Option<doc::DeliveryId>)]
    delivery_id: Option<DeliveryId>,
    /// Who sent it.
    from_address: String,
    /// The sender's name.
    from_name: String,
    /// Its subject.
    subject: String,
    /// Without angle brackets.
    message_id: Option<String>,
    /// When the server got it.
    #[schema(value_type = doc::Instant)]
    received_at: Timestamp,
    /// What the sender wrote now.
    text: String,
    /// Quotation and signature.
    quoted_text: String,
}

impl From<InboundMessage> for InboundBody {
    fn from(message: InboundMessage) -> Self {
        Self {
            id: message.id,
            mailbox_id: message.mailbox_id,
            kind: message.judgement.kind.name(),
            evidence: message.judgement.evidence.iter().map(EvidenceBody::from).collect(),
            matched_by: message.matched_by,
            effect: serde_json::to_value(&message.effect).unwrap_or_default(),
            tray: message.tray.as_str(),
            person_id: message.person_id,
            enrollment_id: message.enrollment_id,
            delivery_id: message.delivery_id,
            from_address: message.from_address,
            from_name: message.from_name,
            subject: message.subject,
            message_id: message.message_id,
            received_at: message.received_at,
            text: message.visible_text,
            quoted_text: message.quoted_text,
        }
    }
}

/// Which messages.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListParams {
    /// Of this person.
    #[param(value_type = Option<doc::PersonId>)]
    person_id: Option<PersonId>,
    /// In this mailbox.
    #[param(value_type = Option<doc::MailboxId>)]
    mailbox_id: Option<MailboxId>,
    /// Only these kinds, separated by commas.
    kind: Option<String>,
    /// `open`: only what someone has to decide on.
    tray: Option<String>,
    /// Rows of the page, 1 to 500; 50 if left out.
    limit: Option<usize>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The mailboxes whose messages the caller may read; empty = all.
async fn readable(tx: &mut Tx, caller: &Caller) -> Result<Vec<MailboxId>> {
    if caller.actor.acts_for_others() {
        return Ok(Vec::new());
    }
    Ok(mailboxes::of_user(tx, caller.id()).await?.into_iter().map(|mailbox| mailbox.id).collect())
}

/// Lists received messages, latest first.
#[utoipa::path(get, path = "/inbound", tag = "inbound", operation_id = "list_inbound", params(ListParams),
    responses((status = 200, body = List<InboundBody>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(params): Query<ListParams>,
) -> Result<Json<List<InboundBody>>> {
    let limit = limit_u32(params.limit)?;
    let after = cursor_at(params.cursor.as_deref())?;
    let kinds = words("kind", params.kind.as_deref(), KINDS)?;
    let open_in_tray = match params.tray.as_deref() {
        None => false,
        Some("open") => true,
        Some(_) => return Err(Problem::at("tray", "invalid", "Ask for open, or leave it out.")),
    };
    let mut tx = app.engine.store.read().await?;
    let mut chosen = readable(&mut tx, &caller).await?;
    let sees_all = caller.actor.acts_for_others();
    if let Some(asked) = params.mailbox_id {
        chosen = if sees_all || chosen.contains(&asked) { vec![asked] } else { Vec::new() };
    }
    if chosen.is_empty() && (!sees_all || params.mailbox_id.is_some()) {
        return Ok(Json(List::whole(Vec::new())));
    }
    let sight = app.engine.sight(&caller.actor).await?.owners();
    let seen_by = sight.as_deref().map(|owners| SeenBy { user: caller.id(), owners });
    let filter = InboundFilter {
        kinds: &kinds,
        person: params.person_id,
        open_in_tray,
        mailboxes: &chosen,
        seen_by,
        ..InboundFilter::default()
    };
    let found = inbound::page(&mut tx, filter, after, limit + 1).await?;
    let cursor = |last: &InboundView| at_cursor(last.message.received_at, last.message.id);
    Ok(Json(List::page(found, limit as usize, cursor, |view| view.message.into())))
}

/// Reads a received message.
#[utoipa::path(get, path = "/inbound/{id}", tag = "inbound", operation_id = "read_inbound", params(("id" = doc::InboundId, Path)),
    responses((status = 200, body = InboundBody)))]
async fn read(State(app): State<App>, caller: Caller, Id(id): Id<InboundId>) -> Result<Json<InboundBody>> {
    find(&app, &caller, id).await.map(Json)
}

async fn find(app: &App, caller: &Caller, id: InboundId) -> Result<InboundBody> {
    Ok(app.engine.seen_message(&caller.actor, id).await?.into())
}

/// Whose reply it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Assign {
    /// The person.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
}

/// A message that was assigned, with what its being a reply ended.
#[derive(Debug, Serialize, ToSchema)]
struct AssignedInbound {
    #[serde(flatten)]
    #[schema(inline)]
    message: InboundBody,
    /// Enrollments that ended.
    ended: EndedBody,
}

/// Says that a message of the review tray is this person's reply: every unfinished enrollment of the person ends.
#[utoipa::path(post, path = "/inbound/{id}/assign", tag = "inbound", operation_id = "assign_inbound",
    params(("id" = doc::InboundId, Path)), request_body = Assign, responses((status = 200, body = AssignedInbound)))]
async fn assign(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<InboundId>,
    Body(asked): Body<Assign>,
) -> Result<Json<AssignedInbound>> {
    let ended = app.engine.assign_inbound(&caller.actor, id, asked.person_id).await?;
    Ok(Json(AssignedInbound { message: find(&app, &caller, id).await?, ended: ended.into() }))
}

/// Whose automatic answer it is, and when they are back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Away {
    /// The person.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
    /// The first day the person is back, where they are; after today.
    #[schema(value_type = String, format = Date)]
    date: jiff::civil::Date,
}

/// A message that turned out to be an automatic answer, with what waits.
#[derive(Debug, Serialize, ToSchema)]
struct AwayInbound {
    #[serde(flatten)]
    #[schema(inline)]
    message: InboundBody,
    /// Enrollments that wait until the person is back.
    enrollments: u64,
}

/// Says that a message of the review tray is this person's automatic answer: what they are in waits until they are back.
#[utoipa::path(post, path = "/inbound/{id}/away", tag = "inbound", operation_id = "away_inbound",
    params(("id" = doc::InboundId, Path)), request_body = Away, responses((status = 200, body = AwayInbound)))]
async fn away(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<InboundId>,
    Body(asked): Body<Away>,
) -> Result<Json<AwayInbound>> {
    let enrollments = app.engine.away_inbound(&caller.actor, id, asked.person_id, asked.date).await?;
    Ok(Json(AwayInbound { message: find(&app, &caller, id).await?, enrollments }))
}

/// A message that was ignored, with what goes on.
#[derive(Debug, Serialize, ToSchema)]
struct IgnoredInbound {
    #[serde(flatten)]
    #[schema(inline)]
    message: InboundBody,
    /// Enrollments that were held and go on.
    released: u64,
}

/// Says that a message of the review tray is no reply: what was held goes on.
#[utoipa::path(post, path = "/inbound/{id}/ignore", tag = "inbound", operation_id = "ignore_inbound",
    params(("id" = doc::InboundId, Path)), responses((status = 200, body = IgnoredInbound)))]
async fn ignore(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<InboundId>,
    _: NoBody,
) -> Result<Json<IgnoredInbound>> {
    let released = app.engine.ignore_inbound(&caller.actor, id).await?;
    Ok(Json(IgnoredInbound { message: find(&app, &caller, id).await?, released }))
}

/// When someone is back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReturnDate {
    /// The first day the person is back, where they are. Today means that they are back already.
    #[schema(value_type = String, format = Date)]
    date: jiff::civil::Date,
}

/// What correcting a return date did.
#[derive(Debug, Serialize, ToSchema)]
struct CorrectedReturn {
    /// The day.
    #[schema(value_type = String, format = Date)]
    date: jiff::civil::Date,
    /// Enrollments that were changed.
    enrollments: u64,
    /// They go on at once; else they wait until that day.
    is_back: bool,
}

/// Corrects the return date of an automatic answer: what it paused, and is still paused, waits until then or goes on.
#[utoipa::path(post, path = "/inbound/{id}/return_date", tag = "inbound", operation_id = "correct_return_date",
    params(("id" = doc::InboundId, Path)), request_body = ReturnDate, responses((status = 200, body = CorrectedReturn)))]
async fn correct_return(
    State(app): State<App>,
    caller: Caller,
    Id(id): Id<InboundId>,
    Body(asked): Body<ReturnDate>,
) -> Result<Json<CorrectedReturn>> {
    let done = app.engine.correct_return(&caller.actor, id, asked.date).await?;
    Ok(Json(CorrectedReturn { date: asked.date, enrollments: done.enrollments, is_back: done.is_back }))
}
