//! The bytes that are hashed and signed: fields one after another, each with its length, so that no
//! two sequences of fields are the same bytes. It is independent of the wire format on purpose.

use ligate_model::Digest;

pub(crate) struct Transcript(Vec<u8>);

impl Transcript {
    pub(crate) fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn bytes(mut self, field: &[u8]) -> Self {
        self.0.extend((field.len() as u64).to_le_bytes());
        self.0.extend(field);
        self
    }

    pub(crate) fn digest(self, field: &Digest) -> Self {
        self.bytes(field.as_bytes())
    }

    pub(crate) fn number(self, field: u64) -> Self {
        self.bytes(&field.to_le_bytes())
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn hash(&self, domain: &str) -> Digest {
        Digest::of(domain, &self.0)
    }
}
