//! The live preview of an email beside its editor: as one person would get it, with missing tags in red.
//!
//! Whoever the visitor sees can be found for it by name, address or organisation: while one types, or without scripts by
//! a button that sends the form. The HTML stands in the page, so it is sanitised: no scripts, no styles, no remote frames.

use ammonia::Builder;
use askama::Template;
use axum::extract::State;
use axum::response::Response;
use relance_domain::PersonId;
use relance_domain::enrollment::tag_words;
use relance_domain::person::Person;
use relance_engine::EngineError;
use relance_engine::commands::preview::Words;
use relance_storage::{people, people_lists};
use serde::Deserialize;

use super::attachments::{self, FileRow};
use super::form::Typed;
use crate::app::App;
use crate::errors::Result;
use crate::extract::Query;
use crate::frame::Frame;
use crate::session::Visitor;
use crate::{answer, urls};

/// People a search finds.
const FOUND: usize = 8;

/// What is to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Draft<'a> {
    /// Subject with tags.
    pub subject: &'a str,
    /// HTML with tags; empty for plain text.
    pub html: &'a str,
    /// Text with tags.
    pub text: &'a str,
}

/// As whom it is to be shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// Their id; empty for whoever comes first.
    pub person: &'a str,
    /// Words to find someone else by.
    pub words: &'a str,
}

impl<'a> Wanted<'a> {
    /// As a form says it.
    pub fn of(typed: &'a Typed) -> Self {
        // Who was taken from the list comes after who was chosen before: nobody is looked for any more.
        let is_taken = typed.all("as").len() > 1;
        Self { person: typed.get("as"), words: if is_taken { "" } else { typed.get("as_q").trim() } }
    }
}

/// Somebody a search found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// Where they work and their address.
    pub meta: String,
}

impl Found {
    fn of(person: &Person) -> Self {
        let known = [&person.fields.organization_name, &person.fields.email];
        let name = person.name();
        let meta: Vec<&str> =
            known.into_iter().map(String::as_str).filter(|text| !text.is_empty() && *text != name).collect();
        Self { id: person.id.to_string(), meta: meta.join(", "), name }
    }
}

/// What the preview shows.
#[derive(Clone, Debug, Default)]
pub struct Preview {
    /// What stands in the field of the search: words that were looked for, else the name of the chosen.
    pub search: String,
    /// Who was found; a search that found nobody says so.
    pub found: Option<Vec<Found>>,
    /// Who is chosen.
    pub person: String,
    /// Their name.
    pub to: String,
    /// Who writes.
    pub from: String,
    /// The subject as HTML, with missing tags marked.
    pub subject: String,
    /// Sanitised HTML; empty for plain text.
    pub html: String,
    /// Plain text as HTML, with missing tags marked.
    pub text: String,
    /// Files that go with it.
    pub files: Vec<FileRow>,
    /// Fields without a value: words and where to fill them in.
    pub missing: Vec<(String, String)>,
    /// Why it cannot be shown.
    pub refused: String,
}

/// A picture is not loaded here; the words that stand for it are shown in its place.
fn with_pictures_named(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, after)) = rest.split_once("<img ") {
        let Some((picture, after)) = after.split_once('>') else { break };
        let words =
            picture.split_once("alt=\"").and_then(|(_, words)| words.split_once('"')).map_or("", |(words, _)| words);
        out.push_str(before);
        out.push_str(&format!("<code>Picture{}{words}</code>", if words.is_empty() { "" } else { ": " }));
        rest = after;
    }
    out.push_str(rest);
    out
}

/// HTML that may stand in a page.
pub fn clean(html: &str) -> String {
    let mut builder = Builder::default();
    builder.add_tags(["mark"]).add_allowed_classes("mark", ["missing"]).rm_tags(["img"]);
    builder.set_tag_attribute_value("a", "target", "_blank");
    builder.clean(&with_pictures_named(html)).to_string()
}

/// Text as HTML; a missing field, which stands in brackets, is marked.
fn marked(text: &str, missing: &[(String, String)]) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut html = escaped(text);
    for (words, _) in missing {
        let words = escaped(words);
        html = html.replace(&format!("[{words}]"), &format!("<mark class=\"missing\">{words}</mark>"));
    }
    html
}

