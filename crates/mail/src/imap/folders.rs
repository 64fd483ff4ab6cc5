//! Which folder is which: by the special-use attributes of RFC 6154, else by the names people and programs use.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response};
use base64::Engine as _;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

use super::Session;
use crate::Fault;

/// The folders that matter. Names are as the server writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folders {
    /// Always there.
    pub inbox: String,
    /// Spam.
    pub junk: Option<String>,
    /// Archive.
    pub archive: Option<String>,
    /// All mail, where the server has such a folder.
    pub all: Option<String>,
    /// Copies of sent mail.
    pub sent: Option<String>,
    /// Drafts.
    pub drafts: Option<String>,
    /// Deleted mail.
    pub trash: Option<String>,
    /// Every folder that can be opened, for people to choose from.
    pub names: Vec<String>,
}

impl Folders {
    /// The folders that are read: the inbox, junk, and all mail or the archive; then those that were chosen, if they are
    /// there and hold neither sent mail nor drafts.
    pub fn watched(&self, chosen: &[String]) -> Vec<String> {
        // With an *All Mail* folder everything that is archived stands there too.
        let usual = [Some(&self.inbox), self.junk.as_ref(), self.all.as_ref().or(self.archive.as_ref())];
        let chosen = chosen.iter().filter(|name| self.names.contains(name) && self.may_be_watched(name));
        let mut watched: Vec<String> = Vec::new();
        for folder in usual.into_iter().flatten().chain(chosen) {
            if !watched.contains(folder) {
                watched.push(folder.clone());
            }
        }
        watched
    }

    /// Answers may arrive there: it holds neither sent mail nor drafts.
    pub fn may_be_watched(&self, name: &str) -> bool {
        ![&self.sent, &self.drafts].into_iter().flatten().any(|folder| folder == name)
    }
}

struct Listed {
    name: String,
    uses: Vec<Use>,
    leaf: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    All,
    Archive,
    Drafts,
    Junk,
    Sent,
    Trash,
}

impl Session {
    /// Finds the folders that matter.
    pub async fn folders(&mut self) -> Result<Folders, Fault> {
        let extended = self.capabilities.has("SPECIAL-USE") && self.capabilities.has("LIST-EXTENDED");
        let command = if extended { r#"LIST "" "*" RETURN (SPECIAL-USE)"# } else { r#"LIST "" "*""# };
        let mut listed = Vec::new();
        self.run(command, &mut |response| {
            if let Response::MailboxData(MailboxDatum::List(list)) = response
                && !list.name_attributes.iter().any(is_closed)
            {
                listed.push(Listed {
                    name: list.name.to_string(),
                    uses: list.name_attributes.iter().filter_map(use_of).collect(),
                    leaf: leaf(&list.name, list.delimiter.as_deref()),
                });
            }
        })
        .await?;
        Ok(choose(&listed))
    }
}

fn is_closed(attribute: &NameAttribute<'_>) -> bool {
    match attribute {
        NameAttribute::NoSelect => true,
        NameAttribute::Extension(name) => name.eq_ignore_ascii_case("\\nonexistent"),
        _ => false,
    }
}

fn use_of(attribute: &NameAttribute<'_>) -> Option<Use> {
    Some(match attribute {
        NameAttribute::All => Use::All,
        NameAttribute::Archive => Use::Archive,
        NameAttribute::Drafts => Use::Drafts,
        NameAttribute::Junk => Use::Junk,
        NameAttribute::Sent => Use::Sent,
        NameAttribute::Trash => Use::Trash,
        _ => return None,
    })
}

/// The usual names for one use, from the list beside this file.
fn usual_names(section: &str) -> impl Iterator<Item = &'static str> {
    include_str!("folder_names.txt")
        .lines()
        .skip_while(move |line| line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) != Some(section))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
}

