//! Sequences and their immutable versions.
//!
//! A sequence has a draft plan while it is written and a number of published versions, each never changed again. An
//! enrollment follows one version. [`Plan::check`] states what a plan needs before it can be activated.

use crate::{
    Refused, SequenceId, StepId, TeamId, Timestamp, UserId, VersionId,
    schedule::Schedule,
    step::{Step, TaskMode},
    user::Actor,
};
use serde::{Deserialize, Serialize};

/// Most steps a sequence may have.
pub const MAX_STEPS: usize = 50;

/// Where a sequence is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SequenceState {
    /// Being written; nobody can be enrolled.
    Draft,
    /// In use.
    Active,
    /// No new enrollments.
    Archived,
}

impl SequenceState {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// Reads [`SequenceState::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Draft, Self::Active, Self::Archived].into_iter().find(|state| state.as_str() == text)
    }
}

/// What a hard bounce does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBounce {
    /// The enrollment is blocked until the address changes.
    #[default]
    Block,
    /// The enrollment ends.
    Finish,
}

/// What an answer from a colleague at the same company does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnColleagueReply {
    /// Nothing.
    Continue,
    /// The person is held until someone decides.
    #[default]
    Hold,
    /// The enrollment ends as after a reply.
    Stop,
}

/// When a sequence ends or pauses, beyond the rules that always hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExitRules {
    /// What a hard bounce does.
    pub on_bounce: OnBounce,
    /// What a colleague's answer does.
    pub on_colleague_reply: OnColleagueReply,
    /// Business days to pause after an auto-reply without a return date.
    pub auto_reply_days: u32,
}

impl Default for ExitRules {
    fn default() -> Self {
        Self { on_bounce: OnBounce::Block, on_colleague_reply: OnColleagueReply::Hold, auto_reply_days: 5 }
    }
}

/// The unsubscribe footer and headers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unsubscribe {
    /// Footer link and `List-Unsubscribe` headers on every email.
    pub enabled: bool,
    /// Language of the footer and page: `en`, `de`, `fr` …
    pub locale: String,
}

impl Default for Unsubscribe {
    fn default() -> Self {
        Self { enabled: false, locale: "en".to_owned() }
    }
}

/// Everything of a sequence that a version freezes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// In order; position = index + 1.
    pub steps: Vec<Step>,
    /// Sending days and windows; `None` = any time.
    pub schedule: Option<Schedule>,
    /// Exit rules.
    pub exit: ExitRules,
    /// Unsubscribe footer and headers.
    pub unsubscribe: Unsubscribe,
}

