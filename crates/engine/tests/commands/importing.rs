use super::*;
use relance_domain::{JobId, custom_field::FieldKind};
use relance_engine::{
    commands::import::{Mapping, NewImport, OnDuplicate, guess_mapping, read_head},
    jobs::run_next_job,
};
use relance_storage::jobs::{Job, JobRow, JobState};

fn import(bytes: impl Into<Vec<u8>>) -> NewImport {
    NewImport {
        kind: Kind::Lead,
        file_name: "leads.csv".to_owned(),
        bytes: bytes.into(),
        mapping: None,
        on_duplicate: OnDuplicate::Skip,
        dry_run: false,
    }
}

async fn run(world: &World, new: NewImport) -> (Job, Vec<JobRow>) {
    let id = world.engine.start_import(&world.actor, new).await.expect("started");
    while run_next_job(&world.engine).await.expect("a chunk") {}
    report(world, id).await
}

async fn report(world: &World, id: JobId) -> (Job, Vec<JobRow>) {
    let mut tx = world.engine.store.read().await.expect("a view");
    let job = storage::jobs::find(&mut tx, id).await.expect("read").expect("a job");
    (job, storage::jobs::list_rows(&mut tx, id, None, 0, 10_000).await.expect("read"))
}

async fn by_email(world: &World, email: &str) -> Person {
    world.engine.duplicates_of(email).await.expect("read").pop().expect("a person")
}

fn outcomes(rows: &[JobRow]) -> Vec<&str> {
    rows.iter().map(|row| row.outcome.as_str()).collect()
}

#[tokio::test]
async fn every_encoding_and_delimiter_becomes_the_same_person() {
    let utf16 = |little: bool, bom: bool, text: &str| -> Vec<u8> {
        let units = bom.then_some(0xfeff_u16).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    };
    let semicolons = "Vorname;Nachname;E-Mail;Ort\nZoë;Müller;zoe@prospect.test;Köln\n";
    let tabs = "First name\tLast name\tEmail\tCity\r\nZoë\tMüller\tzoe@prospect.test\tKöln\r\n";
    let commas = "first,last,email address,town\nZoë,Müller,zoe@prospect.test,Köln";
    let latin: Vec<u8> = semicolons.chars().map(|c| u8::try_from(u32::from(c)).expect("Latin-1")).collect();
    for (name, bytes) in [
        ("UTF-8", commas.as_bytes().to_vec()),
        ("UTF-8 with BOM", [b"\xef\xbb\xbf", commas.as_bytes()].concat()),
        ("UTF-16LE", utf16(true, true, tabs)),
        ("UTF-16BE", utf16(false, true, tabs)),
        ("UTF-16LE without BOM", utf16(true, false, semicolons)),
        ("Windows-1252", latin),
    ] {
        let world = monday().await;
        let (job, rows) = run(&world, import(bytes)).await;
        assert_eq!((job.state, outcomes(&rows)), (JobState::Done, vec!["created"]), "{name}");
        let person = by_email(&world, "zoe@prospect.test").await;
        assert_eq!((person.name().as_str(), person.fields.address.city.as_str()), ("Zoë Müller", "Köln"), "{name}");
        assert_eq!(kinds(&world, person.id).await, [ActivityKind::PersonImported]);
    }
}

