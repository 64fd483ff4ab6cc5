//! The third pane: what will happen to each, before anything does.
//!
//! The check is the judgement that starting acts on: three numbers that add up, problems first with reason and cure,
//! and the forecast of the mailbox with everyone else's emails in it.

use std::collections::HashMap;

use askama::Template;
use relance_domain::person::Person;
use relance_domain::{PersonId, Timestamp};
use relance_engine::commands::enroll::OnMissing;
use relance_engine::commands::preflight::{Preflight, PreflightRow, PreflightSummary};
use relance_storage::people;

use super::super::chart::{self, Chart};
use super::super::{choose, steps};
use super::{Ground, judged};
use crate::app::App;
use crate::errors::{FormErrors, Result};
use crate::frame::Frame;
use crate::pages::people::rows;
use crate::pages::people::widget::tag_words;
use crate::session::Visitor;
use crate::{urls, words};

/// Rows of the check on one page.
const ROWS_OF_A_PAGE: usize = 50;

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
pub(super) struct CheckPage {
    frame: Frame,
    title: String,
    once: String,
    complete: String,
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

/// The rows of one tab.
pub(super) fn is_shown(tab: &str, row: &PreflightRow) -> bool {
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

/// Judges everyone and shows one page of the rows.
pub(super) async fn draw(app: &App, visitor: &Visitor, ground: &Ground, errors: FormErrors) -> Result<CheckPage> {
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
        once: app.engine.new_job_id().to_string(),
        complete: complete(ground, &summary),
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
            let (cure, cure_href) = choose::cure(code, *enrollment_id, person.id);
            // What to do about it stands beside as a link.
            let reason = if cure.is_empty() { message.as_str() } else { first_sentence(message) };
            CheckRow {
                state: "left-out",
                chip: "Left out",
                words: reason.to_owned(),
                cure: cure.to_owned(),
                cure_href,
                ..base
            }
        }
    }
}

fn first_sentence(text: &str) -> &str {
    text.find(". ").map_or(text, |end| &text[..=end])
}

/// Where the values are filled in that some of them lack; empty if nobody does.
fn complete(ground: &Ground, summary: &PreflightSummary) -> String {
    let waits = |row: &&PreflightRow| matches!(row.outcome, Preflight::WaitsForData { .. });
    let ids: Vec<PersonId> = summary.rows.iter().filter(waits).map(|row| row.person_id).collect();
    if ids.is_empty() {
        return String::new();
    }
    urls::complete_data_of(ground.sequence.id, ground.chosen.kind(), &ids)
}

#[cfg(test)]
mod tests {
    use super::*;

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
            frame: Frame { clock_rate: 1, ..Frame::default() },
            title: "Start Depot trial offer for 640 people".into(),
            once: "job_1".into(),
            complete: "/complete-data?sequence=seq_1&id=per_1".into(),
            hidden: vec![("id".into(), "per_1".into()), ("in".into(), "seq_1".into())],
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
            "name=\"once\" value=\"job_1\"",
            "/complete-data?sequence=seq_1&#38;id=per_1",
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
            "formaction=\"/people/enroll/check.csv\" data-turbo=\"false\"",
            "value=\"2026-12-01T09:00\"",
        ] {
            assert!(html.contains(words), "{words}");
        }
        let nobody = CheckPage { number: 0, waits: 0, button: "Start for 0 people".into(), ..page };
        assert!(nobody.render().expect("a page").contains("disabled"), "nobody can be started");
    }
}
