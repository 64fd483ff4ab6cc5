//! Lists of people at a million: twenty queries as the list pages ask them, each with its median and its 99th percentile.
//!
//! Every page is asked with the columns it shows, in a transaction of its own, first after the files were written and
//! then again and again; the first answer counts like the others. What is measured is the server's part of a page.

use crate::{
    Sizes,
    ground::{Grounds, Kind, MONDAY, Place},
    measure::{ms, timed},
    report::{Report, number},
};
use relance_domain::{SequenceId, custom_field::FieldKind, person};
use relance_engine::{Clock, Result, commands::custom_fields::NewCustomField};
use relance_storage::{
    Engine, Value, args,
    people_lists::{self, Filter, PeopleQuery, Rule, SortBy},
    tx,
};
use std::time::Duration;

/// What a page may take on the server, in milliseconds, at the 99th percentile.
const PAGE_MS: f64 = 50.0;

/// How often each query is asked.
const TIMES: usize = 100;

/// A list as someone looks at it.
struct Look {
    what: &'static str,
    query: PeopleQuery,
    counts: bool,
}

/// Asks the twenty queries.
pub async fn measure(grounds: &Grounds, kind: Kind, sizes: Sizes, report: &mut Report) -> anyhow::Result<()> {
    let place = grounds.place(kind, Clock::standing(MONDAY)).await?;
    let people = sizes.listed;
    let sequence = fill(&place, people).await?;
    let name = format!("List, {}, {} people", kind.name(), number(people as f64));
    for look in looks(&place, sequence).await? {
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            times.push(ask(&place, &look).await?);
            // A query that is out of all proportion is known after a few times.
            if times.len() >= 5 && times.iter().sum::<Duration>() > Duration::from_secs(20) {
                break;
            }
        }
        times.sort();
        let (half, last) = (times[times.len() / 2], times[(times.len() * 99).div_ceil(100) - 1]);
        report.figure(format!("{name}: {}, p50", look.what), format!("{} ms", number(ms(half))));
        report.at_most(format!("{name}: {}, p99", look.what), ms(last), PAGE_MS, "ms");
    }
    Ok(())
}

async fn ask(place: &Place, look: &Look) -> Result<Duration> {
    let (took, done) = timed(async {
        let mut tx = place.engine.store.read().await?;
        if look.counts {
            people_lists::count(&mut tx, &look.query, 10_000).await?;
        } else {
            people_lists::list(&mut tx, &look.query).await?;
        }
        Ok::<_, relance_engine::EngineError>(())
    })
    .await;
    done.map(|()| took)
}

/// People with owners, sources, cities and a custom field; a fifth of them in a sequence.
async fn fill(place: &Place, people: usize) -> anyhow::Result<SequenceId> {
    for (label, kind) in [("Employees", FieldKind::Number), ("Tier", FieldKind::List)] {
        let choices = if kind.has_choices() { vec!["Gold".to_owned(), "Silver".to_owned()] } else { Vec::new() };
        let new = NewCustomField { label: label.to_owned(), kind, choices, key: None };
        place.engine.create_custom_field(&place.actor, new).await?;
    }
    place.mailboxes(1, 9).await?;
    let sequence = place.sequence(vec![place.email(1, "Hello {{ person.mobile }}"), place.email(3, "")]).await?;
    place.people(people).await?;
    let mut tx = place.engine.store.begin().await?;
    let number = match tx.engine() {
        Engine::Sqlite => "search_number",
        Engine::Postgres => "(created_at / 7)",
    };
    let changed = format!(
        "UPDATE people SET custom_fields = CASE WHEN {number} % 50 = 0
                THEN '{{\"employees\":' || CAST({number} % 977 AS TEXT) || ',\"tier\":\"Gold\"}}'
                ELSE '{{\"employees\":' || CAST({number} % 977 AS TEXT) || '}}' END,
            owner_id = CASE WHEN {number} % 500 = 1 THEN $1 ELSE NULL END,
            source = CASE WHEN {number} % 2000 = 3 THEN 'Fair' ELSE 'Web' END,
            mobile = CASE WHEN {number} % 10 = 4 THEN '' ELSE '+33 6' END"
    );
    tx.execute(&changed, args![place.user]).await?;
    tx.commit().await?;
    enroll(place, sequence.id, sequence.version_id.map(Value::from), people / 5).await?;
    place.settle().await?;
    Ok(sequence.id)
}

