use super::*;
use relance_domain::template::Template;
use relance_engine::commands::templates::TemplateFields;

fn fields(name: &str) -> TemplateFields {
    TemplateFields {
        name: name.to_owned(),
        subject: "Hello {{ person.first_name }}".to_owned(),
        body_html: "<p>{{ person.industry }} and {{ person.title | default('you') }}</p>".to_owned(),
        ..TemplateFields::default()
    }
}

async fn template(world: &World) -> Template {
    world.engine.create_template(&world.actor, fields("First")).await.expect("written")
}

#[tokio::test]
async fn unknown_tags_and_loops_are_refused_at_their_field() {
    let world = monday().await;
    for (subject, html, field) in [
        ("{{ person.shoe_size }}", "", "subject"),
        ("Hello", "{% for x in person %}{% endfor %}", "body_html"),
        ("Hello", "{{ person.first_name", "body_html"),
    ] {
        let wrong = TemplateFields { subject: subject.to_owned(), body_html: html.to_owned(), ..fields("Wrong") };
        assert_eq!(fields_of(world.engine.create_template(&world.actor, wrong).await), [field]);
    }
    let nameless = world.engine.create_template(&world.actor, fields(" ")).await;
    assert_eq!(fields_of(nameless), ["name"]);
}

#[tokio::test]
async fn a_template_is_edited_and_deleted_by_its_owner() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let written = template(&world).await;
    let foreign = world.engine.edit_template(&rep, written.id, |fields| fields.name = "Mine".to_owned()).await;
    assert!(matches!(foreign, Err(EngineError::Forbidden(_))));
    let edited = world.engine.edit_template(&world.actor, written.id, |fields| fields.name = "Second".to_owned()).await;
    assert_eq!(edited.expect("edited").name, "Second");
    world.engine.delete_template(&world.actor, written.id).await.expect("deleted");
    assert!(matches!(
        world.engine.delete_template(&world.actor, written.id).await,
        Err(EngineError::NotFound("template"))
    ));
}

#[tokio::test]
async fn the_preview_shows_missing_tags_in_the_text_and_by_name() {
    let world = monday().await;
    let person = lead(&world, named("Ada", "Lovelace", "ada@prospect.test")).await;
    let written = template(&world).await;
    let words = world
        .engine
        .preview_words(&world.actor, &written.subject, &written.body_html, "", person.id)
        .await
        .expect("rendered");
    assert_eq!(words.subject, "Hello Ada");
    assert_eq!(words.missing_tags, ["person.industry"]);
    assert_eq!(words.html, "<p><mark class=\"missing\">industry</mark> and you</p>");
    assert!(words.text.contains("[industry] and you"), "{}", words.text);
}

#[tokio::test]
async fn html_is_cleaned_as_it_is_saved_and_as_it_leaves_and_its_tags_stay() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let html = "<p onclick=\"x()\">Hi {{ person.first_name | default(\"<b>you</b>\") }}<script>x()</script> \
        <a href=\"{{ person.website }}\">site</a></p>";
    let fields = TemplateFields { body_html: html.to_owned(), ..fields("Clean") };
    let saved = world.engine.create_template(&world.actor, fields).await.expect("written");
    assert_eq!(
        saved.body_html,
        "<p>Hi {{ person.first_name | default(\"<b>you</b>\") }} <a href=\"{{ person.website }}\">site</a></p>"
    );
    let hostile =
        Fields { website: "javascript:alert(1)".to_owned(), ..named("<img src=x>", "L", "ada@prospect.test") };
    let person = lead(&world, hostile).await;
    let words = world.engine.preview_words(&world.actor, "S", &saved.body_html, "", person.id).await.expect("rendered");
    assert_eq!(words.html, "<p>Hi &lt;img src=x&gt; <a>site</a></p>");
    let ada = world.enroll_person(person.id).await;
    world.advance(3 * relance_domain::time::DAY).await;
    assert_eq!(world.deliveries(ada).await[0].html, "<p>Hello &lt;img src=x&gt;</p>");
}

#[tokio::test]
async fn every_tag_is_offered_with_its_value_those_of_custom_fields_and_the_company_too() {
    use relance_domain::custom_field::FieldKind;
    use relance_engine::commands::custom_fields::NewCustomField;
    let world = monday().await;
    for (label, kind) in [("Cold rooms", FieldKind::Number), ("Renewal", FieldKind::Date)] {
        let new = NewCustomField { label: label.to_owned(), kind, choices: Vec::new(), key: None };
        world.engine.create_custom_field(&world.actor, new).await.expect("defined");
    }
    let firm = Fields { organization_name: "Porto Cold".into(), industry: "Logistics".into(), ..Fields::default() };
    let firm = Fields { is_organization: true, ..firm };
    let firm = world.engine.create_person(&world.actor, Kind::Contact, firm).await.expect("a company");
    let mut ada = named("Ada", "Lovelace", "ada@prospect.test");
    ada.company_id = Some(firm.id);
    ada.custom_fields.insert("cold_rooms".into(), 12.into());
    ada.custom_fields.insert("renewal".into(), "2027-03-01".into());
    let ada = lead(&world, ada).await;
    let tags = world.engine.merge_tags(&world.actor, Some(ada.id)).await.expect("listed");
    let example = |path: &str| tags.iter().find(|tag| tag.path == path).map(|tag| tag.example.as_str());
    assert_eq!(example("person.first_name"), Some("Ada"));
    assert_eq!(example("person.custom.cold_rooms"), Some("12"));
    assert_eq!(example("person.custom.renewal"), Some("1 March 2027"));
    assert_eq!(example("company.industry"), Some("Logistics"));
    assert_eq!(example("person.company"), Some("Porto Cold"));
    assert_eq!(example("person.industry"), Some(""));
    assert!(tags.iter().all(|tag| relance_domain::merge::check(&tag.text).is_ok()), "each can be saved");
}

#[tokio::test]
async fn a_copy_is_ones_own_and_folders_move_only_what_one_may_change() {
    let world = monday().await;
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let shared = TemplateFields { shared: true, folder: "Cold".to_owned(), ..fields("Shared") };
    let shared = world.engine.create_template(&world.actor, shared).await.expect("written");
    let private = template(&world).await;
    let copy = world.engine.clone_template(&rep, shared.id).await.expect("copied");
    assert_eq!((copy.name.as_str(), copy.shared, copy.owner_id), ("Copy of Shared", false, rep.user_id()));
    assert!(world.engine.clone_template(&rep, private.id).await.is_err(), "a private one of someone else");
    assert_eq!(world.engine.rename_folder(&rep, "Cold", "Warm").await.expect("renamed"), (1, 1));
    assert!(matches!(
        world.engine.move_templates(&rep, &[copy.id, shared.id], "Else").await,
        Err(EngineError::Forbidden(_))
    ));
    let mut tx = world.engine.store.read().await.expect("a view");
    let still = storage::templates::find(&mut tx, copy.id).await.expect("read").expect("there");
    drop(tx);
    assert_eq!(still.folder, "Warm", "none is moved if one may not be");
    assert_eq!(world.engine.move_templates(&rep, &[copy.id], "").await.expect("moved"), 1);
    assert_eq!(fields_of(world.engine.rename_folder(&world.actor, "Cold", " ").await), ["folder"]);
}
