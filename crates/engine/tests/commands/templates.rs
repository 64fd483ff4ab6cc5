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
    assert!(words.text.contains("industry and you"), "{}", words.text);
}