fn choose(listed: &[Listed]) -> Folders {
    let find = |wanted: Use, section: &str| {
        let marked = listed.iter().find(|l| l.uses.contains(&wanted));
        // The order of the usual names decides, not the order of the folders.
        let named =
            || usual_names(section).find_map(|name| listed.iter().find(|l| l.uses.is_empty() && l.leaf == name));
        marked.or_else(named).map(|l| l.name.clone())
    };
    Folders {
        inbox: listed
            .iter()
            .find(|l| l.name.eq_ignore_ascii_case("INBOX"))
            .map_or_else(|| "INBOX".to_owned(), |l| l.name.clone()),
        junk: find(Use::Junk, "junk"),
        archive: find(Use::Archive, "archive"),
        all: find(Use::All, "all"),
        sent: find(Use::Sent, "sent"),
        drafts: find(Use::Drafts, "drafts"),
        trash: find(Use::Trash, "trash"),
        names: listed.iter().map(|l| l.name.clone()).collect(),
    }
}

/// The last part of a folder's name, decoded, in lower case.
fn leaf(name: &str, delimiter: Option<&str>) -> String {
    let last = match delimiter {
        Some(delimiter) if !delimiter.is_empty() => name.rsplit(delimiter).next().unwrap_or(name),
        _ => name,
    };
    decode_name(last).to_lowercase()
}

/// A folder's name in Unicode, from the modified UTF-7 of IMAP (RFC 3501 §5.1.3); broken pieces stay as they are.
pub fn decode_name(name: &str) -> String {
    let engine = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);
    let mut out = String::new();
    let mut rest = name;
    while let Some(at) = rest.find('&') {
        let Some(length) = rest[at + 1..].find('-') else { break };
        out.push_str(&rest[..at]);
        let inner = &rest[at + 1..at + 1 + length];
        let decoded = engine.decode(inner).ok().and_then(|bytes| {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
            String::from_utf16(&units).ok()
        });
        match decoded {
            Some(_) if inner.is_empty() => out.push('&'),
            Some(text) => out.push_str(&text),
            None => out.push_str(&rest[at..at + length + 2]),
        }
        rest = &rest[at + length + 2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, uses: &[Use]) -> Listed {
        Listed { name: name.into(), uses: uses.to_vec(), leaf: leaf(name, Some("/")) }
    }

    #[test]
    fn attributes_win_over_names() {
        let folders = choose(&[listed("INBOX", &[]), listed("Sent", &[]), listed("Gone out", &[Use::Sent])]);
        assert_eq!(folders.sent.as_deref(), Some("Gone out"));
        assert_eq!(folders.inbox, "INBOX");
    }

    #[test]
    fn without_attributes_the_usual_names_are_found_in_any_language_and_depth() {
        let names = ["Inbox", "INBOX/Sent Items", "&AMk-l&AOk-ments envoy&AOk-s", "Spam", "Entw&APw-rfe", "Archive"];
        let all: Vec<Listed> = names.iter().map(|n| listed(n, &[])).collect();
        let folders = choose(&all);
        assert_eq!(folders.inbox, "Inbox");
        assert_eq!(folders.sent.as_deref(), Some("INBOX/Sent Items"));
        assert_eq!(folders.junk.as_deref(), Some("Spam"));
        assert_eq!(folders.drafts.as_deref(), Some("Entw&APw-rfe"));
        assert_eq!(folders.archive.as_deref(), Some("Archive"));
        assert_eq!(folders.all, None);
        assert_eq!(folders.names.len(), 6);
    }

    #[test]
    fn names_are_decoded_and_broken_ones_left_alone() {
        assert_eq!(decode_name("Envoy&AOk-s"), "Envoyés");
        assert_eq!(decode_name("Tom &- Jerry"), "Tom & Jerry");
        assert_eq!(decode_name("&U,BTFw-"), "台北");
        assert_eq!(decode_name("a&b"), "a&b");
        assert_eq!(decode_name("&%%%-x"), "&%%%-x");
    }
}
