//! How values that the domain writes as text look in the OpenAPI document: ids, instants, words of a fixed list.
//!
//! The domain knows nothing of OpenAPI, so the fields of requests and answers name these with `value_type`. They carry
//! no data; a test compares every list of words with what the domain reads.

use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type},
    },
};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident = $builder:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let builder: ObjectBuilder = $builder;
                RefOr::T(Schema::Object(builder.build()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    )*

        /// Every one of them by name, for the document: parameters refer to them too.
        pub fn all() -> Vec<(String, RefOr<Schema>)> {
            vec![$((stringify!($name).to_owned(), $name::schema())),*]
        }
    };
}

fn text(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

fn id(prefix: &str) -> ObjectBuilder {
    text("An id.").pattern(Some(format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$")))
}

fn words(words: &[&'static str]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words.iter().copied()))
}

texts! {
    /// An instant.
    Instant = text("An instant, RFC 3339 in UTC.").format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    /// A local date.
    Date = text("A local date.").format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)));
    /// A password.
    Password = text("Can be written, is never in an answer.").write_only(true).format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)));
    /// An id of a person.
    PersonId = id("per");
    /// An id of a user.
    UserId = id("usr");
    /// An id of a mailbox.
    MailboxId = id("mbx");
    /// An id of a template.
    TemplateId = id("tpl");
    /// An id of a sequence.
    SequenceId = id("seq");
    /// An id of a version of a sequence.
    VersionId = id("ver");
    /// An id of a step.
    StepId = id("stp");
    /// An id of an enrollment.
    EnrollmentId = id("enr");
    /// An id of a delivery.
    DeliveryId = id("dlv");
    /// An id of a task.
    TaskId = id("tsk");
    /// An id of an activity.
    ActivityId = id("act");
    /// An id of a received message.
    InboundId = id("inb");
    /// An id of an entry of the suppression list.
    SuppressionId = id("sup");
    /// An id of a job.
    JobId = id("job");
    /// An id of a token.
    TokenId = id("tok");
    /// An id of a line of the audit log.
    AuditEntryId = id("aud");
    /// An id of a smart list.
    ListId = id("lst");
    /// An id of a custom field.
    CustomFieldId = id("fld");
    /// An id of a team.
    TeamId = id("tea");
    /// Which people reps see.
    Visibility = words(&["all", "team", "own"]);
    /// What a custom field holds.
    FieldKind = words(&["text", "long_text", "number", "date", "yes_no", "list", "multi_list", "url", "email", "phone"]);
    /// How people are shown.
    Shape = words(&["index", "table"]);
    /// Lead or contact.
    Kind = words(&["lead", "contact"]);
    /// How a mailbox is reached.
    Provider = words(&["imap_smtp", "google", "microsoft", "sandbox"]);
    /// Who gives access to mailboxes.
    MailProvider = words(&["google", "microsoft"]);
    /// How a connection is protected.
    Security = words(&["tls", "starttls", "none"]);
    /// Whether everyone may use a sequence.
    Who = words(&["everyone", "some"]);
    /// How much a finding matters.
    Severity = words(&["refused", "warning", "hint"]);
    /// Who follows a version that is published.
    Enrolled = words(&["keep", "move"]);
    /// Where someone goes on in a new version.
    ImpactOutcome = words(&["stays", "moves", "completes", "keeps"]);
    /// The unit of a wait.
    WaitUnit = words(&["minutes", "hours", "days", "business_days"]);
    /// What a step does.
    StepAction = words(&["automated_email", "manual_email", "task"]);
    /// What a task asks for.
    TaskKind = words(&["call", "linkedin", "email", "other"]);
    /// When the wait after a task begins.
    TaskMode = words(&["wait", "wait_until_overdue", "go_on"]);
    /// Where a task is.
    TaskState = words(&["open", "done", "skipped", "cancelled"]);
    /// Where a sequence is.
    SequenceState = words(&["draft", "active", "archived"]);
    /// A day of the week.
    Day = words(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    /// Which emails a window is for.
    WindowFor = words(&["all", "first", "follow_up"]);
    /// What a hard bounce does.
    OnBounce = words(&["block", "finish"]);
    /// What a colleague's answer does.
    OnColleagueReply = words(&["continue", "hold", "stop"]);
    /// The role of a user.
    Role = words(&["rep", "manager", "admin"]);
    /// The scope of a token.
    Scope = words(&["read", "write", "admin"]);
    /// Where an enrollment is.
    EnrollmentState = words(&["active", "paused", "blocked", "completed"]);
    /// Where one step of an enrollment stands.
    StepStatus = words(&["planned", "waiting", "leaving", "sent", "done", "skipped", "failed", "cancelled", "uncertain"]);
    /// What a prospect does.
    SandboxAnswer = words(&["reply", "auto_reply", "bounce", "colleague"]);
    /// How a call ended.
    CallOutcome = words(&["reached", "left_message", "no_answer", "wrong_number"]);
    /// What another program tells about a person.
    Signal = words(&["meeting_booked", "status_changed"]);
    /// What to do with people whose texts lack data.
    OnMissing = words(&["start", "skip"]);
    /// What to do with a row whose email a person already has.
    OnDuplicate = words(&["skip", "update", "create"]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::DeserializeOwned;

    fn all_fit<T: DeserializeOwned>(schema: RefOr<Schema>) {
        let schema = serde_json::to_value(schema).unwrap();
        let words = schema["enum"].as_array().unwrap();
        assert!(!words.is_empty());
        for word in words {
            assert!(serde_json::from_value::<T>(word.clone()).is_ok(), "the domain does not read {word}");
        }
    }

    #[test]
    fn every_word_of_the_document_is_one_the_domain_reads() {
        use relance_domain as domain;
        use relance_engine::commands;
        all_fit::<domain::person::Kind>(Kind::schema());
        all_fit::<domain::mailbox::Provider>(Provider::schema());
        all_fit::<domain::mailbox::Security>(Security::schema());
        all_fit::<domain::step::WaitUnit>(WaitUnit::schema());
        all_fit::<domain::step::TaskKind>(TaskKind::schema());
        all_fit::<domain::step::TaskMode>(TaskMode::schema());
        all_fit::<domain::task::TaskState>(TaskState::schema());
        all_fit::<domain::sequence::SequenceState>(SequenceState::schema());
        all_fit::<domain::schedule::Day>(Day::schema());
        all_fit::<domain::schedule::WindowFor>(WindowFor::schema());
        all_fit::<domain::sequence::OnBounce>(OnBounce::schema());
        all_fit::<domain::sequence::OnColleagueReply>(OnColleagueReply::schema());
        all_fit::<domain::lint::Severity>(Severity::schema());
        all_fit::<domain::publishing::Enrolled>(Enrolled::schema());
        all_fit::<domain::user::Role>(Role::schema());
        all_fit::<domain::user::Scope>(Scope::schema());
        all_fit::<commands::preview::StepStatus>(StepStatus::schema());
        all_fit::<commands::sandbox::SandboxAnswer>(SandboxAnswer::schema());
        all_fit::<domain::call::CallOutcome>(CallOutcome::schema());
        all_fit::<commands::people::Signal>(Signal::schema());
        all_fit::<commands::enroll::OnMissing>(OnMissing::schema());
        all_fit::<commands::import::OnDuplicate>(OnDuplicate::schema());
    }

    #[test]
    fn the_pattern_of_an_id_is_that_of_the_domain() {
        let schema = serde_json::to_value(PersonId::schema()).unwrap();
        let id = domain_id();
        assert_eq!(schema["pattern"], "^per_[0-7][0-9a-hjkmnp-tv-z]{25}$");
        assert!(id.starts_with("per_") && id.len() == 30);
    }

    fn domain_id() -> String {
        relance_domain::PersonId::from_uuid(uuid::Uuid::from_u128(1)).to_string()
    }
}
