//! SPF, DKIM and DMARC of a mailbox's domain: what was found and when, the records to add, *Check again*.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::MailboxId;
use relance_domain::mailbox::Provider;
use relance_engine::commands::domain_check::{Finding, KnownDomain, SelectorSource, Verdict};

use super::edit;
use crate::app::App;
use crate::errors::{FormErrors, Result};
use crate::extract::{Form, Path};
use crate::frame::Frame;
use crate::pages::form::Typed;
use crate::session::Visitor;
use crate::words::When;
use crate::{answer, urls};

/// One of the three.
#[derive(Clone, Debug)]
struct Row {
    name: &'static str,
    what: &'static str,
    state: &'static str,
    word: &'static str,
    finding: Finding,
}

#[derive(Template)]
#[template(path = "mailboxes/domain.html")]
struct Page {
    frame: Frame,
    address: String,
    back: String,
    action: String,
    domain: String,
    checked: Option<When>,
    rows: Vec<Row>,
    /// Where the selector is from, in words.
    source: &'static str,
    is_sandbox: bool,
    typed: Typed,
    errors: FormErrors,
}

impl Page {
    fn above(&self) -> String {
        self.errors.above(&["selector"])
    }
}

fn row(name: &'static str, what: &'static str, finding: Finding) -> Row {
    let (state, word) = match finding.verdict {
        Verdict::Good => ("active", "Good"),
        Verdict::Advice => ("paused", "Could be better"),
        Verdict::Wrong => ("blocked", "Needs attention"),
        Verdict::Unknown => ("waiting", "Not known"),
    };
    Row { name, what, state, word, finding }
}

fn rows(known: &KnownDomain) -> Vec<Row> {
    let Some(check) = known.check.clone() else { return Vec::new() };
    vec![
        row("SPF", "Says which servers may send for your domain.", check.spf),
        row("DKIM", "Proves by a signature that an email is yours.", check.dkim),
        row("DMARC", "Says what receivers do with emails that prove neither.", check.dmarc),
    ]
}

async fn draw(app: &App, visitor: &Visitor, id: MailboxId, sent: Option<(Typed, FormErrors)>) -> Result<Page> {
    let (mailbox, _) = edit::find(app, visitor, id).await?;
    let known = app.engine.known_domain(&visitor.actor, id).await?;
    let selector = known.selector.as_ref().map(|(text, _)| text.clone()).unwrap_or_default();
    let source = match known.selector.as_ref().map(|(_, source)| *source) {
        Some(SelectorSource::Person) => "Entered by hand. Empty: it is learnt again.",
        Some(SelectorSource::Test) => "Learnt from the signature of a test email to yourself.",
        None => "The part before ._domainkey in the record of your provider. Empty: the usual ones are tried.",
    };
    let (typed, errors) = sent.unwrap_or_else(|| (Typed::of([("selector", selector)]), FormErrors::default()));
    Ok(Page {
        frame: visitor.frame("settings"),
        back: urls::mailbox(id),
        action: urls::mailbox_action(id, "domain"),
        checked: known.checked_at.map(|at| When::age(at, visitor.now, &visitor.zone)),
        rows: rows(&known),
        domain: known.domain,
        source,
        is_sandbox: mailbox.provider == Provider::Sandbox,
        address: mailbox.address,
        typed,
        errors,
    })
}

/// The page.
pub async fn show(State(app): State<App>, visitor: Visitor, Path(id): Path<MailboxId>) -> Result<Response> {
    answer::page(&draw(&app, &visitor, id, None).await?)
}

/// Checks it now, with the selector that was entered.
pub async fn check(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<MailboxId>,
    Form(typed): Form<Typed>,
) -> Result<Response> {
    match app.engine.check_domain(&visitor.actor, id, Some(typed.get("selector"))).await {
        Ok(_) => {
            Ok(answer::said(&urls::mailbox_action(id, "domain"), &answer::toast("done", "The domain was checked.")))
        }
        Err(error) => {
            let errors = crate::errors::PageError::from(error).refused()?;
            answer::refused(&draw(&app, &visitor, id, Some((typed, errors))).await?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_engine::commands::domain_check::RecordToAdd;

    #[test]
    fn each_finding_stands_with_its_words_and_the_record_to_add() {
        let record = RecordToAdd {
            name: "halden.example".into(),
            kind: "TXT".into(),
            value: "v=spf1 include:spf.fastmail.example ~all".into(),
            replaces: true,
        };
        let finding = Finding {
            verdict: Verdict::Wrong,
            code: "not_included".into(),
            sentence: "The SPF record does not let Fastmail send.".into(),
            found: vec!["v=spf1 mx ~all".into()],
            record: Some(record),
        };
        let mut page = Page {
            frame: Frame { clock_rate: 1, ..Frame::default() },
            address: "nora@halden.example".into(),
            back: "/settings/mailboxes/mbx_1".into(),
            action: "/settings/mailboxes/mbx_1/domain".into(),
            domain: "halden.example".into(),
            checked: Some(When::default()),
            rows: vec![row("SPF", "", finding)],
            source: "Entered by hand.",
            is_sandbox: false,
            typed: Typed::of([("selector", "fm1".into())]),
            errors: FormErrors::default(),
        };
        let html = page.render().expect("a page");
        for words in ["Needs attention", "does not let Fastmail send", "include:spf.fastmail.example", "in place of"] {
            assert!(html.contains(words), "{words}");
        }
        page.rows.clear();
        page.checked = None;
        assert!(page.render().expect("a page").contains("has not been checked yet"));
    }
}
