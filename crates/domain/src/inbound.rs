//! What an inbound message is, whom it belongs to, and what follows from it.
//!
//! The mail crate judges a message and fills a [`Judgement`] with its evidence; storage finds the persons
//! its ids and sender point to; the rules here say how sure that is ([`belongs`]) and what happens to the
//! person's enrollments ([`effect`]). Nothing here reads mail or stores anything, and nothing can fail:
//! what is not certain becomes [`Effect::HoldForReview`] or [`Effect::Tray`], never a guess.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// Mail from a person this long after our last email, outside the thread, is held for review.
pub const LONG_AFTER_MS: i64 = 90 * 24 * 3_600_000;

/// What a message is. Made once when it is read; stored with the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// A person wrote it.
    Reply {
        /// What the person wrote now: without quotation and signature.
        visible_text: String,
        /// The folded rest: quotation and signature; empty when there is none.
        quoted_text: String,
    },
    /// A machine answered in the person's name (out of office, acknowledgement).
    AutoReply {
        /// The first day the person is back, when the text says so.
        return_date: Option<Date>,
        /// The sentence that gave the date.
        sentence: Option<String>,
    },
    /// A server reports on the delivery of our email.
    Bounce(Bounce),
    /// The recipient or their provider calls our email spam (ARF, RFC 5965).
    Complaint {
        /// `abuse`, `fraud`, `not-spam` ... as the report says.
        feedback_type: String,
        /// The address that complained, when the report says so.
        recipient: Option<String>,
        /// The Message-ID of the email complained of, without angle brackets.
        original_message_id: Option<String>,
    },
    /// The person asks for no more mail.
    UnsubscribeRequest,
    /// From one of our own addresses: never a reply.
    Own,
    /// Neither an answer nor a failure: a read receipt, a challenge, a calendar notice.
    Other {
        /// Which one, in words: `read receipt`.
        what: String,
    },
    /// A machine or a person, the message does not tell.
    Doubtful {
        /// Why it is not certain, in words.
        why: String,
    },
    /// Past a limit or broken beyond reading.
    Unreadable {
        /// What was wrong with it, in words.
        why: String,
    },
}

/// The content of a delivery report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// How final it is.
    pub hardness: Hardness,
    /// The enhanced status code (RFC 3463), such as `5.1.1`.
    pub status: Option<String>,
    /// The words of the server that refused it.
    pub diagnostic: Option<String>,
    /// The addresses that failed, in lower case.
    pub recipients: Vec<String>,
    /// The Message-ID of the email that failed, without angle brackets.
    pub original_message_id: Option<String>,
}

/// How final a delivery report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hardness {
    /// The address does not exist or takes no mail at all: no later try helps.
    Hard,
    /// This email did not arrive; the address may be good.
    Soft,
    /// Still being tried: not a failure.
    Delayed,
    /// A notice that it arrived.
    Delivered,
}

/// A rule of judgement that held, and what it held on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The rule.
    pub rule: Rule,
    /// What it saw: a header line, a phrase, a date.
    pub value: String,
}

/// The rules of judgement. Stored by name, shown in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// `multipart/report; report-type=delivery-status` or a delivery-status part.
    DeliveryReport,
    /// A header only failure notices carry, such as `X-Failed-Recipients`.
    FailureHeader,
    /// The sender is a mail system.
    SystemSender,
    /// The empty return path of automatic mail.
    EmptyReturnPath,
    /// The subject of a failure notice.
    FailureSubject,
    /// The words of a failure notice in the body.
    FailureText,
    /// An enhanced status code or an SMTP reply.
    StatusCode,
    /// The words of the diagnostic that decide between hard and soft.
    DiagnosticText,
    /// `Action: delayed`, or words that say that delivery is still being tried.
    StillTrying,
    /// An abuse feedback report.
    FeedbackReport,
    /// `Auto-Submitted` other than `no`.
    AutoSubmitted,
    /// Another header that only machines write.
    AutoHeader,
    /// The subject of an automatic answer.
    AutoSubject,
    /// The words of an automatic answer in the body.
    AutoText,
    /// The sentence with the return date.
    ReturnDate,
    /// A wish for no more mail.
    UnsubscribeWords,
    /// A message disposition notification (RFC 8098).
    ReadReceipt,
    /// A challenge that wants the sender to prove to be human.
    Challenge,
    /// A calendar answer.
    CalendarNotice,
    /// A list or bulk mailing.
    BulkMail,
    /// The sender is one of our own addresses.
    OwnAddress,
    /// Nothing automatic was found.
    NothingAutomatic,
    /// A limit that was passed.
    Limit,
}

