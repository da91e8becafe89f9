//! One record as slices of its line. Only chromosome, position and the number of columns are
//! checked at once; all else is read when asked for, and what cannot be read is missing.

use super::Call;

/// One record. Positions count from 1.
pub struct Record<'r> {
    line: u64,
    position: u32,
    /// CHROM to INFO.
    columns: [&'r str; 8],
    format: &'r str,
    samples: Vec<&'r str>,
}

const CHROM: usize = 0;
const POS: usize = 1;
const ID: usize = 2;
const REF: usize = 3;
const ALT: usize = 4;
const QUAL: usize = 5;
const FILTER: usize = 6;
const INFO: usize = 7;

impl<'r> Record<'r> {
    /// Takes a line apart; the fault where it has too few columns or no position.
    pub(super) fn parse(line: &'r [u8], number: u64, samples: usize) -> Result<Self, &'static str> {
        let text = std::str::from_utf8(line).map_err(|_| "the record is not UTF-8")?;
        let mut rest = text.split('\t');
        let mut columns = [""; 8];
        for column in &mut columns {
            *column = rest
                .next()
                .ok_or("the record has fewer than eight columns")?;
        }
        let position = columns[POS]
            .parse()
            .map_err(|_| "the position is no number")?;
        let format = if samples > 0 {
            rest.next().ok_or("the FORMAT column is missing")?
        } else {
            ""
        };
        let calls: Vec<&str> = rest.take(samples + 1).collect();
        if calls.len() != samples {
            return Err("the number of sample columns is not the header's");
        }
        Ok(Self {
            line: number,
            position,
            columns,
            format,
            samples: calls,
        })
    }

    /// Line in the file, from 1.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Name of the contig as written.
    pub fn chromosome(&self) -> &'r str {
        self.columns[CHROM]
    }

    /// Position of the first base of REF, from 1.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// The ID column.
    pub fn id(&self) -> Option<&'r str> {
        present(self.columns[ID])
    }

    pub fn reference(&self) -> &'r str {
        self.columns[REF]
    }

    /// Alternate alleles in order; none where the record has none.
    pub fn alternates(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        present(self.columns[ALT])
            .into_iter()
            .flat_map(|alleles| alleles.split(','))
    }

    /// Phred-scaled quality of the site.
    pub fn quality(&self) -> Option<f32> {
        present(self.columns[QUAL])?
            .parse()
            .ok()
            .filter(|quality: &f32| quality.is_finite())
    }

    /// FILTER as written: `PASS`, names of failed filters, or `None` where no filter was applied.
    pub fn filter(&self) -> Option<&'r str> {
        present(self.columns[FILTER])
    }

    /// Whether the record passed its filters, or none were applied.
    pub fn passed(&self) -> bool {
        self.filter().is_none_or(|filter| filter == "PASS")
    }

    /// INFO as written, empty where there is none.
    pub fn info(&self) -> &'r str {
        present(self.columns[INFO]).unwrap_or_default()
    }

    /// The value of one INFO key; empty for a flag.
    pub fn info_value(&self, key: &str) -> Option<&'r str> {
        self.info().split(';').find_map(|field| {
            let rest = field.strip_prefix(key)?;
            if rest.is_empty() {
                Some("")
            } else {
                rest.strip_prefix('=')
            }
        })
    }

    /// The genotype column of a sample as written, without reading more of it.
    pub fn genotype_text(&self, sample: usize) -> &'r str {
        let first = self.format.split(':').next().unwrap_or_default();
        if first != "GT" {
            return "";
        }
        self.samples
            .get(sample)
            .and_then(|call| call.split(':').next())
            .unwrap_or_default()
    }

    /// The call of a sample, counted from 0 in the order of the columns; without alleles where
    /// there is none.
    pub fn call(&self, sample: usize) -> Call {
        self.samples
            .get(sample)
            .map_or_else(Call::default, |fields| Call::parse(self.format, fields))
    }
}

fn present(column: &str) -> Option<&str> {
    (!matches!(column, "." | "")).then_some(column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_read_as_written() {
        let line = b"chrX\t60\trs1\tA\tC,<DEL>\t12.5\tq10;s50\tDB;AF=0.1,0.2;CSQ=x|y\tGT:DP\t0/1:7";
        let record = Record::parse(line, 9, 1).unwrap();
        assert_eq!(
            (record.chromosome(), record.position(), record.reference()),
            ("chrX", 60, "A")
        );
        assert_eq!(record.alternates().collect::<Vec<_>>(), ["C", "<DEL>"]);
        assert_eq!(
            (record.quality(), record.filter(), record.passed()),
            (Some(12.5), Some("q10;s50"), false)
        );
        assert_eq!(
            (record.info_value("DB"), record.info_value("AF")),
            (Some(""), Some("0.1,0.2"))
        );
        assert_eq!(
            (record.info_value("CS"), record.genotype_text(0)),
            (None, "0/1")
        );
        assert_eq!(
            (record.call(0).depth, record.call(3).depth),
            (Some(7), None)
        );
    }

    #[test]
    fn missing_fields_are_missing() {
        let record = Record::parse(b"1\t1\t.\tA\t.\t.\t.\t.\tDP\t.", 1, 1).unwrap();
        assert_eq!(
            (record.id(), record.quality(), record.alternates().count()),
            (None, None, 0)
        );
        assert_eq!(
            (record.passed(), record.info(), record.genotype_text(0)),
            (true, "", "")
        );
    }

    #[test]
    fn a_wrong_number_of_columns_is_a_fault() {
        for (line, samples) in [
            ("1\t1\t.\tA\tC\t.\t.", 0),
            ("1\t1\t.\tA\tC\t.\t.\t.\tGT", 1),
            ("1\t1\t.\tA\tC\t.\t.\t.\tGT\t0\t0", 1),
        ] {
            assert!(
                Record::parse(line.as_bytes(), 1, samples).is_err(),
                "{line}"
            );
        }
    }
}
