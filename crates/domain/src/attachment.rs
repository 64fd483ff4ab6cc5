//! Files that go with an email: what their names may be and how much one email carries.
//!
//! A file is kept once, by the hash of its content; an attachment is a file under a name. Templates, steps and emails
//! hold attachments, so a published version goes on with the very bytes it was published with.

use crate::Refused;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// Most bytes of the files of one email.
pub const MOST_BYTES: u64 = 10 * 1024 * 1024;

/// Most files of one email.
pub const MOST_FILES: usize = 20;

const LONGEST_NAME: usize = 120;

/// The SHA-256 of a file; as text 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileHash(pub [u8; 32]);

impl fmt::Display for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FileHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for FileHash {
    type Err = Refused;

    fn from_str(text: &str) -> Result<Self, Refused> {
        let unknown = || Refused::new("unknown_file", "There is no such file.");
        if text.len() != 64 || !text.is_ascii() {
            return Err(unknown());
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| unknown())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for FileHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for FileHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(|refused: Refused| D::Error::custom(refused.message))
    }
}

/// A file that goes with an email.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Which file.
    pub hash: FileHash,
    /// Its name for the reader.
    pub name: String,
    /// Its MIME type.
    pub mime_type: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Attachment {
    /// An attachment with a name and type that may be sent, whatever they were.
    pub fn new(hash: FileHash, name: &str, mime_type: &str, size: u64) -> Self {
        Self { hash, name: clean_name(name), mime_type: clean_type(mime_type), size }
    }
}

/// A name without folders, control characters and signs that turn the direction of reading; never empty.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
    };
    let plain: String = last
        .chars()
        .filter(|c| !is_odd(*c))
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let plain = plain.trim().trim_start_matches('.').trim_end_matches(['.', ' ']);
    if plain.is_empty() {
        return "attachment".to_owned();
    }
    if plain.chars().count() <= LONGEST_NAME {
        return plain.to_owned();
    }
    // What follows the last point says what it is, so that stays.
    let (stem, end) = match plain.rsplit_once('.') {
        Some((stem, end)) if !stem.is_empty() && end.chars().count() <= 10 => (stem, format!(".{end}")),
        _ => (plain, String::new()),
    };
    let kept: String = stem.chars().take(LONGEST_NAME - end.chars().count()).collect();
    format!("{}{end}", kept.trim_end())
}

fn clean_type(mime_type: &str) -> String {
    let bare = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty() && part.len() <= 80 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-+._".contains(&b))
    };
    match bare.split_once('/') {
        Some((kind, detail)) if is_token(kind) && is_token(detail) => bare,
        _ => "application/octet-stream".to_owned(),
    }
}

/// Refuses more files, or more bytes in all, than one email carries.
pub fn check(attachments: &[Attachment]) -> Result<(), Refused> {
    if attachments.len() > MOST_FILES {
        let message = format!("An email carries at most {MOST_FILES} files. Remove some.");
        return Err(Refused::at("attachments", "too_many_files", message));
    }
    let total: u64 = attachments.iter().map(|file| file.size).sum();
    if total > MOST_BYTES {
        let message = format!(
            "These files are {} in all; an email carries at most {}. Remove one, or put it online and link to it.",
            size_words(total),
            size_words(MOST_BYTES)
        );
        return Err(Refused::at("attachments", "too_large", message));
    }
    Ok(())
}

/// *340 KB*, *2.5 MB*.
pub fn size_words(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..1_048_576 => format!("{} KB", bytes.div_ceil(1024)),
        _ => {
            let tenths = (bytes * 10).div_ceil(1_048_576);
            if tenths.is_multiple_of(10) {
                format!("{} MB", tenths / 10)
            } else {
                format!("{}.{} MB", tenths / 10, tenths % 10)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_path_no_control_characters_and_no_turned_direction() {
        for (given, name) in [
            ("Offer 2026.pdf", "Offer 2026.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\offer.pdf", "offer.pdf"),
            ("a\r\nBcc: x@example.org\r\n.pdf", "aBcc_ x@example.org.pdf"),
            ("invoice\u{202E}fdp.exe", "invoicefdp.exe"),
            (".htaccess", "htaccess"),
            ("naïve – Übersicht.docx", "naïve – Übersicht.docx"),
            ("a\"b\".pdf", "a_b_.pdf"),
            ("  ..  ", "attachment"),
            ("", "attachment"),
        ] {
            assert_eq!(Attachment::new(FileHash([0; 32]), name, "", 0).name, name);
            assert_eq!(Attachment::new(FileHash([0; 32]), given, "", 0).name, name, "{given:?}");
        }
        let long = Attachment::new(FileHash([0; 32]), &format!("{}.pdf", "x".repeat(500)), "", 0).name;
        assert!(long.chars().count() == LONGEST_NAME && long.ends_with(".pdf"));
    }

    #[test]
    fn a_type_is_one_or_a_plain_file() {
        let of = |given: &str| Attachment::new(FileHash([0; 32]), "a", given, 0).mime_type;
        assert_eq!(of("Application/PDF; name=x"), "application/pdf");
        for odd in ["", "pdf", "text/html\r\nX: y", "a/b/c", "text/"] {
            assert_eq!(of(odd), "application/octet-stream", "{odd:?}");
        }
    }

    #[test]
    fn ten_megabytes_in_all_are_the_most_and_the_refusal_says_so_at_the_field() {
        let file = |size| Attachment::new(FileHash([1; 32]), "a.pdf", "application/pdf", size);
        assert_eq!(check(&[file(MOST_BYTES / 2), file(MOST_BYTES / 2)]), Ok(()));
        let refused = check(&[file(MOST_BYTES), file(1)]).expect_err("a refusal");
        assert_eq!((refused.field.as_deref(), refused.code.as_str()), (Some("attachments"), "too_large"));
        assert!(
            refused.message.contains("10.1 MB") && refused.message.contains("at most 10 MB"),
            "{}",
            refused.message
        );
        assert!(check(&vec![file(1); MOST_FILES + 1]).is_err());
    }

    #[test]
    fn a_hash_reads_back_and_nothing_else_is_one() {
        let hash = FileHash([0xAB; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for odd in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
            assert!(odd.parse::<FileHash>().is_err(), "{odd}");
        }
    }
}
