use super::{DomainCheck, Names, SendingDomain, Verdict, check_domain};
use relance_servers::DnsServer;

const GOOD_KEY: &str = "v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr1i4bS6R5jxgyvBFIN9YiPL8wRxJ7zj6vNCTyB5O1mMBmM5VVrPTvS1BeE4HzTV4yb0NGYBn3ozu9UgVrlVJGLZJCn6mNFlVJbFb3Vf3oHfuVVCbSq3VhSPWQaQWQMlS5Zl6e6dVQTqoL+VUZJpXeUpcDOAMCdH3j0c1pr0fTUlUeqTtP3Zwlyv0V4dkVYlHZFCOUpzNrYZ1bVwYtMBB7uSTzTVnW9q2ZpVbwqbbiE6ZVz7l9V+oxoYBlCRn3vC0xMpzZAFJQxS6xhVhpy5nK8J4zjbfTWZl5rAd4FxV6M0mRQvUWfQ5cWVtLdUqbmFDk1HFMqkHm8mC9bXGvIh5owIDAQAB";

fn of(domain: &str) -> SendingDomain {
    SendingDomain {
        domain: domain.to_owned(),
        smtp_host: "smtp.fastmail.test".to_owned(),
        provider: "Fastmail".to_owned(),
        spf_term: "include:spf.fastmail.test".to_owned(),
        selector: None,
        usual_selectors: vec!["fm1".to_owned(), "fm2".to_owned()],
        is_providers: false,
    }
}

async fn server() -> DnsServer {
    let server = DnsServer::start().await.expect("a name service");
    server.text("spf.fastmail.test", "v=spf1 ip4:192.0.2.0/24 -all");
    server
}

async fn checked(server: &DnsServer, of: &SendingDomain) -> DomainCheck {
    check_domain(&Names::new(&[server.address]).expect("names"), of).await
}

#[tokio::test]
async fn a_domain_that_has_all_three_is_good() {
    let server = server().await;
    server.text("halden.test", "some other text");
    server.text("halden.test", "v=spf1 include:spf.fastmail.test ~all");
    server.text("fm2._domainkey.halden.test", GOOD_KEY);
    server.text("_dmarc.halden.test", "v=DMARC1; p=reject");
    let check = checked(&server, &of("halden.test")).await;
    for finding in [&check.spf, &check.dkim, &check.dmarc] {
        assert_eq!((finding.verdict, finding.code.as_str()), (Verdict::Good, "ok"), "{finding:?}");
        assert!(finding.record.is_none() && finding.found.len() == 1);
    }
    assert!(check.dkim.sentence.contains("the selector fm2"), "{}", check.dkim.sentence);
}

#[tokio::test]
async fn what_is_missing_comes_with_the_record_to_add() {
    let server = server().await;
    let check = checked(&server, &of("mail.halden.co.uk")).await;
    let record =
        |finding: &super::Finding| finding.record.clone().map(|record| (record.name, record.value, record.replaces));
    assert_eq!(check.spf.code, "missing");
    assert_eq!(
        record(&check.spf),
        Some(("mail.halden.co.uk".into(), "v=spf1 include:spf.fastmail.test ~all".into(), false))
    );
    assert_eq!((check.dkim.verdict, check.dkim.code.as_str()), (Verdict::Wrong, "missing"));
    assert!(check.dkim.sentence.contains("fm1, fm2") && check.dkim.sentence.contains("Fastmail"));
    assert_eq!(
        record(&check.dmarc),
        Some(("_dmarc.halden.co.uk".into(), "v=DMARC1; p=none; rua=mailto:postmaster@halden.co.uk".into(), false))
    );
    let own = SendingDomain { spf_term: String::new(), usual_selectors: Vec::new(), ..of("halden.test") };
    let check = checked(&server, &own).await;
    assert_eq!(record(&check.spf).map(|record| record.1).as_deref(), Some("v=spf1 a:smtp.fastmail.test ~all"));
    assert_eq!((check.dkim.verdict, check.dkim.code.as_str()), (Verdict::Unknown, "no_selector"));
}

