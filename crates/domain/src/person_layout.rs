//! The widgets beside a person's history: which ones the workspace shows, and in which order.
//!
//! Names that are not known (any more) are left out when they are read; an empty layout is the default one.

use serde::{Deserialize, Serialize};

/// A widget of a person's page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Widget {
    /// Their sequences.
    Sequences,
    /// Their fields.
    Details,
    /// Their open tasks.
    Tasks,
    /// The newest notes about them.
    Notes,
    /// Their company, its people, others with the same address.
    Related,
}

impl Widget {
    /// All of them, in the order of the default layout.
    pub const ALL: [Self; 5] = [Self::Sequences, Self::Details, Self::Tasks, Self::Notes, Self::Related];

    /// As in the database, the API and forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sequences => "sequences",
            Self::Details => "details",
            Self::Tasks => "tasks",
            Self::Notes => "notes",
            Self::Related => "related",
        }
    }

    /// Reads [`Widget::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|widget| widget.as_str() == text)
    }

    /// Its heading.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Sequences => "Sequences",
            Self::Details => "Details",
            Self::Tasks => "Tasks",
            Self::Notes => "Notes",
            Self::Related => "Related",
        }
    }
}

/// The widgets shown, from top to bottom, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Vec<Widget>);

impl Default for Layout {
    fn default() -> Self {
        Self(Widget::ALL.to_vec())
    }
}

impl Layout {
    /// The layout of these names; the default one if none of them is a widget.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut shown = Vec::new();
        for widget in names.into_iter().filter_map(Widget::parse) {
            if !shown.contains(&widget) {
                shown.push(widget);
            }
        }
        if shown.is_empty() { Self::default() } else { Self(shown) }
    }

    /// The widgets, from top to bottom.
    pub fn shown(&self) -> &[Widget] {
        &self.0
    }

    /// The widgets that are not shown.
    pub fn hidden(&self) -> Vec<Widget> {
        Widget::ALL.into_iter().filter(|widget| !self.0.contains(widget)).collect()
    }

    /// One place up (`-1`) or down (`1`); at the end it stays.
    #[must_use]
    pub fn moved(mut self, widget: Widget, by: isize) -> Self {
        let to = self.0.iter().position(|shown| *shown == widget).and_then(|at| Some((at, at.checked_add_signed(by)?)));
        if let Some((from, to)) = to.filter(|(_, to)| *to < self.0.len()) {
            self.0.swap(from, to);
        }
        self
    }

    /// Shown at the bottom, or not shown; the last one stays.
    #[must_use]
    pub fn with(mut self, widget: Widget, is_shown: bool) -> Self {
        match (is_shown, self.0.contains(&widget)) {
            (true, false) => self.0.push(widget),
            (false, true) if self.0.len() > 1 => self.0.retain(|shown| *shown != widget),
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widgets_move_hide_and_come_back_and_one_always_stays() {
        let layout = Layout::of(["details", "nonsense", "details", "tasks"]);
        assert_eq!(layout.shown(), [Widget::Details, Widget::Tasks]);
        assert_eq!(layout.hidden(), [Widget::Sequences, Widget::Notes, Widget::Related]);
        assert_eq!(layout.clone().moved(Widget::Tasks, -1).shown(), [Widget::Tasks, Widget::Details]);
        assert_eq!(layout.clone().moved(Widget::Details, -1), layout);
        assert_eq!(layout.clone().moved(Widget::Tasks, 1), layout);
        let one = layout.with(Widget::Details, false);
        assert_eq!(one.clone().with(Widget::Tasks, false), one);
        assert_eq!(one.with(Widget::Notes, true).shown(), [Widget::Tasks, Widget::Notes]);
        assert_eq!(Layout::of([]), Layout::default());
    }
}
