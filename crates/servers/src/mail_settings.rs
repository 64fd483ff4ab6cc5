//! The settings of the private Postfix and Dovecot: files of their own, with the places, ports and
//! accounts of a run filled in.
//!
//! Every domain is a virtual domain of this one Postfix, so nothing can leave the machine. The
//! recipient's name decides how it behaves (see `MailServers`). Dovecot knows every address, with
//! one password for all.

use std::path::Path;

use anyhow::Result;

use crate::run::Account;

/// Each file, with `@name@` where something is filled in.
const FILES: [(&str, &str); 7] = [
    ("main.cf", include_str!("settings/main.cf")),
    ("master.cf", include_str!("settings/master.cf")),
    ("dovecot.conf", include_str!("settings/dovecot.conf")),
    ("oauth2.conf", include_str!("settings/oauth2.conf")),
    ("recipients", include_str!("settings/recipients")),
    ("access", include_str!("settings/access")),
    ("transport", include_str!("settings/transport")),
];

/// What is filled in.
pub(super) struct Settings<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    /// Postfix: plain, submission with STARTTLS, submission with TLS from the start.
    pub smtp: [u16; 3],
    /// Dovecot: with STARTTLS, with TLS from the start.
    pub imap: [u16; 2],
    /// Where Dovecot asks whose an access token is.
    pub introspection: u16,
    /// The account that owns the mail.
    pub owner: Account,
    /// The password of every address.
    pub password: &'a str,
    /// Where Postfix's own programs are.
    pub daemons: &'a Path,
    /// What Dovecot does on delivery besides storing.
    pub lmtp_plugins: &'a str,
}

impl Settings<'_> {
    /// Writes every file into the folder `etc`.
    pub fn write(&self, etc: &Path) -> Result<()> {
        let values = self.values();
        for (name, text) in FILES {
            let filled = values.iter().fold(text.to_owned(), |text, (key, value)| text.replace(key, value));
            std::fs::write(etc.join(name), filled)?;
        }
        Ok(())
    }

    fn values(&self) -> [(&'static str, String); 12] {
        [
            ("@folder@", self.folder.display().to_string()),
            ("@daemons@", self.daemons.display().to_string()),
            ("@smtp@", self.smtp[0].to_string()),
            ("@submission@", self.smtp[1].to_string()),
            ("@smtps@", self.smtp[2].to_string()),
            ("@imap@", self.imap[0].to_string()),
            ("@imaps@", self.imap[1].to_string()),
            ("@introspection@", self.introspection.to_string()),
            ("@uid@", self.owner.uid.to_string()),
            ("@gid@", self.owner.gid.to_string()),
            ("@password@", self.password.to_owned()),
            ("@lmtp_plugins@", self.lmtp_plugins.to_owned()),
        ]
    }
}
