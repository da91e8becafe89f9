//! The metadata file beside a table: FILE-meta.yaml, as section 3.3 of the standard has it.

use std::fmt::{self, Write};

use ligate_model::{Assembly, Digest};

use super::number::{EXPORTED_DIGITS, significant_count};

/// The standard that the table follows.
pub const FILE_TYPE: &str = "GWAS-SSF v1.0";

/// How the standard writes what is not reported.
pub const NOT_REPORTED: &str = "NR";

/// Where a result stands, and on what ground. Table, metadata and report all say it. A study marks
/// nothing for export: only what passed the rules of an export is exportable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultStatus {
    /// Computed on own data, without a permit and without the disclosure gate.
    Local,
    /// Passed the gate under a permit, for one job; for those who work inside the permit's secure
    /// processing environment.
    Permit { permit: String, job: Digest },
    /// May leave that environment.
    Exported {
        permit: String,
        job: Digest,
        /// Which part of the result it is, and what can be guessed from it, in words.
        bounds: String,
    },
}

impl ResultStatus {
    /// Where the result stands, in the words that machines look for.
    pub fn standing(&self) -> &'static str {
        match self {
            Self::Local => "local, not released",
            Self::Permit { .. } => "inside the environment",
            Self::Exported { .. } => "exportable",
        }
    }
}

impl fmt::Display for ResultStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str(self.standing()),
            Self::Permit { permit, .. } | Self::Exported { permit, .. } => {
                write!(f, "{}, permit {permit}", self.standing())
            }
        }
    }
}

/// The people of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    pub individuals: u64,
    /// People with and without the disease, for a binary trait.
    pub cases_and_controls: Option<(u64, u64)>,
    /// Broad ancestry categories (Morales et al. 2018); empty: not reported.
    pub ancestry_categories: Vec<String>,
}

impl Sample {
    /// The numbers as they are shown where the result stands.
    fn shown(&self, standing: &ResultStatus) -> Self {
        let ResultStatus::Exported { .. } = standing else {
            return self.clone();
        };
        let of = |count| significant_count(count, EXPORTED_DIGITS);
        Self {
            individuals: of(self.individuals),
            cases_and_controls: self
                .cases_and_controls
                .map(|(cases, controls)| (of(cases), of(controls))),
            ..self.clone()
        }
    }
}

/// One dataset that contributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub node: String,
    pub dataset: String,
    pub snapshot: Digest,
}

/// What the metadata file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// The table's file name, without folders.
    pub data_file_name: String,
    /// From [`super::Written`].
    pub data_file_md5sum: String,
    /// Year-month-day, UTC.
    pub date: String,
    pub trait_description: String,
    pub assembly: Assembly,
    /// Empty: not reported.
    pub genotyping_technologies: Vec<String>,
    pub sample: Sample,
    pub covariates: Vec<String>,
    /// Variables of which values off the step that the others keep to were rounded to it.
    pub rounded: Vec<String>,
    /// Name and version.
    pub software: String,
    /// Whether the rows are in genomic order.
    pub is_sorted: bool,
    pub release: ResultStatus,
    pub sources: Vec<Source>,
}

impl Metadata {
    /// The name of the metadata file of a table.
    pub fn file_name(table: &str) -> String {
        format!("{table}-meta.yaml")
    }

    /// The file's content. Every text is quoted, so that no name can become YAML.
    pub fn to_yaml(&self) -> String {
        let mut yaml = Yaml(String::from("# Study meta-data\n"));
        yaml.text("author_notes", &self.notes());
        yaml.plain("date_metadata_last_modified", &date(&self.date));
        yaml.heading("Trait Information");
        yaml.list(
            "trait_description",
            std::slice::from_ref(&self.trait_description),
        );
        yaml.heading("Genotyping Information");
        yaml.text("genome_assembly", &self.assembly.to_string());
        yaml.text("coordinate_system", "1-based");
        yaml.list(
            "genotyping_technology",
            &or_not_reported(&self.genotyping_technologies),
        );
        yaml.heading("Sample Information");
        yaml.sample(&self.sample.shown(&self.release));
        yaml.heading("Summary Statistic information");
        yaml.text("data_file_name", &self.data_file_name);
        yaml.text("file_type", FILE_TYPE);
        yaml.text("data_file_md5sum", &self.data_file_md5sum);
        yaml.text("analysis_software", &self.software);
        yaml.list("adjusted_covariates", &self.covariates);
        yaml.heading("Harmonization status");
        yaml.plain("is_harmonised", "false");
        yaml.plain("is_sorted", if self.is_sorted { "true" } else { "false" });
        yaml.0
    }

