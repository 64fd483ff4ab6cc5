//! The task player: what is due, one after the other, with the person beside it; everything has a key.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::TaskId;
use relance_domain::person::Person;
use relance_domain::task::TaskState;
use relance_storage::Tx;
use relance_storage::tasks::{self, TaskView};
use serde::Deserialize;

use super::filter::Shown;
use super::show::{self, Face};
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::pages::people::feed::{self, Feed};
use crate::pages::people::show::local_time;
use crate::pages::people::widget::{self, Widget};
use crate::session::Visitor;
use crate::{answer, urls, words};

/// Tasks one can walk through at once.
const MOST: u32 = 200;
/// Events of the history beside the task.
const EVENTS: usize = 12;

/// Which task is shown; the first if it is closed or not due.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    task: String,
}

/// Whom the task is about.
#[derive(Clone, Debug, Default)]
struct Beside {
    name: String,
    href: String,
    work: String,
    facts: Vec<(&'static str, String, String)>,
}

#[derive(Template)]
#[template(path = "tasks/player.html")]
struct Page {
    frame: Frame,
    task: Face,
    /// *2 of 6*.
    place: String,
    /// The tasks around it; empty for none.
    next: String,
    previous: String,
    person: Option<Beside>,
    /// Their sequences, as on their page.
    widget: Widget,
    feed: Feed,
    /// What became of the task that was asked for, if it is not the one that is shown.
    gone: String,
}

#[derive(Template)]
#[template(path = "tasks/played.html")]
struct Played {
    frame: Frame,
    gone: String,
}

fn at(view: Option<&TaskView>) -> String {
    view.map(|view| urls::with_query(urls::TASK_PLAYER, &[("task", &view.task.id.to_string())])).unwrap_or_default()
}

fn beside(person: &Person, visitor: &Visitor) -> Beside {
    let fields = &person.fields;
    let work: Vec<_> = [&fields.title, &fields.organization_name]
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(String::as_str)
        .collect();
    let all = [
        ("Phone", fields.phone.clone(), urls::telephone(&fields.phone)),
        ("Mobile", fields.mobile.clone(), urls::telephone(&fields.mobile)),
        ("Email", fields.email.clone(), format!("mailto:{}", fields.email)),
        ("LinkedIn", fields.linkedin.clone(), String::new()),
        ("Their time", local_time(person, visitor), String::new()),
        ("Status", fields.status.clone(), String::new()),
        ("Description", fields.description.clone(), String::new()),
    ];
    Beside {
        name: person.name(),
        href: urls::person(person.id),
        work: work.join(", "),
        facts: all.into_iter().filter(|(_, value, _)| !value.is_empty()).collect(),
    }
}

/// The task that was asked for, or the first that is due.
pub async fn show(State(app): State<App>, visitor: Visitor, Query(wanted): Query<Wanted>) -> Result<Response> {
    let owners = [visitor.user.id];
    let mut tx = app.read().await?;
    let due = tasks::page(&mut tx, Shown::default().filter("", &owners, &visitor), None, MOST).await?;
    let wanted: Option<TaskId> = wanted.task.parse().ok();
    let index = due.iter().position(|view| Some(view.task.id) == wanted).unwrap_or(0);
    let gone = match wanted.filter(|wanted| due.get(index).is_none_or(|view| view.task.id != *wanted)) {
        Some(wanted) => what_became_of(&mut tx, &visitor, wanted).await?,
        None => String::new(),
    };
    let Some(view) = due.get(index) else { return answer::page(&Played { frame: visitor.frame("tasks"), gone }) };
    let person = show::person(&mut tx, &view.task).await?;
    let mut feed = match &person {
        Some(person) => feed::read(&mut tx, person, feed::Shown::All, None, &visitor).await?,
        None => Feed::default(),
    };
    feed.items.truncate(EVENTS);
    feed.older.clear();
    let widget = match &person {
        Some(person) => widget::read(&app, &mut tx, person, &visitor).await?,
        None => Widget::default(),
    };
    drop(tx);
    answer::page(&Page {
        frame: visitor.frame("tasks"),
        task: show::face(&app, &visitor, view, person.as_ref()).await?,
        place: format!("{} of {}", index + 1, words::number(due.len())),
        next: at(due.get(index + 1)),
        previous: at(index.checked_sub(1).and_then(|before| due.get(before))),
        person: person.as_ref().map(|person| beside(person, &visitor)),
        widget,
        feed,
        gone,
    })
}

/// *“Call Maya” is done already.*: somebody was quicker, or it is not due or not one's own any more.
async fn what_became_of(tx: &mut Tx, visitor: &Visitor, id: TaskId) -> Result<String> {
    let Some(view) = tasks::find_view(tx, id).await? else { return Ok(String::new()) };
    let task = &view.task;
    if task.person_id.is_none() && task.owner_id != visitor.user.id && !visitor.actor.acts_for_others() {
        return Ok(String::new());
    }
    let what = match task.state {
        TaskState::Done => "is done already".to_owned(),
        TaskState::Skipped => "was skipped".to_owned(),
        TaskState::Cancelled => "was cancelled: its sequence ended".to_owned(),
        TaskState::Open if task.owner_id != visitor.user.id => format!("is {}’s now", view.owner_name),
        TaskState::Open => format!("is due {}", words::moment(task.due_at, visitor.now, &visitor.zone)),
    };
    Ok(format!("“{}” {what}.", super::first_line(task)))
}

impl Page {
    /// Where the words of the draft are changed, and back to here.
    fn edit_draft(&self, edit: &str) -> String {
        let id = self.task.href.rsplit('/').next().unwrap_or_default();
        let back = urls::with_query(urls::TASK_PLAYER, &[("task", id)]);
        urls::with_query(edit, &[("to", &back)])
    }

