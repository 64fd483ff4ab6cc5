//! The page behind an unsubscribe link, for whoever got the email: asks once, then ends everything.
//!
//! A POST is also what mail providers send for one click (RFC 8058): it needs no cookie and no confirmation, comes from
//! outside, and may be repeated. The words are in the language of the sequence, English where there are none.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use relance_engine::commands::unsubscribe::Unsubscribed;

use crate::answer;
use crate::app::App;
use crate::csp::Nonce;
use crate::errors::Result;
use crate::extract::Path;
use crate::frame::Frame;
use crate::{session, urls};

/// The words of the page in one language.
#[derive(Clone, Copy, Debug)]
struct Words {
    lang: &'static str,
    title: &'static str,
    ask: &'static str,
    button: &'static str,
    done_title: &'static str,
    done: &'static str,
}

const WORDS: [Words; 7] = [
    Words {
        lang: "en",
        title: "Stop these emails?",
        ask: "No further email will be sent to this address:",
        button: "Do not write to me again",
        done_title: "Done",
        done: "This address will not be written to again:",
    },
    Words {
        lang: "de",
        title: "Keine E-Mails mehr?",
        ask: "An diese Adresse wird keine weitere E-Mail gesendet:",
        button: "Schreiben Sie mir nicht mehr",
        done_title: "Erledigt",
        done: "An diese Adresse wird nicht mehr geschrieben:",
    },
    Words {
        lang: "fr",
        title: "Arrêter ces e-mails ?",
        ask: "Plus aucun e-mail ne sera envoyé à cette adresse :",
        button: "Ne plus m’écrire",
        done_title: "C’est fait",
        done: "Cette adresse ne recevra plus d’e-mails :",
    },
    Words {
        lang: "es",
        title: "¿Dejar de recibir estos correos?",
        ask: "No se enviará ningún otro correo a esta dirección:",
        button: "No me escriban más",
        done_title: "Hecho",
        done: "No se volverá a escribir a esta dirección:",
    },
    Words {
        lang: "it",
        title: "Non ricevere più queste e-mail?",
        ask: "Non verrà inviata nessun’altra e-mail a questo indirizzo:",
        button: "Non scrivetemi più",
        done_title: "Fatto",
        done: "Non scriveremo più a questo indirizzo:",
    },
    Words {
        lang: "nl",
        title: "Geen e-mails meer?",
        ask: "Naar dit adres wordt geen e-mail meer gestuurd:",
        button: "Schrijf mij niet meer",
        done_title: "Klaar",
        done: "Naar dit adres wordt niet meer geschreven:",
    },
    Words {
        lang: "pt",
        title: "Deixar de receber estes e-mails?",
        ask: "Nenhum outro e-mail será enviado para este endereço:",
        button: "Não me escrevam mais",
        done_title: "Feito",
        done: "Este endereço não voltará a receber e-mails:",
    },
];

fn words(locale: &str) -> Words {
    let language = locale.split(['-', '_']).next().unwrap_or_default().to_lowercase();
    WORDS.into_iter().find(|words| words.lang == language).unwrap_or(WORDS[0])
}

/// The language the page speaks for a sequence of this one.
pub fn language_of(locale: &str) -> &'static str {
    words(locale).lang
}

#[derive(Template)]
#[template(path = "unsubscribe/show.html")]
struct Page {
    frame: Frame,
    words: Words,
    address: String,
    action: String,
    is_done: bool,
}

async fn draw(app: &App, nonce: Nonce, token: &str, about: Unsubscribed, is_done: bool) -> Page {
    Page {
        frame: session::plain_frame(app, Some(nonce)).await,
        words: words(&about.locale),
        address: about.address,
        action: urls::unsubscribe(token),
        is_done: is_done || about.already,
    }
}

/// Asks.
pub async fn show(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    Path(token): Path<String>,
) -> Result<Response> {
    let about = app.engine.unsubscribe_page(&token).await?;
    answer::page(&draw(&app, nonce, &token, about, false).await)
}

/// Ends everything and never writes again.
pub async fn create(
    State(app): State<App>,
    Extension(nonce): Extension<Nonce>,
    Path(token): Path<String>,
) -> Result<Response> {
    let about = app.engine.unsubscribe(&token).await?;
    answer::page(&draw(&app, nonce, &token, about, true).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_speaks_the_language_of_the_sequence_and_english_otherwise() {
        assert_eq!(words("fr-CA").lang, "fr");
        assert_eq!(words("").lang, "en");
        assert_eq!(words("xx").button, "Do not write to me again");
        for (locale, is_done, expected) in [
            ("de", false, "Schreiben Sie mir nicht mehr"),
            ("it", false, "Non scrivetemi più"),
            ("nl-BE", false, "Schrijf mij niet meer"),
            ("pt", true, "não voltará"),
            ("en", true, "will not be written to again"),
        ] {
            let page = Page {
                frame: Frame { workspace: "Halden".into(), clock_rate: 1, ..Frame::default() },
                words: words(locale),
                address: "maya@kestrel.example".into(),
                action: "/unsubscribe/abc".into(),
                is_done,
            };
            let html = page.render().expect("a page");
            assert!(html.contains(expected) && html.contains("maya@kestrel.example"), "{locale}");
            assert_eq!(html.contains("<button"), !is_done);
        }
    }
}