impl Evidence {
    /// One piece of evidence.
    pub fn new(rule: Rule, value: impl Into<String>) -> Evidence {
        Evidence { rule, value: value.into() }
    }

    /// The evidence as a sentence for people.
    pub fn sentence(&self) -> String {
        let words = match self.rule {
            Rule::DeliveryReport => "It is a delivery report of a mail server",
            Rule::FailureHeader => "It carries a header of failure notices",
            Rule::SystemSender => "It was sent by a mail system",
            Rule::EmptyReturnPath => "It has no return address, as only automatic mail has",
            Rule::FailureSubject => "Its subject is that of a failure notice",
            Rule::FailureText => "It says that an email could not be delivered",
            Rule::StatusCode => "The server gave this code",
            Rule::DiagnosticText => "The server said",
            Rule::StillTrying => "It says that delivery is still being tried",
            Rule::FeedbackReport => "It is a complaint report of a mail provider",
            Rule::AutoSubmitted => "It says that it was sent automatically",
            Rule::AutoHeader => "It carries a header of automatic mail",
            Rule::AutoSubject => "Its subject is that of an automatic answer",
            Rule::AutoText => "It has the words of an automatic answer",
            Rule::ReturnDate => "The return date comes from this sentence",
            Rule::UnsubscribeWords => "It asks for no more mail",
            Rule::ReadReceipt => "It is a read receipt",
            Rule::Challenge => "It asks the sender to prove to be human",
            Rule::CalendarNotice => "It is an answer of a calendar",
            Rule::BulkMail => "It went to many people",
            Rule::OwnAddress => "It comes from one of your own addresses",
            Rule::NothingAutomatic => "Nothing in it points to a machine",
            Rule::Limit => "It could not be read",
        };
        if self.value.is_empty() { format!("{words}.") } else { format!("{words}: {}", self.value) }
    }
}

/// What a message is, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What it is.
    pub kind: Kind,
    /// The rules that held, most telling first.
    pub evidence: Vec<Evidence>,
}

impl Kind {
    /// The stored and public name of the kind.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Reply { .. } => "reply",
            Kind::AutoReply { .. } => "auto_reply",
            Kind::Bounce(_) => "bounce",
            Kind::Complaint { .. } => "complaint",
            Kind::UnsubscribeRequest => "unsubscribe_request",
            Kind::Own => "own",
            Kind::Other { .. } => "other",
            Kind::Doubtful { .. } => "doubtful",
            Kind::Unreadable { .. } => "unreadable",
        }
    }

    /// True for what a person may have written: a reply, a wish to unsubscribe, or a doubtful one.
    pub fn may_be_human(&self) -> bool {
        matches!(self, Kind::Reply { .. } | Kind::UnsubscribeRequest | Kind::Doubtful { .. } | Kind::Unreadable { .. })
    }
}

/// How a message was matched to a person, surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Match {
    /// It refers to one of our emails, and comes from the person (or is a report about that email).
    Thread,
    /// It comes from an address of the person, outside the thread.
    Sender,
    /// It refers to one of our emails, and comes from someone else at the same company.
    ColleagueInThread,
    /// It refers to one of our emails, but comes from an address nobody knows.
    ThreadFromElsewhere,
    /// Nothing connects it with anyone.
    None,
}

/// The person a message may belong to, as far as matching needs it.
#[derive(Clone, Copy, Debug)]
pub struct Correspondent<'a> {
    /// The full name, when known.
    pub name: Option<&'a str>,
    /// `email` and `other_emails`.
    pub addresses: &'a [String],
}