    /// The form of the task, and back to here.
    fn edit_task(&self) -> String {
        self.edit_draft(&self.task.links.edit)
    }

    /// An email to write comes first; it can still be done elsewhere.
    fn done_kind(&self) -> &'static str {
        if self.task.write.is_empty() { "primary" } else { "" }
    }

    /// Where its email is written; one goes on with the next task then.
    fn write_email(&self) -> String {
        urls::with_query(&self.task.write, &[("to", self.then())])
    }

    /// Where one goes on when this task is closed or put off.
    fn then(&self) -> &str {
        if self.next.is_empty() { urls::TASK_PLAYER } else { &self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            task: show::sample(),
            place: "2 of 6".into(),
            next: "/tasks/player?task=tsk_2".into(),
            previous: String::new(),
            person: Some(Beside {
                name: "Maya Okafor".into(),
                href: "/people/per_1".into(),
                work: "VP Operations, Kestrel Freight".into(),
                facts: vec![
                    ("Phone", "+44 20".into(), "tel:+4420".into()),
                    ("Status", "Working".into(), String::new()),
                ],
            }),
            widget: Widget::default(),
            gone: "“Call Maya” is done already.".into(),
            feed: Feed::default(),
        }
    }

    #[test]
    fn every_action_of_the_player_has_a_key_and_leads_to_the_next_task() {
        let html = page().render().expect("a page");
        for words in [
            "data-key=\"x\"",
            "data-key=\"s\"",
            "data-key=\"z\"",
            "data-key=\"w\"",
            "data-key=\"j\"",
            "VP Operations",
            "2 of 6",
            "tel:+4420",
            "is done already",
            "data-key=\"a\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        assert!(html.contains("name=\"to\" value=\"/tasks/player?task=tsk_2\""));
    }

    #[test]
    fn after_the_last_task_one_is_told_so() {
        let last = Page { next: String::new(), person: None, ..page() };
        assert!(last.render().expect("a page").contains("name=\"to\" value=\"/tasks/player\""));
        let html = Played { frame: Frame { clock_rate: 1, ..Frame::default() }, gone: String::new() }
            .render()
            .expect("a page");
        assert!(html.contains("All done for today"));
    }
}
