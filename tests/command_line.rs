//! The command line as an operator uses it: words, exit codes, `--json`, imports, and commands beside a running server.

use crate::install::{ADMIN, Install, PASSWORD, SOON, eventually};
use relance_servers::Relance;
use serde_json::{Value, json};
use std::{fmt::Write, path::Path, process::Output, time::Duration};

const COMMANDS: [&str; 13] = [
    "serve",
    "demo",
    "user",
    "token",
    "import",
    "mailbox",
    "understand",
    "pause",
    "resume",
    "backup",
    "restore",
    "doctor",
    "migrate",
];

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json_of(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", printed(output)))
}

async fn relance(words: &[&str]) -> Output {
    Relance::command(words).output().await.expect("the binary runs")
}

fn sandbox() -> Value {
    json!({ "address": "rep@relance.test", "from_name": "Rep", "provider": "sandbox", "min_gap_seconds": 0 })
}

#[tokio::test]
async fn every_command_has_help_and_wrong_usage_ends_with_2() {
    let help = relance(&["--help"]).await;
    assert_eq!(code(&help), 0);
    for command in COMMANDS {
        assert!(printed(&help).contains(&format!("  {command} ")), "{command} in {}", printed(&help));
        let own = relance(&[command, "--help"]).await;
        assert_eq!(code(&own), 0);
        assert!(printed(&own).contains("Usage: relance"), "{}", printed(&own));
    }
    let version = relance(&["version"]).await;
    assert_eq!((code(&version), printed(&version).starts_with("relance ")), (0, true));
    let wrong: [&[&str]; 6] = [
        &[],
        &["sned"],
        &["serve", "--liste", "x"],
        &["user", "add"],
        &["import"],
        &["import", "people.csv", "--map", "no equals sign"],
    ];
    for words in wrong {
        let output = relance(words).await;
        assert_eq!(code(&output), 2, "{words:?}: {}", said(&output));
        assert!(said(&output).contains("--help"), "{words:?}: {}", said(&output));
    }
}

#[tokio::test]
async fn a_refusal_ends_with_1_and_what_is_unavailable_with_3() {
    let install = Install::new().await;
    let taken = ["user", "add", "--email", ADMIN, "--name", "Ada", "--role", "rep", "--password-stdin"];
    let nobody = ["token", "create", "--user", "nobody@relance.test"];
    for words in [&taken[..], &nobody[..], &["mailbox", "check", "nobody@relance.test"]] {
        let output = install.run(words, PASSWORD).await;
        assert_eq!(code(&output), 1, "{words:?}: {}", said(&output));
        assert!(printed(&output).is_empty() && !said(&output).trim().is_empty(), "messages go to stderr");
        let output = install.run(&[words, &["--json"]].concat(), PASSWORD).await;
        let error: Value = serde_json::from_str(said(&output).trim()).expect("JSON on stderr");
        assert_eq!((code(&output), &error["exit_code"]), (1, &json!(1)), "{error}");
    }
    let short = ["user", "add", "--email", "new@relance.test", "--name", "New", "--role", "rep", "--password-stdin"];
    assert_eq!(code(&install.run(&short, "short").await), 1, "a short password is refused");
    let nowhere = ["doctor", "--database", "postgres://relance@127.0.0.1:1/none"];
    let output = relance(&[&nowhere[..], &["--data", &install.data.display().to_string()]].concat()).await;
    assert_eq!(code(&output), 3, "{}", said(&output));
    assert!(!said(&output).contains("panicked"), "{}", said(&output));
    assert_eq!(code(&install.run(&["import", "/no/such/file.csv"], "").await), 3);
}

#[tokio::test]
async fn users_and_tokens_are_made_from_the_command_line() {
    let mut install = Install::new().await;
    let words = ["user", "add", "--email", "bob@relance.test", "--name", "Bob", "--role", "rep", "--password-stdin"];
    let added = json_of(&install.run(&[&words[..], &["--json"]].concat(), PASSWORD).await);
    assert_eq!((&added["email"], &added["role"]), (&json!("bob@relance.test"), &json!("rep")));
    let token = install.run(&["token", "create", "--user", "bob@relance.test", "--scope", "read"], "").await;
    assert_eq!(printed(&token).lines().count(), 1, "the token alone: {}", printed(&token));
    install.start().await;
    printed(&token).trim().clone_into(&mut install.token);
    assert_eq!(install.get("people").await["items"], json!([]));
    let refused = install.try_post("people", json!({ "last_name": "No" })).await;
    assert_eq!(refused.status, 403, "a token to read cannot write: {refused:?}");
    let reset = ["user", "reset-password", "--email", "bob@relance.test", "--password-stdin"];
    install.done(&reset, "another long password").await;
}

