//! Starting a sequence for everyone chosen in a list: choose, turn through previews, check, start.
//!
//! The check is the judgement that starting acts on: three numbers that add up, problems first with reason and cure.
//! Nothing is stored before *Start*. More than 1,000 people are started by a job. The forecast has everyone else's emails.

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::person::{Kind, Person};
use relance_domain::sequence::Sequence;
use relance_domain::{PersonId, SequenceId, Timestamp};
use relance_engine::commands::bulk::{BulkAction, BulkDone};
use relance_engine::commands::enroll::OnMissing;
use relance_engine::commands::preflight::{EnrollRequest, Preflight, PreflightRow, PreflightSummary};
use relance_storage::{people, sequences};

use super::chart::{self, Chart};
use super::steps::{self, Shown};
use super::{Asked, Offer, active};
use crate::answer;
use crate::app::App;
use crate::errors::{FormErrors, PageError, Result};
use crate::extract::Form;
use crate::frame::Frame;
use crate::pages::people::bulk::{RefusedRow, refused_rows};
use crate::pages::people::rows;
use crate::pages::people::selection::Chosen;
use crate::pages::people::widget::tag_words;
use crate::session::Visitor;
use crate::{urls, words};

/// Rows of the check on one page.
const ROWS_OF_A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "enroll/many_choose.html")]
struct ChoosePage {
    frame: Frame,
    title: String,
    hidden: Vec<(String, String)>,
    back: String,
    q: String,
    offers: Vec<Offer>,
    is_admin: bool,
}

/// What stands beside a row that does not simply start.
#[derive(Clone, Debug, Default)]
struct CheckRow {
    name: String,
    href: String,
    organisation: String,
    state: &'static str,
    chip: &'static str,
    words: String,
    missing: Vec<(String, String)>,
    cure: String,
    cure_href: String,
}

#[derive(Template)]
#[template(path = "enroll/many_check.html")]
struct CheckPage {
    frame: Frame,
    title: String,
    hidden: Vec<(String, String)>,
    back: String,
    starts: String,
    waits: u64,
    refused: String,
    missing: Vec<String>,
    tabs: Vec<Tab>,
    rows: Vec<CheckRow>,
    place: String,
    previous: String,
    next: String,
    note: String,
    leaves_out: bool,
    button: String,
    number: u64,
    chart: Option<Chart>,
    last_first: String,
    last_follow_up: String,
    emails: String,
    mailbox: String,
    start: String,
    at: String,
    positions: Vec<String>,
    from: String,
    min: String,
    errors: FormErrors,
}

/// A part of the rows.
#[derive(Clone, Debug, Default)]
struct Tab {
    value: &'static str,
    label: &'static str,
    count: String,
    is_chosen: bool,
}

#[derive(Template)]
#[template(path = "enroll/many_preview.html")]
struct PreviewPage {
    frame: Frame,
    title: String,
    hidden: Vec<(String, String)>,
    back: String,
    sequence: String,
    summary: String,
    person: Person,
    place: String,
    previous: String,
    next: String,
    shown: Shown,
    body: String,
}

#[derive(Template)]
#[template(path = "enroll/many_done.html")]
struct DonePage {
    frame: Frame,
    title: String,
    back: String,
    started: usize,
    refused: usize,
    rows: Vec<RefusedRow>,
}

/// What the dialog knows by now.
struct Ground {
    chosen: Chosen,
    number: usize,
    sequence: Sequence,
}

/// One pane after the other, by what the form says.
pub async fn create(State(app): State<App>, visitor: Visitor, Form(chosen): Form<Chosen>) -> Result<Response> {
    let chosen = chosen.seen_by(visitor.sight.owners());
    if chosen.is_empty() {
        return Ok(answer::said(
            &chosen.list(),
            &answer::toast("info", "Nobody is selected. Tick the boxes of the people first."),
        ));
    }
    let mut tx = app.read().await?;
    let number = chosen.count(&mut tx).await?;
    let wanted: Option<SequenceId> = chosen.get("in").parse().ok();
    let Some(wanted) = wanted.filter(|_| chosen.get("pane") != "choose") else {
        let offers = active(&mut tx, chosen.get("name")).await?;
        return answer::page(&choose(&visitor, &chosen, number, offers));
    };
    let sequence = sequences::find(&mut tx, wanted).await?.ok_or(PageError::NotFound("sequence"))?;
    drop(tx);
    let ground = Ground { chosen, number, sequence };
    match ground.chosen.get("pane") {
        "start" => start(&app, &visitor, ground).await,
        "preview" => answer::page(&preview(&app, &visitor, &ground).await?),
        _ => answer::page(&check(&app, &visitor, &ground, FormErrors::default()).await?),
    }
}

