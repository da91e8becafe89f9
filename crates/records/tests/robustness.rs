//! Random files: an error or reported problems, never a panic.

#[path = "../../formats/tests/common/files.rs"]
mod files;

use files::file;
use ligate_records::{cases, known_as::KnownAs, pedigree::Pedigree, phenotypes};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in 0..6) {
        let start: &[u8] = match kind {
            0 => b"",
            1 => b"id\tage\n",
            2 => b"id,\"name\n",
            3 => b"{\"id\":\"a\",",
            4 => b"\x28\xb5\x2f\xfd",
            _ => b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x06\0BC\x02\0",
        };
        let (_folder, path) = file("any", [start, &bytes].concat());
        let _ = phenotypes::read(&path, &[], None, &KnownAs::default());
        let _ = KnownAs::read(&path);
        let _ = Pedigree::read(&path);
        if let Ok(mut cases) = cases::read(&path) {
            cases.by_ref().for_each(drop);
        }
    }
}
