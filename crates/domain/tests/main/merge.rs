use crate::build::{id, person};
use proptest::prelude::*;
use relance_domain::{
    PersonId,
    merge::{Compiled, Format, Rendered, Sender, Values, check, render, tags, tags_in},
    person::Person,
};
use serde_json::json;

fn rui() -> Person {
    let mut rui = person();
    let custom = [
        ("renewal", json!("2026-12-01")),
        ("depots", json!(12)),
        ("rate", json!(8.5)),
        ("vip", json!(true)),
        ("areas", json!(["North", "South"])),
        ("empty", json!("")),
        ("nothing", json!(null)),
    ];
    rui.fields.custom_fields = custom.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    rui
}

fn full(text: &str, format: Format) -> Rendered {
    let (rui, mut company) = (rui(), person());
    company.id = PersonId::from_uuid(id(77));
    company.fields.organization_name = "Porto Cold & Sons".into();
    company.fields.address.city = "Porto".into();
    let sender = Sender {
        name: "Nora Lindqvist",
        email: "nora@halden.example",
        phone: "",
        signature_html: "<p>Nora<br>Halden &amp; Co</p>",
    };
    let values =
        Values { person: &rui, company: Some(&company), sender, unsubscribe_url: Some("https://x.example/u?a=1&b=2") };
    render(text, format, &values).unwrap()
}

fn text(text: &str) -> String {
    let rendered = full(text, Format::Text);
    assert_eq!(rendered.missing, Vec::<String>::new(), "{text}");
    rendered.text
}

fn missing(text: &str) -> Vec<String> {
    full(text, Format::Text).missing
}

fn refusal(text: &str) -> String {
    check(text).unwrap_err().message
}

#[test]
fn tags_stand_for_the_fields_of_person_company_and_sender() {
    assert_eq!(text("Dear {{ person.first_name }} {{person.last_name}},"), "Dear Rui Almeida,");
    assert_eq!(text("{{ person.name }} of {{ person.company }}"), "Rui Almeida of Porto Cold & Sons");
    assert_eq!(text("{{ company.name }}, {{ company.address.city }}"), "Porto Cold & Sons, Porto");
    assert_eq!(text("{{ sender.name }} <{{ sender.email }}>"), "Nora Lindqvist <nora@halden.example>");
    assert_eq!(text("{{ unsubscribe_link }}"), "https://x.example/u?a=1&b=2");
    assert_eq!(text("Nothing to merge"), "Nothing to merge");
}

#[test]
fn custom_fields_of_every_type_read_naturally() {
    assert_eq!(text("{{ person.custom.depots }} depots at {{ person.custom.rate }} %"), "12 depots at 8.5 %");
    assert_eq!(text("{{ person.custom.vip }}, {{ person.custom.areas }}"), "Yes, North, South");
    assert_eq!(text("{{ person.custom[\"renewal\"] | date }}"), "1 December 2026");
    assert_eq!(text("{{ person.custom.renewal | date(\"%d/%m/%Y\") }}"), "01/12/2026");
}

#[test]
fn a_tag_without_a_value_and_without_a_default_is_missing_once() {
    assert_eq!(
        missing("{{ person.industry }} {{ person.industry }} {{ sender.phone }}"),
        ["person.industry", "sender.phone"]
    );
    assert_eq!(
        missing("{{ person.custom.empty }}{{ person.custom.nothing }}{{ person.custom.never }}"),
        ["person.custom.empty", "person.custom.nothing", "person.custom.never"]
    );
    assert_eq!(missing("{{ person.industry | upper }}"), ["person.industry"], "a filter is not a default");
    assert_eq!(missing("{{ person.industry | date }}"), ["person.industry"]);
    assert_eq!(missing("{{ \"In \" ~ person.industry }}"), ["person.industry"]);
    let rendered = full("Your {{ person.industry }} plans", Format::Text);
    assert_eq!(rendered.text, "Your  plans");
}

