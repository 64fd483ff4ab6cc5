//! `holiday-calendars` and `workspace/holidays`.

use crate::installation::Installation;
use serde_json::json;

#[tokio::test]
async fn calendars_are_listed_and_read_by_year() {
    let at = Installation::new().await;
    let list = at.rep.get("/holiday-calendars").await.expect(200);
    let items = list["items"].as_array().expect("items");
    assert!(items.len() > 200 && items.iter().any(|one| one["place"] == "Bayern (Germany)" && one["code"] == "DE-BY"));
    let germany = at.rep.get("/holiday-calendars/de?year=2026").await.expect(200);
    assert_eq!((&germany["code"], &germany["last_year"]), (&json!("DE"), &json!(2035)));
    let days = germany["days"].as_array().expect("days");
    assert!(days.contains(&json!({ "date": "2026-04-06", "name": "Easter Monday" })), "{days:?}");
    assert!(days.iter().all(|day| day["date"].as_str().is_some_and(|date| date.starts_with("2026-"))));
    assert_eq!(at.rep.get("/holiday-calendars/XX").await.refusal(), (404, "not_found", ""));
}

#[tokio::test]
async fn admins_choose_calendars_and_days_and_a_refusal_stands_at_its_field() {
    let at = Installation::new().await;
    let none = json!({ "calendars": [], "own_days": [], "left_out": [] });
    assert_eq!(at.rep.get("/workspace/holidays").await.expect(200), none);
    let own = json!([{ "date": "2026-07-03", "name": "Company day" }]);
    let change = json!({ "calendars": ["de-by", "FR"], "own_days": own });
    let changed = at.admin.patch("/workspace/holidays", change).await.expect(200);
    assert_eq!(changed, json!({ "calendars": ["DE-BY", "FR"], "own_days": own, "left_out": [] }));
    let left_out = at.admin.patch("/workspace/holidays", json!({ "left_out": ["2026-04-06"] })).await.expect(200);
    assert_eq!((&left_out["calendars"], &left_out["left_out"]), (&changed["calendars"], &json!(["2026-04-06"])));
    let unknown = at.admin.patch("/workspace/holidays", json!({ "calendars": ["XX"] })).await;
    assert_eq!(unknown.refusal(), (422, "unknown_calendar", "calendars[0]"));
    let nameless = json!({ "own_days": [{ "date": "2026-07-03", "name": " " }] });
    assert_eq!(at.admin.patch("/workspace/holidays", nameless).await.refusal(), (422, "required", "own_days[0].name"));
    assert_eq!(at.rep.patch("/workspace/holidays", json!({ "calendars": [] })).await.status, 403);
    assert_eq!(at.rep.get("/workspace/holidays").await.expect(200), left_out);
    let schedule = json!({ "schedule": { "holidays": ["workspace", "person", "GB-ENG", "2026-12-24"] } });
    let workspace = at.admin.patch("/workspace", schedule.clone()).await.expect(200);
    assert_eq!(workspace["schedule"]["holidays"], schedule["schedule"]["holidays"]);
    let wrong = at.admin.patch("/workspace", json!({ "schedule": { "holidays": ["Atlantis"] } })).await;
    assert_eq!(wrong.refusal(), (422, "unknown_calendar", "schedule.holidays[0]"));
}
