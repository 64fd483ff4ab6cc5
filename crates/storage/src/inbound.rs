//! Received messages that concern us: `inbound_messages`.
//!
//! A message is known by (mailbox, identity), so every event happens once whatever the server does with UIDs. What a
//! message is and does was judged in `domain::inbound`; its end of an enrollment is committed in the same transaction.

use crate::{
    Result, Row, StorageError, Tx, args,
    conditions::{CHUNK, Conditions, ids},
    enrollment_views::person_name,
    tx::list,
    value::json,
    visibility::{SeenBy, and_message_seen},
};
use relance_domain::{
    DeliveryId, EnrollmentId, InboundId, MailboxId, PersonId, Timestamp, UserId,
    inbound::{Effect, Judgement, Match},
};

/// Where a message stands in the review tray.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tray {
    /// It never was there.
    None,
    /// Someone has to decide.
    Open,
    /// Someone said whose it is.
    Assigned,
    /// Someone said it does not matter.
    Ignored,
}

impl Tray {
    /// As in the database and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Open => "open",
            Self::Assigned => "assigned",
            Self::Ignored => "ignored",
        }
    }

    /// Reads [`Tray::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Open, Self::Assigned, Self::Ignored].into_iter().find(|tray| tray.as_str() == text)
    }
}

/// A received message as stored; its bytes are read by [`raw`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// Its id.
    pub id: InboundId,
    /// Which mailbox got it.
    pub mailbox_id: MailboxId,
    /// Hash of Message-ID, sender and date.
    pub identity: Vec<u8>,
    /// In which folder.
    pub folder: String,
    /// The folder's UIDVALIDITY then.
    pub uid_validity: u32,
    /// Its UID then.
    pub uid: u32,
    /// Its Message-ID, without brackets.
    pub message_id: Option<String>,
    /// Who sent it.
    pub from_address: String,
    /// The sender's name.
    pub from_name: String,
    /// Its subject.
    pub subject: String,
    /// Its Date header.
    pub sent_at: Option<Timestamp>,
    /// When the server got it.
    pub received_at: Timestamp,
    /// What it is, and why we think so.
    pub judgement: Judgement,
    /// How it was matched.
    pub matched_by: Option<Match>,
    /// Whom it belongs to.
    pub person_id: Option<PersonId>,
    /// Which enrollment it answers.
    pub enrollment_id: Option<EnrollmentId>,
    /// Which email it answers.
    pub delivery_id: Option<DeliveryId>,
    /// What it did.
    pub effect: Effect,
    /// Where it stands in the review tray.
    pub tray: Tray,
    /// What the sender wrote now.
    pub visible_text: String,
    /// Quotation and signature.
    pub quoted_text: String,
}

const COLUMNS: &str = "i.id, i.mailbox_id, i.identity, i.folder, i.uid_validity, i.uid, i.message_id, i.from_address, \
    i.from_name, i.subject, i.sent_at, i.received_at, i.judgement, i.matched_by, i.person_id, i.enrollment_id, \
    i.delivery_id, i.effect, i.tray, i.visible_text, i.quoted_text";

fn read(row: &Row) -> Result<InboundMessage> {
    let matched_by = row.text_opt("matched_by")?;
    Ok(InboundMessage {
        id: row.id("id")?,
        mailbox_id: row.id("mailbox_id")?,
        identity: row.bytes("identity")?,
        folder: row.text("folder")?,
        uid_validity: row.count("uid_validity")?,
        uid: row.count("uid")?,
        message_id: row.text_opt("message_id")?,
        from_address: row.text("from_address")?,
        from_name: row.text("from_name")?,
        subject: row.text("subject")?,
        sent_at: row.time_opt("sent_at")?,
        received_at: row.time("received_at")?,
        judgement: row.json("judgement")?,
        matched_by: matched_by.as_deref().map(parse_match).transpose()?,
        person_id: row.id_opt("person_id")?,
        enrollment_id: row.id_opt("enrollment_id")?,
        delivery_id: row.id_opt("delivery_id")?,
        effect: row.json("effect")?,
        tray: row.word("tray", Tray::parse)?,
        visible_text: row.text("visible_text")?,
        quoted_text: row.text("quoted_text")?,
    })
}

const MATCHES: [(Match, &str); 5] = [
    (Match::Thread, "thread"),
    (Match::Sender, "sender"),
    (Match::ColleagueInThread, "colleague_in_thread"),
    (Match::ThreadFromElsewhere, "thread_from_elsewhere"),
    (Match::None, "none"),
];

