//! Steps of a sequence: the wait before each and what it does.
//!
//! A step is an id that survives versions; its position belongs to a version. Waits carry their unit, because a day, a
//! business day and 24 hours are three different things.

use crate::{StepId, TemplateId, attachment::Attachment};
use serde::{Deserialize, Serialize};

/// The unit of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitUnit {
    /// Elapsed minutes.
    Minutes,
    /// Elapsed hours.
    Hours,
    /// Same local time, calendar days later.
    Days,
    /// Same local time, counting only sending days that are not holidays.
    BusinessDays,
}

/// The wait before a step, counted from the actual time of the previous one (the first from the start).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Wait {
    /// How many; 0 = immediately.
    pub amount: u32,
    /// Of what.
    pub unit: WaitUnit,
}

impl Wait {
    /// No wait.
    pub const IMMEDIATELY: Self = Self { amount: 0, unit: WaitUnit::Minutes };

    /// *Immediately*, *1 business day*, *3 hours*.
    pub fn words(self) -> String {
        let unit = match self.unit {
            WaitUnit::Minutes => "minute",
            WaitUnit::Hours => "hour",
            WaitUnit::Days => "day",
            WaitUnit::BusinessDays => "business day",
        };
        match self.amount {
            0 => "Immediately".to_owned(),
            1 => format!("1 {unit}"),
            n => format!("{n} {unit}s"),
        }
    }
}

/// The words of an email step, copied from a template or its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EmailText {
    /// The template the text was copied from when the version was published.
    pub template_id: Option<TemplateId>,
    /// Subject with merge tags; of a step that replies in thread: used when there is nothing to reply to.
    pub subject: String,
    /// HTML body with merge tags; empty = plain text only.
    pub body_html: String,
    /// Text body with merge tags; empty = made from the HTML.
    pub body_text: String,
    /// Reply to the previous email of this enrollment, in its thread.
    pub reply_in_thread: bool,
    /// Files that go with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
}

/// What a task asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Call.
    Call,
    /// Do something on LinkedIn.
    Linkedin,
    /// Write an email by hand.
    Email,
    /// Anything else.
    Other,
}

impl TaskKind {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Linkedin => "linkedin",
            Self::Email => "email",
            Self::Other => "other",
        }
    }

    /// Reads [`TaskKind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Call, Self::Linkedin, Self::Email, Self::Other].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// When the wait after a task begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskMode {
    /// When the task is done or skipped.
    #[default]
    Wait,
    /// As `Wait`, but the task is skipped `overdue_days` business days after it was due.
    WaitUntilOverdue,
    /// When the task is created.
    GoOn,
}

/// A task step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskText {
    /// What it asks for.
    pub kind: TaskKind,
    /// What to do, with merge tags.
    pub content: String,
    /// Due this many days after its creation.
    #[serde(default)]
    pub due_in_days: u32,
    /// When the next wait begins.
    #[serde(default)]
    pub mode: TaskMode,
    /// Business days after the due date at which an unfinished task is skipped (`wait_until_overdue`).
    #[serde(default)]
    pub overdue_days: u32,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// Relance sends it.
    AutomatedEmail {
        /// The words.
        email: EmailText,
    },
    /// A task with the draft ready; sent when the rep presses send.
    ManualEmail {
        /// The words of the draft.
        email: EmailText,
        /// The task around it.
        task: TaskText,
    },
    /// A task.
    Task {
        /// The task.
        task: TaskText,
    },
}

impl Action {
    /// As in the API: `automated_email`, `manual_email` or `task`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::AutomatedEmail { .. } => "automated_email",
            Self::ManualEmail { .. } => "manual_email",
            Self::Task { .. } => "task",
        }
    }

    /// The words of the email, if the step has one.
    pub const fn email(&self) -> Option<&EmailText> {
        match self {
            Self::AutomatedEmail { email } | Self::ManualEmail { email, .. } => Some(email),
            Self::Task { .. } => None,
        }
    }

    /// The task, if the step makes one.
    pub const fn task(&self) -> Option<&TaskText> {
        match self {
            Self::Task { task } | Self::ManualEmail { task, .. } => Some(task),
            Self::AutomatedEmail { .. } => None,
        }
    }

    /// The engine sends it without a person.
    pub const fn is_automated_email(&self) -> bool {
        matches!(self, Self::AutomatedEmail { .. })
    }
}

/// One step of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Survives versions.
    pub id: StepId,
    /// The wait before it.
    pub wait: Wait,
    /// What it does.
    #[serde(flatten)]
    pub action: Action,
}

impl Step {
    /// What to call it in a list: the subject, or the task's first line.
    pub fn label(&self) -> String {
        match &self.action {
            Action::AutomatedEmail { email } | Action::ManualEmail { email, .. } => {
                if email.subject.is_empty() {
                    "Email in the same thread".to_owned()
                } else {
                    email.subject.clone()
                }
            }
            Action::Task { task } => task.content.lines().next().unwrap_or_default().to_owned(),
        }
    }
}
