//! What a writer should know of an email before it is published: faults with their cures, and hints.
//!
//! What keeps a plan from being published at all is said by [`crate::sequence::Plan::check`]; here stands what would
//! work but hurt: a subject nobody can read, a link that leads nowhere, an email that looks like advertising. Nothing
//! here fails, and nothing holds an email back.

mod html;

use crate::{StepId, merge, sequence::Plan, step::EmailText};
use serde::{Deserialize, Serialize};

/// Characters of a subject that most programs show.
pub const LONG_SUBJECT: usize = 60;
/// More links than this look like advertising.
pub const MANY_LINKS: usize = 5;
/// Gmail cuts an email off at 102 KiB of HTML (support.google.com, *clipped messages*); the rest of it comes on top.
pub const LARGE_HTML: usize = 90 * 1024;
/// Fewer characters of text than this beside an image: the image is all that is said.
const LITTLE_TEXT: usize = 40;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It cannot be published like this.
    Refused,
    /// It is probably a mistake.
    Warning,
    /// It may be better otherwise.
    Hint,
}

impl Severity {
    /// As in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Warning => "warning",
            Self::Hint => "hint",
        }
    }
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A code that stays: `long_subject`.
    pub code: String,
    /// How much it matters.
    pub severity: Severity,
    /// Where: `subject`, `body` or `unsubscribe`.
    pub field: String,
    /// What was found, in a sentence.
    pub message: String,
    /// What to do about it, in a sentence.
    pub cure: String,
}

fn finding(code: &str, severity: Severity, field: &str, message: impl Into<String>, cure: &str) -> Finding {
    Finding { code: code.to_owned(), severity, field: field.to_owned(), message: message.into(), cure: cure.to_owned() }
}

/// What is known around an email.
#[derive(Debug, Clone, Copy, Default)]
pub struct Around {
    /// The unsubscribe line stands under it.
    pub has_unsubscribe: bool,
    /// The workspace has a postal address.
    pub has_address: bool,
    /// It is sent without a person looking at it.
    pub is_automated: bool,
    /// An email comes before it, so that it may answer in the thread.
    pub is_follow_up: bool,
}

/// The findings of an email, those that matter most first.
pub fn email(email: &EmailText, around: Around) -> Vec<Finding> {
    let mut found = Vec::new();
    tags(email, &mut found);
    subject(email, around, &mut found);
    let page = html::read(&email.body_html);
    if email.body_html.trim().is_empty() && email.body_text.trim().is_empty() {
        let words = "This email has no text yet.";
        found.push(finding("no_text", Severity::Refused, "body", words, "Write it, or use a template."));
    } else {
        body(email, &page, &mut found);
        links(email, &page, &mut found);
        images(&page, &mut found);
    }
    unsubscribe(email, around, &mut found);
    found.sort_by_key(|finding| finding.severity);
    found
}

fn tags(email: &EmailText, found: &mut Vec<Finding>) {
    for (field, text) in [("subject", &email.subject), ("body", &email.body_html), ("body", &email.body_text)] {
        if let Err(refused) = merge::check(text) {
            let cure = "Choose a tag from the list, or correct its name.";
            found.push(finding(&refused.code, Severity::Refused, field, refused.message, cure));
        }
    }
    let mut needed: Vec<String> = [&email.subject, &email.body_html, &email.body_text]
        .into_iter()
        .flat_map(|text| merge::needed_in(text))
        .filter(|tag| !tag.starts_with("sender.") && tag != "unsubscribe_link")
        .collect();
    needed.sort();
    needed.dedup();
    if !needed.is_empty() {
        let (words, verb) = (needed.join(", "), if needed.len() == 1 { "has" } else { "have" });
        let message = format!("{words} {verb} no default: this email waits for people who lack it.");
        let cure = "Write a default, as in {{ person.first_name | default('there') }}, or complete the data.";
        found.push(finding("no_default", Severity::Hint, "body", message, cure));
    }
}

