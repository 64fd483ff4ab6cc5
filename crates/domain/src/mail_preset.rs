//! What is known of mail providers: their servers, how one signs in, and how they send for a domain of one's own.
//!
//! Hosts, ports and encryption were compared in November 2026 with what is published, entry by entry:
//!
//! - the ISPDB of Thunderbird (github.com/thunderbird/autoconfig, `ispdb/`), its domains and MX as well: aol, gmail,
//!   gmx, gmx-com, icloud (`me.com`), all ionos, mailbox-org, migadu, outlook (`hotmail.com`, `office365.com`), posteo,
//!   rackspace (`emailsrvr.com`), strato, t-online, web-de, yahoo, yandex, zoho, zoho-eu;
//! - help pages of the provider: fastmail (fastmail.com, *Server names and ports*), infomaniak (knowledge base,
//!   *Mandatory ports and parameters*), ovh and ovh-ca (github.com/ovh/docs, *MX Plan*; pages of before 2022 name
//!   `ssl0.ovh.net`), namecheap (knowledge base, MX and SPF);
//! - only other people's programs and guides agree, no page of the provider was read to its ports: gandi, hetzner,
//!   hostinger, the servers of namecheap, and the ports of proton-bridge, which shows its own.
//!
//! SPF and DKIM of own domains, and which app passwords are asked for, are as known in November 2026. All of it only
//! fills in a form: connecting tests both directions, so a wrong one is seen at once and corrected here.
//!
//! A provider is found by the domain of an address, else by where mail for that domain goes (its MX).

use crate::{mailbox::Security, person::email_domain};

/// One direction: host, port, encryption.
pub type Way = (&'static str, u16, Security);

/// A provider of mailboxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailPreset {
    /// In addresses and the API.
    pub name: &'static str,
    /// As people know it.
    pub label: &'static str,
    /// What one should know before entering a password.
    pub hint: &'static str,
    /// Receiving.
    pub imap: Way,
    /// Sending.
    pub smtp: Way,
    /// Domains of its own addresses.
    pub domains: &'static [&'static str],
    /// Ends of the names of its servers that receive mail for other domains.
    pub mx: &'static [&'static str],
    /// The term of an SPF record that lets it send; empty if it keeps no such name.
    pub spf: &'static str,
    /// DKIM selectors that it uses.
    pub selectors: &'static [&'static str],
}

use Security::{Starttls, Tls};

const APP_PASSWORD: &str = "It needs an app password, made in the security settings of your account.";
const IONOS_SELECTORS: &[&str] = &["s1-ionos", "s2-ionos"];
const SAME: &str = "Use your address and the password of your mailbox.";

const fn preset(name: &'static str, label: &'static str, hint: &'static str, imap: Way, smtp: Way) -> MailPreset {
    MailPreset { name, label, hint, imap, smtp, domains: &[], mx: &[], spf: "", selectors: &[] }
}

const fn tls(host: &'static str) -> Way {
    (host, 993, Tls)
}

const fn smtps(host: &'static str) -> Way {
    (host, 465, Tls)
}

const fn starttls(host: &'static str) -> Way {
    (host, 587, Starttls)
}

