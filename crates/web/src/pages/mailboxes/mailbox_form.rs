//! A mailbox as a form and back: its servers, those of a known provider filled in, and what is one's own about it.

use jiff::civil::Date;
use relance_domain::Refused;
use relance_domain::mail_preset::MailPreset;
use relance_domain::mailbox::{Away, Endpoint, JITTER_PERCENT, Mailbox, RampUp, Security};
use relance_engine::commands::mailboxes::{NewEndpoint, NewRampUp};
use secrecy::SecretString;

use crate::errors::FormErrors;
use crate::pages::form::{Typed, or_default};

/// The fields of the form.
pub const FIELDS: [&str; 24] = [
    "address",
    "from_name",
    "smtp",
    "smtp.host",
    "smtp.port",
    "smtp.security",
    "smtp.username",
    "smtp.password",
    "imap",
    "imap.host",
    "imap.port",
    "imap.security",
    "imap.username",
    "imap.password",
    "aliases",
    "signature_html",
    "time_zone",
    "daily_quota",
    "min_gap_seconds",
    "jitter_percent",
    "ramp_up.first_day_quota",
    "ramp_up.daily_increase",
    "watched_folders",
    "away",
];

/// The name of the choice for every other provider and one's own server.
pub const OWN: &str = "own";

/// The form of a new mailbox at this provider; `None` = another one, whose servers are asked for.
pub fn begin(preset: Option<&MailPreset>, zone: &str, from_name: &str) -> Typed {
    let mut typed = Typed::of([
        ("preset", preset.map_or(OWN, |preset| preset.name).to_owned()),
        ("from_name", from_name.to_owned()),
    ]);
    let unknown = [("", 993, Security::Tls), ("", 465, Security::Tls)];
    let [imap, smtp] = preset.map_or(unknown, |preset| [preset.imap, preset.smtp]);
    for (way, (host, port, security)) in [("imap", imap), ("smtp", smtp)] {
        typed.set(&format!("{way}.host"), host);
        typed.set(&format!("{way}.port"), port.to_string());
        typed.set(&format!("{way}.security"), security.as_str());
    }
    put_own(&mut typed, zone);
    typed
}

fn put_own(typed: &mut Typed, zone: &str) {
    typed.set("time_zone", zone);
    typed.set("daily_quota", "200");
    typed.set("min_gap_seconds", "60");
    typed.set("jitter_percent", JITTER_PERCENT.to_string());
    put_ramp_up(typed, None);
}

fn put_ramp_up(typed: &mut Typed, ramp_up: Option<RampUp>) {
    typed.set("ramp_up", if ramp_up.is_some() { "1" } else { "" });
    let (first, more) = ramp_up.map_or((RampUp::FIRST_DAY_QUOTA, RampUp::DAILY_INCREASE), |ramp_up| {
        (ramp_up.first_day_quota, ramp_up.daily_increase)
    });
    typed.set("ramp_up.first_day_quota", first.to_string());
    typed.set("ramp_up.daily_increase", more.to_string());
}

/// The ramp-up, if its box is ticked; what stands beside an empty box is not read.
pub fn ramp_up(typed: &Typed, wrong: &mut Vec<Refused>) -> Option<NewRampUp> {
    if !typed.is_set("ramp_up") {
        return None;
    }
    let mut number = |field| or_default(typed.number(field, "Enter a whole number of emails."), wrong);
    Some(NewRampUp {
        first_day_quota: number("ramp_up.first_day_quota"),
        daily_increase: number("ramp_up.daily_increase"),
        started_on: None,
    })
}

/// The form of a mailbox that is connected.
pub fn of(mailbox: &Mailbox) -> Typed {
    let mut typed = Typed::of([
        ("address", mailbox.address.clone()),
        ("from_name", mailbox.from_name.clone()),
        ("aliases", mailbox.aliases.join("\n")),
        ("signature_html", mailbox.signature_html.clone()),
        ("time_zone", mailbox.time_zone.clone()),
        ("daily_quota", mailbox.daily_quota.to_string()),
        ("min_gap_seconds", mailbox.min_gap_seconds.to_string()),
    ]);
    let away: Vec<_> = mailbox.away.iter().map(|away| format!("{} to {}", away.from, away.to)).collect();
    typed.set("away", away.join("\n"));
    typed.set("jitter_percent", mailbox.jitter_percent.to_string());
    put_ramp_up(&mut typed, mailbox.ramp_up);
    for (way, endpoint) in [("smtp", &mailbox.smtp), ("imap", &mailbox.imap)] {
        let Some(endpoint) = endpoint else { continue };
        typed.set(&format!("{way}.host"), &endpoint.host);
        typed.set(&format!("{way}.port"), endpoint.port.to_string());
        typed.set(&format!("{way}.security"), endpoint.security.as_str());
        typed.set(&format!("{way}.username"), &endpoint.username);
    }
    typed
}