/// How a message belongs to `person`, when it refers to our email to them (`in_thread`) or not.
///
/// Reports and automatic answers come from machines: for those any sender in the thread is right.
pub fn belongs(
    kind: &Kind,
    in_thread: bool,
    sender: &str,
    sender_name: Option<&str>,
    person: Correspondent<'_>,
) -> Match {
    let theirs = person.addresses.iter().any(|address| same_address(address, sender));
    match (in_thread, theirs) {
        (true, true) => Match::Thread,
        (false, true) => Match::Sender,
        (false, false) => match kind {
            Kind::Bounce(bounce) if concerns(&bounce.recipients, person) => Match::Sender,
            Kind::Complaint { recipient: Some(recipient), .. }
                if concerns(std::slice::from_ref(recipient), person) =>
            {
                Match::Sender
            }
            _ => Match::None,
        },
        (true, false) => match kind {
            Kind::Bounce(_) | Kind::Complaint { .. } | Kind::Other { .. } => Match::Thread,
            _ if same_name(person.name, sender_name) => Match::Thread,
            _ if person.addresses.iter().any(|address| same_company(address, sender)) => Match::ColleagueInThread,
            _ => Match::ThreadFromElsewhere,
        },
    }
}

fn concerns(recipients: &[String], person: Correspondent<'_>) -> bool {
    recipients.iter().any(|r| person.addresses.iter().any(|a| same_address(a, r)))
}

fn same_name(known: Option<&str>, seen: Option<&str>) -> bool {
    let words = |name: &str| {
        let mut words: Vec<String> = name
            .to_lowercase()
            .split(|c: char| !c.is_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort();
        words
    };
    match (known.map(words), seen.map(words)) {
        (Some(known), Some(seen)) => known.len() > 1 && known == seen,
        _ => false,
    }
}

/// What the exit rules of a sequence say about inbound mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InboundRules {
    /// After a hard bounce.
    pub on_bounce: OnBounce,
    /// After a reply of a colleague.
    pub on_colleague_reply: OnColleagueReply,
    /// Business days to pause after an automatic answer without a date.
    pub auto_reply_days: u32,
}

impl Default for InboundRules {
    fn default() -> Self {
        InboundRules { on_bounce: OnBounce::Block, on_colleague_reply: OnColleagueReply::Hold, auto_reply_days: 5 }
    }
}

/// What a hard bounce does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBounce {
    /// The enrollment waits for another address.
    #[default]
    Block,
    /// The enrollment ends.
    Finish,
}

/// What a colleague's reply in our thread does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnColleagueReply {
    /// Nothing.
    Continue,
    /// The person is held until someone decides.
    #[default]
    Hold,
    /// As if the person had replied.
    Stop,
}

/// When we wrote to the person, beside when the message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// When the message arrived.
    pub received_at: Timestamp,
    /// Our first email to the person in an enrollment that counts, if any left.
    pub first_sent_at: Option<Timestamp>,
    /// Our last one.
    pub last_sent_at: Option<Timestamp>,
    /// Whether the person has an unfinished enrollment.
    pub unfinished: bool,
}

/// What a message does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Every unfinished enrollment of the person ends as `replied`.
    EndAll,
    /// The person's enrollments pause until that day.
    PauseUntil {
        /// The first day the person is back.
        date: Date,
    },
    /// The person's enrollments pause for that many business days.
    PauseForBusinessDays {
        /// How many.
        days: u32,
    },
    /// The enrollment of the email is blocked as `bounced`; the address is marked.
    BlockBounced,
    /// The enrollment of the email ends as `bounced`; the address is marked.
    FinishBounced,
    /// The address is suppressed; every unfinished enrollment ends as `unsubscribed`.
    Unsubscribe,
    /// The address is suppressed; every unfinished enrollment ends as `complained`.
    Complain,
    /// The message goes to the review tray and the person is held until someone decides.
    HoldForReview {
        /// Why, in words.
        why: String,
    },
    /// The message goes to the review tray; nobody can be held, for it points to nobody.
    Tray {
        /// Why, in words.
        why: String,
    },
    /// Recorded and shown, and nothing else.
    RecordOnly,
    /// Not ours: only its position is kept.
    Ignore,
}

