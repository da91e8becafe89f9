//! What a file's bytes are, and copies of them.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
};

use ligate_model::Digest;
use sha2::{Digest as _, Sha256};

use crate::{FileError, create_private};

/// Bytes of a file that are in memory at a time.
const CHUNK_BYTES: usize = 1 << 18;

/// Length and SHA-256 of a file's bytes.
pub fn fingerprint(path: &Path) -> Result<(u64, Digest), FileError> {
    read_hashed(path, |_| Ok(())).map_err(FileError::at("read", path))
}

/// Copies a file to a place where nobody else writes, for the owner alone, and gives its length and
/// SHA-256. Where this fails, a part of the copy may be there.
pub fn copy_private(from: &Path, to: &Path) -> Result<(u64, Digest), FileError> {
    let mut target = create_private(to)?;
    let mut copy = || {
        let copied = read_hashed(from, |chunk| target.write_all(chunk))?;
        target.sync_all()?;
        Ok(copied)
    };
    copy().map_err(FileError::at("copy", from))
}

/// Reads a file chunk by chunk.
fn read_hashed(
    path: &Path,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<(u64, Digest)> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut bytes = 0;
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok((bytes, Digest::from_bytes(hash.finalize().into())));
        }
        hash.update(&chunk[..length]);
        each(&chunk[..length])?;
        bytes += length as u64;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_has_the_bytes_and_the_sha_256_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let (from, to) = (folder.path().join("a"), folder.path().join("b"));
        let bytes = b"abc".repeat(CHUNK_BYTES);
        fs::write(&from, &bytes).unwrap();
        let copied = copy_private(&from, &to).unwrap();
        assert_eq!(copied, fingerprint(&to).unwrap());
        assert_eq!(fs::read(&to).unwrap(), bytes);
        // FIPS 180-2, appendix B.1.
        fs::write(&from, "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(fingerprint(&from).unwrap(), (3, expected.parse().unwrap()));
    }
}
