//! The page of all components with samples, and the rules it must keep.
//!
//! Built for tests only: it renders every macro once, so that one that no longer compiles or
//! forgets a state is found here, and it is what the screenshots and the accessibility check
//! of the browser tests look at. The contrast test reads the tokens from the style sheet.

use askama::Template;
use jiff::tz::TimeZone;
use relance_domain::Timestamp;

use crate::frame::{Counts, Demo, Frame, FrameUser, SendingStopped, SentToday, SmartList, Speed, Toast};
use crate::words::When;

struct Row {
    id: &'static str,
    name: &'static str,
    organisation: &'static str,
    state: &'static str,
}

#[derive(Template)]
#[template(path = "components.html")]
struct Components {
    frame: Frame,
    when: When,
    clock: When,
    aged: When,
    rows: Vec<Row>,
}

#[derive(Template)]
#[template(path = "components/dialog.html")]
struct Dialog {
    frame: Frame,
}

#[derive(Template)]
#[template(path = "components/sign_in.html")]
struct SignIn {
    frame: Frame,
}

fn frame() -> Frame {
    Frame {
        workspace: "Halden Sensors".into(),
        nonce: "test".into(),
        section: "leads",
        user: Some(FrameUser { name: "Nora Lindqvist".into(), is_admin: true }),
        counts: Counts { tasks: 6, review: 2, blocked: 28 },
        sent_today: Some(SentToday { done: 41, quota: 200 }),
        smart_lists: vec![SmartList {
            label: "My open leads".into(),
            href: "#".into(),
            count: "38".into(),
            is_current: false,
        }],
        now: now(),
        clock_rate: 1,
        ..Frame::default()
    }
}

fn now() -> Timestamp {
    Timestamp::parse("2026-11-24T09:48:00Z").expect("an instant")
}

fn components() -> String {
    let zone = |name| TimeZone::get(name).expect("a zone");
    let (own, london) = (zone("Europe/Paris"), zone("Europe/London"));
    let next = Timestamp::parse("2026-12-01T09:14:00Z").expect("an instant");
    let page = Components {
        frame: Frame {
            sending_stopped: Some(SendingStopped {
                words: "Nora stopped it today at 09:40; 52 emails wait.".into(),
                resume_action: "/settings/sending/resume".into(),
            }),
            demo: Some(Demo {
                now_words: "Tue 24 Nov, 09:48".into(),
                action: "/demo/speed".into(),
                speeds: [("real", "Real time"), ("hour", "1 hour/s"), ("day", "1 day/s")]
                    .map(|(value, label)| Speed {
                        value: value.into(),
                        label: label.into(),
                        is_current: value == "real",
                    })
                    .into(),
                sandbox_href: "#".into(),
            }),
            toasts: vec![Toast {
                state: "done".into(),
                words: "Maya Okafor is a contact now.".into(),
                undo: String::new(),
            }],
            ..frame()
        },
        when: When::moment(next, now(), &london, &own),
        clock: When::clock(now(), &london, &own),
        aged: When::age(now().plus_ms(-7_200_000), now(), &own),
        rows: vec![
            Row { id: "1", name: "Rui Almeida", organisation: "Porto Cold Storage", state: "waiting" },
            Row { id: "2", name: "Annika Bergström", organisation: "Norrland Frys", state: "" },
            Row { id: "3", name: "Théo Delcourt", organisation: "Frigo Rhône", state: "blocked" },
            Row { id: "4", name: "Oisín Keane", organisation: "Shannon Chill", state: "paused" },
            Row { id: "5", name: "Maya Okafor", organisation: "Kestrel Freight", state: "active" },
            Row { id: "6", name: "Pål Nygård", organisation: "Fjordfisk", state: "uncertain" },
        ],
    };
    page.render().expect("the page renders")
}