fn choose(visitor: &Visitor, chosen: &Chosen, number: usize, found: Vec<Sequence>) -> ChoosePage {
    let offer = |sequence: Sequence| Offer {
        id: sequence.id.to_string(),
        words: words::count(sequence.draft.steps.len() as u64, "step", "steps"),
        name: sequence.name,
        ..Offer::default()
    };
    ChoosePage {
        frame: visitor.frame("leads"),
        title: format!("Start a sequence for {}", words::people(number as u64)),
        hidden: chosen.hidden(),
        back: chosen.list(),
        q: chosen.get("name").to_owned(),
        offers: found.into_iter().map(offer).collect(),
        is_admin: visitor.actor.is_admin(),
    }
}

impl Ground {
    /// The selection and the sequence, for the next pane.
    fn hidden(&self) -> Vec<(String, String)> {
        let mut fields = self.chosen.hidden();
        fields.push(("in".to_owned(), self.sequence.id.to_string()));
        fields
    }

    /// As [`Ground::hidden`], with what the check was told: for the panes before it.
    fn hidden_with_start(&self) -> Vec<(String, String)> {
        let mut fields = self.hidden();
        for name in ["start", "at", "from", "leave_out"] {
            let value = self.chosen.get(name);
            if !value.is_empty() {
                fields.push((name.to_owned(), value.to_owned()));
            }
        }
        fields
    }

    fn request(&self, visitor: &Visitor) -> std::result::Result<EnrollRequest, FormErrors> {
        let asked = Asked {
            start: self.chosen.get("start").to_owned(),
            at: self.chosen.get("at").to_owned(),
            from: self.chosen.get("from").parse().ok(),
            ..Asked::default()
        };
        asked.request(self.sequence.id, Vec::new(), &visitor.zone)
    }

    /// Whether those who lack data start and wait, or are left out.
    fn on_missing(&self) -> OnMissing {
        if self.chosen.get("leave_out") == "1" { OnMissing::Skip } else { OnMissing::Start }
    }
}

/// Judges everyone, problems first, with the forecast of the mailbox.
async fn judged(app: &App, visitor: &Visitor, ground: &Ground) -> Result<PreflightSummary> {
    let request = ground.request(visitor).unwrap_or_else(|_| EnrollRequest::new(ground.sequence.id, Vec::new()));
    let selection = ground.chosen.selection()?;
    Ok(app.engine.preflight_selection(&visitor.actor, &request, &selection, ground.on_missing()).await?)
}

/// The rows of one tab.
fn is_shown(tab: &str, row: &PreflightRow) -> bool {
    match tab {
        "starts" => matches!(row.outcome, Preflight::Starts),
        "waits" => matches!(row.outcome, Preflight::WaitsForData { .. }),
        "refused" => matches!(row.outcome, Preflight::Refused { .. }),
        _ => true,
    }
}

fn tabs(summary: &PreflightSummary, chosen: &str) -> Vec<Tab> {
    let refused = summary.judged - summary.starts - summary.waits_for_data;
    let tab = |value: &'static str, label: &'static str, count: u64| Tab {
        value,
        label,
        count: words::number(count),
        is_chosen: value == chosen,
    };
    vec![
        tab("", "All", summary.judged),
        tab("starts", "Starts", summary.starts),
        tab("waits", "Waits for data", summary.waits_for_data),
        tab("refused", "Left out", refused),
    ]
}

