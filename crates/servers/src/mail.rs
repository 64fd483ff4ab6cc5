//! A private Postfix and Dovecot pair: submission with AUTH over TLS, delivery, IMAP.
//!
//! Any domain is at home here and nothing can leave the machine. Every address has the same
//! password, or signs in with an access token of an `OauthServer`. The name of a recipient decides how it behaves: `nobody@`, `unknown-…@`, `bounce-…@`
//! don't exist (550 5.1.1 at RCPT), `later-…@` is busy (450), `refused-…@` is refused by policy
//! (550 5.7.1), `full-…@` and `gone-…@` are accepted and bounced by a delivery status notification
//! (mailbox full, user unknown).
//! Postfix needs root; without root, Postfix or Dovecot the pair is `Missing`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;

use crate::certificate::{Authority, CertificateKind};
use crate::mail_settings::Settings;
use crate::run::{Account, Missing, RunFolder, find_program, free_ports, is_root, poll, run, scratch_folder};
use crate::talk::Talk;

static SHARED: OnceCell<Option<MailServers>> = OnceCell::const_new();

/// How long the pair may take to answer.
const START_LIMIT: Duration = Duration::from_secs(60);

/// The mail servers of a test run. All ports are on 127.0.0.1, the certificate is for `localhost`.
#[derive(Debug, Serialize, Deserialize)]
pub struct MailServers {
    /// SMTP without AUTH, as other people's servers use it.
    pub smtp_port: u16,
    /// Submission: STARTTLS, then AUTH.
    pub submission_port: u16,
    /// Submission with TLS from the start.
    pub smtps_port: u16,
    /// IMAP: STARTTLS, then LOGIN.
    pub imap_port: u16,
    /// IMAP with TLS from the start.
    pub imaps_port: u16,
    /// What `--tls-ca` takes.
    pub ca_file: PathBuf,
    /// The password of every address.
    pub password: String,
    /// The folder with a folder for each domain, address and IMAP folder in it.
    pub maildir_root: PathBuf,
    #[serde(skip)]
    _folder: Option<RunFolder>,
}

/// A message that lies in an IMAP folder.
#[derive(Debug, Clone)]
pub struct StoredMail {
    /// Its bytes as they were delivered, with Postfix's and Dovecot's own headers.
    pub raw: Vec<u8>,
    /// Its file.
    pub path: PathBuf,
}

impl StoredMail {
    /// The message as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// The value of its first header of that name, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        crate::talk::header(&self.raw, name)
    }
}

