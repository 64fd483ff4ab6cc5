//! Several tasks at once: done, skipped, put off, given to someone; taken back together.

use axum::extract::State;
use axum::response::Response;
use relance_domain::{JobId, Refused, TaskId};
use relance_engine::EngineError;
use relance_engine::commands::bulk_tasks::{TaskAct, TasksDone};

use super::actions::{may_lead_to, morning};
use crate::app::App;
use crate::errors::Result;
use crate::extract::Form;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls, words};

/// What the bar asks.
fn act(typed: &Typed, visitor: &Visitor) -> std::result::Result<TaskAct, Refused> {
    let until = |when: &str| morning(when, visitor.now, &visitor.zone);
    match typed.get("what") {
        "done" => Ok(TaskAct::Complete),
        "skip" => Ok(TaskAct::Skip),
        "assign" => {
            let owner_id = typed.parse("owner_id", "Choose whom to give them to.")?;
            Ok(TaskAct::Assign { owner_id })
        }
        when => until(when)
            .map(|until| TaskAct::Snooze { until })
            .ok_or_else(|| Refused::new("unknown_action", "There is no such action.")),
    }
}

/// *Done: 3 tasks.*
pub fn done_words(act: &TaskAct, number: u64) -> String {
    let what = words::count(number, "task", "tasks");
    match act {
        TaskAct::Complete => format!("{what} done"),
        TaskAct::Skip => format!("{what} skipped"),
        TaskAct::Snooze { .. } => format!("{what} put off"),
        TaskAct::Assign { .. } => format!("{what} given away"),
    }
}

/// Does it with those that are chosen.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    let back = Some(typed.get("back")).filter(|to| may_lead_to(to)).unwrap_or(urls::TASKS).to_owned();
    let ids: Vec<TaskId> = typed.all("id").iter().filter_map(|id| id.parse().ok()).collect();
    // The id came with the page: the same question sent twice is done once.
    let once = typed.get("once").parse::<JobId>().unwrap_or_else(|_| app.engine.new_job_id());
    let asked = match act(&typed, &visitor) {
        Ok(asked) => asked,
        Err(refused) => {
            return answer::outcome(&back, Err::<(), _>(EngineError::from(refused)), |()| answer::toast("", ""));
        }
    };
    let done = app.engine.bulk_tasks(&visitor.actor, once, &ids, asked).await;
    if let Ok(TasksDone { job, refused, .. }) = &done
        && !refused.is_empty()
    {
        return Ok(answer::go(&urls::with_query(&urls::job_report(*job), &[("back", &back)])));
    }
    answer::outcome(&back, done, |done| {
        let number = u64::try_from(done.done).unwrap_or(0);
        let mut toast = answer::toast("done", format!("{}.", done_words(&asked, number)));
        toast.undo = urls::with_query(&urls::undo_job(done.job), &[("back", &back)]);
        toast
    })
}