async fn check(app: &App, visitor: &Visitor, ground: &Ground, errors: FormErrors) -> Result<CheckPage> {
    let summary = judged(app, visitor, ground).await?;
    let tab = ground.chosen.get("rows").to_owned();
    let of_tab: Vec<&PreflightRow> = summary.rows.iter().filter(|row| is_shown(&tab, row)).collect();
    let pages = of_tab.len().div_ceil(ROWS_OF_A_PAGE).max(1);
    let page = ground.chosen.get("page").parse::<usize>().unwrap_or(1).clamp(1, pages);
    let first = (page - 1) * ROWS_OF_A_PAGE;
    let rows: Vec<&PreflightRow> = of_tab.iter().skip(first).take(ROWS_OF_A_PAGE).copied().collect();
    let shown: Vec<_> = rows.iter().map(|row| row.person_id).collect();
    let people: HashMap<_, _> = people::find_many(&mut app.read().await?, &shown)
        .await?
        .into_iter()
        .map(|person| (person.id, person))
        .collect();
    let leaves_out = ground.on_missing() == OnMissing::Skip;
    let all = summary.starts + if leaves_out { 0 } else { summary.waits_for_data };
    let rest = summary.total.saturating_sub(summary.judged);
    let at = |at: Option<Timestamp>| at.map(|at| words::moment(at, visitor.now, &visitor.zone)).unwrap_or_default();
    let number = |count: u64| words::number(count);
    Ok(CheckPage {
        frame: visitor.frame("leads"),
        title: format!("Start {} for {}", ground.sequence.name, words::people(summary.total)),
        hidden: ground.hidden(),
        back: ground.chosen.list(),
        starts: number(summary.starts),
        waits: summary.waits_for_data,
        refused: number(summary.judged - summary.starts - summary.waits_for_data),
        missing: summary
            .missing
            .iter()
            .map(|(tag, count)| format!("{} for {}", tag_words(tag), words::people(*count)))
            .collect(),
        tabs: tabs(&summary, &tab),
        rows: rows.iter().filter_map(|row| Some(check_row(row, people.get(&row.person_id)?, visitor))).collect(),
        place: format!("{}–{} of {}", first + usize::from(!rows.is_empty()), first + rows.len(), of_tab.len()),
        previous: if page > 1 { (page - 1).to_string() } else { String::new() },
        next: if page < pages { (page + 1).to_string() } else { String::new() },
        note: rest_words(summary.judged, rest),
        leaves_out,
        button: if rest == 0 {
            format!("Start for {}", words::people(all))
        } else {
            format!("Start for up to {}", words::people(summary.total))
        },
        number: all,
        chart: chart::draw(&summary.forecast),
        last_first: at(summary.forecast.last_first_at),
        last_follow_up: at(summary.forecast.last_follow_up_at),
        emails: number(summary.forecast.emails),
        mailbox: summary.forecast.address,
        start: ground.chosen.get("start").to_owned(),
        at: ground.chosen.get("at").to_owned(),
        positions: (1..=ground.sequence.draft.steps.len()).map(|step| step.to_string()).collect(),
        from: ground.chosen.get("from").to_owned(),
        min: visitor.now.zoned(&visitor.zone).strftime("%Y-%m-%dT%H:%M").to_string(),
        errors,
    })
}

/// What becomes of those that are too many to be judged beforehand.
fn rest_words(judged: u64, rest: u64) -> String {
    if rest == 0 {
        return String::new();
    }
    let (judged, rest) = (words::number(judged), words::number(rest));
    format!("These are the first {judged}. The other {rest} are judged in the same way when they start.")
}

fn check_row(row: &PreflightRow, person: &Person, visitor: &Visitor) -> CheckRow {
    let base = CheckRow {
        name: person.name(),
        href: urls::person(person.id),
        organisation: person.fields.organization_name.clone(),
        ..CheckRow::default()
    };
    let zone = rows::zone_of(person, visitor);
    match &row.outcome {
        Preflight::Starts => {
            let at = row.first_at.map(|at| words::When::moment(at, visitor.now, &zone, &visitor.zone).to_string());
            let before = if row.was_enrolled_before { ", was in it before" } else { "" };
            CheckRow {
                state: "starts",
                chip: "Starts",
                words: format!("{}{before}", at.unwrap_or_else(|| "After a task".to_owned())),
                ..base
            }
        }
        Preflight::WaitsForData { tags } => {
            let missing: Vec<_> =
                tags.iter().map(|tag| steps::missing(tag, person)).map(|(words, _, href)| (words, href)).collect();
            let cure = match missing.as_slice() {
                [(words, _)] => format!("Add {words}"),
                _ => "Add them".to_owned(),
            };
            let cure_href = missing.first().map(|(_, href)| href.clone()).unwrap_or_default();
            CheckRow {
                state: "waiting",
                chip: "Waits for data",
                words: "No value for".to_owned(),
                missing,
                cure,
                cure_href,
                ..base
            }
        }
        Preflight::Refused { code, message, enrollment_id } => {
            let (cure, cure_href) = match (code.as_str(), enrollment_id) {
                (_, Some(enrollment)) => ("Open it", urls::enrollment(*enrollment)),
                ("no_email" | "invalid_email" | "bounced_before", _) => {
                    ("Change the address", urls::edit_field(person.id, "email"))
                }
                ("no_mailbox", _) => ("Connect a mailbox", urls::new_mailbox()),
                _ => ("", String::new()),
            };
            CheckRow {
                state: "left-out",
                chip: "Left out",
                words: message.clone(),
                cure: cure.to_owned(),
                cure_href,
                ..base
            }
        }
    }
}