/// Enrolls `count` people by plain SQL, one in ten of them finished.
async fn enroll(place: &Place, sequence: SequenceId, version: Option<Value>, count: usize) -> anyhow::Result<()> {
    let mut tx = place.engine.store.begin().await?;
    let ids = people_lists::ids(&mut tx, &PeopleQuery::default(), None, count).await?;
    for (part, chunk) in ids.chunks(500).enumerate() {
        let mut values = Vec::new();
        for (row, person) in chunk.iter().enumerate() {
            let nth = part * 500 + row;
            let (finished, due) = (nth.is_multiple_of(10), MONDAY.plus_ms(nth as i64 * 1_000));
            values.extend(args![*person, *person, sequence]);
            values.extend(version.clone());
            values.extend(args![place.user, if finished { "finished" } else { "active" }]);
            values.push(if finished { Value::Id(None) } else { Value::from(*person) });
            values.push(if finished { Value::Text(None) } else { Value::from("automated_email") });
            values.extend(args![1, (!finished).then_some(due), finished.then_some("all_steps_done")]);
            values.extend(args![finished.then_some(due), "[]", 0, 0, false, MONDAY, 0, MONDAY]);
        }
        let sql = format!(
            "INSERT INTO enrollments (id, person_id, sequence_id, version_id, actor_id, state, step_id, step_action,
                position, due_at, finished_reason, finished_at, done_steps, steps_done, emails_sent, moved_by_hand,
                enrolled_at, revision, updated_at) VALUES {}",
            tx::values(1, chunk.len(), 19)
        );
        tx.execute(&sql, values).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn leads() -> PeopleQuery {
    PeopleQuery { kind: Some(person::Kind::Lead), ..PeopleQuery::default() }
}

fn rule(field: &str, op: &str, value: &str) -> PeopleQuery {
    PeopleQuery { filter: Filter::Rule(Rule::new(field, op, value)), ..leads() }
}

/// The published set.
async fn looks(place: &Place, sequence: SequenceId) -> Result<Vec<Look>> {
    let sorted = |sort: SortBy, descending| PeopleQuery { sort, descending, ..leads() };
    let search = |words: &str| PeopleQuery { search: words.to_owned(), ..leads() };
    let mut far = PeopleQuery { limit: 500, ..leads() };
    {
        let mut tx = place.engine.store.read().await?;
        for _ in 0..20 {
            far.cursor = people_lists::list(&mut tx, &far).await?.next_cursor;
        }
    }
    let far = PeopleQuery { limit: 50, ..far };
    let both = Filter::All {
        all: vec![
            Filter::Rule(Rule::new("status", "is", "Working")),
            Filter::Rule(Rule::new("sequence", "in_none_now", "")),
            Filter::Rule(Rule::new("created_at", "after", "2026-02-01")),
        ],
    };
    let few = Filter::All { all: vec![Filter::Rule(Rule::new("source", "is", "Fair"))] };
    let by_city = SortBy::Field("custom_fields.employees".to_owned());
    let page = |what, query| Look { what, query, counts: false };
    Ok(vec![
        page("by name", leads()),
        page("a page far down", far),
        page("by organisation, backwards", sorted(SortBy::Organization, true)),
        page("newest first", sorted(SortBy::CreatedAt, true)),
        page("by status", sorted(SortBy::Status, false)),
        page("by next email", sorted(SortBy::NextEmail, false)),
        page("search of a rare word", search("last0079")),
        page("search of a frequent word", search("head sales")),
        page("status is", rule("status", "is", "Working")),
        page("status is one nobody has", rule("status", "is", "Nope")),
        page("source is rare", rule("source", "is", "Fair")),
        page("owner is", rule("owner_id", "is", &place.user.to_string())),
        page("tag", rule("tags", "has", "warm")),
        page("in no sequence now", rule("sequence", "in_none_now", "")),
        page("active in a sequence", rule("sequence", "active_in", &sequence.to_string())),
        page("lacks data for a sequence", rule("sequence", "lacks_data_for", &sequence.to_string())),
        page("custom choice is", rule("custom_fields.tier", "is", "Gold")),
        page("three rules", PeopleQuery { filter: both, ..leads() }),
        page("few, by a custom number", PeopleQuery { filter: few, sort: by_city, ..leads() }),
        Look { what: "count up to 10,000", query: leads(), counts: true },
    ])
}