/// Writes a file and imports it; the answer of `--json` and what was said.
async fn import(install: &Install, folder: &Path, bytes: &[u8], options: &[&str]) -> (Output, Value) {
    let file = folder.join("people.csv");
    std::fs::write(&file, bytes).expect("the file is written");
    let file = file.display().to_string();
    let output = install.run(&[&["import", &file, "--json"], options].concat(), "").await;
    let facts = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output, facts)
}

#[tokio::test]
async fn an_import_keeps_good_rows_and_hands_bad_ones_back_with_their_reasons() {
    let install = Install::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let csv = "First name,Last name,Email,Company,Shoe size\n\
        Ada,Lovelace,ada@example.org,Analytical,38\n\
        Bob,,not an address,Builders,44\n\
        Carl,Curie,carl@example.org\n\
        Ada,Again,ADA@example.org,Analytical,38\n\
        ,,,,\n\
        \"=HYPERLINK(1)\",Mallory,mallory@@example.org,\"a \"\"quoted\"\"\nname\",1\n\
        Dora,Dürer,dora@example.org,Art,40\n";
    let file = folder.path().join("people.csv");
    std::fs::write(&file, csv).expect("the file is written");
    let dry = install.run(&["import", &file.display().to_string(), "--dry-run", "--json"], "").await;
    assert_eq!((code(&dry), &json_of(&dry)["total"]), (0, &json!(7)), "{}", said(&dry));
    let output = install.run(&["import", &file.display().to_string()], "").await;
    assert_eq!(code(&output), 0, "{}", said(&output));
    let report = said(&output);
    for wanted in ["not an address", "3 columns", "empty", "mallory"] {
        assert!(report.contains(wanted), "{wanted} in {report}");
    }
    assert!(!report.contains("Lovelace"), "good rows are not handed back: {report}");
    assert!(report.contains("'=HYPERLINK"), "no spreadsheet takes a cell for a formula: {report}");
    let mut install = install;
    install.start().await;
    let people = install.all("people").await;
    let mut names: Vec<&str> = people.iter().filter_map(|one| one["last_name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Dürer", "Lovelace"], "the repeated address was skipped");
    let jobs = install.all("jobs").await;
    let job = jobs.iter().find(|job| job["summary"]["dry_run"] == false).expect("the import's job");
    let rows = install.all(&format!("jobs/{}/rows", crate::install::id(job))).await;
    let outcomes: Vec<&str> = rows.iter().filter_map(|row| row["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["created", "refused", "refused", "skipped", "refused", "refused", "created"]);
}

#[tokio::test]
async fn an_import_reads_what_people_have_and_refuses_what_is_no_table() {
    let install = Install::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let latin = b"Nachname;Vorname;E-Mail\nM\xfcller;J\xf6rg;joerg@example.org\n";
    let (output, facts) = import(&install, folder.path(), latin, &[]).await;
    assert_eq!((code(&output), &facts["done"], &facts["refused"]), (0, &json!(1), &json!(0)), "{}", said(&output));
    let utf16 = "\u{feff}Last name\tEmail\nŁukasz\tlukasz@example.org\n".encode_utf16();
    let utf16: Vec<u8> = utf16.flat_map(u16::to_le_bytes).collect();
    let (output, facts) = import(&install, folder.path(), &utf16, &["--kind", "contact"]).await;
    assert_eq!((code(&output), &facts["done"]), (0, &json!(1)), "{}", said(&output));
    let update = b"surname,mail,what\nMueller,joerg@example.org,cars\n";
    let options = ["--on-duplicate", "update", "--map", "mail=email", "--map", "what=industry"];
    let (output, facts) = import(&install, folder.path(), update, &options).await;
    assert_eq!((code(&output), &facts["done"]), (0, &json!(1)), "{}", said(&output));

    let no_name = "Email,Phone\nada@example.org,1\n".as_bytes();
    let broken: [(&[u8], &[&str], &str); 6] = [
        (no_name, &[], "Choose the column"),
        (b"", &[], "empty"),
        (b"Last name,Email\n", &[], "no rows"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07\x00\x01\x02\x03", &[], "not text"),
        (b"Last name,Email\nX,x@example.org\n", &["--map", "Nothing=email"], "has no column Nothing"),
        (b"Last name,Email\nX,x@example.org\n", &["--map", "Email=shoe_size"], "no field shoe_size"),
    ];
    for (bytes, options, words) in broken {
        let (output, _) = import(&install, folder.path(), bytes, options).await;
        assert_eq!(code(&output), 1, "{words}: {}", said(&output));
        assert!(said(&output).contains(words), "{words} in {}", said(&output));
    }
    let mut install = install;
    install.start().await;
    let mut names = Vec::new();
    for person in install.all("people").await {
        names.push(format!("{} {} {}", person["kind"], person["last_name"], person["industry"]).replace('"', ""));
    }
    names.sort();
    assert_eq!(names, ["contact Łukasz ", "lead Mueller cars"]);
}

/// The most memory a process ever held, in MB.
fn peak_memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("its peak");
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).expect("a number") / 1024
}

#[tokio::test]
async fn a_hundred_thousand_rows_are_imported_with_flat_memory() {
    let mut install = Install::new().await;
    install.start().await;
    let mut csv = String::from("First name,Last name,Email,Company\n");
    for n in 0..100_000 {
        let email = if n % 1_000 == 7 { "broken".to_owned() } else { format!("person{n}@example.org") };
        writeln!(csv, "First{n},Last{n},{email},Company {}", n % 500).expect("a string takes everything");
    }
    let request = install.request(reqwest::Method::POST, "people/import?file_name=many.csv");
    let response = request.header("content-type", "text/csv").body(csv).send().await.expect("it is taken");
    assert_eq!(response.status(), 202);
    let job: Value = response.json().await.expect("a job");
    let path = format!("jobs/{}", job["job_id"].as_str().expect("its id"));
    let done = eventually("the import is done", Duration::from_secs(120), async || {
        let job = install.get(&path).await;
        if job["finished_at"].is_null() { Err(job.to_string()) } else { Ok(job) }
    })
    .await;
    assert_eq!((&done["state"], &done["total"]), (&json!("done"), &json!(100_000)), "{done}");
    assert_eq!((&done["done"], &done["refused"]), (&json!(99_900), &json!(100)), "{done}");
    let rows = install.all(&format!("{path}/rows?outcome=refused")).await;
    assert_eq!(rows.len(), 100);
    assert!(rows[0]["reason"].as_str().unwrap_or_default().contains("email address"), "{}", rows[0]);
    let pid = install.relance.as_ref().and_then(Relance::pid).expect("it runs");
    let peak = peak_memory(pid);
    eprintln!("100,000 rows: at most {peak} MB");
    assert!(peak <= 200, "{peak} MB");
    install.stop().await;
}

#[tokio::test]
async fn sending_is_stopped_and_resumed_beside_a_running_server() {
    let mut install = Install::new().await;
    install.start().await;
    install.connect(sandbox()).await;
    let sequence = install.emails(1).await;
    let paused = install.done(&["pause"], "").await;
    assert!(paused.contains("stopped"), "{paused}");
    assert!(!install.get("workspace").await["paused_at"].is_null());
    let enrollment = install.enroll_new(&sequence, "example.org", 1).await.remove(0);
    let doctor = json_of(&install.run(&["doctor", "--json"], "").await);
    assert!(doctor["findings"].to_string().contains("stopped"), "{doctor}");
    assert_eq!(install.enrollment(&enrollment).await["emails_sent"], 0);
    install.done(&["resume", "--json"], "").await;
    install.enrollment_until(&enrollment, |one| one["state"] == "completed").await;
    let doctor = install.done(&["doctor"], "").await;
    assert_eq!(doctor, "Everything looks well.");
    install.stop().await;
}

#[tokio::test]
async fn a_backup_is_made_beside_a_running_server_and_restored() {
    let mut install = Install::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("copy.sqlite").display().to_string();
    install.start().await;
    install.person("kept@example.org").await;
    install.done(&["backup", &file], "").await;
    install.person("later@example.org").await;
    let again = install.run(&["backup", &file], "").await;
    assert_eq!(code(&again), 1, "a backup overwrites nothing: {}", said(&again));
    let while_serving = install.run(&["restore", &file], "").await;
    assert_eq!(code(&while_serving), 1, "{}", said(&while_serving));
    assert_eq!(install.all("people").await.len(), 2, "nothing was restored under a running server");
    install.stop().await;

    let nonsense = folder.path().join("nonsense.sqlite").display().to_string();
    std::fs::write(&nonsense, "no database").expect("the file is written");
    assert_ne!(code(&install.run(&["restore", &nonsense], "").await), 0);
    install.done(&["restore", &file], "").await;
    install.start().await;
    let people = install.all("people").await;
    let emails: Vec<&str> = people.iter().filter_map(|person| person["email"].as_str()).collect();
    assert_eq!(emails, ["kept@example.org"]);
    install.stop().await;
}

#[tokio::test]
async fn a_folder_is_served_once_and_with_its_own_key_only() {
    let mut install = Install::new().await;
    install.start().await;
    let second = install.run(&["serve", "--listen", "127.0.0.1:0"], "").await;
    assert_eq!(code(&second), 1, "{}", said(&second));
    assert!(said(&second).contains("already serves"), "{}", said(&second));
    install.get("workspace").await;
    install.stop().await;
    let key = install.data.join("secret.key");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&key).expect("a key").permissions());
    assert_eq!(mode & 0o777, 0o600);
    let right = std::fs::read(&key).expect("a key");
    std::fs::write(&key, "ab".repeat(32)).expect("it is written");
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["doctor"]] {
        let wrong = install.run(words, "").await;
        assert_eq!(code(&wrong), 1, "{}", said(&wrong));
        assert!(said(&wrong).contains("key"), "{}", said(&wrong));
    }
    std::fs::write(&key, right).expect("it is written");
    install.start().await;
    install.stop().await;
}