async fn preview(app: &App, visitor: &Visitor, ground: &Ground) -> Result<PreviewPage> {
    let judged = judged(app, visitor, ground).await?;
    let order: Vec<PersonId> = judged
        .rows
        .iter()
        .filter(|row| !matches!(row.outcome, Preflight::Refused { .. }))
        .map(|row| row.person_id)
        .collect();
    let wanted: Option<PersonId> = ground.chosen.get("person").parse().ok();
    let index = wanted.and_then(|id| order.iter().position(|other| *other == id)).unwrap_or(0);
    let first = || judged.rows.first().map(|row| row.person_id);
    let id = order.get(index).copied().or_else(first).ok_or(PageError::NotFound("person"))?;
    let person = people::find(&mut app.read().await?, id).await?.ok_or(PageError::NotFound("person"))?;
    let request = ground.request(visitor).unwrap_or_else(|_| EnrollRequest::new(ground.sequence.id, Vec::new()));
    let previews = app.engine.preview_steps(&visitor.actor, &request, id).await?;
    let name = if person.fields.first_name.is_empty() { person.name() } else { person.fields.first_name.clone() };
    let shown =
        steps::shown(&previews, &person, visitor, ground.chosen.get("step").parse().ok(), |step| step.to_string());
    let at =
        |index: Option<usize>| index.and_then(|index| order.get(index)).map(ToString::to_string).unwrap_or_default();
    Ok(PreviewPage {
        frame: visitor.frame("leads"),
        title: format!("Start {} for {}", ground.sequence.name, words::people(ground.number as u64)),
        hidden: ground.hidden_with_start(),
        back: ground.chosen.list(),
        sequence: ground.sequence.name.clone(),
        summary: steps::summary(&previews, &name, visitor),
        place: format!("{} of {}", index + 1, order.len().max(1)),
        previous: at(index.checked_sub(1)),
        next: at(Some(index + 1)),
        body: urls::enroll_body(id, &ground.sequence.id.to_string(), shown.chosen.position),
        person,
        shown,
    })
}