    /// Release and provenance: the standard has no fields of its own for them.
    fn notes(&self) -> String {
        let standing = self.release.standing();
        let mut notes = match &self.release {
            ResultStatus::Local => {
                format!(
                    "{standing}: computed on own data without a permit and without the disclosure gate."
                )
            }
            ResultStatus::Permit { permit, job } => format!(
                "{standing}: passed the disclosure gate under permit {permit}, job {job}; not marked for export."
            ),
            ResultStatus::Exported {
                permit,
                job,
                bounds,
            } => format!(
                "{standing}: passed the disclosure gate and the rules of an export under permit {permit}, job {job}. {bounds}"
            ),
        };
        for source in &self.sources {
            let _ = write!(
                notes,
                " Node {}, dataset {}, snapshot {}.",
                source.node, source.dataset, source.snapshot
            );
        }
        // What leaves says less of the people.
        if !self.rounded.is_empty() && !matches!(self.release, ResultStatus::Exported { .. }) {
            let _ = write!(notes, " {}.", rounded_to_step(&self.rounded));
        }
        notes
    }
}

/// Says that values of these variables were rounded; never how many.
pub fn rounded_to_step(variables: &[String]) -> String {
    format!(
        "Values of {} off the step that the others keep to were rounded to it",
        variables.join(", ")
    )
}

fn or_not_reported(values: &[String]) -> Vec<String> {
    if values.is_empty() {
        vec![NOT_REPORTED.to_owned()]
    } else {
        values.to_vec()
    }
}

/// A date is the one text without quotes, because the schema wants a day: only digits and hyphens
/// pass.
fn date(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_digit() || *c == '-')
        .collect()
}

struct Yaml(String);

impl Yaml {
    fn line(&mut self, indent: usize, content: fmt::Arguments<'_>) {
        let _ = writeln!(self.0, "{:indent$}{content}", "");
    }

    fn heading(&mut self, title: &str) {
        self.line(0, format_args!("\n# {title}"));
    }

    fn plain(&mut self, key: &str, value: &str) {
        self.line(0, format_args!("{key}: {value}"));
    }

    fn text(&mut self, key: &str, value: &str) {
        self.line(0, format_args!("{key}: {}", quoted(value)));
    }

    fn list(&mut self, key: &str, values: &[String]) {
        if !values.is_empty() {
            self.line(0, format_args!("{key}:"));
            for value in values {
                self.line(2, format_args!("- {}", quoted(value)));
            }
        }
    }

    fn sample(&mut self, sample: &Sample) {
        self.line(0, format_args!("samples:"));
        self.line(2, format_args!("- sample_size: {}", sample.individuals));
        self.line(4, format_args!("sample_ancestry_category:"));
        for category in or_not_reported(&sample.ancestry_categories) {
            self.line(6, format_args!("- {}", quoted(&category)));
        }
        self.line(
            4,
            format_args!(
                "case_control_study: {}",
                sample.cases_and_controls.is_some()
            ),
        );
        if let Some((cases, controls)) = sample.cases_and_controls {
            self.line(4, format_args!("case_count: {cases}"));
            self.line(4, format_args!("control_count: {controls}"));
        }
    }
}

