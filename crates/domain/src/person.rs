//! People: leads and contacts, their fields and addresses.
//!
//! One kind each, one id space, one history. Addresses are compared by their key: domain in IDN ASCII form, the whole
//! in lower case, plus-tags kept (`product.md` §1). A time zone that is not set follows from a country with one zone.

use crate::{PersonId, Refused, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a person is to the team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Unqualified: a person or an organisation.
    Lead,
    /// Qualified.
    Contact,
}

impl Kind {
    /// As in the database, the API and URLs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Contact => "contact",
        }
    }

    /// Reads [`Kind::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "lead" => Some(Self::Lead),
            "contact" => Some(Self::Contact),
            _ => None,
        }
    }
}

/// A postal address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Street and number.
    pub line: String,
    /// City.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// State or region.
    pub state: String,
    /// Country: ISO 3166 two-letter code or a name as typed.
    pub country: String,
}

/// Everything a person can be given by a form, the API or an import. Empty text means no value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Fields {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Name of the organisation (of a lead: where they work, or the lead itself).
    pub organization_name: String,
    /// The person is itself an organisation.
    pub is_organization: bool,
    /// A contact that is an organisation, where this contact works.
    pub company_id: Option<PersonId>,
    /// Job title.
    pub title: String,
    /// The address that is written to.
    pub email: String,
    /// Further addresses; mail from them counts as mail from the person.
    pub other_emails: Vec<String>,
    /// LinkedIn handle or URL.
    pub linkedin: String,
    /// X handle.
    pub x: String,
    /// Facebook handle.
    pub facebook: String,
    /// Phone.
    pub phone: String,
    /// Mobile.
    pub mobile: String,
    /// Website.
    pub website: String,
    /// Industry.
    pub industry: String,
    /// Postal address.
    pub address: Address,
    /// Description.
    pub description: String,
    /// IANA zone; empty = derived from the country.
    pub time_zone: String,
    /// The user who owns the person.
    pub owner_id: Option<UserId>,
    /// Status of a lead (`New`, `Working` …).
    pub status: String,
    /// Where the person came from.
    pub source: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Custom fields by key.
    pub custom_fields: BTreeMap<String, serde_json::Value>,
}

/// A lead or contact as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// Lead or contact.
    pub kind: Kind,
    /// Its fields.
    #[serde(flatten)]
    pub fields: Fields,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Person {
    /// The name to show: first and last name, else the organisation, else the address.
    pub fn name(&self) -> String {
        self.fields.name()
    }

    /// The zone of the person: set, else of a country with one zone; `None` if unknown.
    pub fn zone(&self) -> Option<jiff::tz::TimeZone> {
        crate::time::zone(&self.fields.time_zone)
            .or_else(|| crate::calendar::zone_of_country(&self.fields.address.country))
    }
}

impl Fields {
    /// First and last name, else the organisation, else the address, else *No name*.
    pub fn name(&self) -> String {
        let full = format!("{} {}", self.first_name.trim(), self.last_name.trim());
        [full.trim(), self.organization_name.trim(), self.email.trim()]
            .into_iter()
            .find(|text| !text.is_empty())
            .unwrap_or("No name")
            .to_owned()
    }

    /// Trims every text and drops empty or repeated tags and addresses; removes NUL and other control characters.
    pub fn clean(&mut self) {
        for text in self.texts_mut() {
            *text = clean_line(text);
        }
        self.description = self.description.replace('\0', "").trim().to_owned();
        for list in [&mut self.other_emails, &mut self.tags] {
            let mut seen = Vec::new();
            for entry in list.drain(..).map(|entry| clean_line(&entry)) {
                if !entry.is_empty() && !seen.contains(&entry) {
                    seen.push(entry);
                }
            }
            *list = seen;
        }
    }

    fn texts_mut(&mut self) -> Vec<&mut String> {
        vec![
            &mut self.first_name,
            &mut self.last_name,
            &mut self.organization_name,
            &mut self.title,
            &mut self.email,
            &mut self.linkedin,
            &mut self.x,
            &mut self.facebook,
            &mut self.phone,
            &mut self.mobile,
            &mut self.website,
            &mut self.industry,
            &mut self.address.line,
            &mut self.address.city,
            &mut self.address.postal_code,
            &mut self.address.state,
            &mut self.address.country,
            &mut self.time_zone,
            &mut self.status,
            &mut self.source,
        ]
    }

