//! The table of associations: the standard's eight mandatory columns in their order, then its
//! optional `rsid` and `n`, then Ligate's.

use std::io::{self, Write};

use ligate_model::VariantKey;

use super::{
    MISSING, ResultStatus, WriteError, check_key,
    checksum::Checked,
    number::{
        EXPORTED_DIGITS, count_or_missing, exact, exact_or_missing, neg_log10_p_of_large, p_value,
        significant, significant_count,
    },
};
use crate::bgzf;

/// The columns of the table, in order.
pub const COLUMNS: [&str; 20] = [
    "chromosome",
    "base_pair_location",
    "effect_allele",
    "other_allele",
    "beta",
    "standard_error",
    "effect_allele_frequency",
    "p_value",
    "rsid",
    "n",
    "variant_id",
    "test",
    "neg_log_10_p_value",
    "n_cases",
    "sites",
    "baseline_beta",
    "baseline_standard_error",
    "baseline_p_value",
    "baseline_sites",
    "release",
];

/// One association. The effect allele is the key's alternate allele.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    pub key: &'a VariantKey,
    /// The variant's name as the sites have it; written where it is an rs number.
    pub id: Option<&'a str>,
    /// Per copy of the effect allele: units of the trait, or log odds.
    pub beta: f64,
    pub standard_error: f64,
    pub effect_allele_frequency: f64,
    pub p_value: f64,
    /// -log10 of the p-value, which holds where the p-value itself is below what 64 bits can say.
    pub neg_log10_p: f64,
    /// People with a call.
    pub n: u64,
    /// Of these, people with the disease.
    pub n_cases: Option<u64>,
    /// Sites whose data hold the variant.
    pub sites: u64,
    /// The test behind beta and p: "linear", "score" or "wald".
    pub test: &'a str,
    pub baseline: Option<Baseline>,
}

/// Inverse-variance meta-analysis of the sites' own results: what one would have without the
/// federation.
#[derive(Clone, Copy, Debug)]
pub struct Baseline {
    pub beta: f64,
    pub standard_error: f64,
    pub p_value: f64,
    /// Sites whose own result is in it.
    pub sites: u64,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub rows: u64,
    /// MD5 of the compressed file, for [`super::Metadata`].
    pub md5: String,
}

impl<'a> Row<'a> {
    /// The row as it is shown where it stands.
    pub fn shown(self, standing: &ResultStatus) -> Self {
        match standing {
            ResultStatus::Local => self,
            ResultStatus::Permit { .. } => self.with_digits(6),
            ResultStatus::Exported { .. } => Self {
                effect_allele_frequency: (self.effect_allele_frequency * 1e3).round() / 1e3,
                n: significant_count(self.n, EXPORTED_DIGITS),
                n_cases: self
                    .n_cases
                    .map(|cases| significant_count(cases, EXPORTED_DIGITS)),
                baseline: None,
                ..self.with_digits(EXPORTED_DIGITS as usize)
            },
        }
    }

    fn with_digits(self, digits: usize) -> Self {
        let of = |value| significant(value, digits);
        let baseline = |baseline: Baseline| Baseline {
            beta: of(baseline.beta),
            standard_error: of(baseline.standard_error),
            p_value: of(baseline.p_value),
            ..baseline
        };
        Self {
            beta: of(self.beta),
            standard_error: of(self.standard_error),
            effect_allele_frequency: of(self.effect_allele_frequency),
            p_value: of(self.p_value),
            neg_log10_p: of(self.neg_log10_p),
            baseline: self.baseline.map(baseline),
            ..self
        }
    }
}

/// Writes the rows as a bgzip-compressed table, in the order given: sorted by key for a table that
/// says it is sorted. The last column says where each row stands and on what ground, because files
/// travel without their metadata.
pub fn write_table<'a>(
    out: impl Write,
    release: &ResultStatus,
    rows: impl IntoIterator<Item = Row<'a>>,
) -> Result<Written, WriteError> {
    let mut table = bgzf::Writer::new(Checked::new(out));
    writeln!(table, "{}", COLUMNS.join("\t"))?;
    let standing = release.to_string().replace(['\t', '\n', '\r'], " ");
    let mut count = 0;
    for row in rows {
        writeln!(
            table,
            "{}\t{standing}",
            cells(&row.shown(release))?.join("\t")
        )?;
        count += 1;
    }
    Ok(Written {
        rows: count,
        md5: table.finish()?.finish(),
    })
}