/// What follows from a message, for the person it was matched to.
pub fn effect(kind: &Kind, matched: Match, rules: &InboundRules, timing: &Timing) -> Effect {
    if matched == Match::None {
        return match kind {
            Kind::Unreadable { why } => Effect::Tray { why: why.clone() },
            _ => Effect::Ignore,
        };
    }
    match kind {
        Kind::Own => Effect::Ignore,
        Kind::Other { .. } => Effect::RecordOnly,
        Kind::Bounce(bounce) => match (bounce.hardness, rules.on_bounce) {
            (Hardness::Hard, OnBounce::Block) => Effect::BlockBounced,
            (Hardness::Hard, OnBounce::Finish) => Effect::FinishBounced,
            (Hardness::Soft | Hardness::Delayed | Hardness::Delivered, _) => Effect::RecordOnly,
        },
        Kind::Complaint { feedback_type, .. } if feedback_type == "not-spam" => Effect::RecordOnly,
        Kind::Complaint { .. } => Effect::Complain,
        Kind::UnsubscribeRequest => match matched {
            Match::Thread | Match::Sender => Effect::Unsubscribe,
            _ => hold(timing, "Someone else asks for no more mail."),
        },
        Kind::AutoReply { .. } | Kind::Reply { .. } | Kind::Doubtful { .. } | Kind::Unreadable { .. } => {
            effect_of_answer(kind, matched, rules, timing)
        }
    }
}

fn effect_of_answer(kind: &Kind, matched: Match, rules: &InboundRules, timing: &Timing) -> Effect {
    if !timing.unfinished {
        return Effect::RecordOnly;
    }
    if matched == Match::ColleagueInThread {
        return match (kind, rules.on_colleague_reply) {
            (Kind::AutoReply { .. }, _) | (_, OnColleagueReply::Continue) => Effect::RecordOnly,
            (Kind::Reply { .. }, OnColleagueReply::Stop) => Effect::EndAll,
            _ => hold(timing, "A colleague of the person answered."),
        };
    }
    match kind {
        Kind::Doubtful { why } | Kind::Unreadable { why } => hold(timing, why),
        Kind::AutoReply { return_date: Some(date), .. } => Effect::PauseUntil { date: *date },
        Kind::AutoReply { return_date: None, .. } => Effect::PauseForBusinessDays { days: rules.auto_reply_days },
        _ if matched == Match::ThreadFromElsewhere => {
            hold(timing, "The answer comes from an address that is not known for this person.")
        }
        _ if matched == Match::Sender => fresh_mail(timing),
        _ => Effect::EndAll,
    }
}

/// A fresh mail from an enrolled person counts as a reply, but not before our first email or long after the last.
fn fresh_mail(timing: &Timing) -> Effect {
    let received = timing.received_at.ms();
    match (timing.first_sent_at, timing.last_sent_at) {
        (Some(first), _) if received < first.ms() => hold(timing, "It came before your first email."),
        (None, _) => hold(timing, "It came before your first email."),
        (_, Some(last)) if received - last.ms() > LONG_AFTER_MS => {
            hold(timing, "It came more than 90 days after your last email.")
        }
        _ => Effect::EndAll,
    }
}

fn hold(timing: &Timing, why: &str) -> Effect {
    if timing.unfinished { Effect::HoldForReview { why: why.to_owned() } } else { Effect::RecordOnly }
}

/// True when both are the same mailbox: case and a `+tag` do not count.
pub fn same_address(a: &str, b: &str) -> bool {
    let plain = |address: &str| {
        let address = address.trim().to_lowercase();
        match address.rsplit_once('@') {
            Some((local, domain)) => {
                let local = local.split_once('+').map_or(local, |(before, _)| if before.is_empty() { local } else { before });
                format!("{local}@{}", domain.trim_end_matches('.'))
            }
            None => address,
        }
    };
    let (a, b) = (plain(a), plain(b));
    !a.is_empty() && a == b
}

/// True when both addresses belong to one company: same registrable domain, and not a free-mail provider's.
pub fn same_company(a: &str, b: &str) -> bool {
    match (company_domain(a), company_domain(b)) {
        (Some(a), Some(b)) => a == b,
        _ => false,
    }
}

/// The registrable domain of an address (`ada@mail.acme.co.uk` gives `acme.co.uk`); none for free-mail providers.
pub fn company_domain(address: &str) -> Option<String> {
    let (_, domain) = address.trim().rsplit_once('@')?;
    let domain = domain.trim_end_matches('.').to_lowercase();
    if is_free_mail(&domain) {
        return None;
    }
    let registrable = psl::domain_str(&domain)?.to_owned();
    if is_free_mail(&registrable) { None } else { Some(registrable) }
}

