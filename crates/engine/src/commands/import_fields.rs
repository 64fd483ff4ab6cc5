//! The fields a CSV column can fill, how they are guessed from headers, and how a cell gets into a person.

use super::csv_text::bare_cell;
use relance_domain::{
    Refused, UserId,
    custom_field::CustomField,
    person::{Fields, clean_line, normalized},
};
use std::collections::HashMap;

/// A field a column can fill: its name and the words of its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportField {
    /// As in [`super::import::Mapping`].
    pub name: &'static str,
    /// As on the page.
    pub label: &'static str,
    /// Headers that mean it, without spaces and marks.
    guesses: &'static [&'static str],
}

const fn field(name: &'static str, label: &'static str, guesses: &'static [&'static str]) -> ImportField {
    ImportField { name, label, guesses }
}

const FIELDS: [ImportField; 26] = [
    field("first_name", "First name", &["firstname", "first", "givenname", "forename", "vorname", "prenom", "nombre"]),
    field(
        "last_name",
        "Last name",
        &["lastname", "last", "surname", "familyname", "nachname", "nom", "apellido", "apellidos"],
    ),
    field("name", "Full name", &["name", "fullname", "contactname", "leadname", "personname"]),
    field(
        "organization_name",
        "Organisation",
        &[
            "organizationname",
            "organisationname",
            "organization",
            "organisation",
            "company",
            "companyname",
            "account",
            "accountname",
            "employer",
            "firma",
            "unternehmen",
            "societe",
            "entreprise",
            "empresa",
        ],
    ),
    field("is_organization", "Is a company", &["isorganization", "isorganisation", "iscompany"]),
    field("title", "Job title", &["title", "jobtitle", "position", "role", "job", "titel", "poste", "cargo"]),
    field(
        "email",
        "Email",
        &["email", "emailaddress", "mail", "emails", "workemail", "primaryemail", "adresseemail", "courriel", "correo"],
    ),
    field(
        "other_emails",
        "Other emails",
        &["otheremails", "otheremail", "secondaryemail", "email2", "additionalemails"],
    ),
    field("phone", "Phone", &["phone", "phonenumber", "telephone", "tel", "workphone", "telefon", "telefono"]),
    field("mobile", "Mobile", &["mobile", "mobilephone", "cell", "cellphone", "mobil", "handy", "portable"]),
    field("website", "Website", &["website", "url", "web", "homepage", "domain", "siteweb"]),
    field("industry", "Industry", &["industry", "sector", "branche", "secteur", "industria"]),
    field("linkedin", "LinkedIn", &["linkedin", "linkedinurl", "linkedinprofile"]),
    field("x", "X", &["x", "twitter", "twitterhandle"]),
    field("facebook", "Facebook", &["facebook"]),
    field(
        "address.line",
        "Street",
        &["addressline", "street", "address", "address1", "streetaddress", "strasse", "rue"],
    ),
    field("address.city", "City", &["addresscity", "city", "town", "ort", "stadt", "ville", "ciudad"]),
    field(
        "address.postal_code",
        "Postal code",
        &["addresspostalcode", "postalcode", "zip", "zipcode", "postcode", "plz", "codepostal"],
    ),
    field("address.state", "State", &["addressstate", "state", "region", "province", "county", "bundesland"]),
    field("address.country", "Country", &["addresscountry", "country", "land", "pays", "pais", "countrycode"]),
    field("description", "Description", &["description", "notes", "note", "comment", "comments", "bemerkung"]),
    field("time_zone", "Time zone", &["timezone", "tz", "zeitzone"]),
    field("owner", "Owner (email of a user)", &["owner", "owneremail", "assignedto", "accountowner"]),
    field("status", "Status", &["status", "leadstatus"]),
    field("source", "Source", &["source", "leadsource", "quelle", "origin"]),
    field("tags", "Tags", &["tags", "tag", "labels", "etiketten"]),
];

/// Every field a column can fill; custom fields come on top as `custom_fields.KEY`.
pub const fn import_fields() -> &'static [ImportField] {
    &FIELDS
}

/// Whether a mapping may name it.
pub(crate) fn is_known(name: &str, custom: &[CustomField]) -> bool {
    name.is_empty() || FIELDS.iter().any(|field| field.name == name) || custom.iter().any(|field| field.field() == name)
}

