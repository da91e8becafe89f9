//! The MD5 of a file while it is written: the standard's metadata ask for it. It guards against
//! damage, not malice.

use std::io::{self, Write};

use md5::{Digest, Md5};

/// Passes bytes on and digests them.
pub(super) struct Checked<W: Write> {
    inner: W,
    digest: Md5,
}

impl<W: Write> Checked<W> {
    pub(super) fn new(inner: W) -> Self {
        Self {
            inner,
            digest: Md5::new(),
        }
    }

    /// The digest as 32 hexadecimal digits.
    pub(super) fn finish(self) -> String {
        self.digest
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.digest.update(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1321, appendix A.5.
    #[test]
    fn digests_what_passes() {
        let mut out = Vec::new();
        let mut checked = Checked::new(&mut out);
        checked.write_all(b"message ").unwrap();
        checked.write_all(b"digest").unwrap();
        assert_eq!(checked.finish(), "f96b697d7cb7938d525a2f31aaf161d0");
        assert_eq!(out, b"message digest");
    }
}
