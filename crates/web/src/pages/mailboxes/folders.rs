//! Which folders of a mailbox are read besides the usual ones: where rules of the mailbox may put answers.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::MailboxId;
use relance_engine::EngineError;
use relance_engine::commands::mailbox_folders::MailFolder;
use relance_engine::commands::mailboxes::MailboxChange;

use super::edit;
use crate::app::App;
use crate::errors::Result;
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::{answer, urls};

#[derive(Template)]
#[template(path = "mailboxes/folders.html")]
struct Page {
    frame: Frame,
    address: String,
    back: String,
    action: String,
    folders: Vec<MailFolder>,
    /// Why the server could not be asked; empty = it was.
    unreachable: String,
}

/// The page: the server is asked which folders there are.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let (mailbox, _) = edit::find(&app, &visitor, id).await?;
    let (folders, unreachable) = match app.engine.mail_folders(&visitor.actor, id).await {
        Ok(folders) => (folders, String::new()),
        Err(EngineError::Unavailable(words)) => (Vec::new(), words),
        Err(error) => return Err(error.into()),
    };
    answer::page(&Page {
        frame: visitor.frame("settings"),
        address: mailbox.address,
        back: urls::mailbox(id),
        action: urls::mailbox_action(id, "folders"),
        folders,
        unreachable,
    })
}

/// Saves which are read.
pub async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<MailboxId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    let chosen = typed.all("folder").into_iter().map(str::to_owned).collect();
    let change = MailboxChange { watched_folders: Some(chosen), ..MailboxChange::default() };
    let saved = app.engine.edit_mailbox(&visitor.actor, id, change).await;
    answer::outcome(&urls::mailbox(id), saved, |_| answer::toast("done", "Saved. The folders are read from now on."))
}

/// Emails of its user leave from this mailbox where nothing else is said.
pub async fn make_default(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    let change = MailboxChange { is_default: Some(true), ..MailboxChange::default() };
    let saved = app.engine.edit_mailbox(&visitor.actor, id, change).await;
    answer::outcome(&urls::mailbox(id), saved, |_| answer::toast("done", "New sequences send from this mailbox."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_folders_are_always_read_and_others_can_be_chosen() {
        let folder =
            |name: &str, is_usual, is_chosen| MailFolder { name: name.into(), label: name.into(), is_usual, is_chosen };
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            address: "nora@halden.example".into(),
            back: "/settings/mailboxes/mbx_1".into(),
            action: "/settings/mailboxes/mbx_1/folders".into(),
            folders: vec![
                folder("INBOX", true, false),
                folder("Customers", false, true),
                folder("Lists", false, false),
            ],
            unreachable: String::new(),
        };
        let html = page.render().expect("a page");
        assert!(html.contains("always read") && html.matches("checked").count() >= 1);
        assert!(html.contains("value=\"Customers\" checked") && html.contains("value=\"Lists\""));
        page.unreachable = "The incoming server refused the password.".into();
        assert!(page.render().expect("a page").contains("refused the password"));
    }
}
