//! The steps of a sequence as one person would get them: a time line with dates, and one email beside it.

use relance_domain::person::Person;
use relance_domain::step::{Action, Step};
use relance_engine::commands::preview::StepPreview;

use crate::pages::attachments::{self, FileRow};
use crate::pages::people::rows;
use crate::pages::people::widget::tag_words;
use crate::session::Visitor;
use crate::{urls, words};

/// A step in the time line.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// The wait before it; empty for none.
    pub wait: String,
    /// Its icon.
    pub icon: &'static str,
    /// *3. Email in the same thread*.
    pub title: String,
    /// Where it is shown.
    pub href: String,
    /// Its dot.
    pub dot: &'static str,
    /// It is the one shown.
    pub is_chosen: bool,
    /// When it happens, in the person's zone.
    pub when: String,
    /// The same in the reader's zone, and what it depends on.
    pub meta: String,
    /// What is missing.
    pub alarm: String,
}

impl Line {
    /// What a button sends that shows it; empty for the one that is shown.
    pub fn pressed(&self) -> &str {
        if self.is_chosen { "" } else { &self.href }
    }
}

/// The step beside the time line.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// From 1; 0 = there is none.
    pub position: usize,
    /// It is an email.
    pub is_email: bool,
    /// Subject.
    pub subject: String,
    /// What the task asks for.
    pub text: String,
    /// Tags without a value: words, capitalised words, where to fill them in.
    pub missing: Vec<(String, String, String)>,
    /// Files that go with the email.
    pub files: Vec<FileRow>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The time line.
    pub lines: Vec<Line>,
    /// The step beside it.
    pub chosen: Chosen,
}

/// The steps of a preview; beside them `wanted`, else the first with something missing, else the first.
pub fn shown(
    previews: &[StepPreview],
    person: &Person,
    visitor: &Visitor,
    wanted: Option<usize>,
    href: impl Fn(usize) -> String,
) -> Shown {
    let incomplete = previews.iter().find(|preview| !preview.words.missing_tags.is_empty());
    let chosen = previews.iter().find(|preview| Some(preview.position) == wanted).or(incomplete).or(previews.first());
    let position = chosen.map_or(0, |chosen| chosen.position);
    let lines = previews.iter().map(|preview| line(preview, person, visitor, position, &href)).collect();
    Shown { lines, chosen: chosen.map(|preview| beside(preview, person)).unwrap_or_default() }
}

/// *3. Email in the same thread*, *2. Task: call Maya*; `text` is what the task says to this person.
pub fn title(position: usize, step: &Step, in_thread: bool, text: &str) -> String {
    let name = match &step.action {
        Action::AutomatedEmail { .. } if in_thread => "Email in the same thread".to_owned(),
        Action::AutomatedEmail { .. } => "Email".to_owned(),
        Action::ManualEmail { .. } => "Email by hand".to_owned(),
        Action::Task { .. } => {
            format!("Task: {}", text.lines().next().unwrap_or_default().chars().take(60).collect::<String>())
        }
    };
    format!("{position}. {name}")
}

/// The icon of a step.
pub fn icon(step: &Step) -> &'static str {
    match &step.action {
        Action::AutomatedEmail { .. } | Action::ManualEmail { .. } => "mail",
        Action::Task { task } => crate::pages::home::task_icon(task.kind),
    }
}

fn line(
    preview: &StepPreview,
    person: &Person,
    visitor: &Visitor,
    chosen: usize,
    href: &impl Fn(usize) -> String,
) -> Line {
    let zone = rows::zone_of(person, visitor);
    let is_late_zone =
        preview.planned_at.is_some_and(|at| at.zoned(&zone).offset() != at.zoned(&visitor.zone).offset());
    let when = preview.planned_at.map_or_else(String::new, |at| {
        let place = if is_late_zone { format!(" {}", words::place(&zone)) } else { String::new() };
        format!("{}{place}", words::moment(at, visitor.now, &zone))
    });
    let own =
        preview.planned_at.filter(|_| is_late_zone).map(|at| format!("{} yours", words::clock(at, &visitor.zone)));
    let depends = preview.after_task.then(|| "if the task before is done when due".to_owned());
    let moved = preview.holiday.as_ref().map(|holiday| format!("Moved: {holiday}"));
    let meta: Vec<String> = own.into_iter().chain(depends).chain(moved).collect();
    let number = preview.words.missing_tags.len() as u64;
    Line {
        wait: if preview.step.wait.amount == 0 { String::new() } else { preview.step.wait.words() },
        icon: icon(&preview.step),
        title: title(preview.position, &preview.step, preview.in_thread, &preview.words.text),
        href: href(preview.position),
        dot: if number > 0 { "blocked" } else { "" },
        is_chosen: preview.position == chosen,
        when: if when.is_empty() { "After the task before it".to_owned() } else { when },
        meta: meta.join(", "),
        alarm: if number == 0 {
            String::new()
        } else {
            format!("{} no value", if number == 1 { "1 tag has".to_owned() } else { format!("{number} tags have") })
        },
    }
}

fn beside(preview: &StepPreview, person: &Person) -> Chosen {
    Chosen {
        position: preview.position,
        is_email: preview.step.action.email().is_some(),
        subject: preview.words.subject.clone(),
        text: preview.words.text.clone(),
        missing: preview.words.missing_tags.iter().map(|tag| missing(tag, person)).collect(),
        files: attachments::rows(&preview.words.attachments, ""),
    }
}

/// Words, capitalised words and the field of a missing tag.
pub fn missing(tag: &str, person: &Person) -> (String, String, String) {
    let words = tag_words(tag);
    let mut letters = words.chars();
    let capital: String = letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    (words, capital, urls::edit_tag(person.id, tag))
}

/// *4 steps, done about Tue 8 Dec. Ends as soon as Maya answers.*
pub fn summary(previews: &[StepPreview], first_name: &str, visitor: &Visitor) -> String {
    let steps = words::count(previews.len() as u64, "step", "steps");
    let done = previews
        .last()
        .and_then(|last| last.planned_at)
        .map(|at| format!(", done about {}", crate::pages::in_sentence(&words::date(at, visitor.now, &visitor.zone))));
    format!("{steps}{}. Ends as soon as {first_name} answers.", done.unwrap_or_default())
}

#[cfg(test)]
pub(crate) fn sample() -> Shown {
    Shown {
        lines: vec![
            Line {
                icon: "mail",
                title: "1. Email".into(),
                when: "Today, 10:04 London".into(),
                meta: "11:04 yours".into(),
                href: "?step=1".into(),
                ..Line::default()
            },
            Line {
                wait: "3 business days".into(),
                icon: "mail",
                title: "2. Email in the same thread".into(),
                dot: "blocked",
                is_chosen: true,
                alarm: "1 tag has no value".into(),
                ..Line::default()
            },
        ],
        chosen: Chosen {
            position: 2,
            is_email: true,
            subject: "Re: What your depot doors are not telling you".into(),
            missing: vec![("industry".into(), "Industry".into(), "/people/per_1/edit#f-industry".into())],
            files: vec![FileRow { name: "Offer.pdf".into(), size: "12 KB".into(), ..FileRow::default() }],
            ..Chosen::default()
        },
    }
}
