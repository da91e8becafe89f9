//! The bytes of the genome part's sections: numbers of variable length (LEB128), differences, short
//! texts. Refuses bytes that end early or make no sense.

/// A section that cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the knowledge's {section} section is damaged or of another version; build the knowledge again"
)]
pub struct CompactError {
    pub section: &'static str,
}

#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    pub fn byte(&mut self, value: u8) {
        self.bytes.push(value);
    }

    pub fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

pub(super) struct ByteReader<'a> {
    bytes: &'a [u8],
    section: &'static str,
}

impl<'a> ByteReader<'a> {
    pub fn new(section: &'static str, bytes: &'a [u8]) -> Self {
        Self { bytes, section }
    }

    pub fn fault(&self) -> CompactError {
        CompactError {
            section: self.section,
        }
    }

    pub fn byte(&mut self) -> Result<u8, CompactError> {
        let (first, rest) = self.bytes.split_first().ok_or(self.fault())?;
        self.bytes = rest;
        Ok(*first)
    }

    pub fn number(&mut self) -> Result<u64, CompactError> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fault())
    }

    pub fn small(&mut self) -> Result<u32, CompactError> {
        u32::try_from(self.number()?).map_err(|_| self.fault())
    }

    /// A count of things that take at least a byte each, so that damage cannot ask for memory.
    pub fn count(&mut self) -> Result<usize, CompactError> {
        let count = self.number()? as usize;
        if count <= self.bytes.len() {
            Ok(count)
        } else {
            Err(self.fault())
        }
    }

    pub fn text(&mut self) -> Result<&'a str, CompactError> {
        let length = self.count()?;
        let (text, rest) = self.bytes.split_at(length);
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_| self.fault())
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_damage_is_refused() {
        let mut writer = Writer::default();
        for value in [0, 127, 128, u64::MAX] {
            writer.number(value);
        }
        writer.text("FGFR2");
        let bytes = writer.finish();
        let mut reader = ByteReader::new("test", &bytes);
        for value in [0, 127, 128, u64::MAX] {
            assert_eq!(reader.number(), Ok(value));
        }
        assert_eq!(reader.text(), Ok("FGFR2"));
        assert!(reader.is_empty() && reader.byte().is_err());
        assert!(ByteReader::new("test", &[0xff; 12]).number().is_err());
        assert!(ByteReader::new("test", &[200, 1, 65]).text().is_err());
    }
}
