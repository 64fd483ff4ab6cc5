//! `sequences/{id}/findings` and `steps/{step_id}/test`: what a writer should know, and a test to oneself.

use super::{
    auth::Caller,
    body::Body,
    doc,
    query::{Id, Ids, List},
    sequences::find,
};
use crate::{
    app::App,
    problem::{Problem, Result},
};
use axum::{Json, extract::State};
use relance_domain::{
    PersonId, SequenceId, StepId,
    lint::{self, Finding},
};
use relance_storage::workspace;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(findings)).routes(routes!(test))
}

/// One thing to look at before publishing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct FindingBody {
    /// In which step.
    #[schema(value_type = doc::StepId)]
    step_id: StepId,
    /// Its position from 1.
    position: usize,
    /// A code that stays: `long_subject`.
    code: String,
    /// `refused`: it cannot be published like this; `warning`: probably a mistake; `hint`: may be better otherwise.
    #[schema(value_type = doc::Severity)]
    severity: &'static str,
    /// `subject`, `body` or `unsubscribe`.
    field: String,
    /// What was found.
    message: String,
    /// What to do about it.
    cure: String,
}

/// What a writer should know of the emails of the draft, step by step.
#[utoipa::path(get, path = "/sequences/{id}/findings", tag = "sequences", operation_id = "list_sequence_findings",
    params(("id" = doc::SequenceId, Path)), responses((status = 200, body = List<FindingBody>)))]
async fn findings(State(app): State<App>, Id(id): Id<SequenceId>) -> Result<Json<List<FindingBody>>> {
    let draft = find(&app, id).await?.draft;
    let mut tx = app.engine.store.read().await?;
    let has_address = workspace::read(&mut tx).await?.is_some_and(|found| !found.postal_address.trim().is_empty());
    drop(tx);
    let body = |(step_id, finding): (StepId, Finding)| FindingBody {
        step_id,
        position: draft.position(step_id).unwrap_or(0),
        code: finding.code,
        severity: finding.severity.as_str(),
        field: finding.field,
        message: finding.message,
        cure: finding.cure,
    };
    Ok(Json(List::whole(lint::plan(&draft, has_address).into_iter().map(body).collect())))
}

/// As whom the test is written.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TestOrder {
    /// Whose data it shows.
    #[schema(value_type = doc::PersonId)]
    person_id: PersonId,
}

/// What was sent.
#[derive(Debug, Serialize, ToSchema)]
struct TestSent {
    /// From and to which address: your own mailbox.
    address: String,
    /// Merge tags without a value; they stand there by their names.
    missing_tags: Vec<String>,
}

/// Sends the email of a step to your own mailbox, marked as a test. It counts towards the quota and is nobody's delivery.
#[utoipa::path(post, path = "/sequences/{id}/steps/{step_id}/test", tag = "sequences", operation_id = "test_step",
    params(("id" = doc::SequenceId, Path), ("step_id" = doc::StepId, Path)), request_body = TestOrder,
    responses((status = 200, body = TestSent)))]
async fn test(
    State(app): State<App>,
    caller: Caller,
    Ids(id, step): Ids<SequenceId, StepId>,
    Body(order): Body<TestOrder>,
) -> Result<Json<TestSent>> {
    caller.admins_only("send tests of sequences")?;
    let draft = find(&app, id).await?.draft;
    let step = draft.step(step).ok_or_else(|| Problem::not_found("step"))?;
    let email = step.action.email().ok_or_else(|| Problem::not_found("email"))?;
    let sent = app.engine.send_test(&caller.actor, email, &draft.unsubscribe, order.person_id).await?;
    Ok(Json(TestSent { address: sent.address, missing_tags: sent.missing_tags }))
}
