//! Makes the words of one email for one person, and its bytes.
//!
//! The plan's texts are read once per version and kept; values come from the person, the company, the sender and the
//! unsubscribe link. What has no value is reported, not sent. Building bytes is left to `relance_mail::compose`.

use crate::{Engine, Keys, Settings};
use relance_domain::{
    EnrollmentId, Refused, StepId, Timestamp, VersionId,
    attachment::Attachment,
    delivery::Delivery,
    mailbox::Mailbox,
    merge::{self, Compiled, Format, Sender, Values},
    person::Person,
    sequence::{Unsubscribe, Version},
    step::EmailText,
    user::User,
};
use relance_mail::compose::{self, Draft, ListUnsubscribe};
use relance_storage::sending::InThread;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

/// The words of one email, rendered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Subject.
    pub subject: String,
    /// HTML body; empty = text only.
    pub html: String,
    /// Text body.
    pub text: String,
    /// Tags without a value, each once.
    pub missing: Vec<String>,
}

/// The texts of one email step, read and judged.
#[derive(Debug)]
pub struct Texts {
    subject: Compiled,
    html: Option<Compiled>,
    text: Option<Compiled>,
    reply_in_thread: bool,
}

impl Texts {
    /// Reads the texts of a step.
    pub fn compile(email: &EmailText) -> Result<Self, Refused> {
        let optional = |text: &str, format| {
            if text.trim().is_empty() { Ok(None) } else { Compiled::compile(text, format).map(Some) }
        };
        Ok(Self {
            subject: Compiled::compile(&email.subject, Format::Subject)?,
            html: optional(&email.body_html, Format::Html)?,
            text: optional(&email.body_text, Format::Text)?,
            reply_in_thread: email.reply_in_thread,
        })
    }

    /// The words for one person; in a thread the subject answers the thread's first.
    pub fn render(&self, values: &Values, thread: &[InThread], footer: Option<&Footer>) -> Result<Words, Refused> {
        let mut words = Words::default();
        let mut note = |missing: Vec<String>| {
            for tag in missing {
                if !words.missing.contains(&tag) {
                    words.missing.push(tag);
                }
            }
        };
        let subject = match thread.first().filter(|_| self.reply_in_thread) {
            Some(first) => answer_subject(&first.subject),
            None => {
                let rendered = self.subject.render(values)?;
                note(rendered.missing);
                rendered.text
            }
        };
        let html = match &self.html {
            Some(html) => {
                let rendered = html.render(values)?;
                note(rendered.missing);
                // Values are escaped, but one can be the whole of a link: what leaves is cleaned as it leaves.
                compose::clean(&rendered.text)
            }
            None => String::new(),
        };
        let text = match &self.text {
            Some(text) => {
                let rendered = text.render(values)?;
                note(rendered.missing);
                rendered.text
            }
            None => compose::text_from_html(&html),
        };
        words.subject = subject;
        words.html = if html.is_empty() { html } else { format!("{html}{}", footer.map_or("", |footer| &footer.html)) };
        words.text = format!("{text}{}", footer.map_or("", |footer| &footer.text));
        Ok(words)
    }

    /// Whether the step answers in the thread of the email before it.
    pub const fn replies_in_thread(&self) -> bool {
        self.reply_in_thread
    }
}

/// `Re:` and the subject, without piling them up.
fn answer_subject(subject: &str) -> String {
    let bare = subject.trim();
    let rest = bare.get(..3).filter(|start| start.eq_ignore_ascii_case("re:")).map_or(bare, |_| bare[3..].trim_start());
    format!("Re: {rest}")
}

/// The unsubscribe line under an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    html: String,
    text: String,
}

impl Footer {
    /// The line in the sequence's language, with the postal address and the link; `None` when it is off.
    pub fn of(unsubscribe: &Unsubscribe, postal_address: &str, url: &str) -> Option<Self> {
        if !unsubscribe.enabled {
            return None;
        }
        let words = unsubscribe_words(&unsubscribe.locale);
        let address =
            postal_address.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ");
        let escaped = escape(&address);
        let separator = if address.is_empty() { "" } else { "<br>" };
        Some(Self {
            html: format!(
                "<p style=\"color:#6a6861;font-size:12px\">{escaped}{separator}<a href=\"{}\">{words}</a></p>",
                escape(url)
            ),
            text: format!("\n\n-- \n{address}{}{words}: {url}\n", if address.is_empty() { "" } else { "\n" }),
        })
    }
}