/// A YAML double-quoted scalar (YAML 1.2, section 7.3.1).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata() -> Metadata {
        Metadata {
            data_file_name: "t2d.gwas.tsv.gz".to_owned(),
            data_file_md5sum: "f96b697d7cb7938d525a2f31aaf161d0".to_owned(),
            date: "2026-11-21".to_owned(),
            trait_description: "t2d".to_owned(),
            assembly: Assembly::Grch38,
            genotyping_technologies: Vec::new(),
            sample: Sample {
                individuals: 2501,
                cases_and_controls: Some((770, 1731)),
                ancestry_categories: Vec::new(),
            },
            covariates: vec!["sex".to_owned(), "age".to_owned()],
            rounded: Vec::new(),
            software: "ligate 0.1.0".to_owned(),
            is_sorted: true,
            release: ResultStatus::Permit {
                permit: "P-1".to_owned(),
                job: Digest::from_bytes([1; 32]),
            },
            sources: vec![Source {
                node: "nordbank".to_owned(),
                dataset: "cohort".to_owned(),
                snapshot: Digest::from_bytes([2; 32]),
            }],
        }
    }

    #[test]
    fn the_file_reads_as_the_standard_has_it() {
        let expected = format!(
            r#"# Study meta-data
author_notes: "inside the environment: passed the disclosure gate under permit P-1, job {}; not marked for export. Node nordbank, dataset cohort, snapshot {}."
date_metadata_last_modified: 2026-11-21

# Trait Information
trait_description:
  - "t2d"

# Genotyping Information
genome_assembly: "GRCh38"
coordinate_system: "1-based"
genotyping_technology:
  - "NR"

# Sample Information
samples:
  - sample_size: 2501
    sample_ancestry_category:
      - "NR"
    case_control_study: true
    case_count: 770
    control_count: 1731

# Summary Statistic information
data_file_name: "t2d.gwas.tsv.gz"
file_type: "GWAS-SSF v1.0"
data_file_md5sum: "f96b697d7cb7938d525a2f31aaf161d0"
analysis_software: "ligate 0.1.0"
adjusted_covariates:
  - "sex"
  - "age"

# Harmonization status
is_harmonised: false
is_sorted: true
"#,
            "01".repeat(32),
            "02".repeat(32)
        );
        assert_eq!(metadata().to_yaml(), expected);
    }

    #[test]
    fn what_leaves_says_less_of_the_people() {
        let bounds = "The leading variants.".to_owned();
        let release = ResultStatus::Exported {
            permit: "P-1".to_owned(),
            job: Digest::from_bytes([1; 32]),
            bounds,
        };
        let sample = Sample {
            individuals: 25_013,
            cases_and_controls: Some((7703, 17_310)),
            ..metadata().sample
        };
        let yaml = Metadata {
            release,
            sample,
            ..metadata()
        }
        .to_yaml();
        assert!(
            yaml.contains("sample_size: 25010\n") && yaml.contains("case_count: 7703\n"),
            "{yaml}"
        );
        assert!(
            yaml.contains("exportable: ") && yaml.contains("The leading variants."),
            "{yaml}"
        );
    }

    #[test]
    fn rounded_variables_are_named_inside_alone() {
        let rounded = Metadata {
            rounded: vec!["bmi".to_owned()],
            ..metadata()
        };
        assert!(
            rounded.to_yaml().contains(
                " Values of bmi off the step that the others keep to were rounded to it.\""
            )
        );
        let release = ResultStatus::Exported {
            permit: "P-1".to_owned(),
            job: Digest::from_bytes([1; 32]),
            bounds: String::new(),
        };
        assert!(
            !Metadata { release, ..rounded }
                .to_yaml()
                .contains("rounded")
        );
    }

    #[test]
    fn a_local_result_says_so_first() {
        let local = Metadata {
            release: ResultStatus::Local,
            ..metadata()
        };
        assert!(
            local
                .to_yaml()
                .contains("author_notes: \"local, not released: ")
        );
    }

    #[test]
    fn no_text_becomes_yaml() {
        assert_eq!(quoted("a\"b\\c\nd: 'é'"), r#""a\"b\\c\U0000000ad: 'é'""#);
        let odd = Metadata {
            date: "2026-11-21\nx: 1".to_owned(),
            ..metadata()
        };
        assert!(
            odd.to_yaml()
                .contains("date_metadata_last_modified: 2026-11-211\n")
        );
    }
}
