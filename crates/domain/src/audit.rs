//! The audit log: who did what, to what, when and why. Entries are added and never changed or removed.

use crate::{AuditEntryId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

/// What part of the workspace an [`Act`] concerns, for filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Signing in and out.
    SignIn,
    /// Users, teams and what they see.
    Users,
    /// Settings of the workspace.
    Settings,
    /// Mailboxes.
    Mailboxes,
    /// Sequences and templates.
    Sequences,
    /// Many people at once, and who is never mailed.
    People,
    /// Tokens of the API.
    Api,
}

impl Area {
    /// All of them with their words, for pickers.
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::SignIn, "Signing in"),
        (Self::Users, "Users and teams"),
        (Self::Settings, "Settings"),
        (Self::Mailboxes, "Mailboxes"),
        (Self::Sequences, "Sequences and templates"),
        (Self::People, "People"),
        (Self::Api, "API tokens"),
    ];

    /// As in the API and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::Users => "users",
            Self::Settings => "settings",
            Self::Mailboxes => "mailboxes",
            Self::Sequences => "sequences",
            Self::People => "people",
            Self::Api => "api",
        }
    }

    /// Reads [`Area::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().map(|(area, _)| area).find(|area| area.as_str() == text)
    }
}

macro_rules! acts {
    ($($name:ident = $area:ident, $code:literal, $words:literal;)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Act {$(
            #[doc = $words]
            $name,
        )*}

        impl Act {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As in the database and the API.
            pub const fn as_str(self) -> &'static str {
                match self {$(Self::$name => $code),*}
            }

            /// In words, between who and what: *Nora* **added the user** *Ida*.
            pub const fn words(self) -> &'static str {
                match self {$(Self::$name => $words),*}
            }

            /// What it concerns.
            pub const fn area(self) -> Area {
                match self {$(Self::$name => Area::$area),*}
            }
        }
    };
}

acts! {
    SignedIn = SignIn, "signed_in", "signed in";
    SignInFailed = SignIn, "sign_in_failed", "failed to sign in as";
    SignedOut = SignIn, "signed_out", "signed out";
    SessionEnded = SignIn, "session_ended", "ended a session of";
    SignInBlocked = SignIn, "sign_in_blocked", "blocked signing in after too many failures";
    SignedOutEverywhere = SignIn, "signed_out_everywhere", "ended every session of";
    PasswordChanged = SignIn, "password_changed", "changed their own password";
    TwoStepOn = SignIn, "two_step_on", "turned on two-step sign-in";
    TwoStepOff = SignIn, "two_step_off", "turned off two-step sign-in of";
    RecoveryCodeUsed = SignIn, "recovery_code_used", "signed in with a recovery code";
    UserAdded = Users, "user_added", "added the user";
    UserChanged = Users, "user_changed", "changed the user";
    UserDeactivated = Users, "user_deactivated", "deactivated the user";
    UserReactivated = Users, "user_reactivated", "reactivated the user";
    UserHandedOver = Users, "user_handed_over", "handed over the work of";
    PasswordLinkMade = Users, "password_link_made", "made a link to choose a password for";
    PasswordSet = Users, "password_set", "set the password of";
    TeamSaved = Users, "team_saved", "saved the team";
    TeamDeleted = Users, "team_deleted", "deleted the team";
    WorkspaceChanged = Settings, "workspace_changed", "changed the settings";
    SendingStopped = Settings, "sending_stopped", "stopped all sending";
    SendingResumed = Settings, "sending_resumed", "resumed sending";
    BackupRestored = Settings, "backup_restored", "restored a backup";
    AuditExported = Settings, "audit_exported", "exported the audit log";
    KeyChanged = Settings, "key_changed", "sealed all secrets under a new key";
    FieldSaved = Settings, "field_saved", "saved the custom field";
    FieldDeleted = Settings, "field_deleted", "deleted the custom field";
    LayoutChanged = Settings, "layout_changed", "changed the person page";
    MailboxConnected = Mailboxes, "mailbox_connected", "connected the mailbox";
    MailboxReconnected = Mailboxes, "mailbox_reconnected", "gave permission again to the mailbox";
    MailProviderSaved = Settings, "mail_provider_saved", "saved the registration at";
    MailProviderRemoved = Settings, "mail_provider_removed", "removed the registration at";
    MailboxChanged = Mailboxes, "mailbox_changed", "changed the mailbox";
    MailboxPaused = Mailboxes, "mailbox_paused", "paused the mailbox";
    MailboxResumed = Mailboxes, "mailbox_resumed", "resumed the mailbox";
    MailboxDisconnected = Mailboxes, "mailbox_disconnected", "disconnected the mailbox";
    SequenceMade = Sequences, "sequence_made", "made the sequence";
    SequenceChanged = Sequences, "sequence_changed", "changed the sequence";
    SequenceActivated = Sequences, "sequence_activated", "activated the sequence";
    SequencePaused = Sequences, "sequence_paused", "paused the sequence";
    SequenceResumed = Sequences, "sequence_resumed", "resumed the sequence";
    SequenceArchived = Sequences, "sequence_archived", "archived the sequence";
    SequenceDeleted = Sequences, "sequence_deleted", "deleted the sequence";
    TemplateSaved = Sequences, "template_saved", "saved the template";
    TemplateDeleted = Sequences, "template_deleted", "deleted the template";
    Suppressed = People, "suppressed", "put on the suppression list";
    SuppressionLifted = People, "suppression_lifted", "took off the suppression list";
    PeopleImported = People, "people_imported", "imported people";
    PeopleExported = People, "people_exported", "exported people";
    PeopleDeleted = People, "people_deleted", "deleted";
    PeopleRestored = People, "people_restored", "restored";
    TagRenamed = People, "tag_renamed", "renamed the tag";
    TagDeleted = People, "tag_deleted", "deleted the tag";
    BulkStarted = People, "bulk_started", "started a bulk action";
    TokenMade = Api, "token_made", "made the API token";
    TokenDeleted = Api, "token_deleted", "deleted the API token";
}