#[tokio::test]
async fn bad_rows_are_listed_with_their_reasons_and_good_ones_kept() {
    let world = monday().await;
    lead(&world, named("", "Known", "known@prospect.test")).await;
    let file = "first name,last name,email,notes\n\
        Ada,Lovelace,ada@prospect.test,\"two\nlines, and a comma\"\n\
        Bad,Address,nonsense,\n\
        ,,only@prospect.test,\n\
        Ada,Again,ADA@prospect.test,\n\
        Old,Known,known@prospect.test,\n\
        Too,Short\n\
        ,,,\n\
        Too,Long,long@prospect.test,x,y\n\
        Grace,Hopper,\"Grace <grace@prospect.test>\",=cmd|'/c'\n";
    let (job, rows) = run(&world, import(file)).await;
    assert_eq!(
        outcomes(&rows),
        ["created", "refused", "refused", "skipped", "skipped", "refused", "refused", "refused", "created"]
    );
    assert_eq!((job.done_count, job.refused_count, job.total), (4, 5, 9));
    assert_eq!((&job.summary["created"], &job.summary["skipped"]), (&serde_json::json!(2), &serde_json::json!(2)));
    assert_eq!(rows[1].reason, "This is not an email address: it has no @.");
    assert_eq!(rows[3].reason, "Row 1 has the same email.");
    assert_eq!(rows[4].reason, "known@prospect.test is already in Relance.");
    assert_eq!(rows[5].reason, "This row has 2 columns, the header has 4.");
    assert_eq!(by_email(&world, "ada@prospect.test").await.fields.description, "two\nlines, and a comma");
    let csv = String::from_utf8(world.engine.failed_rows_csv(&world.actor, job.id).await.expect("csv")).expect("UTF-8");
    let lines: Vec<&str> = csv.trim_start_matches('\u{feff}').lines().collect();
    assert_eq!(lines[0], "row,reason,first name,last name,email,notes");
    assert_eq!(lines[1], "2,This is not an email address: it has no @.,Bad,Address,nonsense,");
    assert_eq!(lines.len(), 6);
}

#[tokio::test]
async fn failed_rows_are_safe_to_open_in_a_spreadsheet() {
    let world = monday().await;
    let (job, _) = run(&world, import("last name,email\n\"=HYPERLINK(\"\"x\"\")\",nonsense\n@sum,+1\n")).await;
    let csv = String::from_utf8(world.engine.failed_rows_csv(&world.actor, job.id).await.expect("csv")).expect("UTF-8");
    assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\""), "{csv}");
    assert!(csv.contains("'@sum,'+1"), "{csv}");
}

#[tokio::test]
async fn known_people_are_skipped_updated_or_doubled_as_chosen() {
    let file = "last name,email,industry,phone\nNew,ada@prospect.test,Looms,\n";
    for (choice, outcome, count) in
        [(OnDuplicate::Skip, "skipped", 1), (OnDuplicate::Update, "updated", 1), (OnDuplicate::Create, "created", 2)]
    {
        let world = monday().await;
        let mut fields = named("Ada", "Old", "ada@prospect.test");
        fields.phone = "+33 1".to_owned();
        let person = lead(&world, fields).await;
        let (_, rows) = run(&world, NewImport { on_duplicate: choice, ..import(file) }).await;
        assert_eq!(outcomes(&rows), [outcome]);
        assert_eq!(world.engine.duplicates_of("ada@prospect.test").await.expect("read").len(), count);
        let mut tx = world.engine.store.read().await.expect("a view");
        let after = storage::people::find(&mut tx, person.id).await.expect("read").expect("a person").fields;
        let expected = if choice == OnDuplicate::Update { ("New", "Looms") } else { ("Old", "") };
        assert_eq!(
            (after.last_name.as_str(), after.industry.as_str(), after.phone.as_str()),
            (expected.0, expected.1, "+33 1")
        );
    }
}

#[tokio::test]
async fn an_update_releases_those_who_waited_for_the_data() {
    let mut world = monday().await;
    let steps = vec![email_step(&world, 0, "Hello", "<p>{{ person.industry }}</p>")];
    world.sequence(plan(steps)).await;
    let id = world.enroll("ada@prospect.test").await;
    assert_eq!(stored(&world, id).await.enrollment.state.word(), "blocked");
    let file = "last name,email,industry\nLovelace,ada@prospect.test,Looms\n";
    run(&world, NewImport { on_duplicate: OnDuplicate::Update, ..import(file) }).await;
    assert_eq!(world.run_due().await, 1);
}