    /// Every rule a person must meet, all at once, so that a form can show each at its field.
    pub fn check(&self, kind: Kind) -> Result<(), Vec<Refused>> {
        let mut wrong = Vec::new();
        match kind {
            Kind::Lead if self.last_name.is_empty() && self.organization_name.is_empty() => {
                wrong.push(Refused::at("last_name", "required", "A lead needs a last name or an organisation name."));
            }
            Kind::Contact if self.is_organization && self.organization_name.is_empty() => {
                wrong.push(Refused::at("organization_name", "required", "A company needs a name."));
            }
            Kind::Contact if !self.is_organization && self.last_name.is_empty() => {
                wrong.push(Refused::at("last_name", "required", "A contact needs a last name."));
            }
            _ => {}
        }
        if !self.email.is_empty()
            && let Err(refused) = check_email(&self.email)
        {
            wrong.push(refused);
        }
        for (index, email) in self.other_emails.iter().enumerate() {
            if let Err(mut refused) = check_email(email) {
                refused.field = Some(format!("other_emails[{index}]"));
                wrong.push(refused);
            }
        }
        if !self.time_zone.is_empty() && crate::time::zone(&self.time_zone).is_none() {
            wrong.push(Refused::at(
                "time_zone",
                "unknown_time_zone",
                "There is no such time zone. Choose one such as Europe/Paris.",
            ));
        }
        for (field, text) in [("status", &self.status), ("source", &self.source)] {
            if text.chars().count() > 200 {
                wrong.push(Refused::at(field, "too_long", "This is longer than 200 characters. Shorten it."));
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// The keys of all addresses that count as this person.
    pub fn email_keys(&self) -> Vec<String> {
        let mut keys: Vec<String> =
            std::iter::once(&self.email).chain(&self.other_emails).filter_map(|email| email_key(email)).collect();
        keys.dedup();
        keys
    }
}

/// One line of foreign text: trimmed, control characters (NUL too) turned into spaces.
pub fn clean_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// Judges an address as someone types it.
pub fn check_email(email: &str) -> Result<(), Refused> {
    let refuse = |message: &str| Err(Refused::at("email", "invalid_email", message));
    let Some((local, domain)) = email.rsplit_once('@') else {
        return refuse("This is not an email address: it has no @.");
    };
    if local.is_empty() || domain.is_empty() {
        return refuse("Part of this address is missing, before or after the @.");
    }
    if !domain.contains('.') && domain != "localhost" {
        return refuse("This address has no domain ending, such as .com.");
    }
    if email.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';')) {
        return refuse("An address cannot contain spaces, commas or angle brackets.");
    }
    match email_key(email) {
        Some(key) if key.len() <= 254 && email_address::EmailAddress::is_valid(&key) => Ok(()),
        _ => refuse("This is not a valid email address."),
    }
}

/// The form in which addresses are compared: lower case, domain in IDN ASCII, plus-tags kept; `None` without `@`.
pub fn email_key(email: &str) -> Option<String> {
    let (local, domain) = email.trim().rsplit_once('@')?;
    if local.is_empty() || domain.is_empty() {
        return None;
    }
    let domain = idna::domain_to_ascii(domain).ok()?;
    Some(format!("{}@{}", local.to_lowercase(), domain.to_lowercase()))
}

/// The domain of an address in its compared form.
pub fn email_domain(email: &str) -> Option<String> {
    email_key(email)?.rsplit_once('@').map(|(_, domain)| domain.to_owned())
}

/// Text as it is searched and sorted: accents removed, lower case, single spaces.
pub fn normalized(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    let folded: String = text.nfkd().filter(|c| !is_combining_mark(*c)).collect::<String>().to_lowercase();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_or_source_of_more_than_200_characters_is_refused_at_its_field() {
        let mut fields = Fields { last_name: "Lane".to_owned(), status: "é".repeat(200), ..Fields::default() };
        assert_eq!(fields.check(Kind::Lead), Ok(()));
        fields.status.push('é');
        fields.source = "x".repeat(3_000);
        let wrong = fields.check(Kind::Lead).unwrap_err();
        let at: Vec<_> = wrong.iter().map(|refused| (refused.field.as_deref(), refused.code.as_str())).collect();
        assert_eq!(at, [(Some("status"), "too_long"), (Some("source"), "too_long")]);
    }
}
