//! The words of twelve languages that tell when someone is back, read once from `words/languages.txt`.

use std::sync::LazyLock;

type Words = Vec<&'static str>;

/// The words of one language, in the normal form of [`super::phrases::normal`].
#[derive(Debug, Default)]
pub(super) struct Language {
    /// Names of the twelve months, several spellings of each; none where months are numbers.
    pub(super) months: Vec<Words>,
    /// Names of the days, Monday first.
    pub(super) weekdays: Vec<Words>,
    /// Phrases before the first day back.
    pub(super) back: Words,
    /// Words for until where the day itself is the first day back.
    pub(super) until: Words,
    /// Words before the first day of something: of an absence, or of being back.
    pub(super) from: Words,
    /// What someone is who is back.
    pub(super) available: Words,
    /// Words that turn it round.
    pub(super) not: Words,
    /// Words before the last day of a range whose first day stands before them.
    pub(super) range: Words,
    /// Phrases before the last day away.
    pub(super) last_day: Words,
    /// Words before a day that is the first one back where the sentence says no: *not before the 4th*.
    pub(super) before: Words,
    /// Words for tomorrow.
    pub(super) tomorrow: Words,
    /// Words for next week.
    pub(super) next_week: Words,
    /// Words before the number of a week.
    pub(super) week: Words,
    /// Words for the first days of next year.
    pub(super) new_year: Words,
    /// Month before day in `4/5`.
    pub(super) month_first: bool,
}

/// All of them.
pub(super) static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| read(include_str!("words/languages.txt")));

fn read(text: &'static str) -> Vec<Language> {
    let mut languages: Vec<Language> = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            languages.push(Language::default());
        }
        let (Some(language), Some((field, values))) = (languages.last_mut(), line.split_once(": ")) else { continue };
        let words = |list: &'static str| list.split(", ").map(str::trim).collect::<Words>();
        match field {
            "months" => language.months = values.split(" | ").map(words).collect(),
            "weekdays" => language.weekdays = values.split(" | ").map(words).collect(),
            "back" => language.back = words(values),
            "until" => language.until = words(values),
            "from" => language.from = words(values),
            "available" => language.available = words(values),
            "not" => language.not = words(values),
            "range" => language.range = words(values),
            "week" => language.week = words(values),
            "new_year" => language.new_year = words(values),
            "last_day" => language.last_day = words(values),
            "before" => language.before = words(values),
            "tomorrow" => language.tomorrow = words(values),
            "next_week" => language.next_week = words(values),
            "month_first" => language.month_first = true,
            _ => {}
        }
    }
    languages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_all_its_words() {
        assert_eq!(LANGUAGES.len(), 12);
        for language in LANGUAGES.iter() {
            assert!(matches!(language.months.len(), 0 | 12), "{language:?}");
            assert_eq!(language.weekdays.len(), 7, "{language:?}");
            for words in [&language.back, &language.last_day, &language.tomorrow, &language.next_week] {
                assert!(!words.is_empty() && words.iter().all(|w| !w.is_empty()), "{language:?}");
            }
        }
    }
}
