//! What a writer is told about an email before it is published.

use relance_domain::{
    lint::{self, Around, Severity},
    sequence::{Plan, Unsubscribe},
    step::{Action, EmailText, Step, Wait},
};

const WHOLE: Around = Around { has_unsubscribe: true, has_address: true, is_automated: true, is_follow_up: false };

fn html(body: &str) -> EmailText {
    EmailText { subject: "Door events at Felixstowe".into(), body_html: body.into(), ..EmailText::default() }
}

fn codes(email: &EmailText, around: Around) -> Vec<String> {
    lint::email(email, around).into_iter().map(|finding| finding.code).collect()
}

#[test]
fn a_sound_email_has_nothing_to_say_against_it() {
    let sound = html(
        r#"<p>Hi {{ person.first_name | default('there') }},</p><p>one number from the pilot, more of it
        <a href="https://halden.example/pilot">here</a>. Worth a call?</p>{{ sender.signature }}"#,
    );
    assert_eq!(codes(&sound, WHOLE), Vec::<String>::new());
    assert_eq!(lint::measure(&sound), "15 words, one question, one link.");
    let text = EmailText { body_html: String::new(), body_text: "Worth a call? Two, even?".into(), ..sound };
    assert_eq!(lint::measure(&text), "5 words, 2 questions, no link.");
}

#[test]
fn each_fault_is_found_with_its_cure() {
    let long = "x".repeat(lint::LARGE_HTML + 1);
    let many: String = (0..7).map(|n| format!("<a href=\"https://a.example/{n}\">n</a> ")).collect();
    let words = "Enough words to stand beside an image of any kind.";
    for (body, code) in [
        ("<p>{{ person.nam }}</p>", "unknown_tag"),
        ("<p>{{ person.industry }} is</p>", "no_default"),
        ("<p><a href=\"http://a.example\">go</a></p>", "insecure_link"),
        ("<p><a href=\"www.a.example\">go</a></p>", "broken_link"),
        ("<p><a href=\"\">go</a></p>", "empty_link"),
        ("<p>Go <a href=\"https://a.example\"></a></p>", "link_without_words"),
        ("<p><img src=\"https://a.example/a.png\" alt=\"A depot\"></p>", "image_only"),
        (&format!("<p>{words}<img src=\"https://a.example/a.png\"></p>"), "no_alt"),
        (&format!("<p>{words}<img src=\"http://a.example/a.png\" alt=\"A depot\"></p>"), "insecure_image"),
        (&many, "many_links"),
        (&long, "large"),
        ("<p> </p>", "no_words"),
        ("", "no_text"),
    ] {
        let found = lint::email(&html(body), WHOLE);
        let one = found.iter().find(|finding| finding.code == code);
        let one = one.unwrap_or_else(|| panic!("{code} in {found:?}"));
        assert!(!one.cure.is_empty() && one.message.len() > 10, "{code}");
    }
}

#[test]
fn subjects_are_judged_as_they_will_be_read() {
    let with = |subject: &str| EmailText { subject: subject.into(), ..html("<p>Words enough.</p>") };
    let long = "A very long subject that goes on and on until nobody reads it any more";
    assert_eq!(codes(&with(long), WHOLE), ["long_subject"]);
    assert_eq!(
        codes(&with("{{ person.first_name | default('A long default for nobody at all here') }}: hi"), WHOLE),
        Vec::<String>::new()
    );
    assert_eq!(codes(&with("LAST CHANCE"), WHOLE), ["capitals"]);
    assert_eq!(codes(&with("Now!! Really!"), WHOLE), ["exclamations"]);
    assert_eq!(codes(&with("冷蔵倉庫のご案内です"), WHOLE), Vec::<String>::new(), "a script without capitals");
    assert_eq!(codes(&with(""), WHOLE), ["no_subject"]);
    let answer = EmailText { reply_in_thread: true, ..with("") };
    assert_eq!(codes(&answer, Around { is_follow_up: true, ..WHOLE }), ["no_own_subject"]);
}

#[test]
fn a_way_to_unsubscribe_is_asked_for_and_needs_the_postal_address() {
    let email = html("<p>Words enough.</p>");
    assert_eq!(codes(&email, Around { has_unsubscribe: false, ..WHOLE }), ["no_unsubscribe"]);
    assert_eq!(codes(&email, Around { has_unsubscribe: false, is_automated: false, ..WHOLE }), Vec::<String>::new());
    let by_tag = html("<p>Words enough. <a href=\"{{ unsubscribe_link }}\">No more</a></p>");
    assert_eq!(codes(&by_tag, Around { has_unsubscribe: false, ..WHOLE }), Vec::<String>::new());
    let without = lint::email(&email, Around { has_address: false, ..WHOLE });
    assert_eq!((without[0].code.as_str(), without[0].severity), ("no_postal_address", Severity::Refused));
}

#[test]
fn a_plan_is_judged_email_by_email_and_markup_in_pieces_does_no_harm() {
    let step = |n: u128, body: &str| Step {
        id: relance_domain::StepId::from_uuid(uuid::Uuid::from_u128(n)),
        wait: Wait::IMMEDIATELY,
        action: Action::AutomatedEmail { email: EmailText { reply_in_thread: n > 1, ..html(body) } },
    };
    let plan = Plan {
        steps: vec![step(1, "<p>Words enough.</p>"), step(2, "<p><a href='http://a.example'>go")],
        unsubscribe: Unsubscribe { enabled: true, locale: "en".into() },
        ..Plan::default()
    };
    let found = lint::plan(&plan, true);
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].0, found[0].1.code.as_str()), (plan.steps[1].id, "insecure_link"));
    for torn in ["<a href", "<img src=\"", "</a></a>", "<!--", "<style>a", "{{", "{% if", "<a href={{>x", "\u{0}"] {
        drop(lint::email(&html(torn), WHOLE));
        drop(lint::measure(&html(torn)));
    }
}
