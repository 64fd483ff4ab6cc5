//! Why a step of an enrollment is where it is, past or to come: a sentence, what releases it, the rules compared.
//!
//! Pages and API say the same words. What is held or comes next is explained by the rules of this moment, what comes
//! later by the rules as they will be, what has left by what was written down then, what did not happen by its end.

use super::preview::{EnrollmentPreview, EnrollmentStep, StepStatus};
use relance_domain::{
    decision::{Departed, Rule},
    enrollment::{FinishReason, State},
    task::TaskState,
};

/// What is said about one step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// What happens or happened, and why.
    pub sentence: String,
    /// What releases it.
    pub releases: String,
    /// Every rule with the values compared; none where nothing was compared.
    pub rules: Vec<Rule>,
}

const LEFT: &str = "Nothing: it has left.";
const PASSED: &str = "Nothing: the sequence has gone on.";

impl EnrollmentPreview {
    /// Why this step is where it is.
    pub fn answer(&self, step: &EnrollmentStep) -> Answer {
        if let Some(explained) = &step.explained {
            return Answer {
                sentence: explained.sentence(),
                releases: explained.releases(),
                rules: explained.rules.clone(),
            };
        }
        let departed = Departed::of(&step.departed).filter(|_| step.status == StepStatus::Sent);
        if let Some(departed) = departed {
            return Answer { sentence: departed.sentence(), releases: LEFT.to_owned(), rules: departed.rules };
        }
        if let Some(foresight) = &step.foresight {
            return Answer {
                sentence: foresight.sentence(),
                releases: foresight.releases(),
                rules: foresight.rules().to_vec(),
            };
        }
        let (sentence, releases) = self.past(step);
        Answer { sentence, releases: releases.to_owned(), rules: Vec::new() }
    }

    /// Of what has happened, or never will.
    fn past(&self, step: &EnrollmentStep) -> (String, &'static str) {
        let ended = match &self.enrollment.state {
            State::Finished { reason, .. } => Some(reason),
            _ => None,
        };
        let because =
            ended.map(|reason| format!(": the sequence ended because {}", reason.words())).unwrap_or_default();
        let over = ended.map_or(PASSED, FinishReason::afterwards);
        match step.status {
            StepStatus::Sent => ("It has left.".to_owned(), LEFT),
            StepStatus::Done => ("Its task was done, and the sequence went on.".to_owned(), PASSED),
            StepStatus::Skipped => (skipped(step).to_owned(), PASSED),
            StepStatus::Failed => {
                let reply = step.delivery.as_ref().and_then(|delivery| delivery.smtp_reply.as_deref());
                (format!("The mail server refused it: {}", reply.unwrap_or("it gave no reason.")), over)
            }
            StepStatus::Uncertain => {
                ("The connection broke at the last moment, so this email may or may not have left.".to_owned(), over)
            }
            StepStatus::Leaving => {
                ("It is on its way.".to_owned(), "The answer of the mail server to the email that is on its way.")
            }
            StepStatus::Planned | StepStatus::Waiting | StepStatus::Cancelled => {
                let what = if step.step.action.is_automated_email() { "It was not sent" } else { "It was not done" };
                (format!("{what}{because}."), over)
            }
        }
    }
}

fn skipped(step: &EnrollmentStep) -> &'static str {
    match &step.task {
        Some(task) if task.state == TaskState::Skipped => "Its task was skipped, and the sequence went on.",
        _ if step.delivery.is_some() => "Someone skipped this email, and the sequence went on.",
        _ => "It was skipped, or the sequence was started at a later step.",
    }
}
