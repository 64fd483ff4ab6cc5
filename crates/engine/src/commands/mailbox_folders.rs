//! Which folders of a mailbox are read besides the usual ones: the server says which there are, people choose.

use super::mailbox_access::mailbox_with;
use crate::{
    Engine, EngineError, Result,
    accounts::{self, OpenError},
};
use relance_domain::{MailboxId, mailbox_access::MailboxAccess, user::Actor};
use relance_mail::{
    Direction,
    imap::{Limits, Session, decode_name},
};

/// A folder of a mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailFolder {
    /// As the server writes it.
    pub name: String,
    /// As people read it.
    pub label: String,
    /// It is always read.
    pub is_usual: bool,
    /// It was chosen.
    pub is_chosen: bool,
}

/// The name of a folder as people read it.
pub fn label(name: &str) -> String {
    decode_name(name)
}

impl Engine {
    /// The folders that answers may arrive in, as the server names them now; a sandbox has its inbox alone. Only for the owner.
    pub async fn mail_folders(&self, actor: &Actor, id: MailboxId) -> Result<Vec<MailFolder>> {
        let (mailbox, credentials) = {
            let mut tx = self.store.read().await?;
            mailbox_with(&mut tx, actor, id, MailboxAccess::Own).await?
        };
        let Some(imap) = &mailbox.imap else { return Ok(Vec::new()) };
        let failed = |fault: relance_mail::Fault| EngineError::Unavailable(fault.sentence(Direction::Receiving));
        let proof = match self.credentials_of(&mailbox, &credentials).await {
            Ok((_, imap)) => imap,
            Err(OpenError::Fault(fault)) => return Err(failed(fault)),
            Err(OpenError::Engine(error)) => return Err(error),
        };
        let server = accounts::server(imap, proof);
        let mut session = Session::open(&server, &self.tls, &Limits::default()).await.map_err(failed)?;
        let folders = session.folders().await.map_err(failed)?;
        session.logout().await;
        let usual = folders.watched(&[]);
        let folder = |name: &String| MailFolder {
            label: decode_name(name),
            is_usual: usual.contains(name),
            is_chosen: mailbox.watched_folders.contains(name),
            name: name.clone(),
        };
        Ok(folders.names.iter().filter(|name| folders.may_be_watched(name)).map(folder).collect())
    }
}
