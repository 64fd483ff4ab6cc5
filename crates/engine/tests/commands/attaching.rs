//! Files that go with emails: kept once, frozen into versions, sent as they are, forgotten when nothing holds them.

use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use relance_domain::{
    attachment::{Attachment, FileHash, MOST_BYTES},
    time::DAY,
};
use relance_engine::commands::templates::TemplateFields;

async fn file(world: &World, name: &str, bytes: &[u8]) -> Attachment {
    world.engine.take_in_file(&world.actor, name, "application/pdf", bytes).await.expect("taken in")
}

fn with_files(attached: &[Attachment]) -> TemplateFields {
    TemplateFields {
        name: "T".to_owned(),
        subject: "Hello".to_owned(),
        body_html: "<p>Hello</p>".to_owned(),
        attachments: attached.to_vec(),
        ..TemplateFields::default()
    }
}

fn holds(message: &[u8], bytes: &[u8]) -> bool {
    let lines: Vec<String> = bytes.chunks(57).map(|chunk| STANDARD.encode(chunk) + "\r\n").collect();
    let wanted = lines.concat();
    message.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

#[tokio::test]
async fn the_same_content_is_kept_once_and_what_is_wrong_is_said_at_the_field() {
    let world = monday().await;
    let (one, two) = (file(&world, "../Offer.pdf", b"offer").await, file(&world, "Other name.pdf", b"offer").await);
    assert_eq!((one.name.as_str(), one.hash, one.size), ("Offer.pdf", two.hash, 5));
    let template = world.engine.create_template(&world.actor, with_files(&[one.clone(), one.clone()])).await;
    assert_eq!(template.expect("written").attachments, std::slice::from_ref(&one), "attached once");
    let gone = Attachment::new(FileHash([9; 32]), "Gone.pdf", "", 1);
    let lied = Attachment { size: 0, name: "a/../b.pdf".to_owned(), ..one.clone() };
    let refused = world.engine.create_template(&world.actor, with_files(&[gone])).await;
    assert_eq!(fields_of(refused), ["attachments"]);
    let true_size = world.engine.create_template(&world.actor, with_files(&[lied])).await.expect("written");
    assert_eq!((true_size.attachments[0].size, true_size.attachments[0].name.as_str()), (5, "b.pdf"));
    let large = vec![7; usize::try_from(MOST_BYTES).expect("small") + 1];
    let refused = world.engine.take_in_file(&world.actor, "Large.zip", "", &large).await;
    assert_eq!(codes(refused), ["too_large"]);
    assert_eq!(codes(world.engine.take_in_file(&world.actor, "Empty.pdf", "", b"").await), ["empty"]);
    let (half, other) = (file(&world, "A.zip", &large[1..]).await, file(&world, "B.zip", b"b").await);
    let both = world.engine.create_template(&world.actor, with_files(&[half, other])).await;
    assert_eq!(codes(both), ["too_large"], "ten megabytes in all");
}

#[tokio::test]
async fn a_version_goes_on_with_the_files_it_was_published_with() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let old: Vec<u8> = (0..2_500_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let attached = file(&world, "Broschüre 2026.pdf", &old).await;
    let template = world.engine.create_template(&world.actor, with_files(&[attached])).await.expect("written");
    let mut step = email_step(&world, 0, "", "");
    if let Action::AutomatedEmail { email } = &mut step.action {
        email.template_id = Some(template.id);
    }
    world.sequence(plan(vec![step])).await;
    let ada = world.enroll("ada@prospect.test").await;
    let other = file(&world, "New.pdf", b"new").await;
    let change = |fields: &mut TemplateFields| fields.attachments = vec![other];
    world.engine.edit_template(&world.actor, template.id, change).await.expect("edited");
    world.engine.keep_house().await.expect("kept");
    world.advance(DAY).await;
    let sent = world.outbox().await;
    assert_eq!(sent.len(), 1);
    assert!(holds(&sent[0], &old) && !holds(&sent[0], b"new"), "the bytes of the published version");
    let delivery = &world.deliveries(ada).await[0];
    assert_eq!(delivery.attachments[0].name, "Broschüre 2026.pdf");
    let read = world.engine.delivery_file(delivery.id, delivery.attachments[0].hash).await.expect("readable");
    assert_eq!(read.bytes, old);
    let mut tx = world.engine.store.read().await.expect("a view");
    let stored = storage::outbox::raw(&mut tx, delivery.id).await.expect("read").expect("its bytes");
    assert!(stored.len() < 10_000, "{} bytes are kept for one email", stored.len());
}

#[tokio::test]
async fn one_persons_email_has_files_of_its_own() {
    let mut world = World::at("2026-11-23T09:00[Europe/Paris]", &[2]).await;
    let (ada, bob) = (world.enroll("ada@prospect.test").await, world.enroll("bob@prospect.test").await);
    let step = world.step(ada, 0).await;
    let attached = file(&world, "Offer.pdf", b"only for ada").await;
    let mut words = world.engine.email_to_edit(&world.actor, ada, step).await.expect("to edit").words;
    words.attachments = vec![attached.clone()];
    world.engine.edit_email(&world.actor, ada, step, &words).await.expect("edited");
    let rep = user(&world, "rita@world.test", Role::Rep).await;
    let foreign = world.engine.enrollment_file(&rep, ada, step, attached.hash).await;
    assert!(matches!(foreign, Err(EngineError::Forbidden(_) | EngineError::NotFound(_))), "{foreign:?}");
    let elsewhere = world.engine.enrollment_file(&world.actor, bob, step, attached.hash).await;
    assert!(matches!(elsewhere, Err(EngineError::NotFound("file"))));
    world.advance(3 * DAY).await;
    let with: Vec<bool> = world.outbox().await.iter().map(|message| holds(message, b"only for ada")).collect();
    assert_eq!(with.iter().filter(|with| **with).count(), 1);
    assert_eq!(with.len(), 2);
}

#[tokio::test]
async fn a_file_that_nothing_holds_is_forgotten_after_a_day_and_one_that_is_held_stays() {
    let world = monday().await;
    let (held, loose) = (file(&world, "Held.pdf", b"held").await, file(&world, "Loose.pdf", b"loose").await);
    let template = world.engine.create_template(&world.actor, with_files(std::slice::from_ref(&held))).await;
    let id = template.expect("written").id;
    let sizes = async |hashes: &[FileHash]| {
        let mut tx = world.engine.store.read().await.expect("a view");
        storage::files::sizes(&mut tx, hashes).await.expect("read").len()
    };
    let now = world.engine.clock.system_now();
    let forget = async |days: i64| {
        let mut tx = world.engine.store.begin().await.expect("a transaction");
        let gone = storage::files::purge(&mut tx, now.plus_ms(days * DAY), 10).await.expect("purged");
        tx.commit().await.expect("committed");
        gone
    };
    assert_eq!(forget(-1).await, 0, "not on the same day");
    assert_eq!(forget(1).await, 1);
    assert_eq!((sizes(&[held.hash]).await, sizes(&[loose.hash]).await), (1, 0));
    world.engine.delete_template(&world.actor, id).await.expect("deleted");
    assert_eq!(forget(1).await, 1);
    let refused = world.engine.create_template(&world.actor, with_files(&[loose])).await;
    assert_eq!(codes(refused), ["unknown_file"]);
}