/// Every provider, by name.
#[rustfmt::skip] // The domains stay on a few lines.
pub const PRESETS: &[MailPreset] = &[
    MailPreset {
        domains: &[
            "aol.com", "aim.com", "aol.de", "aol.it", "aol.fr", "aol.es", "aol.se", "aol.co.uk", "aol.co.nz",
            "aol.com.au", "netscape.net", "compuserve.com",
        ],
        mx: &["mail.gm0.yahoodns.net"],
        ..preset("aol", "AOL", APP_PASSWORD, tls("imap.aol.com"), smtps("smtp.aol.com"))
    },
    MailPreset {
        domains: &["fastmail.com", "fastmail.fm", "sent.com", "messagingengine.com"],
        mx: &["messagingengine.com"],
        spf: "include:spf.messagingengine.com",
        selectors: &["fm1", "fm2", "fm3", "fm4"],
        ..preset("fastmail", "Fastmail", APP_PASSWORD, tls("imap.fastmail.com"), smtps("smtp.fastmail.com"))
    },
    MailPreset {
        mx: &["mail.gandi.net"],
        spf: "include:_mailcust.gandi.net",
        selectors: &["gm1", "gm2", "gm3"],
        ..preset("gandi", "Gandi", SAME, tls("mail.gandi.net"), smtps("mail.gandi.net"))
    },
    MailPreset {
        domains: &["gmail.com", "googlemail.com"],
        mx: &["google.com", "googlemail.com"],
        spf: "include:_spf.google.com",
        selectors: &["google"],
        ..preset(
            "gmail",
            "Gmail with an app password",
            "It needs an app password, which needs two-step sign-in at Google. Workspace admins may have to allow it.",
            tls("imap.gmail.com"),
            smtps("smtp.gmail.com"),
        )
    },
    MailPreset {
        domains: &["gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.eu", "gmx.org", "gmx.info", "gmx.biz"],
        ..preset(
            "gmx",
            "GMX",
            "Switch on POP3 and IMAP in the settings of GMX first.",
            tls("imap.gmx.net"),
            smtps("mail.gmx.net"),
        )
    },
    MailPreset {
        domains: &["gmx.com", "gmx.us", "gmx.co.uk", "gmx.fr", "gmx.es", "gmx.it", "gmx.pt", "gmx.ie", "gmx.ca"],
        ..preset(
            "gmx-com",
            "GMX (international)",
            "Switch on POP3 and IMAP in the settings of GMX first.",
            tls("imap.gmx.com"),
            smtps("mail.gmx.com"),
        )
    },
    MailPreset {
        mx: &["your-server.de"],
        ..preset("hetzner", "Hetzner web hosting", SAME, tls("mail.your-server.de"), smtps("mail.your-server.de"))
    },
    MailPreset {
        mx: &["hostinger.com"],
        spf: "include:_spf.mail.hostinger.com",
        selectors: &["hostingermail-a", "hostingermail-b", "hostingermail-c"],
        ..preset("hostinger", "Hostinger", SAME, tls("imap.hostinger.com"), smtps("smtp.hostinger.com"))
    },
    MailPreset {
        domains: &["icloud.com", "me.com", "mac.com"],
        mx: &["mail.icloud.com"],
        spf: "include:icloud.com",
        selectors: &["sig1"],
        ..preset(
            "icloud",
            "iCloud",
            "It needs an app-specific password, made at account.apple.com. If receiving is refused, enter the part of \
             your address before the @ as its user name.",
            tls("imap.mail.me.com"),
            starttls("smtp.mail.me.com"),
        )
    },
    MailPreset {
        domains: &["ik.me", "ikmail.com", "etik.com"],
        mx: &["infomaniak.ch", "infomaniak.com"],
        spf: "include:spf.infomaniak.ch",
        ..preset(
            "infomaniak",
            "Infomaniak",
            "Use the password of the mailbox, or a device password made for it.",
            tls("mail.infomaniak.com"),
            smtps("mail.infomaniak.com"),
        )
    },
    MailPreset {
        mx: &["kundenserver.de", "ionos.de", "schlund.de"],
        selectors: IONOS_SELECTORS,
        spf: "include:_spf-eu.ionos.com",
        ..preset("ionos", "IONOS (Germany)", SAME, tls("imap.ionos.de"), smtps("smtp.ionos.de"))
    },
    MailPreset {
        mx: &["ionos.com", "1and1.com", "perfora.net"],
        selectors: IONOS_SELECTORS,
        spf: "include:_spf-us.ionos.com",
        ..preset("ionos-com", "IONOS (America)", SAME, tls("imap.ionos.com"), smtps("smtp.ionos.com"))
    },
    MailPreset {
        mx: &["ionos.es", "1and1.es", "clienteservidor.es"],
        selectors: IONOS_SELECTORS,
        spf: "include:_spf-eu.ionos.com",
        ..preset("ionos-es", "IONOS (Spain)", SAME, tls("imap.ionos.es"), smtps("smtp.ionos.es"))
    },
    MailPreset {
        mx: &["ionos.fr", "1and1.fr", "unetun.com"],
        selectors: IONOS_SELECTORS,
        spf: "include:_spf-eu.ionos.com",
        ..preset("ionos-fr", "IONOS (France)", SAME, tls("imap.ionos.fr"), smtps("smtp.ionos.fr"))
    },
    MailPreset {
        mx: &["ionos.it", "1and1.it", "servercliente.it"],
        selectors: IONOS_SELECTORS,
        spf: "include:_spf-eu.ionos.com",
        ..preset("ionos-it", "IONOS (Italy)", SAME, tls("imap.ionos.it"), smtps("smtp.ionos.it"))
    },
    MailPreset {
        mx: &["ionos.co.uk", "1and1.co.uk", "oneandone.co.uk"],
        selectors: IONOS_SELECTORS,
        spf: "include:_spf-eu.ionos.com",
        ..preset("ionos-uk", "IONOS (United Kingdom)", SAME, tls("imap.ionos.co.uk"), smtps("smtp.ionos.co.uk"))
    },
    MailPreset {
        domains: &["mailbox.org"],
        mx: &["mailbox.org"],
        spf: "include:mailbox.org",
        selectors: &["MBO0001", "MBO0002", "MBO0003", "MBO0004"],
        ..preset(
            "mailbox-org",
            "mailbox.org",
            "Use your main address and its password; with two-factor sign-in an app password.",
            tls("imap.mailbox.org"),
            smtps("smtp.mailbox.org"),
        )
    },
    MailPreset {
        mx: &["migadu.com"],
        spf: "include:spf.migadu.com",
        selectors: &["key1", "key2", "key3"],
        ..preset("migadu", "Migadu", SAME, tls("imap.migadu.com"), smtps("smtp.migadu.com"))
    },
    MailPreset {
        mx: &["privateemail.com"],
        spf: "include:spf.privateemail.com",
        selectors: &["default"],
        ..preset(
            "namecheap",
            "Namecheap Private Email",
            SAME,
            tls("mail.privateemail.com"),
            smtps("mail.privateemail.com"),
        )
    },
    MailPreset {
        domains: &[
            "outlook.com", "hotmail.com", "live.com", "msn.com", "outlook.de", "outlook.fr", "outlook.es", "outlook.it",
            "outlook.at", "outlook.be", "outlook.dk", "outlook.ie", "hotmail.de", "hotmail.fr", "hotmail.it",
            "hotmail.es", "hotmail.nl", "hotmail.se", "hotmail.co.uk", "live.de", "live.fr", "live.it", "live.nl",
            "live.co.uk", "onmicrosoft.com",
        ],
        mx: &["protection.outlook.com"],
        spf: "include:spf.protection.outlook.com",
        selectors: &["selector1", "selector2"],
        ..preset(
            "outlook",
            "Outlook and Microsoft 365 with a password",
            "Microsoft has switched off passwords for most accounts. Choose Microsoft 365 and sign in there instead.",
            tls("outlook.office365.com"),
            starttls("smtp.office365.com"),
        )
    },
    MailPreset {
        mx: &["mail.ovh.net", "ovh.net"],
        spf: "include:mx.ovh.com",
        ..preset("ovh", "OVHcloud MX Plan (Europe)", SAME, tls("imap.mail.ovh.net"), smtps("smtp.mail.ovh.net"))
    },
    MailPreset {
        mx: &["mail.ovh.ca"],
        spf: "include:mx.ovh.ca",
        ..preset("ovh-ca", "OVHcloud MX Plan (America, Asia)", SAME, tls("imap.mail.ovh.ca"), smtps("smtp.mail.ovh.ca"))
    },
    MailPreset {
        domains: &[
            "posteo.de", "posteo.net", "posteo.org", "posteo.eu", "posteo.at", "posteo.be", "posteo.ch", "posteo.com",
            "posteo.es", "posteo.it", "posteo.nl", "posteo.pl", "posteo.uk", "posteo.us",
        ],
        ..preset("posteo", "Posteo", SAME, tls("posteo.de"), smtps("posteo.de"))
    },
    MailPreset {
        domains: &["proton.me", "protonmail.com", "pm.me"],
        mx: &["protonmail.ch"],
        spf: "include:_spf.protonmail.ch",
        selectors: &["protonmail", "protonmail2", "protonmail3"],
        ..preset(
            "proton-bridge",
            "Proton Mail Bridge",
            "Bridge must run on this machine. Use the user name and password that it shows, and let Relance trust its \
             certificate (--tls-ca).",
            ("127.0.0.1", 1143, Starttls),
            ("127.0.0.1", 1025, Starttls),
        )
    },
    MailPreset {
        mx: &["emailsrvr.com"],
        spf: "include:emailsrvr.com",
        ..preset("rackspace", "Rackspace Email", SAME, tls("secure.emailsrvr.com"), smtps("secure.emailsrvr.com"))
    },
    MailPreset {
        mx: &["rzone.de"],
        spf: "include:_spf.strato.com",
        selectors: &["strato-dkim-0002", "strato-dkim-0003"],
        ..preset("strato", "STRATO", SAME, tls("imap.strato.de"), smtps("smtp.strato.de"))
    },
    MailPreset {
        domains: &["t-online.de", "magenta.de"],
        ..preset(
            "t-online",
            "T-Online",
            "It needs the password for email programs, made in the settings of the email center.",
            tls("secureimap.t-online.de"),
            smtps("securesmtp.t-online.de"),
        )
    },
    MailPreset {
        domains: &["web.de"],
        ..preset(
            "web-de",
            "WEB.DE",
            "Switch on POP3 and IMAP in the settings of WEB.DE first.",
            tls("imap.web.de"),
            smtps("smtp.web.de"),
        )
    },
    MailPreset {
        domains: &[
            "yahoo.com", "yahoo.de", "yahoo.fr", "yahoo.co.uk", "yahoo.it", "yahoo.es", "yahoo.se", "yahoo.co.in",
            "yahoo.co.nz", "yahoo.com.au", "yahoo.com.br", "yahoo.com.mx", "ymail.com", "myyahoo.com", "rocketmail.com",
        ],
        mx: &["yahoodns.net"],
        ..preset("yahoo", "Yahoo", APP_PASSWORD, tls("imap.mail.yahoo.com"), smtps("smtp.mail.yahoo.com"))
    },
    MailPreset {
        domains: &["yandex.com", "yandex.ru", "ya.ru", "yandex.by", "yandex.kz", "narod.ru"],
        mx: &["yandex.net", "yandex.ru"],
        spf: "include:_spf.yandex.net",
        selectors: &["mail"],
        ..preset(
            "yandex",
            "Yandex",
            "Switch on IMAP in the settings of Yandex Mail first, and make an app password.",
            tls("imap.yandex.com"),
            smtps("smtp.yandex.com"),
        )
    },
    MailPreset {
        domains: &["zoho.com", "zohomail.com"],
        mx: &["zoho.com"],
        spf: "include:zohomail.com",
        selectors: &["zmail", "zoho"],
        ..preset(
            "zoho",
            "Zoho Mail",
            "Switch on IMAP in the settings of Zoho Mail first; with two-factor sign-in it needs an app password.",
            tls("imap.zoho.com"),
            smtps("smtp.zoho.com"),
        )
    },
    MailPreset {
        domains: &["zoho.eu", "zohomail.eu"],
        mx: &["zoho.eu"],
        spf: "include:zohomail.eu",
        selectors: &["zmail", "zoho"],
        ..preset(
            "zoho-eu",
            "Zoho Mail (Europe)",
            "Switch on IMAP in the settings of Zoho Mail first; with two-factor sign-in it needs an app password.",
            tls("imap.zoho.eu"),
            smtps("smtp.zoho.eu"),
        )
    },
];

