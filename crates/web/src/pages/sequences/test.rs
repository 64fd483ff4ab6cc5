//! *Send me a test*: the opened email as one person would get it, to one's own mailbox.

use axum::extract::State;
use axum::response::Response;
use relance_domain::{PersonId, Refused, SequenceId, StepId};

use super::step_actions::saved;
use super::step_form;
use crate::app::App;
use crate::errors::{PageError, Result};
use crate::extract::Path;
use crate::pages::attachments::EmailForm;
use crate::session::Visitor;
use crate::{answer, urls};

/// Saves what is typed, and sends it to oneself.
pub async fn create(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, step)): Path<(SequenceId, StepId)>,
    EmailForm(mut typed): EmailForm,
) -> Result<Response> {
    visitor.must_be_admin("send tests of sequences")?;
    typed.set("step", step.to_string());
    if let Err(refused) = saved(&app, &visitor, id, &typed).await? {
        return Ok(*refused);
    }
    let mut tx = app.read().await?;
    let sequence = super::find(&mut tx, id).await?;
    drop(tx);
    let known = sequence.draft.step(step).ok_or(PageError::NotFound("step"))?;
    let email = known.action.email().ok_or(PageError::NotFound("email"))?;
    let email = if typed.is_set("email.format") { step_form::read_email(&typed, email, None) } else { email.clone() };
    let to = urls::with_query(&urls::sequence(id), &[("step", &step.to_string()), ("as", typed.get("as"))]);
    let nobody = || Refused::new("required", "Choose the person as whom the test is written.");
    let person: PersonId = typed.get("as").parse().map_err(|_| PageError::Refused(vec![nobody()]))?;
    let sent = app.engine.send_test(&visitor.actor, &email, &sequence.draft.unsubscribe, person).await;
    answer::outcome(&to, sent, |sent| {
        let missing = match sent.missing_tags.as_slice() {
            [] => String::new(),
            tags => format!(" It shows [{}] where there is no value.", relance_domain::enrollment::tag_words(tags)),
        };
        answer::toast("done", format!("A test went to {}.{missing}", sent.address))
    })
}