#[tokio::test]
async fn a_dry_run_says_the_same_and_changes_nothing() {
    let world = monday().await;
    let file = "last name,email\nA,a@prospect.test\nB,nonsense\nC,a@prospect.test\n";
    let (job, rows) = run(&world, NewImport { dry_run: true, ..import(file) }).await;
    assert_eq!(outcomes(&rows), ["created", "refused", "skipped"]);
    assert_eq!((job.title.as_str(), &job.summary["dry_run"]), ("Check of leads.csv", &serde_json::json!(true)));
    assert!(world.engine.duplicates_of("a@prospect.test").await.expect("read").is_empty());
    assert!(rows.iter().all(|row| row.person_id.is_none() || row.outcome != "created"));
}

#[tokio::test]
async fn files_that_cannot_be_imported_say_why() {
    let world = monday().await;
    let start = async |new: NewImport| codes(world.engine.start_import(&world.actor, new).await);
    assert_eq!(start(import("  \n")).await, ["empty_file"]);
    assert_eq!(start(import("last name,email\n")).await, ["no_rows"]);
    assert_eq!(start(import(b"PK\x03\x04\x00\x01\x02\x03\x04\x05\x06\x07\x08".to_vec())).await, ["not_text"]);
    assert_eq!(start(import("email,phone\na@b.test,1\n")).await, ["missing_column"]);
    let mapping = Some(Mapping { fields: vec!["last_name".to_owned(), "shoe_size".to_owned()] });
    assert_eq!(start(NewImport { mapping, ..import("a,b\n1,2\n") }).await, ["unknown_field"]);
    let open_quote = format!("last name,email\n\"never closed,{}\n", "x\n".repeat(600_000));
    assert_eq!(start(import(open_quote)).await, ["open_quote"]);
    let long = format!("last name,email\n{},a@b.test\n", "x".repeat(1_100_000));
    assert_eq!(start(import(long)).await, ["too_long"]);
}

#[tokio::test]
async fn a_row_that_a_quotation_mark_made_of_several_lines_says_so() {
    let (_, rows) = run(&monday().await, import("last name,email\n\"open,a@b.test\nNext,next@b.test\n")).await;
    assert_eq!(
        rows[0].reason,
        "This row has 1 column, the header has 2. It spans several lines: a quotation mark in it may never be closed."
    );
}

#[tokio::test]
async fn the_head_of_a_file_shows_columns_rows_and_the_guessed_mapping() {
    let head = read_head("Full Name;Firma;E-Mail;Shoe size\nAda Lovelace;Looms;ada@prospect.test;37\n".as_bytes())
        .expect("read");
    assert_eq!(head.mapping.fields, ["name", "organization_name", "email", ""]);
    assert_eq!((head.row_count, head.encoding, head.delimiter), (1, "UTF-8", ';'));
    assert_eq!(head.rows, [["Ada Lovelace", "Looms", "ada@prospect.test", "37"]]);
    let world = monday().await;
    let custom = [
        custom_field(&world, "Plan", FieldKind::Text, &[]).await,
        custom_field(&world, "Seats", FieldKind::Number, &[]).await,
    ];
    let headers = ["custom_fields.plan", "Email", "Email address", "ZIP", "seats"].map(str::to_owned);
    let guessed = guess_mapping(&headers, &custom).fields;
    assert_eq!(guessed, ["custom_fields.plan", "email", "", "address.postal_code", "custom_fields.seats"]);
}

