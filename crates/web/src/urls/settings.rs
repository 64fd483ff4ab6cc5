//! Addresses of the settings: users, teams, mailboxes, fields, the suppression list, the profile, tokens.

use relance_domain::mail_provider::MailProvider;
use relance_domain::{CustomFieldId, DeliveryId, MailboxId, SuppressionId, TeamId, TokenId, UserId};

/// Settings.
pub const SETTINGS: &str = "/settings";
/// Mailboxes.
pub const MAILBOXES: &str = "/settings/mailboxes";
/// What Google and Microsoft know this installation by.
pub const MAIL_PROVIDERS: &str = "/settings/mailboxes/providers";
/// The provider of an address that is being typed, by POST.
pub const MAILBOX_PRESET: &str = "/settings/mailboxes/preset";
/// The user's own settings.
pub const PROFILE: &str = "/settings/profile";
/// Users.
pub const USERS: &str = "/settings/users";
/// Teams, and which people reps see.
pub const TEAMS: &str = "/settings/teams";
/// A new team.
pub const NEW_TEAM: &str = "/settings/teams/new";
/// Which people reps see, by POST.
pub const VISIBILITY: &str = "/settings/visibility";
/// A new user.
pub const NEW_USER: &str = "/settings/users/new";
/// The suppression list.
pub const SUPPRESSIONS: &str = "/settings/suppressions";
/// Many entries for it at once.
pub const SUPPRESS_MANY: &str = "/settings/suppressions/many";
/// The suppression list as CSV.
pub const SUPPRESSIONS_CSV: &str = "/settings/suppressions.csv";
/// Custom fields.
pub const FIELDS: &str = "/settings/fields";
/// A new custom field.
pub const NEW_FIELD: &str = "/settings/fields/new";
/// The tags of the workspace.
pub const TAGS: &str = "/settings/tags";
/// The form of a tag.
pub const EDIT_TAG: &str = "/settings/tags/edit";
/// Deletes a tag, by POST.
pub const DELETE_TAG: &str = "/settings/tags/delete";
/// The layout of a person's page.
pub const LAYOUT: &str = "/settings/layout";
/// The holidays of the workspace.
pub const HOLIDAYS: &str = "/settings/holidays";
/// Tokens of the API.
pub const API: &str = "/settings/api";
/// The user's own password, by POST.
pub const PASSWORD: &str = "/settings/profile/password";
/// Light or dark, by POST.
pub const LOOKS: &str = "/settings/profile/looks";
/// Two-step sign-in: set up by GET and POST.
pub const TWO_STEP: &str = "/settings/profile/two-step";
/// Turns two-step sign-in off, by POST.
pub const TWO_STEP_OFF: &str = "/settings/profile/two-step/off";
/// The audit log.
pub const AUDIT: &str = "/settings/audit";
/// The audit log as CSV.
pub const AUDIT_CSV: &str = "/settings/audit.csv";
/// Signs one browser of the user out, by POST.
pub const END_SESSION: &str = "/settings/profile/sessions/end";
/// Ends all of the user's sessions, by POST.
pub const SIGN_OUT_EVERYWHERE: &str = "/settings/profile/sign-out-everywhere";

/// A mailbox.
pub fn mailbox(id: MailboxId) -> String {
    format!("/settings/mailboxes/{id}")
}

/// A new mailbox.
pub fn new_mailbox() -> String {
    "/settings/mailboxes/new".to_owned()
}

/// The registration at a mail provider, by POST; with `/delete` it is removed.
pub fn mail_provider(provider: MailProvider) -> String {
    format!("{MAIL_PROVIDERS}/{}", provider.as_str())
}

/// Off to a mail provider, to connect a mailbox there, or this one again. No form may lead there.
pub fn connect_at(provider: MailProvider, mailbox: Option<MailboxId>) -> String {
    let path = format!("/mailboxes/oauth/{}", provider.as_str());
    mailbox.map_or_else(|| path.clone(), |mailbox| format!("{path}?mailbox={mailbox}"))
}

/// What is done with a mailbox, by POST: `check`, `pause`, `resume`, `disconnect`; by GET: `sandbox`.
pub fn mailbox_action(id: MailboxId, action: &str) -> String {
    format!("/settings/mailboxes/{id}/{action}")
}

/// The prospect answers an email of a sandbox, by POST.
pub fn sandbox_answer(mailbox: MailboxId, delivery: DeliveryId) -> String {
    format!("/settings/mailboxes/{mailbox}/sandbox/{delivery}")
}

/// A user.
pub fn user(id: UserId) -> String {
    format!("/settings/users/{id}")
}

/// A team.
pub fn team(id: TeamId) -> String {
    format!("/settings/teams/{id}")
}

/// Deletes a team, by POST.
pub fn delete_team(id: TeamId) -> String {
    format!("/settings/teams/{id}/delete")
}

/// A custom field.
pub fn custom_field(id: CustomFieldId) -> String {
    format!("/settings/fields/{id}")
}

/// What is done with a custom field, by POST: `move`, `delete`.
pub fn custom_field_action(id: CustomFieldId, action: &str) -> String {
    format!("/settings/fields/{id}/{action}")
}

/// What is done with a user, by POST: `password`, `link`, `two-step-off`, `deactivate`, `reactivate`, `hand-over`.
pub fn user_action(id: UserId, action: &str) -> String {
    format!("/settings/users/{id}/{action}")
}

/// Takes an entry off the suppression list, by POST.
pub fn lift_suppression(id: SuppressionId) -> String {
    format!("/settings/suppressions/{id}/delete")
}

/// Takes a token back, by POST.
pub fn delete_token(id: TokenId) -> String {
    format!("/settings/api/{id}/delete")
}