/// The draft as the one who is wanted would get it from the visitor; the first person of the workspace if nobody is.
pub async fn read(app: &App, visitor: &Visitor, wanted: Wanted<'_>, draft: Draft<'_>) -> Result<Preview> {
    let (found, person) = choose(app, visitor, wanted).await?;
    let mailbox = visitor.mailboxes.first();
    let name = person.as_ref().map(Person::name).unwrap_or_default();
    let mut preview = Preview {
        search: if found.is_some() { wanted.words.to_owned() } else { name },
        found: found.map(|found| found.iter().map(Found::of).collect()),
        from: mailbox.map_or_else(|| visitor.user.name.clone(), |mailbox| mailbox.from_name.clone()),
        ..Preview::default()
    };
    let Some(person) = person else { return Ok(preview) };
    preview.person = person.id.to_string();
    preview.to = person.name();
    match app.engine.preview_words(&visitor.actor, draft.subject, draft.html, draft.text, person.id).await {
        Ok(words) => {
            let field = |tag: &String| (tag_words(std::slice::from_ref(tag)), urls::edit_tag(person.id, tag));
            preview.missing = words.missing_tags.iter().map(field).collect();
            preview.subject = marked(&words.subject, &preview.missing);
            preview.html = clean(&words.html);
            preview.text = marked(&words.text, &preview.missing);
        }
        Err(error @ EngineError::Refused(_)) => preview.refused = error.to_string(),
        Err(error) => return Err(error.into()),
    }
    Ok(preview)
}

/// Words that were made for one person, as a preview shows them.
pub fn shown(words: &Words, person: PersonId, name: &str, from: &str) -> Preview {
    let field = |tag: &String| (tag_words(std::slice::from_ref(tag)), urls::edit_tag(person, tag));
    let missing: Vec<(String, String)> = words.missing_tags.iter().map(field).collect();
    Preview {
        person: person.to_string(),
        to: name.to_owned(),
        from: from.to_owned(),
        subject: marked(&words.subject, &missing),
        html: clean(&words.html),
        text: marked(&words.text, &missing),
        files: attachments::rows(&words.attachments, ""),
        missing,
        ..Preview::default()
    }
}

/// Who was found by the words, if they name nobody in particular, and as whom the preview is shown.
async fn choose(app: &App, visitor: &Visitor, wanted: Wanted<'_>) -> Result<(Option<Vec<Person>>, Option<Person>)> {
    let mut tx = app.read().await?;
    let chosen = match wanted.person.parse::<PersonId>() {
        Ok(id) => people::find(&mut tx, id).await?.filter(|person| visitor.sees(person)),
        Err(_) => None,
    };
    let seen = visitor.sight.owners();
    if wanted.words.is_empty() || chosen.as_ref().is_some_and(|person| person.name() == wanted.words) {
        let first = match chosen {
            Some(person) => Some(person),
            None => people_lists::suggest(&mut tx, "", None, seen, 1).await?.pop(),
        };
        return Ok((None, first));
    }
    let found = people_lists::suggest(&mut tx, wanted.words, None, seen, FOUND).await?;
    match found.as_slice() {
        [one] => Ok((None, Some(one.clone()))),
        _ => {
            let person = chosen.or_else(|| found.first().cloned());
            Ok((Some(found), person))
        }
    }
}

/// Words to find people by.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    q: String,
}

#[derive(Template)]
#[template(path = "preview/people.html")]
struct People {
    frame: Frame,
    q: String,
    found: Vec<Found>,
}

/// Whom the visitor may preview an email as, for a field that asks while one types.
pub async fn people(State(app): State<App>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Response> {
    let seen = visitor.sight.owners();
    let found = people_lists::suggest(&mut app.read().await?, asked.q.trim(), None, seen, FOUND).await?;
    answer::page(&People {
        frame: visitor.frame("templates"),
        q: asked.q,
        found: found.iter().map(Found::of).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_plain_text_a_missing_field_is_marked_and_nothing_is_read_as_html() {
        let missing = [("industry".to_owned(), String::new())];
        let html = marked("You & [industry] <b>", &missing);
        assert!(html.contains("<mark class=\"missing\">industry</mark>") && !html.contains("<b>"), "{html}");
    }

    #[test]
    fn what_runs_or_loads_is_taken_out_and_missing_tags_stay_marked() {
        let html = r#"<p onclick="x()" style="color:red">Hi <mark class="missing evil">industry</mark><script>x()</script><img src="http://x.example/a.gif"></p>"#;
        assert_eq!(clean(html), r#"<p>Hi <mark class="missing">industry</mark><code>Picture</code></p>"#);
        let named = clean(r#"<img src="https://x.example/a.gif" alt="Our &lt;logo&gt;" onload="x()">"#);
        assert_eq!(named, "<code>Picture: Our &lt;logo&gt;</code>");
    }
}