#[tokio::test]
async fn owners_tags_full_names_and_custom_fields_are_read() {
    let world = monday().await;
    custom_field(&world, "Plan", FieldKind::List, &["Gold", "Silver"]).await;
    custom_field(&world, "Seats", FieldKind::Number, &[]).await;
    let file = "Name,Email,Owner,Tags,custom_fields.plan,Seats\n\
        \"Lovelace, Ada\",ada@prospect.test,REP@world.test,\"a; b\",gold,\"1,250\"\n\
        Grace Hopper,grace@prospect.test,nobody@world.test,,,\n\
        Joan Clarke,joan@prospect.test,,,bronze,many\n";
    let (_, rows) = run(&world, import(file)).await;
    assert_eq!(outcomes(&rows), ["created", "refused", "refused"]);
    assert!(rows[2].reason.contains("“bronze” is not one of the choices: Gold, Silver."), "{}", rows[2].reason);
    assert!(rows[2].reason.contains("This is not a number."), "{}", rows[2].reason);
    let ada = by_email(&world, "ada@prospect.test").await;
    assert_eq!((ada.name().as_str(), ada.fields.owner_id), ("Ada Lovelace", world.actor.user_id()));
    assert_eq!(
        (ada.fields.tags.clone(), &ada.fields.custom_fields["plan"]),
        (vec!["a".to_owned(), "b".to_owned()], &serde_json::json!("Gold"))
    );
    assert_eq!(ada.fields.custom_fields["seats"], 1250);
    assert!(rows[1].reason.contains("nobody@world.test"));
}

#[tokio::test]
async fn a_killed_import_goes_on_with_the_next_stretch_and_makes_nobody_twice() {
    let world = monday().await;
    let mut file = String::from("last name,email\n");
    for n in 0..1_700 {
        file.push_str(&format!("\"P\n{n}\",p{n}@prospect.test\n"));
    }
    let id = world.engine.start_import(&world.actor, import(file)).await.expect("started");
    assert!(run_next_job(&world.engine).await.expect("a chunk"));
    assert_eq!(report(&world, id).await.0.done_count, 1_000);
    let (store, folder) = (world.engine.store.clone(), tempfile::tempdir().expect("a folder"));
    let restarted =
        relance_testkit::world::engine_on(store, folder.path(), relance_engine::Clock::standing(world.engine.now()));
    while run_next_job(&restarted).await.expect("a chunk") {}
    let (job, rows) = report(&world, id).await;
    assert_eq!((job.state, job.done_count, rows.len()), (JobState::Done, 1_700, 1_700));
    assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), (1..=1_700).collect::<Vec<i64>>());
    for n in [0, 999, 1_000, 1_699] {
        assert_eq!(world.engine.duplicates_of(&format!("p{n}@prospect.test")).await.expect("read").len(), 1);
    }
}

#[tokio::test]
async fn a_dry_run_finds_repeated_rows_however_far_apart() {
    let world = monday().await;
    let mut file = String::from("last name,email\n");
    for n in 0..1_200 {
        file.push_str(&format!("P{n},p{n}@prospect.test\n"));
    }
    file.push_str("Again,P7@prospect.test\n");
    let (job, rows) = run(&world, NewImport { dry_run: true, ..import(file.clone()) }).await;
    assert_eq!((rows[1_200].outcome.as_str(), rows[1_200].reason.as_str()), ("skipped", "Row 8 has the same email."));
    assert_eq!(
        (job.state, job.done_count, &job.summary["created"]),
        (JobState::Done, 1_201, &serde_json::json!(1_200))
    );
    let (real, _) = run(&world, import(file)).await;
    assert_eq!(real.summary["created"], job.summary["created"], "the check said what the import does");
}

#[tokio::test]
async fn what_our_export_disarmed_comes_back_as_it_was() {
    let world = monday().await;
    let file = "Last name,Email,Title,Phone,Industry,City\n\
        '=HYPERLINK(1),ada@prospect.test,'@home,'+33 1 23,'-cold,'s-Hertogenbosch\n";
    let (_, rows) = run(&world, import(file)).await;
    assert_eq!(outcomes(&rows), ["created"]);
    let fields = by_email(&world, "ada@prospect.test").await.fields;
    assert_eq!(
        [&fields.last_name, &fields.title, &fields.phone, &fields.industry, &fields.address.city],
        ["=HYPERLINK(1)", "@home", "+33 1 23", "-cold", "'s-Hertogenbosch"]
    );
}
