//! Who asks too often: tokens, guessed tokens, guessed links, wrong passwords.

use crate::installation::{Answer, Client, Installation, send};
use crate::pages_people::{form, request};
use axum::{body::Body, http::Request};

fn seconds(answer: &Answer) -> u64 {
    answer.headers["retry-after"].to_str().expect("text").parse().expect("seconds")
}

#[tokio::test]
async fn a_token_asks_as_often_as_it_may_and_keeps_nobody_else_out() {
    let at = Installation::with(|settings| (settings.api_burst, settings.api_per_second) = (3, 1)).await;
    for _ in 0..3 {
        at.rep.get("/users/me").await.expect(200);
    }
    let refused = at.rep.get("/users/me").await;
    assert_eq!(refused.refusal(), (429, "too_many_requests", ""));
    assert_eq!(refused.headers["content-type"], "application/problem+json");
    assert!(
        (1..=2).contains(&seconds(&refused)) && refused.body["detail"].as_str().is_some_and(|it| it.contains("Wait"))
    );
    at.other.get("/users/me").await.expect(200);
    at.scoped(&at.rep, relance_domain::user::Scope::Read).await.get("/users/me").await.expect(200);
}

#[tokio::test]
async fn whoever_guesses_tokens_has_to_wait_and_tokens_that_are_right_go_on() {
    let at = Installation::new().await;
    let guess = |n: u32| Client { token: format!("rel_{n:064x}"), ..at.rep.clone() };
    for n in 0..30 {
        assert_eq!(guess(n).get("/users/me").await.status, 401);
    }
    let refused = guess(31).get("/users/me").await;
    assert_eq!((refused.status, seconds(&refused)), (429, 10));
    at.rep.get("/users/me").await.expect(200);
    let request = Request::get("/api/v1/users/me").body(Body::empty()).expect("a request");
    assert_eq!(send(&at.router, request).await.status, 401, "who sends no token guesses nothing");
}

#[tokio::test]
async fn whoever_guesses_links_has_to_wait() {
    let at = Installation::new().await;
    for n in 0..30 {
        let page = request(&at.router, "GET", &format!("/password/pwl_{n}"), &[], "").await;
        assert_eq!(page.status, 422);
    }
    for method in ["GET", "POST"] {
        let page = request(&at.router, method, "/password/pwl_x", &[("sec-fetch-site", "same-origin")], "").await;
        assert_eq!(page.status, 429, "{method}");
        assert_eq!(page.headers["retry-after"], "10");
        assert!(page.html.contains("Too many attempts"), "{}", page.html);
    }
}

#[tokio::test]
async fn wrong_passwords_close_the_door_and_the_page_says_for_how_long() {
    let at = Installation::new().await;
    let fields = form(&[("email", "admin@acme.test"), ("password", "wrong password")]);
    let same_site = [("sec-fetch-site", "same-origin")];
    for _ in 0..4 {
        assert_eq!(request(&at.router, "POST", "/sign-in", &same_site, &fields).await.status, 422);
    }
    let closed = request(&at.router, "POST", "/sign-in", &same_site, &fields).await;
    assert_eq!(closed.status, 429);
    let wait: u64 = closed.headers["retry-after"].to_str().expect("text").parse().expect("seconds");
    assert!((800..=901).contains(&wait), "{wait}");
    assert!(closed.html.contains("Try again in 15 minutes."), "{}", closed.html);
}
