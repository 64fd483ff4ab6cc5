//! Measures the visible part of replies: texts in `emails/`, what should stay visible in `trimmed/`.
//!
//! White space at the ends of lines and blank lines are not compared.

use std::path::Path;

use serde::Serialize;

use crate::understand::visible_part;

/// How many replies were folded rightly.
#[derive(Debug, Default, Serialize)]
pub struct VisibleParts {
    /// Replies compared.
    pub replies: usize,
    /// Those whose visible part was right.
    pub right: usize,
    /// The files of the others.
    pub wrong: Vec<String>,
}

/// Folds every text in `folder/emails` and compares it with the file of that name in `folder/trimmed`.
pub fn measure_visible_parts(folder: &Path) -> std::io::Result<VisibleParts> {
    let mut parts = VisibleParts::default();
    for path in super::files(&folder.join("emails"))? {
        let name = path.file_name().unwrap_or_default();
        let wanted = folder.join("trimmed").join(name);
        if !wanted.is_file() {
            continue;
        }
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let wanted = String::from_utf8_lossy(&std::fs::read(wanted)?).into_owned();
        parts.replies += 1;
        if same_words(&visible_part(&text), &wanted) {
            parts.right += 1;
        } else {
            parts.wrong.push(name.to_string_lossy().into_owned());
        }
    }
    Ok(parts)
}

fn same_words(left: &str, right: &str) -> bool {
    let lines = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|line| !line.is_empty())
            .collect()
    };
    lines(left) == lines(right)
}