async fn start(app: &App, visitor: &Visitor, ground: Ground) -> Result<Response> {
    let request = match ground.request(visitor) {
        Ok(request) => request,
        Err(errors) => return answer::refused(&check(app, visitor, &ground, errors).await?),
    };
    let action = BulkAction::Enroll { request, on_missing: ground.on_missing() };
    let rows = match app.engine.bulk_people(&visitor.actor, &ground.chosen.selection()?, action).await? {
        BulkDone::Job(job) => return Ok(answer::go(&urls::job(job))),
        BulkDone::Rows(rows) => rows,
    };
    let refused = refused_rows(&mut app.read().await?, &rows).await?;
    let started = rows.len() - refused.len();
    let title = format!("{} started for {}", ground.sequence.name, words::people(started as u64));
    if refused.is_empty() {
        return Ok(answer::said(&ground.chosen.list(), &answer::toast("active", format!("{title}."))));
    }
    let section = if ground.chosen.kind() == Kind::Lead { "leads" } else { "contacts" };
    answer::page(&DonePage {
        frame: visitor.frame(section),
        title,
        back: ground.chosen.list(),
        started,
        refused: refused.len(),
        rows: refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::Timestamp;
    use relance_domain::person::Fields;

    fn frame() -> Frame {
        Frame { clock_rate: 1, ..Frame::default() }
    }

    fn hidden() -> Vec<(String, String)> {
        vec![("id".into(), "per_1".into()), ("in".into(), "seq_1".into())]
    }

    fn sample_rows() -> Vec<CheckRow> {
        vec![
            CheckRow {
                name: "Jonas Fiedler".into(),
                state: "waiting",
                chip: "Waits for data",
                words: "No value for".into(),
                missing: vec![("industry".into(), "/people/per_1/edit".into())],
                cure: "Add industry".into(),
                cure_href: "/people/per_1/edit".into(),
                ..CheckRow::default()
            },
            CheckRow {
                name: "Petra Novak".into(),
                state: "left-out",
                chip: "Left out",
                words: "Already active in this sequence".into(),
                ..CheckRow::default()
            },
        ]
    }

    #[test]
    fn the_check_names_three_numbers_that_add_up_and_each_reason() {
        let page = CheckPage {
            frame: frame(),
            title: "Start Depot trial offer for 640 people".into(),
            hidden: hidden(),
            back: "/leads".into(),
            starts: "561".into(),
            waits: 44,
            refused: "35".into(),
            missing: vec!["industry for 44 people".into()],
            tabs: vec![Tab { value: "waits", label: "Waits for data", count: "44".into(), is_chosen: true }],
            place: "1–50 of 640".into(),
            previous: String::new(),
            next: "2".into(),
            rows: sample_rows(),
            note: String::new(),
            leaves_out: false,
            button: "Start for 605 people".into(),
            number: 605,
            chart: chart::draw(&chart::sample()),
            last_first: "Wed 2 Dec, 09:00".into(),
            last_follow_up: "Mon 14 Dec, 09:00".into(),
            emails: "1,683".into(),
            mailbox: "nora@halden.example".into(),
            start: "at".into(),
            at: "2026-12-01T09:00".into(),
            positions: vec!["1".into(), "2".into()],
            from: "2".into(),
            min: "2026-11-24T09:48".into(),
            errors: FormErrors::default(),
        };
        let html = page.render().expect("a page");
        for words in [
            "561",
            "44",
            "35",
            "Start for 605 people",
            "Leave out the 44 who wait for data",
            "Already active in this sequence",
            "Add industry",
            "industry for 44 people",
            "Daily quota of this mailbox",
            "class=\"bar1\"",
            "Wed 2 Dec, 09:00",
            "<option value=\"2\" selected",
            "value=\"2026-12-01T09:00\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        let nobody = CheckPage { number: 0, waits: 0, button: "Start for 0 people".into(), ..page };
        assert!(nobody.render().expect("a page").contains("disabled"), "nobody can be started");
    }

    #[test]
    fn the_other_panes_carry_the_selection_on() {
        let at = Timestamp::from_ms(0);
        let person = Person {
            id: PersonId::from_uuid(Default::default()),
            kind: Kind::Lead,
            fields: Fields { first_name: "Maya".into(), ..Fields::default() },
            created_at: at,
            updated_at: at,
        };
        let offers = vec![Offer {
            id: "seq_1".into(),
            name: "Depot trial offer".into(),
            words: "4 steps".into(),
            ..Offer::default()
        }];
        let choose = ChoosePage {
            frame: frame(),
            title: "Start a sequence for 640 people".into(),
            hidden: hidden(),
            back: "/leads".into(),
            q: String::new(),
            offers,
            is_admin: true,
        };
        let preview = PreviewPage {
            frame: frame(),
            title: "Start".into(),
            hidden: hidden(),
            back: "/leads".into(),
            sequence: "Depot trial offer".into(),
            summary: "4 steps.".into(),
            person,
            place: "1 of 605".into(),
            previous: String::new(),
            next: "per_2".into(),
            shown: steps::sample(),
            body: "/people/per_1/enroll/seq_1/body?step=2".into(),
        };
        let rows = vec![RefusedRow { name: "Ben Hallam".into(), reason: "Bounced".into(), ..RefusedRow::default() }];
        let done = DonePage {
            frame: frame(),
            title: "Started for 605 people".into(),
            back: "/leads".into(),
            started: 605,
            refused: 1,
            rows,
        };
        for html in [choose.render(), preview.render()] {
            assert!(html.expect("a page").contains("name=\"id\" value=\"per_1\""));
        }
        assert!(done.render().expect("a page").contains("Ben Hallam"));
    }
}
