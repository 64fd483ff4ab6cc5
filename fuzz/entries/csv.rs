//! What the fuzzer and the property tests feed with bytes: files to import.

use relance_engine::commands::import::read_head;

/// Reads the head of a file.
pub fn read_csv(bytes: &[u8]) {
    if let Ok(head) = read_head(bytes) {
        assert!(!head.headers.is_empty());
        assert_eq!(head.mapping.fields.len(), head.headers.len());
        assert!(head.rows.len() <= 100 && head.rows.len() as u64 <= head.row_count);
    }
}