/// The field each header means, each field once; empty where none does.
pub(crate) fn guess(headers: &[String], custom: &[CustomField]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    let plain = |text: &str| normalized(text).chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    headers
        .iter()
        .map(|header| {
            let (trimmed, plainly) = (header.trim(), plain(header));
            let everyones =
                FIELDS.iter().filter(|field| field.name == trimmed || field.guesses.contains(&plainly.as_str()));
            let own = custom.iter().filter(|field| {
                field.field() == trimmed || plain(&field.label) == plainly || plain(&field.key) == plainly
            });
            let mut found = everyones.map(|field| field.name.to_owned()).chain(own.map(CustomField::field));
            let found = found.find(|name| !taken.contains(name)).unwrap_or_default();
            taken.push(found.clone());
            found
        })
        .collect()
}

/// Users by the key of their address, for the column *owner*.
pub(crate) type Owners = HashMap<String, UserId>;

/// Puts one cell into its field; an empty cell changes nothing.
pub(crate) fn put(fields: &mut Fields, name: &str, cell: &str, owners: &Owners) -> Result<(), Refused> {
    // Our own exports disarm what a spreadsheet would take for a formula.
    let cell = bare_cell(cell);
    let cell = if name == "description" { cell.trim().to_owned() } else { clean_line(cell) };
    if cell.is_empty() || name.is_empty() {
        return Ok(());
    }
    match name {
        "first_name" => fields.first_name = cell,
        "last_name" => fields.last_name = cell,
        "name" => put_full_name(fields, &cell),
        "organization_name" => fields.organization_name = cell,
        "is_organization" => fields.is_organization = is_yes(&cell),
        "title" => fields.title = cell,
        "email" => fields.email = bare_address(&cell),
        "other_emails" => fields.other_emails.extend(parts(&cell).map(|part| bare_address(&part))),
        "phone" => fields.phone = cell,
        "mobile" => fields.mobile = cell,
        "website" => fields.website = cell,
        "industry" => fields.industry = cell,
        "linkedin" => fields.linkedin = cell,
        "x" => fields.x = cell,
        "facebook" => fields.facebook = cell,
        "address.line" => fields.address.line = cell,
        "address.city" => fields.address.city = cell,
        "address.postal_code" => fields.address.postal_code = cell,
        "address.state" => fields.address.state = cell,
        "address.country" => fields.address.country = cell,
        "description" => fields.description = cell,
        "time_zone" => fields.time_zone = cell,
        "status" => fields.status = cell,
        "source" => fields.source = cell,
        "tags" => fields.tags.extend(parts(&cell)),
        "owner" => {
            let owner = relance_domain::person::email_key(&cell).and_then(|key| owners.get(&key).copied());
            let unknown = || Refused::at("owner", "unknown_user", format!("There is no user with the address {cell}."));
            fields.owner_id = Some(owner.ok_or_else(unknown)?);
        }
        custom => {
            // What kind of value it stands for is judged with the others of the row.
            if let Some(key) = custom.strip_prefix("custom_fields.") {
                fields.custom_fields.insert(key.to_owned(), cell.into());
            }
        }
    }
    Ok(())
}

fn put_full_name(fields: &mut Fields, cell: &str) {
    if let Some((last, first)) = cell.split_once(',') {
        (fields.first_name, fields.last_name) = (first.trim().to_owned(), last.trim().to_owned());
    } else if let Some((first, last)) = cell.rsplit_once(' ') {
        (fields.first_name, fields.last_name) = (first.trim().to_owned(), last.trim().to_owned());
    } else {
        fields.last_name = cell.to_owned();
    }
}

/// `Ada <ada@example.com>` and `mailto:ada@example.com` stand for the address in them.
pub(crate) fn bare_address(cell: &str) -> String {
    let inside = cell.rsplit_once('<').and_then(|(_, rest)| rest.split_once('>')).map(|(inside, _)| inside);
    let address = inside.unwrap_or(cell).trim();
    address.strip_prefix("mailto:").unwrap_or(address).to_owned()
}

fn parts(cell: &str) -> impl Iterator<Item = String> {
    cell.split([',', ';', '|']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty())
}

fn is_yes(cell: &str) -> bool {
    matches!(cell.to_lowercase().as_str(), "1" | "yes" | "true" | "y" | "ja" | "oui" | "si")
}