/// One direction. The user name is the address, and sending takes what receiving has, where nothing else was typed.
pub fn endpoint(typed: &Typed, way: &str, wrong: &mut Vec<Refused>) -> NewEndpoint {
    let field = |name: &str| typed.trimmed(&format!("{way}.{name}"));
    let or_first = |name: &str| {
        [field(name), typed.trimmed(&format!("imap.{name}"))]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    };
    let port = field("port").parse().unwrap_or_else(|_| {
        wrong.push(Refused::at(format!("{way}.port"), "invalid_number", "Enter the port as a number up to 65535."));
        0
    });
    let username =
        Some(or_first("username")).filter(|name| !name.is_empty()).unwrap_or_else(|| typed.trimmed("address"));
    let password =
        [typed.get(&format!("{way}.password")), typed.get("imap.password")].into_iter().find(|text| !text.is_empty());
    NewEndpoint {
        endpoint: Endpoint {
            host: field("host"),
            port,
            security: Security::parse(&field("security")).unwrap_or(Security::Tls),
            username,
        },
        password: password.map(|text| SecretString::from(text.to_owned())),
    }
}

/// Addresses, one per line.
pub fn aliases(typed: &Typed) -> Vec<String> {
    typed
        .get("aliases")
        .split([',', ';', '\n', '\r'])
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

/// Spans of days, one per line: `2026-12-24 to 2027-01-02`, or one day.
pub fn away(typed: &Typed, wrong: &mut Vec<Refused>) -> Vec<Away> {
    let mut spans = Vec::new();
    for line in typed.get("away").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let dates: Vec<_> =
            line.split(|c: char| c.is_whitespace() || c == ',').filter_map(|word| word.parse::<Date>().ok()).collect();
        match dates.as_slice() {
            [day] => spans.push(Away { from: *day, to: *day }),
            [from, to] => spans.push(Away { from: *from, to: *to }),
            _ => wrong.push(Refused::at("away", "invalid_date", format!("Write {line} as 2026-12-24 to 2027-01-02."))),
        }
    }
    spans
}

/// The refusals of the engine where the form has one field for a list.
pub fn errors(FormErrors(refused): FormErrors) -> FormErrors {
    let place = |refused: Refused| match refused.field.as_deref().and_then(|field| field.split_once('[')) {
        Some((list, _)) => Refused { field: Some(list.to_owned()), ..refused },
        None => refused,
    };
    FormErrors(refused.into_iter().map(place).collect())
}

/// The form without its passwords, as it is drawn again.
pub fn without_passwords(mut typed: Typed) -> Typed {
    typed.set("smtp.password", "");
    typed.set("imap.password", "");
    typed
}

#[cfg(test)]
mod tests {
    use super::*;
    use relance_domain::mail_preset;
    use secrecy::ExposeSecret as _;

    #[test]
    fn sending_takes_user_name_and_password_of_receiving_where_none_was_typed() {
        let mut typed = begin(mail_preset::called("icloud"), "Europe/Paris", "Nora");
        typed.set("address", "nora@icloud.example");
        typed.set("imap.password", "abcd-efgh");
        let mut wrong = Vec::new();
        let smtp = endpoint(&typed, "smtp", &mut wrong);
        assert_eq!((smtp.endpoint.port, smtp.endpoint.security), (587, Security::Starttls));
        assert_eq!(smtp.endpoint.username, "nora@icloud.example");
        assert_eq!(smtp.password.map(|password| password.expose_secret().to_owned()).as_deref(), Some("abcd-efgh"));
        typed.set("smtp.port", "many");
        endpoint(&typed, "smtp", &mut wrong);
        assert_eq!(wrong[0].field.as_deref(), Some("smtp.port"));
        assert!(without_passwords(typed).get("imap.password").is_empty());
    }

    #[test]
    fn away_dates_are_spans_or_single_days() {
        let mut wrong = Vec::new();
        let typed = Typed::of([("away", "2026-12-24 to 2027-01-02\n2027-05-01\nsoon".into())]);
        let spans = away(&typed, &mut wrong);
        assert_eq!((spans.len(), wrong.len()), (2, 1));
        assert_eq!(spans[1].from, spans[1].to);
        let refused = errors(FormErrors::one("aliases[1]", "This address has no domain."));
        assert_eq!(refused.at("aliases"), "This address has no domain.");
    }
}
