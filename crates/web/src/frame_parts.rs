//! The parts of the frame, each a template of its own.
//!
//! Every page has all of them. Were they included in its file they would be compiled into each page anew, which took more
//! time than all other code of this crate.

use askama::Template;

use crate::frame::Frame;

/// What stands in the head of every document.
#[derive(Template)]
#[template(path = "head.html")]
pub struct Head<'a> {
    frame: &'a Frame,
}

/// The left bar.
#[derive(Template)]
#[template(path = "bar.html")]
pub struct Bar<'a> {
    frame: &'a Frame,
}

/// The banners above a page.
#[derive(Template)]
#[template(path = "notices.html")]
pub struct Banners<'a> {
    frame: &'a Frame,
}

/// Answers to what was just done.
#[derive(Template)]
#[template(path = "toasts.html")]
pub struct Answers<'a> {
    frame: &'a Frame,
}

/// The help on keys.
#[derive(Template)]
#[template(path = "keys.html")]
pub struct Keys;

impl Frame {
    /// What stands in the head of the document.
    pub fn head(&self) -> Head<'_> {
        Head { frame: self }
    }

    /// The left bar.
    pub fn bar(&self) -> Bar<'_> {
        Bar { frame: self }
    }

    /// The banners above the page.
    pub fn banners(&self) -> Banners<'_> {
        Banners { frame: self }
    }

    /// Answers to what was just done.
    pub fn answers(&self) -> Answers<'_> {
        Answers { frame: self }
    }

    /// The help on keys.
    pub fn keys(&self) -> Keys {
        Keys
    }
}
