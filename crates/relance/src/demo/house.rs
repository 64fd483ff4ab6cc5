//! What a team has made for itself by then: colleagues, a custom field, templates and smart lists.

use relance_domain::{
    UserId,
    custom_field::FieldKind,
    list::{Filter, Rule},
    person::{Fields, Kind},
    user::{Actor, Role},
};
use relance_engine::{
    Engine,
    commands::{custom_fields::NewCustomField, lists::NewList, templates::TemplateFields, users::NewUser},
};

/// The key of the custom field.
const COLD_ROOMS: &str = "cold_rooms";

/// Two colleagues without a password, so that there is someone to hand people to; they are a team.
pub async fn add_colleagues(engine: &Engine, admin: &Actor) -> anyhow::Result<Vec<UserId>> {
    let mut ids = Vec::new();
    for (name, email, role) in
        [("Emeka Obi", "emeka@halden.example", Role::Rep), ("Ines Carvalho", "ines@halden.example", Role::Manager)]
    {
        let new = NewUser {
            email: email.to_owned(),
            name: name.to_owned(),
            role,
            time_zone: "Europe/Paris".to_owned(),
            team_id: None,
            password: None,
        };
        ids.push(engine.add_user(admin, new).await?.id);
    }
    engine.save_team(admin, None, "South", &ids).await?;
    Ok(ids)
}

/// How many cold rooms a company has.
pub async fn add_field(engine: &Engine, admin: &Actor) -> anyhow::Result<()> {
    let new = NewCustomField {
        label: "Cold rooms".to_owned(),
        kind: FieldKind::Number,
        choices: Vec::new(),
        key: Some(COLD_ROOMS.to_owned()),
    };
    engine.create_custom_field(admin, new).await?;
    Ok(())
}

/// Gives the person with this place in the list a number of cold rooms; every fourth is not known yet.
pub fn count_cold_rooms(fields: &mut Fields, place: usize) {
    if !place.is_multiple_of(4) {
        fields.custom_fields.insert(COLD_ROOMS.to_owned(), serde_json::json!(2 + place * 7 % 23));
    }
}

/// Two templates.
pub async fn add_templates(engine: &Engine, admin: &Actor) -> anyhow::Result<()> {
    let texts = [
        (
            "A first look",
            "First contact",
            "Door openings at {{ person.organization_name }}",
            "<p>Hi {{ person.first_name | default('there') }},</p><p>a sensor on one dock door shows in two weeks how \
             much cold leaves by it. Shall I send one to {{ person.organization_name }}?</p><p>Kind regards,<br>\
             {{ sender.name }}</p>",
        ),
        (
            "After a call",
            "Follow-up",
            "What we talked about",
            "<p>Hi {{ person.first_name }},</p><p>thank you for your time today. As promised: the trial takes two \
             weeks, costs nothing, and we fetch the sensors ourselves.</p><p>Kind regards,<br>{{ sender.name }}</p>",
        ),
    ];
    for (name, folder, subject, body) in texts {
        let fields = TemplateFields {
            name: name.to_owned(),
            folder: folder.to_owned(),
            subject: subject.to_owned(),
            body_html: body.to_owned(),
            body_text: String::new(),
            attachments: Vec::new(),
            shared: true,
        };
        engine.create_template(admin, fields).await?;
    }
    Ok(())
}

/// Two smart lists, kept in the bar.
pub async fn add_lists(engine: &Engine, admin: &Actor) -> anyhow::Result<()> {
    let never = Filter::Rule(Rule::new("sequence", "never_in_any", serde_json::Value::Null));
    let large = Filter::Rule(Rule::new(&format!("custom_fields.{COLD_ROOMS}"), "at_least", 15));
    for (name, filter, sort) in [("Not written to yet", never, "-created_at"), ("15 cold rooms or more", large, "")] {
        let list = NewList {
            name: name.to_owned(),
            kind: Kind::Lead,
            filter: Filter::All { all: vec![filter] },
            columns: Vec::new(),
            sort: sort.to_owned(),
            shared: true,
        };
        let list = engine.create_list(admin, list).await?;
        engine.pin_list(admin, list.id, true).await?;
    }
    Ok(())
}