/// What a table says, whatever it is marked as: its lines without the last column.
pub fn content_of(table: impl io::Read) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for line in io::BufRead::split(
        io::BufReader::new(flate2::read::MultiGzDecoder::new(table)),
        b'\n',
    ) {
        let line = line?;
        let end = line
            .iter()
            .rposition(|byte| *byte == b'\t')
            .unwrap_or(line.len());
        text.extend_from_slice(&line[..end]);
        text.push(b'\n');
    }
    Ok(text)
}

fn cells(row: &Row<'_>) -> Result<[String; COLUMNS.len() - 1], WriteError> {
    let key = row.key;
    let chromosome = check_key(key).map_err(|reason| WriteError::Unrepresentable {
        key: key.clone(),
        reason,
    })?;
    let value = |column, value: f64, allowed: bool| {
        let refusal = || WriteError::Value {
            key: key.clone(),
            column,
        };
        if value.is_finite() && allowed {
            Ok(exact(value))
        } else {
            Err(refusal())
        }
    };
    let (reference, alternate) = (key.reference.as_str(), key.alternate.as_str());
    let baseline = row.baseline.as_ref();
    Ok([
        chromosome.to_string(),
        key.position.to_string(),
        alternate.to_owned(),
        reference.to_owned(),
        value("beta", row.beta, true)?,
        value(
            "standard_error",
            row.standard_error,
            row.standard_error > 0.0,
        )?,
        value(
            "effect_allele_frequency",
            row.effect_allele_frequency,
            (0.0..=1.0).contains(&row.effect_allele_frequency),
        )?,
        p_value(row.p_value, row.neg_log10_p).ok_or_else(|| WriteError::Value {
            key: key.clone(),
            column: "p_value",
        })?,
        row.id
            .filter(|id| is_rs_number(id))
            .unwrap_or(MISSING)
            .to_owned(),
        row.n.to_string(),
        format!("{chromosome}_{}_{reference}_{alternate}", key.position),
        row.test.to_owned(),
        value(
            "neg_log_10_p_value",
            row.neg_log10_p,
            row.neg_log10_p >= 0.0,
        )?,
        count_or_missing(row.n_cases),
        row.sites.to_string(),
        exact_or_missing(baseline.map(|baseline| baseline.beta)),
        exact_or_missing(baseline.map(|baseline| baseline.standard_error)),
        baseline
            .and_then(baseline_p_value)
            .unwrap_or_else(|| MISSING.to_owned()),
        count_or_missing(baseline.map(|baseline| baseline.sites)),
    ])
}

fn baseline_p_value(baseline: &Baseline) -> Option<String> {
    p_value(
        baseline.p_value,
        neg_log10_p_of_large(baseline.beta / baseline.standard_error),
    )
}