#[test]
fn a_default_or_another_branch_takes_the_place_of_a_missing_value() {
    assert_eq!(text("Hi {{ person.industry | default(\"there\") }}"), "Hi there");
    assert_eq!(text("Hi {{ person.first_name | default(\"there\") }}"), "Hi Rui");
    assert_eq!(text("Hi {{ person.industry | title | default(person.first_name) }}"), "Hi Rui");
    assert_eq!(text("Hi{{ person.industry | default(\"\") }}"), "Hi");
    assert_eq!(text("Hi {{ person.industry or \"there\" }}"), "Hi there");
    assert_eq!(text("{% if person.industry %}In {{ person.industry }}{% else %}Hello{% endif %}"), "Hello");
    assert_eq!(text("{% if not person.industry %}x{% endif %}"), "x");
    assert_eq!(text("{% if person.industry == \"Energy\" %}x{% else %}y{% endif %}"), "y");
    assert_eq!(text("{% if person.industry != \"Energy\" %}x{% endif %}"), "x");
    assert_eq!(text("{{ \"Ms\" if person.industry else \"Mr\" }}"), "Mr");
    assert_eq!(text("{% if person.custom.depots > 10 and person.custom.vip %}big{% endif %}"), "big");
    assert_eq!(text("{% if \"North\" in person.custom.areas %}north{% endif %}"), "north");
    assert_eq!(text("{% if \"x\" in person.custom.never %}x{% else %}no{% endif %}"), "no");
    assert_eq!(missing("{% if person.first_name %}{{ person.industry }}{% endif %}"), ["person.industry"]);
}

#[test]
fn filters_change_words() {
    assert_eq!(text("{{ person.first_name | upper }} {{ person.first_name | lower }}"), "RUI rui");
    assert_eq!(text("{{ \"anna-maria DE souza\" | title }}"), "Anna-Maria De Souza");
    assert_eq!(text("{{ person.company | first_word }}"), "Porto");
}

#[test]
fn html_escapes_values_but_not_the_signature() {
    let html = |text: &str| full(text, Format::Html).text;
    assert_eq!(html("<b>{{ person.company }}</b>"), "<b>Porto Cold &amp; Sons</b>");
    assert_eq!(html("<a href=\"{{ unsubscribe_link }}\">"), "<a href=\"https://x.example/u?a=1&amp;b=2\">");
    assert_eq!(html("{{ sender.signature }}"), "<p>Nora<br>Halden &amp; Co</p>");
    assert_eq!(html("{{ \"<i>\" | upper }}"), "&lt;I&gt;");
    assert_eq!(text("{{ sender.signature }}"), "Nora\nHalden & Co");
}

#[test]
fn a_value_is_never_read_as_a_template() {
    let mut rui = rui();
    rui.fields.first_name = "{{ sender.email }}{% if %}".into();
    let values = Values { person: &rui, company: None, sender: Sender::default(), unsubscribe_url: None };
    let rendered = render("Hi {{ person.first_name }}", Format::Text, &values).unwrap();
    assert_eq!(rendered.text, "Hi {{ sender.email }}{% if %}");
}

#[test]
fn a_subject_is_one_line_without_control_characters() {
    let mut rui = rui();
    rui.fields.first_name = "Rui\r\nBcc: all@x.example\0".into();
    let values = Values { person: &rui, company: None, sender: Sender::default(), unsubscribe_url: None };
    let subject = render("Hello {{ person.first_name }}\n", Format::Subject, &values).unwrap();
    assert!(!subject.text.contains(char::is_control), "{:?}", subject.text);
    let body = render("Hello {{ person.first_name }}", Format::Text, &values).unwrap();
    assert!(!body.text.contains('\0'));
    assert_eq!(body.text.matches("person.company").count(), 0);
}

#[test]
fn unknown_tags_are_refused_at_their_line() {
    assert_eq!(
        refusal("a\nb {{ person.nickname }}"),
        "Line 2: {{ person.nickname }} is not a merge tag. Choose one from the list of tags."
    );
    assert!(refusal("{{ name }}").contains("{{ name }} is not a merge tag"));
    assert!(refusal("{{ person }}").contains("{{ person }} is not a merge tag"));
    assert!(refusal("{{ person.custom }}").contains("not a merge tag"));
    assert!(refusal("{{ person.custom.a.b }}").contains("not a merge tag"));
    assert!(refusal("{% if person.nick %}x{% endif %}").contains("person.nick"));
    assert!(refusal("{{ person.first_name | default(person.nick) }}").contains("person.nick"));
    assert_eq!(check("{{ person.custom.anything }}"), Ok(()));
    assert_eq!(check("{{ person.nickname }}").unwrap_err().code, "unknown_tag");
}

