//! CSV as people have it: any of four encodings, three delimiters, quoted line breaks; and CSV as we give it out.
//!
//! Nothing here knows people. A file becomes text once, then stretches of whole records that can be read alone.

use relance_domain::Refused;
use std::borrow::Cow;

/// A record longer than this has a quotation mark that was never closed.
const LONGEST_RECORD: u64 = 1_048_576;

/// The text of a file and what it was written in.
pub(crate) struct CsvText<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) encoding: &'static str,
    pub(crate) delimiter: u8,
}

/// UTF-8 with or without BOM, UTF-16 with BOM or recognised by its zeros, else Windows-1252.
pub(crate) fn decode(bytes: &[u8]) -> Result<CsvText<'_>, Refused> {
    let empty = || Refused::at("file", "empty_file", "This file is empty.");
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(empty());
    }
    let (text, encoding) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] if std::str::from_utf8(rest).is_ok() => (utf8(rest), "UTF-8"),
        [0xff, 0xfe, ..] => (encoding_rs::UTF_16LE.decode(bytes).0, "UTF-16LE"),
        [0xfe, 0xff, ..] => (encoding_rs::UTF_16BE.decode(bytes).0, "UTF-16BE"),
        _ if zeros(bytes, 1) => (encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0, "UTF-16LE"),
        _ if zeros(bytes, 0) => (encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0, "UTF-16BE"),
        _ if std::str::from_utf8(bytes).is_ok() => (utf8(bytes), "UTF-8"),
        _ => (encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0, "windows-1252"),
    };
    let head: String = text.chars().take(1_000).collect();
    let odd = head.chars().filter(|c| c.is_control() && !c.is_whitespace()).count();
    if odd * 20 > head.chars().count() {
        let message = "This file is not text. Save the table as CSV first.";
        return Err(Refused::at("file", "not_text", message));
    }
    let delimiter = delimiter(&text);
    Ok(CsvText { text, encoding, delimiter })
}

/// The text of a file in any of the encodings; `None` if it is empty or not text.
pub fn text_of(bytes: &[u8]) -> Option<String> {
    decode(bytes).ok().map(|csv| csv.text.into_owned())
}

fn utf8(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// Nearly every second byte of the head is zero, starting at `offset`: UTF-16 of Western text without a BOM.
fn zeros(bytes: &[u8], offset: usize) -> bool {
    let head = &bytes[..bytes.len().min(1_000)];
    let pairs = head.len() / 2;
    pairs > 1 && head.iter().skip(offset).step_by(2).filter(|byte| **byte == 0).count() * 10 >= pairs * 8
}

/// The delimiter that stands most often in the first line, outside quotes.
fn delimiter(text: &str) -> u8 {
    let (mut counts, mut quoted) = ([0_usize; 3], false);
    for c in text.trim_start().chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' | '\r' if !quoted => break,
            ',' if !quoted => counts[0] += 1,
            ';' if !quoted => counts[1] += 1,
            '\t' if !quoted => counts[2] += 1,
            _ => {}
        }
    }
    let most = counts.iter().copied().max().unwrap_or_default();
    [b',', b';', b'\t']
        .into_iter()
        .zip(counts)
        .find(|(_, count)| *count == most)
        .map_or(b',', |(delimiter, _)| delimiter)
}

/// A reader of records without a header.
pub(crate) fn reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).has_headers(false).from_reader(text.as_bytes())
}

/// The header's cells and stretches of at most `records` whole records each.
pub(crate) struct Split<'a> {
    pub(crate) headers: Vec<String>,
    pub(crate) parts: Vec<&'a str>,
    pub(crate) row_count: u64,
}

/// Cuts a file into its header and stretches that can each be read alone.
pub(crate) fn split(text: &str, delimiter: u8, records: u64) -> Result<Split<'_>, Refused> {
    let mut reader = reader(text, delimiter);
    let mut record = csv::StringRecord::new();
    let unreadable =
        |error: csv::Error| Refused::at("file", "unreadable", format!("This file cannot be read: {error}."));
    let no_header = || Refused::at("file", "no_header", "The first line must name the columns.");
    if !reader.read_record(&mut record).map_err(unreadable)? {
        return Err(no_header());
    }
    let headers: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
    if headers.iter().all(String::is_empty) {
        return Err(no_header());
    }
    let offset = |position: &csv::Position| usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let (mut parts, mut row_count, mut start) = (Vec::new(), 0, offset(reader.position()));
    loop {
        let before = reader.position().clone();
        if !reader.read_record(&mut record).map_err(unreadable)? {
            break;
        }
        row_count += 1;
        if reader.position().byte() - before.byte() > LONGEST_RECORD {
            let line = before.line();
            let has_quote = text[offset(&before)..offset(reader.position())].contains('"');
            return Err(if has_quote {
                Refused::at("file", "open_quote", format!("A quotation mark in line {line} is never closed."))
            } else {
                Refused::at(
                    "file",
                    "too_long",
                    format!("Line {line} is longer than 1 MB. Take it out, then try again."),
                )
            });
        }
        if row_count % records == 0 {
            let end = offset(reader.position());
            parts.push(&text[start..end]);
            start = end;
        }
    }
    if row_count % records != 0 {
        parts.push(&text[start..]);
    }
    Ok(Split { headers, parts, row_count })
}

/// A cell that no spreadsheet takes for a formula.
pub fn safe_cell(cell: &str) -> Cow<'_, str> {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r') => Cow::Owned(format!("'{cell}")),
        _ => Cow::Borrowed(cell),
    }
}

/// The cell as it was before [`safe_cell`] disarmed it.
pub fn bare_cell(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(bare) if bare.starts_with(['=', '+', '-', '@', '\t', '\r']) => bare,
        _ => cell,
    }
}

/// One record written as CSV, safe against formulas.
pub fn write_record<'a>(out: &mut Vec<u8>, cells: impl IntoIterator<Item = &'a str>) {
    for (index, cell) in cells.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        let cell = safe_cell(cell);
        if cell.contains([',', '"', '\n', '\r', ';']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}