/// True for the domain of a provider where strangers share one domain.
pub fn is_free_mail(domain: &str) -> bool {
    let domain = domain.to_lowercase();
    FREE_MAIL.binary_search(&domain.as_str()).is_ok() || FREE_MAIL_FAMILIES.iter().any(|f| is_family(&domain, f))
}

/// `yahoo` covers `yahoo.com`, `yahoo.co.jp`, `yahoo.com.br`, but not `yahoo.acme.com`.
fn is_family(domain: &str, family: &str) -> bool {
    domain.strip_prefix(family).and_then(|rest| rest.strip_prefix('.')).is_some_and(|suffix| {
        suffix.split('.').all(|label| label.len() <= 3) && psl::suffix_str(domain) == Some(suffix)
    })
}

const FREE_MAIL_FAMILIES: &[&str] =
    &["aol", "gmx", "hotmail", "laposte", "live", "msn", "outlook", "yahoo", "yandex", "ymail", "zoho"];

/// Sorted, for the binary search.
const FREE_MAIL: &[&str] = &[
    "10minutemail.com", "126.com", "139.com", "163.com", "189.cn", "21cn.com", "alice.it", "aliyun.com", "arcor.de",
    "att.net", "bell.net", "bellsouth.net", "bigpond.com", "bk.ru", "blueyonder.co.uk", "bluewin.ch", "bol.com.br",
    "btinternet.com", "charter.net", "chello.at", "comcast.net", "cox.net", "daum.net", "docomo.ne.jp",
    "duck.com", "earthlink.net", "email.com", "email.de", "ezweb.ne.jp", "fastmail.com", "fastmail.fm", "free.fr",
    "freenet.de", "gmail.com", "googlemail.com", "hanmail.net", "hey.com", "home.nl", "hushmail.com", "icloud.com",
    "ig.com.br", "inbox.lv", "inbox.ru", "interia.pl", "kakao.com", "kolumbus.fi", "libero.it", "list.ru", "mac.com",
    "mail.com", "mail.de", "mail.ru", "mailbox.org", "me.com", "nate.com", "naver.com", "neuf.fr", "ntlworld.com",
    "o2.pl", "online.de", "online.no", "onet.pl", "optonline.net", "optusnet.com.au", "orange.fr", "pm.me",
    "posteo.de", "proton.me", "protonmail.ch", "protonmail.com", "qq.com", "rambler.ru", "rediffmail.com",
    "rocketmail.com", "rogers.com", "sapo.pt", "sbcglobal.net", "seznam.cz", "sfr.fr", "shaw.ca", "sina.cn",
    "sina.com", "skynet.be", "sky.com", "softbank.ne.jp", "sohu.com", "spamarrest.com", "sympatico.ca", "t-online.de",
    "talktalk.net", "telenet.be", "telia.com", "terra.com.br", "tin.it", "tiscali.it", "tuta.com", "tutanota.com",
    "tutanota.de", "uol.com.br", "verizon.net", "virgilio.it", "virginmedia.com", "wanadoo.fr", "web.de",
    "wp.pl", "xs4all.nl", "xtra.co.nz", "ya.ru", "ziggo.nl",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn reply() -> Kind {
        Kind::Reply { visible_text: "Yes".into(), quoted_text: String::new() }
    }

    fn auto(return_date: Option<Date>) -> Kind {
        Kind::AutoReply { return_date, sentence: None }
    }

    fn bounce(hardness: Hardness) -> Kind {
        Kind::Bounce(Bounce {
            hardness,
            status: None,
            diagnostic: None,
            recipients: vec!["ada@acme.com".into()],
            original_message_id: None,
        })
    }

    fn doubtful() -> Kind {
        Kind::Doubtful { why: "It may be automatic.".into() }
    }

    fn complaint(feedback_type: &str) -> Kind {
        Kind::Complaint {
            feedback_type: feedback_type.into(),
            recipient: Some("Ada@acme.com".into()),
            original_message_id: None,
        }
    }

    fn timing() -> Timing {
        Timing {
            received_at: Timestamp::from_ms(2_000),
            first_sent_at: Some(Timestamp::from_ms(1_000)),
            last_sent_at: Some(Timestamp::from_ms(1_500)),
            unfinished: true,
        }
    }

    fn held(effect: &Effect) -> bool {
        matches!(effect, Effect::HoldForReview { .. })
    }

    #[test]
    fn the_effect_table() {
        let rules = InboundRules::default();
        let date = jiff::civil::date(2026, 11, 30);
        let cases = [
            (reply(), Match::Thread, Effect::EndAll),
            (reply(), Match::Sender, Effect::EndAll),
            (reply(), Match::None, Effect::Ignore),
            (auto(Some(date)), Match::Thread, Effect::PauseUntil { date }),
            (auto(Some(date)), Match::Sender, Effect::PauseUntil { date }),
            (auto(None), Match::Thread, Effect::PauseForBusinessDays { days: 5 }),
            (auto(None), Match::ThreadFromElsewhere, Effect::PauseForBusinessDays { days: 5 }),
            (auto(None), Match::ColleagueInThread, Effect::RecordOnly),
            (bounce(Hardness::Hard), Match::Thread, Effect::BlockBounced),
            (bounce(Hardness::Hard), Match::Sender, Effect::BlockBounced),
            (bounce(Hardness::Hard), Match::None, Effect::Ignore),
            (bounce(Hardness::Soft), Match::Thread, Effect::RecordOnly),
            (bounce(Hardness::Delayed), Match::Thread, Effect::RecordOnly),
            (bounce(Hardness::Delivered), Match::Thread, Effect::RecordOnly),
            (complaint("abuse"), Match::Thread, Effect::Complain),
            (complaint("not-spam"), Match::Thread, Effect::RecordOnly),
            (Kind::UnsubscribeRequest, Match::Thread, Effect::Unsubscribe),
            (Kind::UnsubscribeRequest, Match::Sender, Effect::Unsubscribe),
            (Kind::Own, Match::Thread, Effect::Ignore),
            (Kind::Other { what: "read receipt".into() }, Match::Thread, Effect::RecordOnly),
            (Kind::Unreadable { why: "too long".into() }, Match::None, Effect::Tray { why: "too long".into() }),
        ];
        for (kind, matched, expected) in cases {
            assert_eq!(effect(&kind, matched, &rules, &timing()), expected, "{kind:?} {matched:?}");
        }
    }

    #[test]
    fn what_is_not_certain_is_held() {
        let rules = InboundRules::default();
        for (kind, matched) in [
            (doubtful(), Match::Thread),
            (doubtful(), Match::Sender),
            (doubtful(), Match::ColleagueInThread),
            (Kind::Unreadable { why: "too long".into() }, Match::Sender),
            (reply(), Match::ColleagueInThread),
            (reply(), Match::ThreadFromElsewhere),
            (Kind::UnsubscribeRequest, Match::ColleagueInThread),
        ] {
            assert!(held(&effect(&kind, matched, &rules, &timing())), "{kind:?} {matched:?}");
        }
    }

    #[test]
    fn the_exit_rules_choose_for_bounces_and_colleagues() {
        let finish = InboundRules { on_bounce: OnBounce::Finish, ..InboundRules::default() };
        assert_eq!(effect(&bounce(Hardness::Hard), Match::Thread, &finish, &timing()), Effect::FinishBounced);
        let go_on = InboundRules { on_colleague_reply: OnColleagueReply::Continue, ..InboundRules::default() };
        assert_eq!(effect(&reply(), Match::ColleagueInThread, &go_on, &timing()), Effect::RecordOnly);
        let stop = InboundRules { on_colleague_reply: OnColleagueReply::Stop, ..InboundRules::default() };
        assert_eq!(effect(&reply(), Match::ColleagueInThread, &stop, &timing()), Effect::EndAll);
        assert!(held(&effect(&doubtful(), Match::ColleagueInThread, &stop, &timing())));
    }

    #[test]
    fn fresh_mail_before_the_first_or_long_after_the_last_email_is_held() {
        let rules = InboundRules::default();
        let never = Timing { first_sent_at: None, last_sent_at: None, ..timing() };
        assert!(held(&effect(&reply(), Match::Sender, &rules, &never)));
        let before = Timing { received_at: Timestamp::from_ms(999), ..timing() };
        assert!(held(&effect(&reply(), Match::Sender, &rules, &before)));
        let late = Timing { received_at: Timestamp::from_ms(1_500 + LONG_AFTER_MS + 1), ..timing() };
        assert!(held(&effect(&reply(), Match::Sender, &rules, &late)));
        let just = Timing { received_at: Timestamp::from_ms(1_500 + LONG_AFTER_MS), ..timing() };
        assert_eq!(effect(&reply(), Match::Sender, &rules, &just), Effect::EndAll);
        assert_eq!(effect(&reply(), Match::Thread, &rules, &late), Effect::EndAll);
    }

    #[test]
    fn after_the_end_answers_are_recorded_but_wishes_and_bounces_still_count() {
        let rules = InboundRules::default();
        let over = Timing { unfinished: false, ..timing() };
        for kind in [reply(), auto(None), doubtful()] {
            assert_eq!(effect(&kind, Match::Thread, &rules, &over), Effect::RecordOnly);
        }
        assert_eq!(effect(&Kind::UnsubscribeRequest, Match::Sender, &rules, &over), Effect::Unsubscribe);
        assert_eq!(effect(&complaint("abuse"), Match::Thread, &rules, &over), Effect::Complain);
        assert_eq!(effect(&bounce(Hardness::Hard), Match::Thread, &rules, &over), Effect::BlockBounced);
    }

    #[test]
    fn a_message_belongs_by_thread_sender_or_company() {
        let addresses = ["ada@acme.com".to_owned(), "ada@home.example".to_owned()];
        let ada = Correspondent { name: Some("Ada Lovelace"), addresses: &addresses };
        let cases = [
            (reply(), true, "ADA@acme.com", None, Match::Thread),
            (reply(), false, "ada+news@acme.com", None, Match::Sender),
            (reply(), true, "bob@mail.acme.com", Some("Bob"), Match::ColleagueInThread),
            (reply(), true, "lovelace@acme.com", Some("Lovelace, Ada"), Match::Thread),
            (reply(), true, "x@gmail.com", Some("Bob"), Match::ThreadFromElsewhere),
            (reply(), true, "x@gmail.com", Some("Ada Lovelace"), Match::Thread),
            (reply(), false, "bob@acme.com", None, Match::None),
            (bounce(Hardness::Hard), true, "mailer-daemon@mx.acme.com", None, Match::Thread),
            (bounce(Hardness::Hard), false, "mailer-daemon@relay.example", None, Match::Sender),
            (complaint("abuse"), false, "fbl@provider.example", None, Match::Sender),
            (auto(None), true, "noreply@acme.com", None, Match::ColleagueInThread),
        ];
        for (kind, in_thread, sender, name, expected) in cases {
            assert_eq!(belongs(&kind, in_thread, sender, name, ada), expected, "{sender} {name:?}");
        }
    }

    #[test]
    fn the_company_is_the_registrable_domain_and_never_a_free_mail_provider() {
        assert_eq!(company_domain("a@x.acme.co.uk").as_deref(), Some("acme.co.uk"));
        assert_eq!(company_domain("a@ACME.com.").as_deref(), Some("acme.com"));
        for free in ["a@gmail.com", "a@yahoo.co.jp", "a@hotmail.fr", "a@gmx.de", "a@mail.ru", "a@outlook.com.br"] {
            assert_eq!(company_domain(free), None, "{free}");
        }
        assert_eq!(company_domain("a@yahoo.acme.com").as_deref(), Some("acme.com"));
        assert_eq!(company_domain("nonsense"), None);
        assert!(!same_company("a@gmail.com", "b@gmail.com"));
        assert!(same_company("a@de.acme.com", "b@acme.com"));
    }

    #[test]
    fn the_free_mail_list_is_sorted() {
        assert!(FREE_MAIL.is_sorted());
    }

    #[test]
    fn evidence_reads_as_a_sentence() {
        let evidence = Evidence::new(Rule::AutoSubmitted, "auto-replied");
        assert_eq!(evidence.sentence(), "It says that it was sent automatically: auto-replied");
        assert_eq!(Evidence::new(Rule::ReadReceipt, "").sentence(), "It is a read receipt.");
    }

    #[test]
    fn a_judgement_survives_storage_as_json() {
        let judgement = Judgement {
            kind: auto(Some(jiff::civil::date(2026, 11, 30))),
            evidence: vec![Evidence::new(Rule::AutoSubmitted, "auto-replied")],
        };
        let json = serde_json::to_string(&judgement).unwrap();
        assert!(json.contains("\"kind\":\"auto_reply\""), "{json}");
        assert_eq!(serde_json::from_str::<Judgement>(&json).unwrap(), judgement);
    }
}