#[test]
fn every_component_renders_and_escapes_what_it_is_given() {
    let page = components();
    for part in [
        "chip-active",
        "class=\"timeline\"",
        "class=\"feed\"",
        "aria-invalid=\"true\"",
        "role=\"status\"",
        "selection-bar",
    ] {
        assert!(page.contains(part), "the page shows {part}");
    }
    assert!(page.contains("<a class=\"skip\" href=\"#main\">"));
    assert!(page.contains("aria-describedby=\"n-refused\""));
    let mut hostile = frame();
    hostile.workspace = "<script>alert(1)</script>".into();
    let page = SignIn { frame: hostile }.render().expect("the page renders");
    assert!(!page.contains("<script>alert"), "names are escaped");
}

#[test]
fn no_page_carries_style_attributes_that_the_policy_would_drop() {
    for page in [components(), Dialog { frame: frame() }.to_string(), SignIn { frame: frame() }.to_string()] {
        assert!(!page.contains(" style=") && !page.contains(" onclick="));
    }
}

/// The browser tests open these files; the folder has a fixed name because only the configuration reads the environment.
#[test]
fn the_gallery_is_written_for_the_browser_to_look_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/gallery");
    for name in crate::assets::names() {
        let path = folder.join(crate::assets::url(name).trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
        std::fs::write(path, crate::assets::text(name)).expect("the file is written");
    }
    let pages = [
        ("components.html", components()),
        ("dialog.html", Dialog { frame: frame() }.to_string()),
        ("sign-in.html", SignIn { frame: frame() }.to_string()),
    ];
    for (name, page) in pages {
        assert!(page.starts_with("<!doctype html>"), "{name}");
        std::fs::write(folder.join(name), page).expect("the page is written");
    }
}

/// The two colours of every token in the style sheet: light, dark.
fn tokens() -> std::collections::BTreeMap<String, [String; 2]> {
    let sheet = crate::assets::text("app.css");
    let mut found = std::collections::BTreeMap::new();
    for declaration in sheet.split(['{', '}', ';']) {
        let Some((name, rest)) = declaration.trim().strip_prefix("--").and_then(|said| said.split_once(":light-dark("))
        else {
            continue;
        };
        let colours: Vec<_> = rest.trim_end_matches(')').split(',').map(str::to_owned).collect();
        if let [light, dark] = &colours[..]
            && light.starts_with('#')
        {
            found.insert(name.to_owned(), [light.clone(), dark.clone()]);
        }
    }
    found
}

/// WCAG 2 relative luminance of `#rrggbb`.
fn luminance(colour: &str) -> f64 {
    let channel = |from: usize| {
        let value = f64::from(u8::from_str_radix(&colour[from..from + 2], 16).expect("a hex colour")) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn text_has_a_contrast_of_4_5_and_field_edges_of_3_in_both_schemes() {
    let tokens = tokens();
    assert!(tokens.len() > 30, "{} tokens", tokens.len());
    let grounds = ["bg", "bg2", "bg3", "raise", "soft"];
    let mut pairs: Vec<(&str, &str, f64)> = Vec::new();
    for text in ["text", "text2", "text3"] {
        pairs.extend(grounds.map(|ground| (text, ground, 4.5)));
    }
    for state in ["ok", "wait", "pause", "block", "done", "unc"] {
        pairs.extend(["bg", "bg2", "raise"].map(|ground| (state, ground, 4.5)));
    }
    pairs.extend(
        [("ok", "ok-b"), ("wait", "wait-b"), ("pause", "pause-b"), ("block", "block-b")].map(|(a, b)| (a, b, 4.5)),
    );
    pairs.extend(
        [("done", "done-b"), ("unc", "unc-b"), ("link", "bg"), ("link", "soft"), ("link", "raise")]
            .map(|(a, b)| (a, b, 4.5)),
    );
    pairs.extend(
        [("on-accent", "accent"), ("on-accent", "accent-h"), ("on-inverse", "inverse")].map(|(a, b)| (a, b, 4.5)),
    );
    pairs.extend(["bg", "bg2", "raise"].map(|ground| ("line3", ground, 3.0)));
    pairs.extend(grounds.map(|ground| ("focus", ground, 3.0)));
    for (front, back, least) in pairs {
        for scheme in [0, 1] {
            let got = contrast(&tokens[front][scheme], &tokens[back][scheme]);
            assert!(got >= least, "{front} on {back} has {got:.2} in scheme {scheme}, not {least}");
        }
    }
}
