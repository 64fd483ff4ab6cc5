//! The settings of the private Postfix and Dovecot, as text.
//!
//! Every domain is a virtual domain of this one Postfix, so nothing can leave the machine: there
//! is no other transport. The recipient's name decides how it behaves (see `MailServers`).
//! Dovecot knows every address, with one password for all.

use std::path::Path;

use crate::run::Account;

/// What the settings speak of.
pub(super) struct Settings<'a> {
    /// The run's folder.
    pub folder: &'a Path,
    /// Postfix: plain, submission with STARTTLS, submission with TLS from the start.
    pub smtp: [u16; 3],
    /// Dovecot: with STARTTLS, with TLS from the start.
    pub imap: [u16; 2],
    /// The account that owns the mail.
    pub owner: Account,
    /// The password of every address.
    pub password: &'a str,
    /// Where Postfix's own programs are.
    pub daemons: &'a Path,
}

/// Recipients that are refused at RCPT because the mailbox doesn't exist.
pub(super) const RECIPIENTS: &str = "!/^(nobody|unknown|bounce)(-[^@]*)?@/ there\n";

/// Recipients that are refused at RCPT for other reasons.
pub(super) const ACCESS: &str = "/^later(-[^@]*)?@/ 450 4.2.1 Mailbox busy, try again later\n\
     /^refused(-[^@]*)?@/ 550 5.7.1 Message refused by the policy of this domain\n";

/// Recipients that are accepted and bounced afterwards.
pub(super) const TRANSPORT: &str = "/^full(-[^@]*)?@/ full:\n";

impl Settings<'_> {
    /// Postfix's `main.cf`.
    pub fn main_cf(&self) -> String {
        let folder = self.folder.display();
        let daemons = self.daemons.display();
        format!(
            "compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = {daemons}
maillog_file = {folder}/postfix.log
maillog_file_prefixes = /
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.relance.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = static:here
virtual_mailbox_maps = regexp:{folder}/etc/recipients
virtual_transport = lmtp:unix:{folder}/lmtp
transport_maps = regexp:{folder}/etc/transport
default_transport = error:nothing leaves this machine
relay_transport = error:nothing leaves this machine
local_transport = error:nothing leaves this machine
relayhost =
recipient_delimiter = +
disable_dns_lookups = yes
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access regexp:{folder}/etc/access, permit_mynetworks, reject
smtpd_reject_unlisted_recipient = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/sasl
smtpd_sasl_security_options = noanonymous
smtpd_tls_cert_file = {folder}/server.crt
smtpd_tls_key_file = {folder}/server.key
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_client_connection_count_limit = 0
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 2000
in_flow_delay = 0
lmtp_destination_concurrency_limit = 20
lmtp_destination_recipient_limit = 1
message_size_limit = 52428800
mailbox_size_limit = 0
virtual_mailbox_limit = 0
biff = no
"
        )
    }

    /// Postfix's `master.cf`.
    pub fn master_cf(&self) -> String {
        let [plain, submission, tls] = self.smtp;
        let access = format!("regexp:{}/etc/access", self.folder.display());
        let authenticated = format!(
            "
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o {{ smtpd_recipient_restrictions = check_recipient_access {access}, permit_sasl_authenticated, reject }}"
        );
        format!(
            "127.0.0.1:{plain} inet n - n - - smtpd
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt{authenticated}
127.0.0.1:{tls} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes{authenticated}
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
full unix - n n - - pipe
  user=mail null_sender= argv=/bin/sh -c {{echo 5.2.2 Mailbox is full; exit 69}}
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"
        )
    }

    /// Dovecot's settings.
    pub fn dovecot_conf(&self) -> String {
        let folder = self.folder.display();
        let [plain, tls] = self.imap;
        let Account { uid, gid } = self.owner;
        let password = self.password;
        format!(
            "base_dir = {folder}/dovecot
log_path = {folder}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{folder}/server.crt
ssl_key = <{folder}/server.key
disable_plaintext_auth = yes
auth_mechanisms = plain login
auth_failure_delay = 0
postmaster_address = postmaster@relance.test
hostname = mail.relance.test
recipient_delimiter = +
mail_location = maildir:~/Maildir
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 1
first_valid_gid = 1
mail_fsync = never
mail_max_userip_connections = 0
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%d/%n allow_all_users=yes
}}
namespace inbox {{
  inbox = yes
  separator = /
  mailbox Sent {{
    special_use = \\Sent
    auto = subscribe
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = subscribe
  }}
  mailbox Archive {{
    special_use = \\Archive
    auto = subscribe
  }}
  mailbox Drafts {{
    special_use = \\Drafts
    auto = subscribe
  }}
  mailbox Trash {{
    special_use = \\Trash
    auto = subscribe
  }}
}}
service imap-login {{
  service_count = 0
  client_limit = 1000
  process_min_avail = 1
  inet_listener imap {{
    port = {plain}
  }}
  inet_listener imaps {{
    port = {tls}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 1000
  process_min_avail = 2
}}
service lmtp {{
  process_min_avail = 1
  unix_listener {folder}/lmtp {{
    mode = 0600
    user = postfix
  }}
}}
service auth {{
  client_limit = 4000
  unix_listener {folder}/sasl {{
    mode = 0600
    user = postfix
  }}
}}
service anvil {{
  client_limit = 4000
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"
        )
    }
}