#[tokio::test]
async fn a_fresh_folder_is_migrated_and_looked_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("new").display().to_string();
    let first = json_of(&relance(&["migrate", "--json", "--data", &data]).await);
    assert!(!first["applied"].as_array().expect("names").is_empty(), "{first}");
    let second = relance(&["migrate", "--data", &data]).await;
    assert_eq!((code(&second), printed(&second).trim()), (0, "The database is up to date."));
    let doctor = relance(&["doctor", "--data", &data]).await;
    assert!(printed(&doctor).contains("not set up"), "{}", printed(&doctor));
    let rep = ["user", "add", "--email", "r@relance.test", "--name", "R", "--role", "rep", "--data", &data];
    assert_eq!(code(&relance(&rep).await), 1, "the first user is an admin");
    let server = Relance::start(&["serve", "--data", &data]).await.expect("it starts");
    eventually("it is ready", SOON, async || {
        let answer = reqwest::get(format!("{}/readyz", server.url)).await.map_err(|error| error.to_string())?;
        if answer.status() == 200 { Ok(()) } else { Err(answer.text().await.unwrap_or_default()) }
    })
    .await;
    assert!(server.said().contains("set up"), "{}", server.said());
    assert!(server.stop().await.expect("it stops").success());
}

#[tokio::test]
async fn the_understanding_of_mail_is_measured_with_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = "From: ada@acme.test\nTo: rep@relance.test\nSubject: Re: Hi\nIn-Reply-To: <a@relance.test>\n\nYes.\n";
    let away = "From: ada@acme.test\nTo: rep@relance.test\nSubject: Automatic reply: Hi\nAuto-Submitted: auto-replied\n\nAway.\n";
    let mails = folder.path().join("mails");
    std::fs::create_dir(&mails).expect("a folder of mails");
    for (name, text) in [("a.eml", answer), ("b.eml", away)] {
        std::fs::write(mails.join(name), text).expect("a mail");
    }
    let table = folder.path().join("mails-expected.csv");
    std::fs::write(&table, "file,class\na.eml,reply\nb.eml,reply\n").expect("a table");
    let path = mails.display().to_string();
    let output = relance(&["understand", &path]).await;
    assert_eq!(code(&output), 0, "{}", said(&output));
    assert!(printed(&output).contains("b.eml: expected reply, taken for auto reply"), "{}", printed(&output));
    let measured = json_of(&relance(&["understand", &path, "--json"]).await);
    assert_eq!(measured["folders"][0]["accuracy"]["all"]["right_class"], json!(1), "{measured}");
    assert_eq!(measured["folders"][0]["accuracy"]["misjudged"][0]["file"], json!("b.eml"));
    std::fs::write(&table, "name\nx\n").expect("a table that says nothing");
    assert_eq!(code(&relance(&["understand", &path]).await), 1);
    assert_eq!(code(&relance(&["understand", "/no/such/folder"]).await), 3);
}