impl MailServers {
    /// The run's mail servers, or those of this process; `None` says SKIPPED.
    pub async fn shared() -> Option<&'static MailServers> {
        let shared = SHARED.get_or_init(async || match crate::variable(crate::MAIL_VARIABLE) {
            Some(value) if value.starts_with(crate::SKIPPED) => None,
            Some(value) => Some(serde_json::from_str(&value).expect("the mail servers of this run")),
            None => match MailServers::start().await {
                Ok(mail) => Some(mail),
                Err(error) if error.is::<Missing>() => None,
                Err(error) => panic!("the mail servers for the tests did not start: {error:#}"),
            },
        });
        let shared = shared.await.as_ref();
        if shared.is_none() {
            crate::skip("no Postfix and Dovecot on this machine, or not root");
        }
        shared
    }

    /// Starts a private pair that ends when this value is dropped or this process ends.
    pub async fn start() -> Result<MailServers> {
        let programs = Programs::find()?;
        let mut folder = RunFolder::make("mail", &scratch_folder())?;
        let [smtp_port, submission_port, smtps_port, imap_port, imaps_port, introspection] = free_ports()?;
        let authority = Authority::new()?;
        let ca_file = authority.write_ca(folder.path())?;
        authority.write_certificate(folder.path(), "server", CertificateKind::Good)?;
        let servers = MailServers {
            smtp_port,
            submission_port,
            smtps_port,
            imap_port,
            imaps_port,
            ca_file,
            password: "secret".into(),
            maildir_root: folder.path().join("mail"),
            _folder: None,
        };
        programs.owner.make_folder(&servers.maildir_root, 0o755)?;
        crate::introspection::answer(introspection, servers.tokens_folder())?;
        servers.write_settings(&folder, &programs, introspection)?;
        start_dovecot(&mut folder, &programs)?;
        start_postfix(&folder, &programs)?;
        for port in [smtp_port, submission_port, smtps_port, imap_port, imaps_port] {
            let open = async || Ok(TcpStream::connect(("127.0.0.1", port)).await.ok());
            if poll(START_LIMIT, open).await?.is_none() {
                let logs = [folder.log("postfix.log"), folder.log("dovecot.log")].join("\n");
                bail!("the mail servers do not answer on port {port}: {logs}");
            }
        }
        Ok(MailServers { _folder: Some(folder), ..servers })
    }

    /// The folder of access tokens that are good, one file each.
    pub fn tokens_folder(&self) -> PathBuf {
        crate::oauth::tokens_beside(&self.maildir_root)
    }

    /// A domain no other test uses.
    pub fn fresh_domain(&self) -> String {
        let id = uuid::Uuid::new_v4().simple().to_string();
        format!("d{}.test", &id[..12])
    }

    /// What lies in an address's INBOX, oldest first.
    pub fn maildir(&self, address: &str) -> Vec<StoredMail> {
        self.folder(address, "INBOX")
    }

    /// What lies in one of an address's IMAP folders, oldest first.
    pub fn folder(&self, address: &str, folder: &str) -> Vec<StoredMail> {
        let (user, domain) = address.rsplit_once('@').expect("an address has an @");
        let user = user.split('+').next().unwrap_or(user);
        let mut path = self.maildir_root.join(domain.to_lowercase()).join(user.to_lowercase()).join("Maildir");
        if folder != "INBOX" {
            path.push(format!(".{}", folder.replace('/', ".")));
        }
        let mut mails: Vec<StoredMail> = ["new", "cur"]
            .iter()
            .filter_map(|state| std::fs::read_dir(path.join(state)).ok())
            .flatten()
            .flatten()
            // A message may move from new to cur between the listing and the reading.
            .filter_map(|entry| Some(StoredMail { raw: std::fs::read(entry.path()).ok()?, path: entry.path() }))
            .collect();
        mails.sort_by(|a, b| a.path.file_name().cmp(&b.path.file_name()));
        mails
    }

    /// Waits until an INBOX holds at least `count` messages; the error says how many came.
    pub async fn wait_for_mail(&self, address: &str, count: usize, limit: Duration) -> Result<Vec<StoredMail>> {
        self.wait_for_folder(address, "INBOX", count, limit).await
    }

    /// Waits until an IMAP folder holds at least `count` messages; the error says how many came.
    pub async fn wait_for_folder(
        &self,
        address: &str,
        folder: &str,
        count: usize,
        limit: Duration,
    ) -> Result<Vec<StoredMail>> {
        let enough = async || Ok(Some(self.folder(address, folder)).filter(|mails| mails.len() >= count));
        match poll(limit, enough).await? {
            Some(mails) => Ok(mails),
            None => bail!(
                "{} messages in {folder} of {address} after {limit:?}, {count} expected",
                self.folder(address, folder).len()
            ),
        }
    }

    /// Delivers a message as another person's mail server does; Postfix's refusal is the error.
    pub async fn deliver(&self, from: &str, to: &str, raw: &[u8]) -> Result<()> {
        let mut talk = Talk::connect(self.smtp_port).await?;
        talk.expect("220").await?;
        talk.ask("EHLO prospect.test", "250").await?;
        talk.send_message(from, &[to], raw).await?;
        talk.ask("QUIT", "221").await?;
        Ok(())
    }

    /// Runs Dovecot's own tool on this pair, such as `mailbox update --uid-validity 9 -u ADDRESS INBOX`; what it printed.
    pub fn doveadm(&self, words: &[&str]) -> Result<String> {
        let doveadm = find_program("doveadm", &[]).context("doveadm is not installed")?;
        let settings = self.maildir_root.with_file_name("etc").join("dovecot.conf");
        run(Command::new(doveadm).arg("-c").arg(settings).args(words))
    }

    /// Puts `count` messages into an address's INBOX before anybody looks: one file under many names.
    pub fn fill(&self, address: &str, count: usize) -> Result<()> {
        let (user, domain) = address.rsplit_once('@').context("an address has an @")?;
        let owner = Account::named("mail").context("there is no user mail")?;
        let maildir = self.maildir_root.join(domain).join(user).join("Maildir");
        let mut path = self.maildir_root.clone();
        for part in [domain, user, "Maildir", "cur"] {
            path.push(part);
            owner.make_folder(&path, 0o755)?;
        }
        for state in ["new", "tmp"] {
            owner.make_folder(&maildir.join(state), 0o755)?;
        }
        let raw =
            "From: Old <old@elsewhere.test>\r\nSubject: Old mail\r\nMessage-ID: <old@elsewhere.test>\r\n\r\nOld.\r\n";
        let first = path.join(format!("1000000000.M0.old,S={0},W={0}:2,S", raw.len()));
        std::fs::write(&first, raw)?;
        std::fs::set_permissions(&first, std::fs::Permissions::from_mode(0o644))?;
        // It says that it arrived in 2001, as its name does.
        let long_ago = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
        std::fs::File::options().write(true).open(&first)?.set_modified(long_ago)?;
        for number in 1..count {
            let name = format!("1000000000.M{number}.old,S={0},W={0}:2,S", raw.len());
            std::fs::hard_link(&first, path.join(name))?;
        }
        Ok(())
    }

    /// Whether Dovecot can answer for people who are away (Sieve's vacation).
    pub fn has_sieve(&self) -> bool {
        Path::new("/usr/lib/dovecot/modules/lib90_sieve_plugin.so").exists()
    }

    /// Gives an address a Sieve script, which is run on what is delivered from then on.
    pub fn set_sieve(&self, address: &str, script: &str) -> Result<()> {
        let (user, domain) = address.rsplit_once('@').context("an address has an @")?;
        let home = self.maildir_root.join(domain).join(user);
        let owner = Account::named("mail").context("there is no user mail")?;
        for folder in [self.maildir_root.join(domain), home.clone()] {
            if !folder.exists() {
                owner.make_folder(&folder, 0o755)?;
            }
        }
        let file = home.join(".dovecot.sieve");
        std::fs::write(&file, script)?;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o644))?;
        Ok(())
    }

    fn write_settings(&self, folder: &RunFolder, programs: &Programs, introspection: u16) -> Result<()> {
        let settings = Settings {
            folder: folder.path(),
            smtp: [self.smtp_port, self.submission_port, self.smtps_port],
            imap: [self.imap_port, self.imaps_port],
            introspection,
            owner: programs.owner,
            password: &self.password,
            daemons: &programs.daemons,
            lmtp_plugins: if self.has_sieve() { "sieve" } else { "" },
        };
        let etc = folder.path().join("etc");
        std::fs::create_dir(&etc)?;
        std::fs::create_dir(folder.path().join("queue"))?;
        programs.postfix_account.make_folder(&folder.path().join("data"), 0o700)?;
        settings.write(&etc)?;
        let key = folder.path().join("server.key");
        std::fs::set_permissions(key, std::fs::Permissions::from_mode(0o600))?;
        Ok(())
    }
}

