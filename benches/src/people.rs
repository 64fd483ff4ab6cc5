//! What people wait for: enrolling many, importing a file.

use crate::{
    Sizes,
    ground::{Grounds, Kind, MONDAY, Place},
    measure::{forget_peak, memory, ms, timed},
    report::{Report, number},
};
use relance_domain::person;
use relance_engine::{
    Clock, EngineError, Result,
    commands::{
        bulk::{BulkAction, BulkDone, Selection},
        enroll::OnMissing,
        import::{NewImport, OnDuplicate},
        preflight::EnrollRequest,
    },
    jobs::run_next_job,
};
use relance_storage::people_filter::Filter;
use std::fmt::Write as _;

/// Enrolling everyone who matches a search, from the click to the last row of its job.
pub async fn measure_enrolling(grounds: &Grounds, kind: Kind, sizes: Sizes, report: &mut Report) -> anyhow::Result<()> {
    let place = grounds.place(kind, Clock::standing(MONDAY)).await?;
    let mailbox = place.mailboxes(1, 9).await?[0];
    let sequence = place.sequence(vec![place.email(1, "Hello {{ person.first_name }}"), place.email(3, "")]).await?;
    place.people(sizes.people).await?;
    forget_peak();
    let (took, done) = timed(async {
        let mut request = EnrollRequest::new(sequence.id, Vec::new());
        request.mailbox_id = Some(mailbox);
        let selection =
            Selection::Matching { kind: Some(person::Kind::Lead), search: String::new(), filter: Filter::default() };
        let action = BulkAction::Enroll { request, on_missing: OnMissing::Start };
        let done = place.engine.bulk_people(&place.actor, &selection, action).await?;
        run_jobs(&place).await?;
        Ok::<_, EngineError>(done)
    })
    .await;
    let enrolled = count(&place, "enrollments").await?;
    anyhow::ensure!(enrolled == sizes.people as i64, "{enrolled} of {} people are enrolled", sizes.people);
    anyhow::ensure!(matches!(done?, BulkDone::Job(_)) || sizes.people <= 1_000, "many people are enrolled by a job");
    let what = format!("Enroll, {}: {} people", kind.name(), number(sizes.people as f64));
    report.at_most(what, ms(took), 5_000.0 * sizes.people as f64 / 100_000.0, "ms");
    report.at_most(format!("Enroll, {}: most memory", kind.name()), memory().1, 200.0, "MB");
    Ok(())
}

/// Importing a file, from its last byte to the last row of its job.
pub async fn measure_importing(grounds: &Grounds, kind: Kind, sizes: Sizes, report: &mut Report) -> anyhow::Result<()> {
    let place = grounds.place(kind, Clock::standing(MONDAY)).await?;
    let bytes = csv(sizes.rows);
    let size = number(bytes.len() as f64 / 1_048_576.0);
    forget_peak();
    let before = memory().0;
    let (took, done) = timed(async {
        let new = NewImport {
            kind: person::Kind::Lead,
            file_name: "leads.csv".to_owned(),
            bytes,
            mapping: None,
            on_duplicate: OnDuplicate::Skip,
            dry_run: false,
        };
        place.engine.start_import(&place.actor, new).await?;
        run_jobs(&place).await
    })
    .await;
    done?;
    let people = count(&place, "people").await?;
    anyhow::ensure!(people == sizes.rows as i64, "{people} of {} rows became people", sizes.rows);
    let what = format!("Import, {}: {} rows of CSV ({size} MB)", kind.name(), number(sizes.rows as f64));
    report.at_most(what, ms(took), 60_000.0 * sizes.rows as f64 / 1_000_000.0, "ms");
    let what = format!("Import, {}: most memory beyond the file", kind.name());
    report.figure(what, format!("{} MB", number(memory().1 - before)));
    Ok(())
}

async fn run_jobs(place: &Place) -> Result<()> {
    while run_next_job(&place.engine).await? {}
    Ok(())
}

async fn count(place: &Place, table: &str) -> Result<i64> {
    let mut tx = place.engine.store.read().await?;
    let sql = format!("SELECT COUNT(*) AS number FROM {table}");
    Ok(tx.one(&sql, Vec::new(), |row| row.int("number")).await?)
}

fn csv(rows: usize) -> Vec<u8> {
    let mut text = "First name,Last name,Organization,Title,Email,Phone,City,Country,Status\n".to_owned();
    for row in 0..rows {
        let company = row * 7 % 9_973;
        // Writing to a String never fails.
        let _ = writeln!(
            text,
            "First{},Last{row:07},\"Company {company}, Inc.\",Head of Sales,person{row}@company{company}.test,+33 1 {row:08},Lyon,FR,New",
            row * 31 % 4_999,
        );
    }
    text.into_bytes()
}
