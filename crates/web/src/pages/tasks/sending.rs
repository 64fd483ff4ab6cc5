//! What is said when *send* was pressed on a draft: it leaves now, or why it does not and what releases it.

use relance_domain::decision::Decision;
use relance_domain::enrollment::State;
use relance_domain::task::Task;

use crate::app::App;
use crate::errors::Result;
use crate::session::Visitor;

const LEAVES: &str = "Sent on its way: it leaves as soon as the mailbox may send.";

/// The words after a draft was sent.
pub(super) async fn words(app: &App, visitor: &Visitor, task: &Task) -> Result<String> {
    let (Some(enrollment), Some(step)) = (task.enrollment_id, task.step_id) else { return Ok("Done.".to_owned()) };
    let preview = app.engine.preview_enrollment(&visitor.actor, enrollment).await?;
    if let State::Blocked { reason, .. } = &preview.enrollment.state {
        return Ok(format!("It waits. {} {}", reason.sentence(), reason.releases()));
    }
    let explained = preview.steps.into_iter().find(|one| one.step.id == step).and_then(|one| one.explained);
    Ok(match explained {
        None => LEAVES.to_owned(),
        Some(explained) => match &explained.decision {
            Decision::Send => "Sent on its way: nothing holds it.".to_owned(),
            Decision::Block { reason, .. } => format!("It waits. {} {}", explained.sentence(), reason.releases()),
            _ => format!("It waits. {}", explained.sentence()),
        },
    })
}