struct Programs {
    postfix: PathBuf,
    dovecot: PathBuf,
    daemons: PathBuf,
    owner: Account,
    postfix_account: Account,
}

impl Programs {
    fn find() -> Result<Programs, Missing> {
        let missing = |what: &str| Missing(what.to_owned());
        if !is_root() {
            return Err(missing("a private Postfix needs root"));
        }
        let daemons = ["/usr/lib/postfix/sbin", "/usr/libexec/postfix"].map(Path::new);
        Ok(Programs {
            postfix: find_program("postfix", &[]).ok_or(missing("Postfix is not installed (Debian: postfix)"))?,
            dovecot: find_program("dovecot", &[])
                .filter(|_| Path::new("/usr/lib/dovecot/lmtp").exists() && Path::new("/usr/lib/dovecot/imap").exists())
                .ok_or(missing("Dovecot is not installed (Debian: dovecot-imapd, dovecot-lmtpd)"))?,
            daemons: daemons
                .into_iter()
                .find(|folder| folder.join("master").exists())
                .ok_or(missing("Postfix's own programs are not where Debian puts them"))?
                .to_owned(),
            owner: Account::named("mail").ok_or(missing("there is no user mail"))?,
            postfix_account: Account::named("postfix").ok_or(missing("there is no user postfix"))?,
        })
    }
}

fn start_dovecot(folder: &mut RunFolder, programs: &Programs) -> Result<()> {
    let mut command = Command::new(&programs.dovecot);
    command.arg("-F").arg("-c").arg(folder.path().join("etc/dovecot.conf"));
    folder.start(&mut command, "dovecot.out", "TERM")?;
    Ok(())
}

fn start_postfix(folder: &RunFolder, programs: &Programs) -> Result<()> {
    let started = run(Command::new(&programs.postfix).arg("-c").arg(folder.path().join("etc")).arg("start"));
    started.with_context(|| folder.log("postfix.log"))?;
    let pid = std::fs::read_to_string(folder.path().join("queue/pid/master.pid"))?;
    folder.end_with_us(pid.trim().parse()?, "TERM")
}
