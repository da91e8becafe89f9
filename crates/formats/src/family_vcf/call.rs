//! One person's call: alleles and phase, and how sure it is.

/// A genotype call. Fields that the record lacks, or that break their form, are `None` or empty.
#[derive(Clone, PartialEq, Default)]
pub struct Call {
    /// Allele numbers, 0 the reference; `None` for `.`. Two for a diploid call, one for a haploid,
    /// empty without one.
    pub alleles: Vec<Option<u16>>,
    /// Whether the alleles are written in phase (`|`).
    pub phased: bool,
    /// The phase set (PS), or GATK's physical phasing (PID), as written.
    pub phase_set: Option<Box<str>>,
    /// Alleles of GATK's physical phasing (PGT), in phase within `phase_set`.
    pub physical: Option<[Option<u16>; 2]>,
    /// Phred-scaled chance that the genotype is wrong (GQ).
    pub quality: Option<f32>,
    /// Reads (DP).
    pub depth: Option<u32>,
    /// Reads of each allele, the reference first (AD, or RO and AO).
    pub allele_depths: Vec<Option<u32>>,
    /// Phred-scaled genotype likelihoods (PL), in VCF's order.
    pub likelihoods: Vec<Option<u32>>,
}

/// Genotypes are personal data: nothing of them is shown.
impl std::fmt::Debug for Call {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Call({} alleles)", self.alleles.len())
    }
}

impl Call {
    pub(super) fn parse(format: &str, fields: &str) -> Self {
        let mut call = Self::default();
        let (mut reference, mut alternate) = (None, None);
        for (key, value) in format.split(':').zip(fields.split(':')) {
            if value == "." {
                continue;
            }
            match key {
                "GT" => (call.alleles, call.phased) = genotype(value),
                "GQ" => {
                    call.quality = value
                        .parse()
                        .ok()
                        .filter(|quality: &f32| quality.is_finite())
                }
                "DP" => call.depth = value.parse().ok(),
                "AD" => call.allele_depths = numbers(value).collect(),
                "RO" => reference = value.parse().ok(),
                "AO" => alternate = Some(value),
                "PL" => call.likelihoods = numbers(value).collect(),
                "PS" | "PID" => call.phase_set = Some(value.into()),
                "PGT" => call.physical = physical(value),
                _ => {}
            }
        }
        if let (true, Some(alternate)) = (call.allele_depths.is_empty(), alternate) {
            call.allele_depths = std::iter::once(reference)
                .chain(numbers(alternate))
                .collect();
        }
        call
    }

    /// Copies of allele `number` (from 1 for an alternate).
    pub fn copies(&self, number: u16) -> usize {
        self.alleles
            .iter()
            .filter(|allele| **allele == Some(number))
            .count()
    }

    /// Whether every allele is called.
    pub fn is_called(&self) -> bool {
        !self.alleles.is_empty() && self.alleles.iter().all(Option::is_some)
    }
}

fn genotype(text: &str) -> (Vec<Option<u16>>, bool) {
    let phased = text.contains('|');
    // VCF 4.4 may begin with the separator.
    let text = text.strip_prefix(['|', '/']).unwrap_or(text);
    (
        text.split(['/', '|'])
            .map(|allele| allele.parse().ok())
            .collect(),
        phased,
    )
}

fn physical(text: &str) -> Option<[Option<u16>; 2]> {
    match genotype(text) {
        (alleles, true) => <[Option<u16>; 2]>::try_from(alleles).ok(),
        _ => None,
    }
}

fn numbers(text: &str) -> impl Iterator<Item = Option<u32>> + '_ {
    text.split(',').map(|number| number.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, alleles: &[Option<u16>], phased: bool) {
        let call = Call::parse("GT", text);
        assert_eq!(
            (call.alleles.as_slice(), call.phased),
            (alleles, phased),
            "{text}"
        );
    }

    #[test]
    fn genotypes_of_any_ploidy() {
        check("0/1", &[Some(0), Some(1)], false);
        check("1|2", &[Some(1), Some(2)], true);
        check("1", &[Some(1)], false);
        check("0/.", &[Some(0), None], false);
        check("|1", &[Some(1)], true);
        check(".", &[], false);
    }

    #[test]
    fn fields_by_name_and_short_calls() {
        let call = Call::parse(
            "GT:AD:DP:GQ:PGT:PID:PL",
            "0/1:4,13,.:17:99:0|1:762589_G_C:513,0,246",
        );
        assert_eq!(call.allele_depths, [Some(4), Some(13), None]);
        assert_eq!((call.depth, call.quality), (Some(17), Some(99.0)));
        assert_eq!(call.physical, Some([Some(0), Some(1)]));
        assert_eq!(call.phase_set.as_deref(), Some("762589_G_C"));
        assert_eq!(call.likelihoods, [Some(513), Some(0), Some(246)]);
        assert_eq!(
            Call::parse("GT:RO:AO", "0/1:3:5").allele_depths,
            [Some(3), Some(5)]
        );
        assert_eq!(Call::parse("GT:GQ:DP", "1/1").depth, None);
        assert_eq!(Call::parse("GT:GQ", "1/1:nan").quality, None);
    }
}
