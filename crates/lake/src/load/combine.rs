//! One row over the people of several groups, for datasets that are loaded as one block.

use ligate_genotypes::{AlleleCounts, Calls, Exception, Phase, Row, encode};

use super::run::RunReader;
use crate::LakeError;

/// A row being put together, group after group in the order of their people.
pub struct CombinedRow {
    calls: Calls,
    /// Individuals that are filled in, from the first on.
    filled: usize,
    bytes: Vec<u8>,
}

impl CombinedRow {
    pub fn new(individuals: usize) -> Self {
        Self {
            calls: Calls::new(individuals),
            filled: 0,
            bytes: Vec::new(),
        }
    }

    pub fn clear(&mut self) {
        self.calls.clear();
        self.filled = 0;
        self.bytes.clear();
    }

    /// Adds the calls at a reader's place; the group's first individual is number `first` of all.
    pub fn add(
        &mut self,
        reader: &RunReader,
        first: usize,
        individuals: usize,
    ) -> Result<(), LakeError> {
        if individuals == 0 {
            return Ok(());
        }
        let row = Row::parse(reader.block(0)?, individuals);
        let row = row.map_err(|error| LakeError::corrupt(reader.folder(), error.to_string()))?;
        self.fill_missing(first);
        let shift = |sample: u32| first as u32 + sample;
        let decoded = row.decode();
        let is_phased = |sample: u32| {
            decoded.phase() == Phase::Phased || decoded.phased().binary_search(&sample).is_ok()
        };
        for (sample, code) in row.carriers() {
            self.calls.set_code(first + sample as usize, code);
            if code != 3 && is_phased(sample) {
                self.calls.push_phased(shift(sample));
            }
        }
        row.exceptions()
            .for_each(|(sample, call)| self.calls.push_exception(shift(sample), call));
        self.filled = first + individuals;
        Ok(())
    }

    /// The people of groups without the variant have no call.
    fn fill_missing(&mut self, end: usize) {
        let lacking = self.filled as u32..end as u32;
        lacking.for_each(|sample| self.calls.push_exception(sample, Exception::Missing));
    }

    /// Packs the row.
    pub fn encode(&mut self) -> AlleleCounts {
        let individuals = self.calls.samples();
        self.fill_missing(individuals);
        encode(&self.calls, 0..individuals, &mut self.bytes)
    }

    /// The row that was packed last.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