fn parse_match(word: &str) -> Result<Match> {
    let found = MATCHES.iter().find(|(_, known)| *known == word).map(|(matched, _)| *matched);
    found.ok_or_else(|| StorageError::Corrupt(format!("inbound_messages.matched_by = {word}")))
}

fn match_word(matched: Match) -> Option<&'static str> {
    MATCHES.iter().find(|(known, _)| *known == matched).map(|(_, word)| *word)
}

/// Stores a message; false, and nothing stored, if this mailbox's message is known already.
pub async fn insert(tx: &mut Tx, message: &InboundMessage, raw: Option<&[u8]>) -> Result<bool> {
    let m = message;
    let mut values = args![m.id, m.mailbox_id, m.identity.clone(), &m.folder, m.uid_validity, m.uid];
    values.extend(args![m.message_id.as_deref(), &m.from_address, &m.from_name, &m.subject, m.sent_at, m.received_at]);
    values.push(m.judgement.kind.name().into());
    values.push(json(&m.judgement));
    values.extend(args![m.matched_by.and_then(match_word), m.person_id, m.enrollment_id, m.delivery_id]);
    values.push(json(&m.effect));
    values.extend(args![m.tray.as_str(), &m.visible_text, &m.quoted_text, raw.map(<[u8]>::to_vec)]);
    let sql = "INSERT INTO inbound_messages (id, mailbox_id, identity, folder, uid_validity, uid, message_id,
            from_address, from_name, subject, sent_at, received_at, kind, judgement, matched_by, person_id,
            enrollment_id, delivery_id, effect, tray, visible_text, quoted_text, raw)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
            $23)
         ON CONFLICT (mailbox_id, identity) DO NOTHING";
    Ok(tx.execute(sql, values).await? > 0)
}

/// Which of these identities the mailbox knows already.
pub async fn known(tx: &mut Tx, mailbox: MailboxId, identities: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for chunk in identities.chunks(CHUNK) {
        let places = list(2, chunk.len());
        let sql = format!("SELECT identity FROM inbound_messages WHERE mailbox_id = $1 AND identity IN ({places})");
        let mut values = args![mailbox];
        values.extend(chunk.iter().map(|identity| crate::Value::from(identity.as_slice())));
        found.extend(tx.all(&sql, values, |row| row.bytes("identity")).await?);
    }
    Ok(found)
}

/// The message with this id.
pub async fn find(tx: &mut Tx, id: InboundId) -> Result<Option<InboundMessage>> {
    tx.first(&format!("SELECT {COLUMNS} FROM inbound_messages i WHERE i.id = $1"), args![id], read).await
}

/// The messages with these ids, in no order.
pub async fn find_many(tx: &mut Tx, wanted: &[InboundId]) -> Result<Vec<InboundMessage>> {
    let mut found = Vec::new();
    for chunk in wanted.chunks(CHUNK) {
        let sql = format!("SELECT {COLUMNS} FROM inbound_messages i WHERE i.id IN ({})", list(1, chunk.len()));
        found.extend(tx.all(&sql, ids(chunk), read).await?);
    }
    Ok(found)
}

/// The bytes of a message, if they were kept.
pub async fn raw(tx: &mut Tx, id: InboundId) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT raw FROM inbound_messages WHERE id = $1";
    Ok(tx.first(sql, args![id], |row| row.bytes_opt("raw")).await?.flatten())
}

/// A message with the name of whom it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundView {
    /// The message.
    pub message: InboundMessage,
    /// The person's name as shown.
    pub person_name: Option<String>,
    /// The address of the mailbox that got it.
    pub mailbox_address: String,
}

fn read_view(row: &Row) -> Result<InboundView> {
    let message = read(row)?;
    let person_name = if message.person_id.is_some() { Some(person_name(row)?) } else { None };
    Ok(InboundView { message, person_name, mailbox_address: row.text("mailbox_address")? })
}

/// Which messages a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct InboundFilter<'a> {
    /// Of these kinds (`domain::inbound::Kind::name`); empty = any.
    pub kinds: &'a [&'a str],
    /// Of this person.
    pub person: Option<PersonId>,
    /// Only what someone has to decide on.
    pub open_in_tray: bool,
    /// In one of these mailboxes; empty = any.
    pub mailboxes: &'a [MailboxId],
    /// For this rep: in one of their mailboxes, or an answer to what runs on their behalf, wherever it came.
    pub of_rep: Option<UserId>,
    /// Received after this instant.
    pub received_after: Option<Timestamp>,
    /// Only what this user may see; `None` = everyone's.
    pub seen_by: Option<SeenBy<'a>>,
}

