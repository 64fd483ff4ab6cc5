//! The icons of the pages: Lucide shapes compiled into the program and written inline.
//!
//! A template says `{{ crate::icons::icon("route") }}`. Which icon stands for which state of
//! the business is decided here (`state_icon`), so that no two pages draw it differently.
//! Sizes and strokes are the style sheet's. The files in `assets/icons` are copies made by
//! `npm run icons` from the list below. An unknown name draws nothing; a test reads every
//! template and fails when it names an icon that is not here.

use std::fmt;

/// One icon as inline SVG, hidden from screen readers: the word beside it says what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Svg(&'static str);

impl fmt::Display for Svg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl askama::filters::HtmlSafe for Svg {}

macro_rules! icons {
    ($($name:literal)*) => {
        /// The names of all icons, in the order of the list.
        pub const NAMES: &[&str] = &[$($name),*];

        /// The icon with this Lucide name; nothing is drawn for an unknown one.
        pub fn icon(name: &str) -> Svg {
            Svg(match name {
                $($name => include_str!(concat!("../assets/icons/", $name, ".svg")),)*
                _ => "",
            })
        }
    };
}

icons! {
    "route" "circle-play" "hourglass" "circle-pause" "triangle-alert" "circle-check"
    "circle-question-mark" "ban" "circle-stop" "x" "pause" "play" "rotate-ccw"
    "house" "user-round" "contact-round" "list-checks" "layout-template" "inbox"
    "chart-column" "settings" "bookmark" "search" "mail" "reply" "tree-palm" "phone"
    "sticky-note" "user-round-check" "tag" "arrow-up" "arrow-down" "download" "upload"
    "columns-3" "panel-left" "table-2" "bell" "clock" "calendar" "gauge" "timer"
    "shield-check" "braces" "plug" "lightbulb" "grip-vertical"
    "chevron-right" "chevron-left" "chevron-down" "check" "plus" "minus" "ellipsis" "menu"
    "send" "info" "square-pen" "trash-2" "log-out" "link" "eye" "refresh-cw" "monitor"
    "smartphone" "users" "user-round-plus" "external-link" "file-text" "key-round" "at-sign"
    "skip-forward" "copy" "undo-2" "list-filter" "building-2" "globe" "history"
    "calendar-clock" "mail-x" "mail-check" "flask-conical" "fast-forward" "shield-alert"
    "archive" "keyboard" "octagon-pause" "lock"
    "bold" "italic" "list" "list-ordered" "text-quote" "image" "remove-formatting" "redo-2" "paperclip" "folder"
    "folder-pen"
}

/// The icon of a state: `active`, `waiting`, `paused`, `blocked`, `completed`, `uncertain`,
/// `left-out`, `ended`, `draft`, `archived`, `info`, `overdue`, `today`, `done`.
pub fn state_icon(state: &str) -> Svg {
    icon(match state {
        "active" | "starts" => "circle-play",
        "waiting" | "info" => "hourglass",
        "paused" => "circle-pause",
        "blocked" | "overdue" | "missing" => "triangle-alert",
        "completed" | "done" | "allows" => "circle-check",
        "uncertain" => "circle-question-mark",
        "left-out" | "refused" => "ban",
        "ended" | "stopped" => "circle-stop",
        "draft" => "square-pen",
        "archived" => "archive",
        "today" => "bell",
        "replied" => "reply",
        "out-of-office" => "tree-palm",
        _ => "info",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_icon_is_one_hidden_line_of_svg() {
        for name in NAMES {
            let svg = icon(name).to_string();
            assert!(svg.starts_with("<svg class=\"icon\""), "{name}");
            assert!(svg.contains("aria-hidden=\"true\"") && !svg.contains('\n'), "{name}");
        }
    }

    #[test]
    fn every_icon_named_by_a_template_is_there() {
        let mut seen = 0;
        for path in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")) {
            let text = std::fs::read_to_string(&path).expect("a template is UTF-8");
            for opening in ["icon(\"", "icon=\""] {
                for rest in text.split(opening).skip(1) {
                    let name = rest.split('"').next().unwrap_or_default();
                    let state = ["", "active", "waiting", "paused", "blocked", "completed", "uncertain", "missing"];
                    assert!(
                        NAMES.contains(&name) || state.contains(&name) || rest.starts_with("{{"),
                        "{} names the unknown icon {name:?}",
                        path.display()
                    );
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "the templates name icons");
    }

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).expect("the folder is readable").flatten() {
            let path = entry.path();
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.push(path);
            }
        }
        found
    }
}
