//! The one gate through which an address reaches a wire or a header.
//!
//! What passes holds no white space, control character, bracket, quote or separator, so neither an SMTP
//! command nor a header can be made to say more than the address. International domains leave as
//! A-labels; a local part outside ASCII stays and needs SMTPUTF8. Anything else is refused.

/// The address as it goes on the wire, or `None` when it can't be written without changing its meaning.
pub(crate) fn wire_address(address: &str) -> Option<String> {
    const LONGEST: usize = 254;
    let (local, domain) = address.rsplit_once('@')?;
    if local.is_empty() || local.len() > 64 || !local.chars().all(is_local) {
        return None;
    }
    let wired = format!("{local}@{}", wire_domain(domain)?);
    (wired.len() <= LONGEST).then_some(wired)
}

/// A domain in A-labels, or an address literal in brackets.
pub(crate) fn wire_domain(domain: &str) -> Option<String> {
    if let Some(literal) = domain.strip_prefix('[').and_then(|d| d.strip_suffix(']')) {
        let ip = literal.strip_prefix("IPv6:").unwrap_or(literal);
        return ip.parse::<std::net::IpAddr>().is_ok().then(|| domain.to_owned());
    }
    let ascii = if domain.is_ascii() { domain.to_owned() } else { idna::domain_to_ascii(domain).ok()? };
    let fine = !ascii.is_empty()
        && ascii.len() <= 253
        && ascii.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        });
    fine.then_some(ascii)
}

fn is_local(c: char) -> bool {
    match c {
        c if c.is_ascii_alphanumeric() => true,
        '.' | '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|'
        | '}' | '~' => true,
        // Invisible and direction-changing characters have no place in an address.
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' => false,
        c => !c.is_ascii() && !c.is_control() && !c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_and_international_addresses_pass() {
        for (given, wired) in [
            ("ada@example.com", "ada@example.com"),
            ("o'hara+tag@mail.example.co.uk", "o'hara+tag@mail.example.co.uk"),
            ("a..b@docomo.example", "a..b@docomo.example"),
            ("info@bücher.example", "info@xn--bcher-kva.example"),
            ("josé@example.com", "josé@example.com"),
            ("root@[127.0.0.1]", "root@[127.0.0.1]"),
        ] {
            assert_eq!(wire_address(given).as_deref(), Some(wired));
        }
    }

    #[test]
    fn addresses_that_could_say_more_are_refused() {
        for bad in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "a b@example.com",
            "a@b c",
            "<a@b.c>",
            "a>b@c.d",
            "a@b.c>\r\nRCPT TO:<x@y.z",
            "a@b.c\n",
            "a\0@b.c",
            "a,b@c.d",
            "\"a b\"@c.d",
            "a@[evil]",
            "a@b..c",
            "a@b@c",
            "a\u{2028}@b.c",
            "a@b.c SIZE=1",
            "a(x)@b.c",
            "a;b@c.d",
        ] {
            assert_eq!(wire_address(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_can_never_end_a_command(any in ".{0,80}") {
            if let Some(wired) = wire_address(&any) {
                let clean = wired.chars().all(|c| {
                    !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';' | '"' | '(' | ')' | ':' | '\\')
                });
                prop_assert!(clean, "{wired:?}");
                prop_assert_eq!(wired.matches('@').count(), 1);
            }
        }
    }
}