/// Messages latest first, after the cursor `(received_at, id)` of the last one shown.
pub async fn page(
    tx: &mut Tx,
    filter: InboundFilter<'_>,
    after: Option<(Timestamp, InboundId)>,
    limit: u32,
) -> Result<Vec<InboundView>> {
    let mut conditions = Conditions::new();
    if filter.open_in_tray {
        conditions.and("i.tray = 'open'", vec![]);
    }
    if !filter.kinds.is_empty() {
        conditions.and_in("i.kind", filter.kinds.iter().copied());
    }
    if let Some(person) = filter.person {
        conditions.and("i.person_id = $?", args![person]);
    }
    if !filter.mailboxes.is_empty() {
        conditions.and_in("i.mailbox_id", filter.mailboxes.iter().copied());
    }
    if let Some(rep) = filter.of_rep {
        conditions.and(
            "(m.user_id = $? OR EXISTS (SELECT 1 FROM enrollments o WHERE o.id = i.enrollment_id AND o.actor_id = $?))",
            args![rep, rep],
        );
    }
    if let Some(after) = filter.received_after {
        conditions.and("i.received_at > $?", args![after]);
    }
    and_message_seen(&mut conditions, filter.seen_by);
    conditions.after("(i.received_at, i.id)", "<", after);
    let head = format!(
        "SELECT {COLUMNS}, p.first_name, p.last_name, p.organization_name, p.email AS person_email,
            m.address AS mailbox_address
         FROM inbound_messages i JOIN mailboxes m ON m.id = i.mailbox_id LEFT JOIN people p ON p.id = i.person_id"
    );
    let (sql, values) = conditions.finish(&head, " ORDER BY i.received_at DESC, i.id DESC LIMIT $?", args![limit]);
    tx.all(&sql, values, read_view).await
}

/// The review tray: what someone has to decide on, latest first.
pub async fn tray(tx: &mut Tx, after: Option<(Timestamp, InboundId)>, limit: u32) -> Result<Vec<InboundView>> {
    page(tx, InboundFilter { open_in_tray: true, ..InboundFilter::default() }, after, limit).await
}

/// How many messages someone has to decide on.
pub async fn tray_count(tx: &mut Tx) -> Result<u32> {
    let sql = "SELECT COUNT(*) AS number FROM inbound_messages WHERE tray = 'open'";
    tx.one(sql, vec![], |row| row.count("number")).await
}

/// Messages of a person, latest first.
pub async fn of_person(tx: &mut Tx, person: PersonId, limit: u32) -> Result<Vec<InboundView>> {
    page(tx, InboundFilter { person: Some(person), ..InboundFilter::default() }, None, limit).await
}

/// The human replies for a rep that came after `since`, the latest first.
pub async fn replies_for(tx: &mut Tx, rep: UserId, since: Timestamp, limit: u32) -> Result<Vec<InboundView>> {
    let filter =
        InboundFilter { kinds: &["reply"], of_rep: Some(rep), received_after: Some(since), ..InboundFilter::default() };
    page(tx, filter, None, limit).await
}

/// Whether the person has a message in the review tray other than `except`.
pub async fn has_open(tx: &mut Tx, person: PersonId, except: InboundId) -> Result<bool> {
    let sql = "SELECT id FROM inbound_messages WHERE person_id = $1 AND tray = 'open' AND id <> $2 LIMIT 1";
    Ok(tx.first(sql, args![person, except], |row| row.id::<InboundId>("id")).await?.is_some())
}

/// Closes an open entry of the tray; false if it was not open.
pub async fn set_tray(tx: &mut Tx, id: InboundId, tray: Tray, person: Option<PersonId>) -> Result<bool> {
    let sql =
        "UPDATE inbound_messages SET tray = $2, person_id = COALESCE($3, person_id) WHERE id = $1 AND tray = 'open'";
    Ok(tx.execute(sql, args![id, tray.as_str(), person]).await? > 0)
}

/// Records what a message did after all.
pub async fn set_effect(tx: &mut Tx, id: InboundId, effect: &Effect) -> Result<()> {
    let mut values = args![id];
    values.push(json(effect));
    tx.execute("UPDATE inbound_messages SET effect = $2 WHERE id = $1", values).await?;
    Ok(())
}
