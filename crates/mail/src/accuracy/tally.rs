//! Counts: the confusion table, precision and recall per class, hard and soft.

use std::collections::BTreeMap;

use relance_domain::inbound::{Hardness, Kind};
use serde::Serialize;

use super::expected::{Class, Expectation};

/// What came out for a set of expectations.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Tally {
    /// Expectations compared.
    pub lines: usize,
    /// Those whose class was right.
    pub right_class: usize,
    /// Expectations that say hard or soft.
    pub hardness_lines: usize,
    /// Those whose hardness was right, a wrong class counting as wrong.
    pub right_hardness: usize,
    /// Expectations that name a return date.
    pub date_lines: usize,
    /// Those whose date was right.
    pub right_dates: usize,
    /// How often each expected class was taken for each: expected, judged, count.
    pub confusion: Vec<(String, String, usize)>,
    #[serde(skip)]
    counts: BTreeMap<(Class, Class), usize>,
}

/// Precision and recall of one class.
#[derive(Clone, Debug, Serialize)]
pub struct ClassFigures {
    /// The class.
    pub class: Class,
    /// Expectations of it.
    pub expected: usize,
    /// Messages taken for it.
    pub judged: usize,
    /// Both.
    pub right: usize,
    /// Of those taken for it, the part that is; none when there are none.
    pub precision: Option<f64>,
    /// Of those that are it, the part taken for it; none when there are none.
    pub recall: Option<f64>,
}

impl Tally {
    /// Counts one comparison; true when everything expected came out.
    pub(super) fn add(&mut self, line: &Expectation, kind: &Kind) -> bool {
        let judged = class_of(kind);
        let mut right = judged == line.class;
        self.lines += 1;
        self.right_class += usize::from(right);
        *self.counts.entry((line.class, judged)).or_default() += 1;
        self.count_confusion(confused_name(line.class, line.hard), &judged_name(kind));
        if let Some(hard) = line.hard {
            let same = matches!(kind, Kind::Bounce(b) if b.hardness != Hardness::Delivered
                && (b.hardness == Hardness::Hard) == hard);
            self.hardness_lines += 1;
            self.right_hardness += usize::from(same);
            right &= same;
        }
        if let Some(date) = line.return_date {
            let same = matches!(kind, Kind::AutoReply { return_date: Some(found), .. } if *found == date);
            self.date_lines += 1;
            self.right_dates += usize::from(same);
            right &= same;
        }
        right
    }

    fn count_confusion(&mut self, expected: String, judged: &str) {
        match self.confusion.iter_mut().find(|(e, j, _)| *e == expected && j == judged) {
            Some((.., count)) => *count += 1,
            None => {
                self.confusion.push((expected, judged.to_owned(), 1));
                self.confusion.sort();
            }
        }
    }

    /// The figures of every class that was expected or judged.
    pub fn classes(&self) -> Vec<ClassFigures> {
        let sum = |of: &dyn Fn(&(Class, Class)) -> bool| -> usize {
            self.counts.iter().filter(|(key, _)| of(key)).map(|(_, count)| count).sum()
        };
        let part = |right: usize, of: usize| (of > 0).then(|| right as f64 / of as f64);
        Class::ALL
            .into_iter()
            .map(|class| {
                let expected = sum(&|(e, _)| *e == class);
                let judged = sum(&|(_, j)| *j == class);
                let right = sum(&|(e, j)| *e == class && *j == class);
                let (precision, recall) = (part(right, judged), part(right, expected));
                ClassFigures { class, expected, judged, right, precision, recall }
            })
            .filter(|figures| figures.expected + figures.judged > 0)
            .collect()
    }
}

/// The class of a judgement.
pub(super) fn class_of(kind: &Kind) -> Class {
    match kind {
        Kind::Bounce(bounce) if bounce.hardness == Hardness::Delivered => Class::Delivered,
        Kind::Bounce(_) => Class::Bounce,
        Kind::Complaint { .. } => Class::Complaint,
        Kind::AutoReply { .. } => Class::AutoReply,
        Kind::Reply { .. } => Class::Reply,
        Kind::UnsubscribeRequest => Class::UnsubscribeRequest,
        Kind::Own => Class::Own,
        Kind::Other { .. } => Class::Other,
        Kind::Doubtful { .. } => Class::Doubtful,
        Kind::Unreadable { .. } => Class::Unreadable,
    }
}

fn confused_name(class: Class, hard: Option<bool>) -> String {
    match hard {
        Some(true) => "bounce, hard".to_owned(),
        Some(false) => "bounce, soft".to_owned(),
        None => class.name().to_owned(),
    }
}

fn judged_name(kind: &Kind) -> String {
    match kind {
        Kind::Bounce(bounce) if bounce.hardness == Hardness::Delayed => "delay".to_owned(),
        Kind::Bounce(bounce) if bounce.hardness != Hardness::Delivered => {
            confused_name(Class::Bounce, Some(bounce.hardness == Hardness::Hard))
        }
        kind => class_of(kind).name().to_owned(),
    }
}
