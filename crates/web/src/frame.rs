//! What every page needs besides its own content: the left bar with its counts, notices, toasts,
//! the nonce and the time.
//!
//! A page's template struct has a field `frame: Frame` and its file extends `base.html` (signed
//! in) or `plain.html` (a stranger). The frame is filled once per request, where the session is
//! known; it reads nothing itself and cannot fail.

use relance_domain::Timestamp;

/// The frame of one page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The workspace's name, at the top of the bar and in the title.
    pub workspace: String,
    /// The chosen scheme: `light`, `dark`, or empty to follow the system.
    pub theme: String,
    /// The nonce of `csp::Nonce`.
    pub nonce: String,
    /// The entry of the bar this page belongs to: `home`, `leads`, `contacts`, `tasks`, `sequences`, `templates`, `review`, `settings`.
    pub section: &'static str,
    /// The signed-in user.
    pub user: Option<FrameUser>,
    /// The counts that call for action.
    pub counts: Counts,
    /// Emails sent today by the user's mailboxes beside their quota.
    pub sent_today: Option<SentToday>,
    /// Pinned smart lists.
    pub smart_lists: Vec<SmartList>,
    /// The page of a person is shown beside a list: its content stands in the list's frame.
    pub is_record: bool,
    /// Set while all sending is stopped.
    pub sending_stopped: Option<SendingStopped>,
    /// Banners above the page, worst first.
    pub notices: Vec<Notice>,
    /// Answers to what was just done.
    pub toasts: Vec<Toast>,
    /// The bar of the demo with its clock.
    pub demo: Option<Demo>,
    /// The business time at which the page was made.
    pub now: Timestamp,
    /// Business milliseconds per real millisecond; 1 except in the demo.
    pub clock_rate: u32,
}

impl Frame {
    /// The address of a form that is done once, however often it is sent from this page.
    pub fn once(&self, action: impl AsRef<str>) -> String {
        let action = action.as_ref();
        let mark = if action.contains('?') { '&' } else { '?' };
        format!("{action}{mark}{}={}", crate::resubmission::NAME, self.nonce)
    }
}

/// Who is signed in.
#[derive(Clone, Debug, Default)]
pub struct FrameUser {
    /// The display name.
    pub name: String,
    /// Sees what only admins see, such as some settings.
    pub is_admin: bool,
}

/// Numbers beside the entries of the bar; zero shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Tasks due today or overdue.
    pub tasks: u64,
    /// Messages to review.
    pub review: u64,
    /// Own enrollments that are blocked, shown in red at Home.
    pub blocked: u64,
}

/// The meter at the foot of the bar.
#[derive(Clone, Copy, Debug, Default)]
pub struct SentToday {
    /// Emails sent today.
    pub done: u64,
    /// How many may be sent today.
    pub quota: u64,
}

/// A pinned list.
#[derive(Clone, Debug, Default)]
pub struct SmartList {
    /// Its name.
    pub label: String,
    /// Its address.
    pub href: String,
    /// How many match, `10,000+` beyond that; empty if it was not counted.
    pub count: String,
    /// Whether this page shows it.
    pub is_current: bool,
}

/// Why nothing is sent, and where to resume.
#[derive(Clone, Debug, Default)]
pub struct SendingStopped {
    /// Who stopped it, when, and what waits.
    pub words: String,
    /// Where to post to resume; empty for those who may not.
    pub resume_action: String,
}

/// A banner: what happened, what it means, the cure.
#[derive(Clone, Debug, Default)]
pub struct Notice {
    /// `blocked`, `paused`, `uncertain` or `info`.
    pub state: String,
    /// What happened.
    pub title: String,
    /// What it means and what to do.
    pub text: String,
    /// The cure's words.
    pub cure: String,
    /// The cure's address; empty for none.
    pub href: String,
}

/// A short answer at the bottom of the page.
#[derive(Clone, Debug, Default)]
pub struct Toast {
    /// The state whose icon it shows.
    pub state: String,
    /// What was done.
    pub words: String,
    /// Where to post to undo it; empty for none.
    pub undo: String,
}

/// The demo's clock.
#[derive(Clone, Debug, Default)]
pub struct Demo {
    /// The business time in words.
    pub now_words: String,
    /// Where to post `speed`.
    pub action: String,
    /// The speeds to choose from.
    pub speeds: Vec<Speed>,
    /// The page of the sandbox mailbox; empty = none.
    pub sandbox_href: String,
}

impl Demo {
    /// Time runs faster than on the wall: the page draws itself anew.
    pub fn is_fast(&self) -> bool {
        self.speeds.iter().any(|speed| speed.is_current && speed.value != "real")
    }
}

/// One speed of the demo's clock.
#[derive(Clone, Debug, Default)]
pub struct Speed {
    /// What is posted.
    pub value: String,
    /// What is read.
    pub label: String,
    /// Whether the clock runs at it.
    pub is_current: bool,
}

/// An entry of the bar.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Its word.
    pub label: &'static str,
    /// Its address.
    pub href: &'static str,
    /// Its icon.
    pub icon: &'static str,
    /// Its count; zero shows nothing.
    pub count: u64,
    /// Whether the count is shown in red.
    pub is_alarm: bool,
    /// Whether this page belongs to it.
    pub is_current: bool,
    /// Whether a phone shows it under More.
    pub is_rare: bool,
}

/// Section, word, address, icon, whether a phone shows it under More.
const ENTRIES: [(&str, &str, &str, &str, bool); 7] = [
    ("home", "Home", "/", "house", false),
    ("leads", "Leads", "/leads", "user-round", false),
    ("contacts", "Contacts", "/contacts", "contact-round", true),
    ("tasks", "Tasks", "/tasks", "list-checks", false),
    ("sequences", "Sequences", "/sequences", "route", true),
    ("templates", "Templates", "/templates", "layout-template", true),
    ("review", "Review", "/review", "inbox", false),
];

impl Frame {
    /// The entries of the bar, from top to bottom.
    pub fn entries(&self) -> Vec<Entry> {
        ENTRIES
            .iter()
            .map(|&(section, label, href, icon, is_rare)| {
                let count = match section {
                    "home" => self.counts.blocked,
                    "tasks" => self.counts.tasks,
                    "review" => self.counts.review,
                    _ => 0,
                };
                Entry {
                    label,
                    href,
                    icon,
                    count,
                    is_alarm: section == "home",
                    is_current: section == self.section,
                    is_rare,
                }
            })
            .collect()
    }

    /// What a phone shows under More.
    pub fn rare_entries(&self) -> Vec<Entry> {
        let settings = Entry {
            label: "Settings",
            href: "/settings",
            icon: "settings",
            count: 0,
            is_alarm: false,
            is_current: self.section == "settings",
            is_rare: true,
        };
        let lists = Entry {
            label: "Smart lists",
            href: "/lists",
            icon: "bookmark",
            is_current: self.section == "lists",
            ..settings
        };
        self.entries().into_iter().filter(|entry| entry.is_rare).chain([lists, settings]).collect()
    }
}
