//! The signature of a mailbox as it will look: in its form, and while it is written.

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};

use crate::app::App;
use crate::errors::Result;
use crate::extract::Form;
use crate::pages::form::Typed;
use crate::pages::preview::clean;
use crate::pages::sequences::html_of;
use crate::session::Visitor;

/// The signature as it will look.
#[derive(Template)]
#[template(path = "mailboxes/signature.html")]
pub struct Shown {
    html: String,
}

/// The signature of a form.
pub fn typed_html(typed: &Typed) -> String {
    html_of(typed.get("signature_html"))
}

/// The signature of a form as it will look.
pub fn shown(typed: &Typed) -> Shown {
    Shown { html: clean(&typed_html(typed)) }
}

/// What is typed, as it will look; nothing is saved.
pub async fn preview(State(_app): State<App>, _visitor: Visitor, Form(typed): Form<Typed>) -> Result<Response> {
    Ok(Html(shown(&typed).render()?).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_shown_as_it_will_look_and_runs_nothing() {
        let of = |text: &str| shown(&Typed::of([("signature_html", text.to_owned())])).render().expect("a frame");
        assert!(of("<p><b>Nora</b><script>x()</script></p>").contains("<p><b>Nora</b></p>"));
        assert!(of("Nora\nHalden").contains("<p>Nora<br>Halden</p>"), "text becomes paragraphs");
        assert!(of(" ").contains("No signature yet"));
    }
}
