//! Figures beside their limits, printed as they come and once more as a table.

use std::fmt;

/// One figure.
struct Line {
    what: String,
    figure: String,
    limit: String,
    met: Option<bool>,
}

/// All figures of a run.
#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// A figure without a limit.
    pub fn figure(&mut self, what: impl Into<String>, figure: String) {
        self.add(what.into(), figure, String::new(), None);
    }

    /// A figure in `unit` that should be `at_most`.
    pub fn at_most(&mut self, what: impl Into<String>, value: f64, at_most: f64, unit: &str) {
        let limit = format!("≤ {} {unit}", number(at_most));
        self.add(what.into(), format!("{} {unit}", number(value)), limit, Some(value <= at_most));
    }

    /// A figure in `unit` that should be `at_least`.
    pub fn at_least(&mut self, what: impl Into<String>, value: f64, at_least: f64, unit: &str) {
        let limit = format!("≥ {} {unit}", number(at_least));
        self.add(what.into(), format!("{} {unit}", number(value)), limit, Some(value >= at_least));
    }

    fn add(&mut self, what: String, figure: String, limit: String, met: Option<bool>) {
        println!("{what}: {figure}");
        self.lines.push(Line { what, figure, limit, met });
    }
}

/// `12,345`, `0.53`, `8.1`.
pub fn number(value: f64) -> String {
    if value.abs() < 10.0 {
        return format!("{value:.2}");
    }
    if value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    if value < 0.0 { format!("-{grouped}") } else { grouped }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&Line) -> &str, least: usize| {
            self.lines.iter().map(|line| text(line).chars().count()).max().unwrap_or(0).max(least)
        };
        let (what, figure) = (width(|line| &line.what, 8), width(|line| &line.figure, 6));
        let limit = width(|line| &line.limit, 5);
        writeln!(f, "{:<what$}  {:>figure$}  {:>limit$}", "Measured", "Figure", "Limit")?;
        for line in &self.lines {
            let mark = match line.met {
                Some(true) => "met",
                Some(false) => "MISSED",
                None => "",
            };
            let text = format!("{:<what$}  {:>figure$}  {:>limit$}  {mark}", line.what, line.figure, line.limit);
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Report, number};

    #[test]
    fn figures_stand_beside_their_limits() {
        assert_eq!(
            [1234567.0, 999.6, 12.34, 0.5, -1500.0].map(number),
            ["1,234,567", "1,000", "12.3", "0.50", "-1,500"]
        );
        let mut report = Report::new();
        report.at_most("Turn", 12.0, 5.0, "ms");
        report.figure("Memory", "80 MB".to_owned());
        let text = report.to_string();
        assert!(text.contains("Turn      12.0 ms  ≤ 5.00 ms  MISSED"), "{text}");
        assert!(text.contains("Memory      80 MB\n"), "{text}");
    }
}