#[test]
fn everything_but_tags_filters_and_conditions_is_refused() {
    let refused = [
        "{% for x in person.tags %}{% endfor %}",
        "{% macro a() %}{% endmacro %}",
        "{% include \"x\" %}",
        "{% import \"x\" as y %}",
        "{% from \"x\" import y %}",
        "{% extends \"x\" %}",
        "{% block a %}{% endblock %}",
        "{% set a = 1 %}",
        "{% set a %}{% endset %}",
        "{% with a = 1 %}{% endwith %}",
        "{% filter upper %}{% endfilter %}",
        "{% call a() %}{% endcall %}",
        "{% do a() %}",
        "{% autoescape false %}{% endautoescape %}",
        "{{ range(10) }}",
        "{{ person.first_name.upper() }}",
        "{{ person.first_name | safe }}",
        "{{ person.first_name | default }}",
        "{{ person.first_name | upper(1) }}",
        "{{ person.first_name | default(value=1) }}",
        "{{ person.custom.renewal | date(\"%Q!\") }}",
        "{{ person.first_name is defined }}",
        "{% if person.title == \"\" %}x{% endif %}",
        "{{ 2 ** 99 }}",
        "{{ \"x\" * 999999999 }}",
        "{{ [1, 2] }}",
        "{{ person.first_name[0:1] }}",
        "{{ person.first_name",
        "{% if person.title %}never closed",
        "{{ }}",
        "{{ person..name }}",
    ];
    for text in refused {
        let refused = check(text).expect_err(text);
        assert!(refused.message.starts_with("Line 1: "), "{text}: {}", refused.message);
        assert!(refused.message.ends_with('.'), "{text}: {}", refused.message);
        assert!(Compiled::compile(text, Format::Text).is_err(), "{text}");
        assert_eq!(tags_in(text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn what_is_known_only_with_the_person_is_reported_when_it_is_rendered() {
    let rui = rui();
    let values = Values { person: &rui, company: None, sender: Sender::default(), unsubscribe_url: None };
    let refused = render("{{ person.company | date }}", Format::Text, &values).unwrap_err();
    assert_eq!(refused.code, "template_error");
    assert!(refused.message.contains("is not a date"), "{}", refused.message);
}

#[test]
fn a_compiled_text_lists_its_tags_and_renders_again_and_again() {
    let source =
        "{{ person.first_name }} {% if company.name %}{{ sender.name | upper }}{% endif %} {{ person.first_name }}";
    let compiled = Compiled::compile(source, Format::Text).unwrap();
    assert_eq!(compiled.tags(), ["person.first_name", "company.name", "sender.name"]);
    assert_eq!(tags_in(source), compiled.tags());
    for name in ["Rui", "Ana"] {
        let mut rui = rui();
        rui.fields.first_name = name.into();
        let sender = Sender { name: "Nora", ..Sender::default() };
        let values = Values { person: &rui, company: None, sender, unsubscribe_url: None };
        assert_eq!(compiled.render(&values).unwrap().text, format!("{name} NORA {name}"));
    }
}

#[test]
fn every_tag_of_the_picker_can_be_saved_and_has_a_label_of_its_own() {
    let mut labels: Vec<&str> = tags().iter().map(|tag| tag.label).collect();
    for tag in tags() {
        assert_eq!(check(&format!("{{{{ {} }}}}", tag.tag)), Ok(()), "{}", tag.tag);
        assert_eq!(missing(&format!("{{{{ {} | default(\"x\") }}}}", tag.tag)), Vec::<String>::new());
    }
    labels.sort_unstable();
    labels.dedup();
    assert_eq!(labels.len(), tags().len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_it_panic_or_hang(source in "(\\{\\{|\\}\\}|\\{%|%\\}|person|\\.first_name| |if|else|endif|\\||default|\\(|\\)|\"|x|\\n|~|\\[|\\]){0,30}") {
        let rui = rui();
        let values = Values { person: &rui, company: None, sender: Sender::default(), unsubscribe_url: None };
        if check(&source).is_ok() {
            prop_assert!(render(&source, Format::Html, &values).is_ok(), "{source}");
        }
    }

    #[test]
    fn a_value_stands_in_text_as_it_is_and_in_html_without_markup(name in "[^\\p{C}\\s]{1,20}") {
        let mut rui = rui();
        rui.fields.first_name = name.clone();
        let values = Values { person: &rui, company: None, sender: Sender::default(), unsubscribe_url: None };
        let text = render("{{ person.first_name }}", Format::Text, &values).unwrap();
        prop_assert_eq!(text.text, name);
        let html = render("{{ person.first_name }}", Format::Html, &values).unwrap();
        prop_assert!(!html.text.contains(['<', '>', '"']));
    }
}
