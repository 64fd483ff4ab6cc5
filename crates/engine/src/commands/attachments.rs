//! Files that go with emails: taken in once by their content, attached by name, read by who may see what they hang on.
//!
//! Whoever attaches a file names its hash, which nobody knows without the file or the right to see it. A file that
//! nothing holds is forgotten a day after it was last taken in.

use super::{access, moves};
use crate::{Engine, EngineError, Result};
use relance_domain::{
    DeliveryId, EnrollmentId, Refused, SequenceId, StepId, TemplateId, Timestamp,
    attachment::{self, Attachment, FileHash, MOST_BYTES, size_words},
    time::DAY,
    user::Actor,
};
use relance_storage::{Tx, deliveries, email_edits, enrollments, files};
use sha2::{Digest, Sha256};

/// Files forgotten in one transaction: their bytes are many.
const FORGET_AT_ONCE: usize = 3;
const FORGET_IN_ONE_TURN: usize = 60;

/// A file with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedFile {
    /// Its name, type and size.
    pub attachment: Attachment,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Gives every attachment its true size and a name that may be sent; refuses files that are gone, and too much of them.
pub(crate) async fn check(tx: &mut Tx, field: &str, attached: &mut Vec<Attachment>) -> Result<()> {
    if attached.is_empty() {
        return Ok(());
    }
    let at_field = |refused: Refused| EngineError::from(Refused { field: Some(field.to_owned()), ..refused });
    let hashes: Vec<FileHash> = attached.iter().map(|file| file.hash).collect();
    let sizes = files::sizes(tx, &hashes).await?;
    for file in attached.iter_mut() {
        let Some(size) = sizes.get(&file.hash) else {
            let message = format!("The file “{}” is no longer here. Attach it again.", file.name);
            return Err(at_field(Refused::new("unknown_file", message)));
        };
        *file = Attachment::new(file.hash, &file.name, &file.mime_type, *size);
    }
    let mut seen = std::collections::HashSet::new();
    attached.retain(|file| seen.insert((file.hash, file.name.clone())));
    attachment::check(attached).map_err(at_field)
}

fn one_of(attached: Vec<Attachment>, hash: FileHash) -> Result<Attachment> {
    attached.into_iter().find(|file| file.hash == hash).ok_or(EngineError::NotFound("file"))
}

async fn with_bytes(tx: &mut Tx, attachment: Attachment) -> Result<AttachedFile> {
    let bytes = files::read(tx, attachment.hash).await?.ok_or(EngineError::NotFound("file"))?;
    Ok(AttachedFile { attachment, bytes })
}

impl Engine {
    /// Takes in a file to attach. The same content is kept once, under whatever names.
    pub async fn take_in_file(&self, actor: &Actor, name: &str, mime_type: &str, bytes: &[u8]) -> Result<Attachment> {
        actor.user_id().ok_or(EngineError::NotFound("user"))?;
        let size = bytes.len() as u64;
        if size > MOST_BYTES {
            let words = size_words(size);
            let message = format!("“{name}” is {words}; the files of an email are at most {}.", size_words(MOST_BYTES));
            return Err(Refused::at("attachments", "too_large", message).into());
        }
        if size == 0 {
            let message = format!("“{name}” is empty. Choose a file with something in it.");
            return Err(Refused::at("attachments", "empty", message).into());
        }
        let hash = FileHash(Sha256::digest(bytes).into());
        let mut tx = self.store.begin().await?;
        let is_there = files::begin(&mut tx, hash, size, self.clock.system_now()).await?;
        tx.commit().await?;
        if !is_there {
            for (part, bytes) in bytes.chunks(files::PART).enumerate() {
                let mut tx = self.store.begin().await?;
                files::append_part(&mut tx, hash, part, bytes).await?;
                tx.commit().await?;
            }
            let mut tx = self.store.begin().await?;
            files::complete(&mut tx, hash).await?;
            tx.commit().await?;
        }
        Ok(Attachment::new(hash, name, mime_type, size))
    }

    /// A file of a template that the actor may use.
    pub async fn template_file(&self, actor: &Actor, id: TemplateId, hash: FileHash) -> Result<AttachedFile> {
        let mut tx = self.store.read().await?;
        let template = super::templates::seen_template(&mut tx, actor, id).await?;
        with_bytes(&mut tx, one_of(template.attachments, hash)?).await
    }

    /// A file of a step of a sequence as it is written now.
    pub async fn step_file(&self, id: SequenceId, step: StepId, hash: FileHash) -> Result<AttachedFile> {
        let mut tx = self.store.read().await?;
        let sequence = access::sequence(&mut tx, id).await?;
        let email = sequence.draft.step(step).and_then(|step| step.action.email()).cloned().unwrap_or_default();
        with_bytes(&mut tx, one_of(email.attachments, hash)?).await
    }

    /// A file of an email to come of one person: as edited for them, else as in the sequence.
    pub async fn enrollment_file(
        &self,
        actor: &Actor,
        id: EnrollmentId,
        step: StepId,
        hash: FileHash,
    ) -> Result<AttachedFile> {
        let mut tx = self.store.read().await?;
        let stored = enrollments::find(&mut tx, id).await?.ok_or(EngineError::NotFound("enrollment"))?;
        access::may_touch_enrollment(&mut tx, actor, &stored.enrollment).await?;
        let mut attached = Vec::new();
        if let Some(edit) = email_edits::of_enrollments(&mut tx, &[id]).await?.remove(&(id, step)) {
            attached.extend(edit.attachments);
        }
        let plan = moves::plan_of(&mut tx, &stored).await?;
        attached.extend(plan.step(step).and_then(|step| step.action.email()).cloned().unwrap_or_default().attachments);
        if let Some(sent) = deliveries::latest_of_step(&mut tx, id, step).await? {
            attached.extend(sent.attachments);
        }
        with_bytes(&mut tx, one_of(attached, hash)?).await
    }

    /// A file that went with an email; who may read it is asked before.
    pub async fn delivery_file(&self, id: DeliveryId, hash: FileHash) -> Result<AttachedFile> {
        let mut tx = self.store.read().await?;
        let delivery = deliveries::find(&mut tx, id).await?.ok_or(EngineError::NotFound("email"))?;
        with_bytes(&mut tx, one_of(delivery.attachments, hash)?).await
    }

    /// Forgets files that nothing holds and nobody took in for a day, a few at a time.
    pub(crate) async fn forget_files(&self, now: Timestamp) -> Result<()> {
        for _ in 0..FORGET_IN_ONE_TURN / FORGET_AT_ONCE {
            let mut tx = self.store.begin().await?;
            let forgotten = files::purge(&mut tx, now.plus_ms(-DAY), FORGET_AT_ONCE).await?;
            tx.commit().await?;
            if forgotten < FORGET_AT_ONCE as u64 {
                break;
            }
        }
        Ok(())
    }
}
