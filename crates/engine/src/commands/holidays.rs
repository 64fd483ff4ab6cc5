//! The holidays of the workspace: its calendars, its own days, and the days it leaves out.
//!
//! Which dates are kept free is the domain's to say; sequences that run follow a change at once, for what waits for a day
//! is decided about again.

use crate::{Engine, Result};
use relance_domain::{holidays::WorkspaceHolidays, user::Actor};

impl Engine {
    /// Changes which days the workspace keeps free; admins only. Refusals stand at `calendars`, `own_days`, `left_out`.
    pub async fn edit_holidays(
        &self,
        actor: &Actor,
        change: impl FnOnce(&mut WorkspaceHolidays) + Send,
    ) -> Result<WorkspaceHolidays> {
        Ok(self.edit_workspace(actor, |workspace| change(&mut workspace.holidays)).await?.holidays)
    }
}

/// What an edit changed, in words.
pub(super) fn changed(before: &WorkspaceHolidays, after: &WorkspaceHolidays) -> String {
    let days = |holidays: &WorkspaceHolidays| -> Vec<String> {
        holidays.own_days.iter().map(|own| format!("{} {}", own.date, own.name)).collect()
    };
    let left_out =
        |holidays: &WorkspaceHolidays| -> Vec<String> { holidays.left_out.iter().map(ToString::to_string).collect() };
    let [mut before_days, mut after_days] = [days(before), days(after)];
    let mut words = String::new();
    let lists = [
        ("Holiday calendars", before.calendars.clone(), after.calendars.clone()),
        ("Own days", std::mem::take(&mut before_days), std::mem::take(&mut after_days)),
        ("Days left out", left_out(before), left_out(after)),
    ];
    for (what, before, after) in lists {
        for (verb, these, others) in [("added", &after, &before), ("removed", &before, &after)] {
            let new: Vec<&str> = these.iter().filter(|one| !others.contains(one)).map(String::as_str).collect();
            if !new.is_empty() {
                words.push_str(&format!(" {what} {verb}: {}.", new.join(", ")));
            }
        }
    }
    words.trim_start().to_owned()
}