impl Plan {
    /// The step with this id.
    pub fn step(&self, id: StepId) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }

    /// Position from 1 of the step with this id.
    pub fn position(&self, id: StepId) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id).map(|index| index + 1)
    }

    /// The step that follows `id`; `None` at the end or if `id` is unknown.
    pub fn next(&self, id: StepId) -> Option<&Step> {
        let index = self.steps.iter().position(|step| step.id == id)?;
        self.steps.get(index + 1)
    }

    /// At least one step is an email, so an address is needed.
    pub fn has_email(&self) -> bool {
        self.steps.iter().any(|step| step.action.email().is_some())
    }

    /// Whether `id` is the first email of the plan.
    pub fn is_first_email(&self, id: StepId) -> bool {
        self.steps.iter().find(|step| step.action.email().is_some()).is_some_and(|step| step.id == id)
    }

    /// Every text with merge tags, with the field it is refused at.
    pub fn texts(&self) -> Vec<(String, &str)> {
        let mut texts = Vec::new();
        for (index, step) in self.steps.iter().enumerate() {
            if let Some(email) = step.action.email() {
                for (name, text) in
                    [("subject", &email.subject), ("body_html", &email.body_html), ("body_text", &email.body_text)]
                {
                    texts.push((format!("steps[{index}].email.{name}"), text.as_str()));
                }
            }
            if let Some(task) = step.action.task() {
                texts.push((format!("steps[{index}].task.content"), task.content.as_str()));
            }
        }
        texts
    }

    /// Everything that keeps the plan from being activated, each at its field.
    pub fn check(&self) -> Result<(), Vec<Refused>> {
        let mut wrong = Vec::new();
        if self.steps.is_empty() {
            wrong.push(Refused::at("steps", "required", "A sequence needs at least one step."));
        }
        if self.steps.len() > MAX_STEPS {
            wrong.push(Refused::at("steps", "too_many", "A sequence has at most 50 steps."));
        }
        let mut emails = 0;
        for (index, step) in self.steps.iter().enumerate() {
            let field = |name: &str| format!("steps[{index}].{name}");
            if step.wait.amount > 100_000 {
                wrong.push(Refused::at(field("wait.amount"), "too_large", "This wait is too long."));
            }
            if let Some(email) = step.action.email() {
                let replies = email.reply_in_thread && emails > 0;
                if email.subject.trim().is_empty() && !replies {
                    wrong.push(Refused::at(field("email.subject"), "required", "This email needs a subject."));
                }
                if email.body_html.trim().is_empty() && email.body_text.trim().is_empty() {
                    wrong.push(Refused::at(field("email.body_html"), "required", "This email has no text yet."));
                }
                for (name, text) in
                    [("subject", &email.subject), ("body_html", &email.body_html), ("body_text", &email.body_text)]
                {
                    if let Err(refused) = crate::merge::check(text) {
                        wrong.push(Refused { field: Some(field(&format!("email.{name}"))), ..refused });
                    }
                }
                if let Err(refused) = crate::attachment::check(&email.attachments) {
                    wrong.push(Refused { field: Some(field("email.attachments")), ..refused });
                }
                emails += 1;
            }
            if let (Some(_), Some(task)) = (step.action.email(), step.action.task())
                && task.mode == TaskMode::GoOn
            {
                let message = "A manual email is waited for, so that it can be sent. Choose another way to go on.";
                wrong.push(Refused::at(field("task.mode"), "not_for_emails", message));
            }
            if let Some(task) = step.action.task() {
                if task.content.trim().is_empty() {
                    wrong.push(Refused::at(field("task.content"), "required", "Say what the task is."));
                }
                if let Err(refused) = crate::merge::check(&task.content) {
                    wrong.push(Refused { field: Some(field("task.content")), ..refused });
                }
            }
        }
        if let Some(schedule) = &self.schedule
            && let Err(refused) = schedule.check()
        {
            wrong.push(refused);
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }
}

/// Who may enroll people in a sequence; admins always may.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "who")]
pub enum UsableBy {
    /// Everyone.
    #[default]
    Everyone,
    /// The users of these teams, and these users.
    Some {
        /// Teams.
        #[serde(default)]
        teams: Vec<TeamId>,
        /// Users.
        #[serde(default)]
        users: Vec<UserId>,
    },
}

impl UsableBy {
    /// Whether an actor, a user of `team` if of any, may enroll people.
    pub fn allows(&self, actor: &Actor, team: Option<TeamId>) -> bool {
        match self {
            Self::Everyone => true,
            Self::Some { .. } if actor.is_admin() => true,
            Self::Some { teams, users } => {
                team.is_some_and(|team| teams.contains(&team)) || actor.user_id().is_some_and(|id| users.contains(&id))
            }
        }
    }
}

/// A sequence as stored: its draft plan and which version is live.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its id.
    pub id: SequenceId,
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: String,
    /// Folder; empty = none.
    pub folder: String,
    /// Who may enroll people in it.
    pub usable_by: UsableBy,
    /// Draft, active or archived.
    pub state: SequenceState,
    /// The plan as it is being written.
    pub draft: Plan,
    /// Raised by every change of the draft, from 0.
    pub draft_number: u32,
    /// The live version, once activated.
    pub version_id: Option<VersionId>,
    /// Number of the live version, from 1; 0 before the first.
    pub version: u32,
    /// Paused at once for everyone in it.
    pub paused_at: Option<Timestamp>,
    /// Raised by every pause; the point of no return compares it through the enrollments it raises.
    pub revision: i64,
    /// Who created it.
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A published version: never changed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its id.
    pub id: VersionId,
    /// Of which sequence.
    pub sequence_id: SequenceId,
    /// From 1.
    pub number: u32,
    /// What it says.
    pub plan: Plan,
    /// Who published it.
    pub published_by: Option<UserId>,
    /// When.
    pub published_at: Timestamp,
}
