//! Gmail and Microsoft 365 on the pages and in the API: registered by admins, offered to everyone, never showing a secret.

use crate::installation::Installation;
use crate::pages_people::Browser;
use serde_json::json;

const SECRET: &str = "a-client-secret-0123";

#[tokio::test]
async fn an_admin_registers_by_the_api_and_no_answer_has_the_secret() {
    let at = Installation::new().await;
    let missing = at.admin.patch("/mail_providers/google", json!({ "client_id": "id-1" })).await;
    assert_eq!(missing.refusal(), (422, "required", "client_secret"));
    let fields = json!({ "client_id": "id-1", "client_secret": SECRET });
    let saved = at.admin.patch("/mail_providers/google", fields.clone()).await.expect(200);
    assert_eq!(
        (&saved["provider"], &saved["client_id"], &saved["redirect_url"]),
        (&json!("google"), &json!("id-1"), &json!("https://relance.test/mailboxes/oauth/callback"))
    );
    let changed = at.admin.patch("/mail_providers/google", json!({ "client_id": "id-2" })).await.expect(200);
    assert_eq!(changed["client_id"], "id-2");
    let list = at.admin.get("/mail_providers").await.expect(200);
    assert!(list["items"].as_array().is_some_and(|all| all.len() == 1) && !list.to_string().contains(SECRET));
    assert_eq!(at.admin.patch("/mail_providers/yahoo", fields).await.status, 404);
    assert_eq!(at.manager.get("/mail_providers").await.status, 403);
    let log = at.admin.get("/audit?area=settings").await.expect(200);
    assert!(log.to_string().contains("mail_provider_saved") && !log.to_string().contains(SECRET));

    let begun = at.rep.post("/mailboxes/oauth", json!({ "provider": "google" })).await.expect(201);
    let url = begun["authorization_url"].as_str().expect("an address");
    assert!(url.starts_with("https://accounts.google.com/o/oauth2/v2/auth?") && !url.contains(SECRET), "{url}");
    let microsoft = at.rep.post("/mailboxes/oauth", json!({ "provider": "microsoft" })).await;
    assert_eq!(microsoft.refusal().1, "provider_not_registered");
    let sandbox = at.rep.mailbox("rita@acme.test").await;
    let wrong = at.rep.post("/mailboxes/oauth", json!({ "provider": "google", "mailbox_id": sandbox })).await;
    assert_eq!(wrong.refusal().1, "other_provider");
    at.admin.delete("/mail_providers/google").await.expect(204);
    assert_eq!(at.admin.delete("/mail_providers/google").await.status, 404);
}

#[tokio::test]
async fn an_admin_registers_on_the_page_and_everyone_finds_the_way() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    browser.get("/settings/mailboxes").await.shows(200, &["Gmail and Microsoft 365"]);
    browser.get("/settings/mailboxes/new").await.shows(200, &["Signing in at Google is not set up yet."]);
    let path = "/settings/mailboxes/providers";
    browser.get(path).await.shows(200, &["https://relance.test/mailboxes/oauth/callback", "Tenant"]);
    let wrong = browser.post(&format!("{path}/microsoft"), &[("microsoft.tenant", "a b")]).await;
    wrong.shows(422, &["Enter the client id as Microsoft shows it.", "Enter the client secret.", "Enter the tenant"]);
    let fields = [("microsoft.client_id", "id-1"), ("microsoft.client_secret", SECRET)];
    let saved = browser.post(&format!("{path}/microsoft"), &fields).await;
    assert_eq!(browser.said(&saved).await, "Microsoft 365 can be connected now.");
    let page = browser.get(path).await;
    page.shows(200, &["Registered", "id-1", "value=\"common\""]);
    assert!(!page.html.contains(SECRET));
    browser.get("/settings/mailboxes/new").await.shows(200, &["/mailboxes/oauth/microsoft"]);
    let away = browser.get("/mailboxes/oauth/microsoft").await;
    assert_eq!(away.status, 303);
    assert!(away.location().starts_with("https://login.microsoftonline.com/common/oauth2/v2.0/authorize?"));
    let gone = browser.post(&format!("{path}/microsoft/delete"), &[]).await;
    assert_eq!(browser.said(&gone).await, "The registration at Microsoft is removed.");
}

#[tokio::test]
async fn whoever_comes_back_without_having_gone_is_told_so() {
    let at = Installation::new().await;
    let browser = Browser::sign_in(&at).await;
    let page = browser.get("/mailboxes/oauth/callback?state=oas_made_up&code=x").await;
    page.shows(422, &["The mailbox is not connected", "Nothing was changed.", "took longer than 15 minutes"]);
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(browser.get("/mailboxes/oauth/yahoo").await.status, 404);
}