/// The provider of this name.
pub fn called(name: &str) -> Option<&'static MailPreset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The provider whose own addresses end like this one.
pub fn of_address(address: &str) -> Option<&'static MailPreset> {
    let domain = email_domain(address)?;
    PRESETS.iter().find(|preset| preset.domains.contains(&domain.as_str()))
}

/// The provider whose servers receive mail under this name.
pub fn of_mx(host: &str) -> Option<&'static MailPreset> {
    let host = host.trim_end_matches('.').to_lowercase();
    let within = |preset: &&MailPreset| {
        preset.mx.iter().filter(|end| is_within(&host, end)).map(|end| end.len()).max().unwrap_or_default()
    };
    // The longest end counts: AOL's servers stand under a name that is Yahoo's.
    PRESETS.iter().filter(|preset| within(preset) > 0).max_by_key(within)
}

/// The provider that is sent through, by the host of its server.
pub fn of_smtp_host(host: &str) -> Option<&'static MailPreset> {
    PRESETS.iter().find(|preset| preset.smtp.0.eq_ignore_ascii_case(host) && preset.smtp.0 != "127.0.0.1")
}

fn is_within(host: &str, end: &str) -> bool {
    host.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_provider_is_found_by_its_own_domain_or_by_where_mail_for_a_domain_goes() {
        let name = |found: Option<&'static MailPreset>| found.map(|preset| preset.name);
        assert_eq!(name(of_address("Nora@GMX.de")), Some("gmx"));
        assert_eq!(name(of_address("nora@halden.example")), None);
        assert_eq!(name(of_mx("in1-smtp.messagingengine.com.")), Some("fastmail"));
        assert_eq!(name(of_mx("halden-example.mail.protection.outlook.com")), Some("outlook"));
        assert_eq!(name(of_mx("aspmx.l.google.com")), Some("gmail"));
        assert_eq!(name(of_mx("notgoogle.com")), None);
        assert_eq!(name(of_mx("mx-aol.mail.gm0.yahoodns.net")), Some("aol"));
        assert_eq!(name(of_mx("mta5.am0.yahoodns.net")), Some("yahoo"));
        assert_eq!(name(of_mx("mx00.ionos.co.uk")), Some("ionos-uk"));
        assert_eq!(name(of_mx("mx01.kundenserver.de")), Some("ionos"));
        assert_eq!(name(of_mx("mx1.mail.ovh.ca")), Some("ovh-ca"));
        assert_eq!(name(of_smtp_host("SMTP.fastmail.com")), Some("fastmail"));
    }

    #[test]
    fn every_preset_has_encrypted_ways_and_a_name_of_its_own() {
        assert!(PRESETS.len() >= 20);
        for (index, preset) in PRESETS.iter().enumerate() {
            assert!(PRESETS[..index].iter().all(|other| other.name < preset.name), "{}", preset.name);
            for (host, port, security) in [preset.imap, preset.smtp] {
                assert!(!host.is_empty() && port > 0 && security != Security::None, "{}", preset.name);
            }
            assert!(!preset.domains.is_empty() || !preset.mx.is_empty(), "{} is never found", preset.name);
            assert!(preset.spf.is_empty() || preset.spf.starts_with("include:"));
        }
    }
}