impl Act {
    /// Reads [`Act::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|act| act.as_str() == text)
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id; later ones are greater.
    pub id: AuditEntryId,
    /// When, business time.
    pub at: Timestamp,
    /// Which user; `None` = Relance itself or its command line.
    pub actor_id: Option<UserId>,
    /// What was done.
    pub act: Act,
    /// To what: its id as text, empty if it has none.
    pub object_id: String,
    /// Its name as it was then.
    pub object: String,
    /// What changed and why; may be empty.
    pub detail: String,
}

/// What changed, in words: `Role: rep → admin. Email: a@x.test → b@x.test.`; each pair as (label, before, after).
pub fn changes(pairs: &[(&str, &str, &str)]) -> String {
    let shown = |text: &str| if text.is_empty() { "nothing".to_owned() } else { text.chars().take(200).collect() };
    let told = pairs.iter().filter(|(_, before, after)| before != after);
    told.map(|(label, before, after)| format!("{label}: {} → {}.", shown(before), shown(after)))
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::{Act, Area, changes};

    #[test]
    fn acts_read_back_from_their_codes_and_every_area_has_some() {
        for act in Act::ALL {
            assert_eq!(Act::parse(act.as_str()), Some(*act));
            assert!(!act.words().is_empty() && !act.words().ends_with('.'), "{act:?}");
        }
        for (area, words) in Area::ALL {
            assert_eq!(Area::parse(area.as_str()), Some(area));
            assert!(!words.is_empty() && Act::ALL.iter().any(|act| act.area() == area), "{area:?}");
        }
    }

    #[test]
    fn changes_name_what_differs() {
        let pairs = [("Role", "rep", "admin"), ("Name", "Ida", "Ida"), ("Phone", "", "+33")];
        assert_eq!(changes(&pairs), "Role: rep → admin. Phone: nothing → +33.");
        assert_eq!(changes(&[]), "");
    }
}