/// A text without its merge tags, which stand for a word each.
fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{").into_iter().chain(rest.find("{%")).min() {
        out.push_str(&rest[..start]);
        let closing = if rest[start..].starts_with("{{") { "}}" } else { "%}" };
        let Some(end) = rest[start..].find(closing) else { break };
        if closing == "}}" {
            out.push_str("xxxxxxxx");
        }
        rest = &rest[start + end + 2..];
    }
    out.push_str(rest);
    out
}

fn subject(email: &EmailText, around: Around, found: &mut Vec<Finding>) {
    let subject = email.subject.trim();
    let answers = around.is_follow_up && email.reply_in_thread;
    if subject.is_empty() {
        if answers {
            let message = "There is no subject for when there is nothing to reply to.";
            let cure = "Write one: it is used if the email before did not leave from this mailbox.";
            found.push(finding("no_own_subject", Severity::Hint, "subject", message, cure));
        } else {
            let message = "This email needs a subject.";
            found.push(finding("no_subject", Severity::Refused, "subject", message, "Write one."));
        }
        return;
    }
    let shown = without_tags(subject);
    let length = shown.chars().count();
    if length > LONG_SUBJECT {
        let message = format!("The subject has about {length} characters; most programs show {LONG_SUBJECT}.");
        let cure = "Shorten it, or put what matters first.";
        found.push(finding("long_subject", Severity::Hint, "subject", message, cure));
    }
    let letters: String = shown.replace("xxxxxxxx", "").chars().filter(|c| c.is_alphabetic()).collect();
    if letters.chars().count() >= 5 && letters.chars().all(|c| !c.is_lowercase()) && letters != letters.to_lowercase() {
        let message = "The subject is all capitals, which spam filters count against you.";
        found.push(finding("capitals", Severity::Warning, "subject", message, "Write it as a sentence."));
    }
    if subject.matches('!').count() > 1 {
        let message = "The subject has several exclamation marks, which spam filters count against you.";
        found.push(finding("exclamations", Severity::Hint, "subject", message, "Keep one, or none."));
    }
}

fn body(email: &EmailText, page: &html::Page, found: &mut Vec<Finding>) {
    let text = if email.body_html.trim().is_empty() { &email.body_text } else { &page.text };
    if text.trim().is_empty() && page.images.is_empty() {
        let message = "The email is made of markup without a word.";
        found.push(finding("no_words", Severity::Warning, "body", message, "Write its text."));
    }
    if email.body_html.len() > LARGE_HTML {
        let message = format!("The HTML has {} KB; Gmail cuts an email off at 102.", email.body_html.len() / 1024);
        let cure = "Take out what is not needed; text from a word processor carries much of it.";
        found.push(finding("large", Severity::Warning, "body", message, cure));
    }
}

fn links(email: &EmailText, page: &html::Page, found: &mut Vec<Finding>) {
    let in_text = if email.body_html.trim().is_empty() { html::addresses(&email.body_text) } else { Vec::new() };
    let all = page.links.iter().map(|link| link.href.as_str()).chain(in_text.iter().map(String::as_str));
    let all: Vec<&str> = all.filter(|href| !href.contains("unsubscribe_link")).collect();
    let insecure: Vec<&str> = all.iter().copied().filter(|href| starts(href, "http://")).collect();
    if let Some(first) = insecure.first() {
        let message = format!("{} without https: {first}", counted(insecure.len(), "link", "links"));
        let cure = "Write https://, unless the site has none: browsers warn before the others.";
        found.push(finding("insecure_link", Severity::Warning, "body", message, cure));
    }
    let is_whole = |href: &str| {
        ["http://", "https://", "mailto:", "tel:"].iter().any(|scheme| starts(href, scheme))
            || href.starts_with("{{")
            || href.starts_with("{%")
    };
    if page.links.iter().any(|link| link.href.trim().is_empty() || link.href.trim() == "#") {
        let message = "A link leads nowhere.";
        found.push(finding("empty_link", Severity::Warning, "body", message, "Give it its address, or take it out."));
    }
    if let Some(link) =
        page.links.iter().find(|link| !matches!(link.href.trim(), "" | "#") && !is_whole(link.href.trim()))
    {
        let message = format!("A link is not whole, so mail programs cannot open it: {}", link.href.trim());
        found.push(finding("broken_link", Severity::Warning, "body", message, "Begin it with https://."));
    }
    if page.links.iter().any(|link| link.words.trim().is_empty() && !link.has_image) {
        let message = "A link has no words, so nobody can see it.";
        found.push(finding("link_without_words", Severity::Warning, "body", message, "Write what it leads to."));
    }
    if all.len() > MANY_LINKS {
        let message = format!("{} links: emails with many look like advertising.", all.len());
        found.push(finding("many_links", Severity::Hint, "body", message, "Keep the one that matters."));
    }
}