/// *Do not write to me again* in the language of `locale`, English if we have no words for it.
pub fn unsubscribe_words(locale: &str) -> &'static str {
    match locale.get(..2).unwrap_or("en") {
        "de" => "Bitte schreiben Sie mir nicht mehr",
        "fr" => "Ne plus m’écrire",
        "es" => "No quiero recibir más mensajes",
        "it" => "Non scrivetemi più",
        "nl" => "Schrijf mij niet meer",
        "pt" => "Não quero receber mais mensagens",
        _ => "Do not write to me again",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A version with its texts read.
#[derive(Debug)]
pub struct Prepared {
    /// The version.
    pub version: Version,
    texts: HashMap<StepId, Result<Texts, Refused>>,
    /// Every tag of a step in one text: nothing missing here, nothing missing there.
    probes: HashMap<StepId, Compiled>,
}

impl Prepared {
    /// Reads the texts of every email step.
    pub fn new(version: Version) -> Self {
        let texts = version
            .plan
            .steps
            .iter()
            .filter_map(|step| Some((step.id, Texts::compile(step.action.email()?))))
            .collect();
        let probe = |step: &relance_domain::step::Step| {
            let email = step.action.email()?;
            let mut tags: Vec<String> = [&email.subject, &email.body_html, &email.body_text]
                .into_iter()
                .flat_map(|text| merge::tags_in(text))
                .collect();
            tags.sort();
            tags.dedup();
            let text: String = tags.iter().map(|tag| format!("{{{{ {tag} }}}}")).collect();
            Some((step.id, Compiled::compile(&text, Format::Text).ok().filter(|_| !tags.is_empty())?))
        };
        let probes = version.plan.steps.iter().filter_map(probe).collect();
        Self { version, texts, probes }
    }

    /// Tags without a value in a step's email, which answers in a thread or begins one.
    pub fn missing(&self, step: StepId, values: &Values, thread: &[InThread]) -> Vec<String> {
        let Some(probe) = self.probes.get(&step) else { return Vec::new() };
        if probe.render(values).is_ok_and(|rendered| rendered.missing.is_empty()) {
            return Vec::new();
        }
        match self.texts.get(&step) {
            Some(Ok(texts)) => texts.render(values, thread, None).map(|words| words.missing).unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    /// The texts of a step; `Err` says why they cannot be read.
    pub fn texts(&self, step: StepId) -> Option<&Result<Texts, Refused>> {
        self.texts.get(&step)
    }
}

/// Versions that were read, kept because they never change.
#[derive(Default)]
pub struct PreparedVersions {
    kept: Mutex<HashMap<VersionId, Arc<Prepared>>>,
}

/// Most versions kept at once; more start anew.
const KEPT: usize = 500;

impl PreparedVersions {
    /// The version, if it was read before.
    pub fn get(&self, id: VersionId) -> Option<Arc<Prepared>> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&id).cloned()
    }

    /// Keeps a version.
    pub fn keep(&self, version: Version) -> Arc<Prepared> {
        let prepared = Arc::new(Prepared::new(version));
        let mut kept = self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(prepared.version.id, Arc::clone(&prepared));
        prepared
    }
}

/// Who writes to whom: what the merge tags stand for.
#[derive(Debug, Clone, Copy)]
pub struct Correspondence<'a> {
    /// To whom.
    pub person: &'a Person,
    /// Where the person works.
    pub company: Option<&'a Person>,
    /// From which mailbox.
    pub mailbox: &'a Mailbox,
    /// On whose behalf.
    pub actor: Option<&'a User>,
}

impl<'a> Correspondence<'a> {
    /// The values of the merge tags.
    pub fn values(&self, unsubscribe_url: &'a str) -> Values<'a> {
        Values {
            person: self.person,
            company: self.company,
            sender: Sender {
                name: &self.mailbox.from_name,
                email: &self.mailbox.address,
                phone: self.actor.map_or("", |actor| &actor.phone),
                signature_html: &self.mailbox.signature_html,
            },
            unsubscribe_url: Some(unsubscribe_url),
        }
    }
}

/// The page on which a person unsubscribes.
pub fn unsubscribe_url(settings: &Settings, keys: &Keys, enrollment: EnrollmentId) -> String {
    format!("{}/unsubscribe/{}", settings.base_url, keys.unsubscribe_token(enrollment))
}

/// An attachment as the email names it.
pub(crate) fn part_of(file: &Attachment) -> compose::Attachment {
    compose::Attachment { name: file.name.clone(), mime: file.mime_type.clone(), hash: file.hash.0 }
}

impl Engine {
    /// The Message-ID of one generation of one step.
    pub fn message_id(&self, enrollment: EnrollmentId, step: StepId, generation: u32, mailbox: &Mailbox) -> String {
        compose::message_id(
            &self.keys.message_ids(),
            enrollment.uuid().as_bytes(),
            step.uuid().as_bytes(),
            generation,
            &mailbox.domain(),
        )
    }

    /// The bytes of a delivery, dated `now`.
    pub fn compose(
        &self,
        delivery: &Delivery,
        to_name: &str,
        mailbox: &Mailbox,
        unsubscribe: &Unsubscribe,
        now: Timestamp,
    ) -> Result<Vec<u8>, compose::Refused> {
        let list_unsubscribe = unsubscribe.enabled.then(|| ListUnsubscribe {
            mailto: Some(format!("mailto:{}?subject=unsubscribe", mailbox.address)),
            url: self.settings.is_https().then(|| unsubscribe_url(&self.settings, &self.keys, delivery.enrollment_id)),
        });
        compose::compose(&Draft {
            from_name: mailbox.from_name.clone(),
            from: mailbox.address.clone(),
            to_name: to_name.to_owned(),
            to: delivery.recipient.clone(),
            subject: delivery.subject.clone(),
            html: (!delivery.html.is_empty()).then(|| delivery.html.clone()),
            text: delivery.text.clone(),
            date: now.ms(),
            message_id: delivery.message_id.clone(),
            in_reply_to: delivery.in_reply_to.clone(),
            references: delivery.references.clone(),
            list_unsubscribe,
            attachments: delivery.attachments.iter().map(part_of).collect(),
            headers: Vec::new(),
        })
    }
}