fn is_rs_number(id: &str) -> bool {
    id.strip_prefix("rs")
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use ligate_model::{Allele, Contig, Position};

    use super::*;

    fn key(contig: &str, reference: &str, alternate: &str) -> VariantKey {
        VariantKey {
            contig: Contig::new(contig),
            position: Position::new(19_317_005),
            reference: Allele::new(reference).unwrap(),
            alternate: Allele::new(alternate).unwrap(),
        }
    }

    fn row(key: &VariantKey) -> Row<'_> {
        Row {
            key,
            id: Some("rs1876037"),
            beta: 0.1 + 0.2,
            standard_error: 0.033_183_5,
            effect_allele_frequency: 0.25,
            p_value: 4.10159e-64,
            neg_log10_p: 63.387,
            n: 1996,
            n_cases: None,
            sites: 3,
            test: "linear",
            baseline: Some(Baseline {
                beta: 0.5,
                standard_error: 0.01,
                p_value: 0.0,
                sites: 3,
            }),
        }
    }

    fn lines(rows: &[Row<'_>]) -> (Vec<String>, Written) {
        let mut file = Vec::new();
        let written = write_table(&mut file, &ResultStatus::Local, rows.iter().copied()).unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..])
            .read_to_string(&mut text)
            .unwrap();
        (text.lines().map(str::to_owned).collect(), written)
    }

    #[test]
    fn a_row_under_a_permit_is_inside_the_environment() {
        let key = key("1", "A", "C");
        let job = ligate_model::Digest::from_bytes([1; 32]);
        let mut file = Vec::new();
        write_table(
            &mut file,
            &ResultStatus::Permit {
                permit: "P-1".to_owned(),
                job,
            },
            [row(&key)],
        )
        .unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..])
            .read_to_string(&mut text)
            .unwrap();
        assert!(
            text.ends_with("\tinside the environment, permit P-1\n"),
            "{text}"
        );
    }

    #[test]
    fn a_row_that_leaves_says_less() {
        let key = key("1", "A", "C");
        let exported = ResultStatus::Exported {
            permit: "P-1".to_owned(),
            job: ligate_model::Digest::from_bytes([1; 32]),
            bounds: String::new(),
        };
        let mut file = Vec::new();
        let row = Row {
            effect_allele_frequency: 0.123_456,
            n: 19_964,
            n_cases: Some(12_345),
            ..row(&key)
        };
        write_table(&mut file, &exported, [row]).unwrap();
        let mut inside = Vec::new();
        let permit = ResultStatus::Permit {
            permit: "P-1".to_owned(),
            job: ligate_model::Digest::from_bytes([1; 32]),
        };
        write_table(&mut inside, &permit, [row.shown(&exported)]).unwrap();
        assert_ne!(file, inside);
        assert_eq!(
            content_of(&file[..]).unwrap(),
            content_of(&inside[..]).unwrap()
        );
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..])
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(
            text.lines().nth(1).unwrap(),
            "1\t19317005\tC\tA\t0.3\t0.03318\t0.123\t4.102e-64\trs1876037\t19960\t1_19317005_A_C\tlinear\t63.39\t\
             12350\t3\t#NA\t#NA\t#NA\t#NA\texportable, permit P-1"
        );
    }

    #[test]
    fn a_row_reads_as_the_standard_wants_it() {
        let key = key("chrX", "C", "CT");
        let (lines, written) = lines(&[row(&key)]);
        assert_eq!(lines[0], COLUMNS.join("\t"));
        assert_eq!(
            lines[1],
            "23\t19317005\tCT\tC\t0.30000000000000004\t0.0331835\t0.25\t4.10159e-64\trs1876037\t1996\t\
             23_19317005_C_CT\tlinear\t63.387\t#NA\t3\t0.5\t0.01\t2.16120e-545\t3\tlocal, not released"
        );
        assert_eq!(written.rows, 1);
        assert_eq!(written.md5.len(), 32);
    }

    #[test]
    fn what_is_absent_is_said_to_be() {
        let key = key("1", "C", "T");
        let bare = Row {
            id: Some("kgp123"),
            baseline: None,
            n_cases: Some(40),
            ..row(&key)
        };
        let (lines, _) = lines(&[bare]);
        let cells: Vec<_> = lines[1].split('\t').collect();
        assert_eq!((cells[8], cells[13]), (MISSING, "40"));
        assert_eq!(cells[15..19], [MISSING; 4]);
    }

    #[test]
    fn a_value_outside_its_range_is_an_error_that_names_the_column() {
        let key = key("1", "C", "T");
        for (bad, column) in [
            (
                Row {
                    beta: f64::NAN,
                    ..row(&key)
                },
                "beta",
            ),
            (
                Row {
                    standard_error: 0.0,
                    ..row(&key)
                },
                "standard_error",
            ),
            (
                Row {
                    effect_allele_frequency: 1.1,
                    ..row(&key)
                },
                "effect_allele_frequency",
            ),
            (
                Row {
                    p_value: 0.0,
                    neg_log10_p: f64::INFINITY,
                    ..row(&key)
                },
                "p_value",
            ),
        ] {
            match write_table(Vec::new(), &ResultStatus::Local, [bad]) {
                Err(WriteError::Value { column: found, .. }) => assert_eq!(found, column),
                other => panic!("{column}: {other:?}"),
            }
        }
        let symbolic = self::key("1", "C", "<DEL>");
        let refused = write_table(Vec::new(), &ResultStatus::Local, [row(&symbolic)]);
        assert!(matches!(refused, Err(WriteError::Unrepresentable { .. })));
    }
}