fn images(page: &html::Page, found: &mut Vec<Finding>) {
    if page.images.iter().any(|image| image.alt.as_ref().is_none_or(|alt| alt.trim().is_empty())) {
        let message = "An image has no words for those who do not see it; many programs load none.";
        found.push(finding("no_alt", Severity::Warning, "body", message, "Say in its alt text what it shows."));
    }
    if page.images.iter().any(|image| starts(&image.src, "http://")) {
        let message = "An image comes without https, and many programs do not load it.";
        found.push(finding("insecure_image", Severity::Warning, "body", message, "Write https://."));
    }
    if !page.images.is_empty() && without_tags(&page.text).trim().chars().count() < LITTLE_TEXT {
        let message = "The email is little more than an image, which spam filters count against you.";
        found.push(finding("image_only", Severity::Warning, "body", message, "Say it in words, too."));
    }
}

fn unsubscribe(email: &EmailText, around: Around, found: &mut Vec<Finding>) {
    let by_tag = [&email.body_html, &email.body_text].iter().any(|text| text.contains("unsubscribe_link"));
    if around.has_unsubscribe && !around.has_address {
        let message = "The unsubscribe line has no postal address to stand beside.";
        let cure = "An admin adds the postal address of the workspace in the settings.";
        found.push(finding("no_postal_address", Severity::Refused, "unsubscribe", message, cure));
    } else if around.is_automated && !around.has_unsubscribe && !by_tag {
        let message =
            "There is no way to unsubscribe; many countries ask for one, and people then report spam instead.";
        let cure = "Turn on the unsubscribe line in the settings of the sequence.";
        found.push(finding("no_unsubscribe", Severity::Hint, "unsubscribe", message, cure));
    }
}

fn starts(text: &str, with: &str) -> bool {
    text.trim().get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with))
}

fn counted(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("One {one}") } else { format!("{n} {many}") }
}

/// The findings of every email of a plan, each with its step.
pub fn plan(plan: &Plan, has_address: bool) -> Vec<(StepId, Finding)> {
    let mut found = Vec::new();
    let mut is_follow_up = false;
    for step in &plan.steps {
        let Some(words) = step.action.email() else { continue };
        let around = Around {
            has_unsubscribe: plan.unsubscribe.enabled,
            has_address,
            is_automated: step.action.is_automated_email(),
            is_follow_up,
        };
        found.extend(email(words, around).into_iter().map(|finding| (step.id, finding)));
        is_follow_up = true;
    }
    found
}

/// *54 words, one question, no link*: what an email is made of; empty for one without words.
pub fn measure(email: &EmailText) -> String {
    let page = html::read(&email.body_html);
    let is_html = !email.body_html.trim().is_empty();
    let text = without_tags(if is_html { &page.text } else { &email.body_text });
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if words == 0 {
        return String::new();
    }
    let links = if is_html { page.links.len() } else { html::addresses(&email.body_text).len() };
    let number = |n: usize, one: &str, many: &str| match n {
        0 => format!("no {one}"),
        1 => format!("one {one}"),
        n => format!("{n} {many}"),
    };
    let (questions, links) =
        (number(text.matches('?').count(), "question", "questions"), number(links, "link", "links"));
    format!("{words} {}, {questions}, {links}.", if words == 1 { "word" } else { "words" })
}