#[tokio::test]
async fn each_fault_of_an_spf_record_has_its_words() {
    let server = server().await;
    for n in 0..12 {
        server.text(&format!("i{n}.test"), "v=spf1 ip4:192.0.2.1 -all");
    }
    let eleven: String = (0..10).map(|n| format!("include:i{n}.test ")).collect();
    server.text("deep.test", "v=spf1 include:i1.test include:i2.test a mx exists:x.test ptr -all");
    server.text("loop.test", "v=spf1 include:loop.test include:spf.fastmail.test -all");
    let cases = [
        ("several.test", "v=spf1 -all", "several_records"),
        ("many.test", &format!("v=spf1 include:spf.fastmail.test {eleven}-all"), "too_many_lookups"),
        (
            "below.test",
            "v=spf1 include:spf.fastmail.test include:deep.test a:b.test mx:c.test a mx -all",
            "too_many_lookups",
        ),
        ("open.test", "v=spf1 include:spf.fastmail.test +all", "everyone"),
        ("bare.test", "v=spf1 include:spf.fastmail.test all", "everyone"),
        ("soft.test", "v=spf1 include:spf.fastmail.test ?all", "open_end"),
        ("none.test", "v=spf1 include:spf.fastmail.test", "open_end"),
        ("other.test", "v=spf1 mx ~all", "not_included"),
        ("lost.test", "v=spf1 include:spf.fastmail.test include:gone.test ~all", "broken_include"),
        ("typo.test", "v=spf1 include:spf.fastmail.test ipv4:1.2.3.4 ~all", "malformed"),
        ("ptr.test", "v=spf1 include:spf.fastmail.test ptr ~all", "ptr"),
        ("round.test", "v=spf1 include:loop.test ~all", "ok"),
        ("away.test", "v=spf1 redirect=round.test", "ok"),
        ("upper.test", "V=SPF1 Include:SPF.fastmail.test ~ALL", "ok"),
    ];
    server.text("several.test", "v=spf1 mx -all");
    for (domain, record, _) in &cases {
        server.text(domain, record);
    }
    for (domain, _, code) in cases {
        let spf = checked(&server, &of(domain)).await.spf;
        assert_eq!(spf.code, code, "{domain}: {}", spf.sentence);
    }
    let other = checked(&server, &of("other.test")).await.spf.record.expect("a record");
    assert_eq!((other.value.as_str(), other.replaces), ("v=spf1 mx include:spf.fastmail.test ~all", true));
    let open = checked(&server, &of("open.test")).await.spf.record.expect("a record");
    assert_eq!(open.value, "v=spf1 include:spf.fastmail.test ~all");
}

#[tokio::test]
async fn a_key_is_judged_by_what_stands_in_it() {
    let server = server().await;
    let weak = "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==";
    let cases = [
        ("weak", weak, "weak"),
        ("gone", "v=DKIM1; p=", "withdrawn"),
        ("bad", "v=DKIM1; p=!!", "malformed"),
        ("trial", &format!("{GOOD_KEY}; t=y:s"), "testing"),
        ("short", "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "ok"),
        ("nokey", "not a key", "missing"),
    ];
    for (selector, text, code) in cases {
        server.text(&format!("{selector}._domainkey.halden.test"), text);
        let of = SendingDomain { selector: Some(selector.to_owned()), ..of("halden.test") };
        let dkim = checked(&server, &of).await.dkim;
        assert_eq!(dkim.code, code, "{selector}: {}", dkim.sentence);
    }
}

#[tokio::test]
async fn a_policy_is_the_domains_own_or_that_of_the_domain_above() {
    let server = server().await;
    let cases = [
        ("v=DMARC1; p=none; rua=mailto:x@halden.test", "watches_only"),
        ("v=DMARC1; p=quarantine", "ok"),
        ("v=DMARC1; p=reject; pct=20", "partly"),
        ("v=DMARC1; p=maybe", "malformed"),
        ("v=DMARC1", "malformed"),
        ("v=DMARC1; p=reject; sp=none", "watches_only"),
    ];
    for (text, code) in cases {
        server.forget("_dmarc.halden.test");
        server.text("_dmarc.halden.test", text);
        let dmarc = checked(&server, &of("news.halden.test")).await.dmarc;
        assert_eq!(dmarc.code, code, "{text}: {}", dmarc.sentence);
    }
    server.text("_dmarc.halden.test", "v=DMARC1; p=reject");
    assert_eq!(checked(&server, &of("halden.test")).await.dmarc.code, "several_records");
}

#[tokio::test]
async fn a_name_service_that_fails_is_said_to_and_never_taken_for_a_missing_record() {
    let server = server().await;
    for name in ["halden.test", "fm1._domainkey.halden.test", "_dmarc.halden.test"] {
        server.fail(name);
    }
    let check = checked(&server, &of("halden.test")).await;
    for finding in [&check.spf, &check.dkim, &check.dmarc] {
        assert_eq!((finding.verdict, finding.code.as_str()), (Verdict::Unknown, "no_answer"));
        assert!(finding.record.is_none() && finding.sentence.contains("did not answer"), "{}", finding.sentence);
    }
}

#[tokio::test]
async fn the_providers_own_domain_is_not_the_readers_to_change() {
    let server = server().await;
    let of = SendingDomain { is_providers: true, ..of("gmail.test") };
    let check = checked(&server, &of).await;
    for finding in [&check.spf, &check.dkim, &check.dmarc] {
        assert!(finding.record.is_none() && finding.sentence.ends_with("only the provider can change this."));
    }
}

#[tokio::test]
async fn the_hosts_that_receive_mail_come_in_their_order() {
    let server = server().await;
    server.mail_host("halden.test", 20, "Second.Messagingengine.com.");
    server.mail_host("halden.test", 10, "in1-smtp.messagingengine.com");
    let names = Names::new(&[server.address]).expect("names");
    let hosts = names.mail_hosts("halden.test").await.expect("an answer");
    assert_eq!(hosts, ["in1-smtp.messagingengine.com", "second.messagingengine.com"]);
    assert!(names.mail_hosts("nowhere.test").await.expect("an answer").is_empty());
    let long = format!("v=spf1 {}-all", "ip4:192.0.2.1 ".repeat(30));
    server.text("long.test", &long);
    assert_eq!(names.texts("long.test").await.expect("an answer"), [long]);
}
