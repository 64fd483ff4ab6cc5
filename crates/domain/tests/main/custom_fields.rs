//! Custom fields: every kind has one canonical form, and says in words what it cannot be.

use relance_domain::{
    CustomFieldId, Timestamp,
    custom_field::{CustomField, FieldKind, Values, check_values, is_key, key_of, visible},
};
use serde_json::{Value, json};

fn field(kind: FieldKind) -> CustomField {
    let choices = if kind.has_choices() { vec!["Gold, plain".into(), "Silver".into(), "Zinc".into()] } else { vec![] };
    CustomField {
        id: CustomFieldId::from_uuid(Default::default()),
        key: kind.as_str().to_owned(),
        label: kind.label().to_owned(),
        kind,
        choices,
        position: 0,
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
    }
}

#[test]
fn every_kind_has_one_form_however_it_is_written() {
    use FieldKind as K;
    for (kind, given, stored) in [
        (K::Text, json!("  a\u{0}b\nc "), json!("ab c")),
        (K::Text, json!(12), json!("12")),
        (K::LongText, json!("a\r\nb\u{7}"), json!("a\nb")),
        (K::Number, json!("1 250,50"), json!(1250.5)),
        (K::Number, json!("1,250"), json!(1250)),
        (K::Number, json!("1.250,5"), json!(1250.5)),
        (K::Number, json!(40.0), json!(40)),
        (K::Number, json!("-3"), json!(-3)),
        (K::Date, json!("2026-11-24T09:00:00Z"), json!("2026-11-24")),
        (K::Date, json!("2028-02-29"), json!("2028-02-29")),
        (K::YesNo, json!("Oui"), json!(true)),
        (K::YesNo, json!(0), json!(false)),
        (K::List, json!("gold, PLAIN"), json!("Gold, plain")),
        (K::MultiList, json!("zinc; silver"), json!(["Silver", "Zinc"])),
        (K::MultiList, json!("Gold, plain"), json!(["Gold, plain"])),
        (K::MultiList, json!(["Zinc", "zinc"]), json!(["Zinc"])),
        (K::Url, json!("example.com/a"), json!("https://example.com/a")),
        (K::Email, json!(" a@b.example "), json!("a@b.example")),
        (K::Phone, json!("+33 (1) 23"), json!("+33 (1) 23")),
    ] {
        assert_eq!(field(kind).check(&given), Ok(Some(stored.clone())), "{kind:?} {given}");
        // The canonical form is its own.
        assert_eq!(field(kind).check(&stored), Ok(Some(stored)), "{kind:?}");
    }
}

#[test]
fn what_is_no_value_of_the_kind_is_refused_at_the_field() {
    use FieldKind as K;
    for (kind, given) in [
        (K::Text, json!({"a": 1})),
        (K::Text, json!("x".repeat(1_001))),
        (K::Number, json!("twelve")),
        (K::Number, json!("1e400")),
        (K::Number, json!(true)),
        (K::Date, json!("2026-02-30")),
        (K::Date, json!("24.11.2026")),
        (K::YesNo, json!("perhaps")),
        (K::List, json!("Bronze")),
        (K::MultiList, json!(["Gold, plain", "Bronze"])),
        (K::Url, json!("javascript:alert(1)")),
        (K::Url, json!("https://a b.example")),
        (K::Email, json!("nobody")),
        (K::Phone, json!("call me")),
    ] {
        let refused = field(kind).check(&given).unwrap_err();
        assert_eq!(refused.field, Some(format!("custom_fields.{}", kind.as_str())), "{given}");
        assert!(refused.message.ends_with('.'), "{}", refused.message);
    }
    for nothing in [Value::Null, json!("  "), json!([]), json!([""])] {
        assert_eq!(field(K::MultiList).check(&nothing), Ok(None), "{nothing}");
    }
}

#[test]
fn an_unknown_key_is_refused_and_what_was_kept_stays() {
    let definitions = [field(FieldKind::Number), field(FieldKind::List)];
    let before: Values = [("gone".to_owned(), json!("kept")), ("list".to_owned(), json!("Bronze"))].into();
    let mut same = before.clone();
    same.insert("number".to_owned(), json!("5"));
    assert_eq!(check_values(&definitions, &before, &mut same), Ok(()));
    assert_eq!((&same["gone"], &same["list"], &same["number"]), (&json!("kept"), &json!("Bronze"), &json!(5)));
    let mut shown = same.clone();
    visible(&definitions, &mut shown);
    assert_eq!(shown.keys().collect::<Vec<_>>(), ["list", "number"]);
    let mut emptied: Values = [("gone".to_owned(), Value::Null)].into();
    assert_eq!(check_values(&definitions, &before, &mut emptied), Ok(()));
    assert!(emptied.is_empty());
    let mut other: Values = [("gone".to_owned(), json!("changed")), ("number".to_owned(), json!("x"))].into();
    let wrong = check_values(&definitions, &before, &mut other).unwrap_err();
    let codes: Vec<_> = wrong.iter().map(|refused| refused.code.as_str()).collect();
    assert_eq!(codes, ["unknown_custom_field", "invalid_value"]);
}

#[test]
fn a_label_gives_a_key_of_its_own() {
    for (label, key) in
        [("Head count", "head_count"), ("  Größe (cm)  ", "gro_e_cm"), ("2nd phone", "f_2nd_phone"), ("会社", "f")]
    {
        assert_eq!(key_of(label, &[]), key);
        assert!(is_key(key));
    }
    assert_eq!(key_of("Size", &["size", "size_2"]), "size_3");
    assert!(is_key(&key_of(&"long ".repeat(50), &[])));
    for wrong in ["", "Size", "2x", "a-b", "a.b", "é"] {
        assert!(!is_key(wrong), "{wrong}");
    }
}

#[test]
fn a_definition_says_what_it_lacks() {
    let mut list = CustomField { choices: vec![], label: "  ".to_owned(), ..field(FieldKind::List) };
    list.clean();
    let wrong = list.check_definition().unwrap_err();
    let at: Vec<_> = wrong.iter().filter_map(|refused| refused.field.as_deref()).collect();
    assert_eq!(at, ["label", "choices"]);
    let mut twice = CustomField { choices: vec!["A".into(), " a ".into(), "".into()], ..field(FieldKind::List) };
    twice.clean();
    assert_eq!(twice.choices, ["A"]);
    let text = CustomField { choices: vec!["A".into()], ..field(FieldKind::Text) };
    assert_eq!(text.check_definition().unwrap_err()[0].code, "not_a_list");
}
