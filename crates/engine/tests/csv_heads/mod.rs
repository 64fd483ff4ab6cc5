//! What the fuzz target for CSV feeds, fed here with what proptest makes up: bytes, and tables with odd places in them.

#[path = "../../../../fuzz/entries/csv.rs"]
mod entries;

use proptest::prelude::*;

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"Email",
        b"first name",
        b"E-Mail-Adresse",
        b",",
        b";",
        b"\t",
        b"\"",
        b"\"\"",
        b"\n",
        b"\r\n",
        b"\r",
        b"ada@acme.example",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\0",
        b"a\0",
        b"\xe4",
        b"=cmd|' /C calc'!A0",
        b" ",
        b"-",
        b"@",
        b"+1",
    ];
    prop_oneof![
        8 => prop::sample::select(pieces).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ]
}

proptest! {
    #[test]
    fn tables_of_odd_pieces_are_read_or_refused(pieces in prop::collection::vec(piece(), 0..80)) {
        entries::read_csv(&pieces.concat());
    }

    #[test]
    fn bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        entries::read_csv(&bytes);
    }
}

#[test]
fn large_and_endless_tables_are_read_or_refused() {
    entries::read_csv(&b"a,".repeat(200_000));
    entries::read_csv(&b"email\nada@acme.example\n".repeat(50_000));
    entries::read_csv(&[b"email\n\"".as_slice(), &b"x\n".repeat(1_000_000)].concat());
    entries::read_csv(&vec![0; 300_000]);
}
