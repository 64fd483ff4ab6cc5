//! The fictional people of the demo: names, places and companies that do not exist, at reserved domains.

use relance_domain::person::{Address, Fields, Kind};

/// One person a line, fields separated by semicolons; an empty industry or domain is meant to be missing.
const LIST: &str = include_str!("people.csv");

/// The people, in the order of the list.
pub fn all() -> Vec<(Kind, Fields)> {
    LIST.lines().skip(1).enumerate().filter_map(|(index, line)| person(index, line)).collect()
}

fn person(index: usize, line: &str) -> Option<(Kind, Fields)> {
    let columns: Vec<&str> = line.split(';').collect();
    let [kind, first, last, title, organization, domain, industry, city, country, zone] = columns[..] else {
        return None;
    };
    let kind = Kind::parse(kind)?;
    let local = relance_domain::person::normalized(&format!("{first}.{last}")).replace([' ', '\''], "-");
    let statuses = ["New", "Working", "Working", "Contacted"];
    let sources = ["Cold Chain Expo 2026", "Website", "Referral"];
    let fields = Fields {
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        title: title.to_owned(),
        organization_name: organization.to_owned(),
        email: if domain.is_empty() { String::new() } else { format!("{local}@{domain}") },
        industry: industry.to_owned(),
        phone: format!("+00 555 0{:03}", 100 + index),
        address: Address { city: city.to_owned(), country: country.to_owned(), ..Address::default() },
        time_zone: zone.to_owned(),
        status: if kind == Kind::Lead { statuses[index % statuses.len()].to_owned() } else { String::new() },
        source: sources[index % sources.len()].to_owned(),
        tags: if index.is_multiple_of(3) { vec!["expo".to_owned()] } else { Vec::new() },
        ..Fields::default()
    };
    Some((kind, fields))
}

#[cfg(test)]
mod tests {
    use super::all;

    #[test]
    fn everyone_could_be_saved_and_nobody_could_be_reached() {
        assert_eq!(all().len(), 40);
        for (kind, fields) in all() {
            assert_eq!(fields.check(kind), Ok(()), "{}", fields.name());
            assert!(fields.email.is_empty() || fields.email.ends_with(".example"), "{}", fields.email);
        }
    }
}
