//! Releases that a coordinator keeps: an identical question gets the identical answer, and the
//! nodes are not asked again. One file per question, written whole or not at all.
//!
//! A file begins with the line `ligate release N`, because what follows cannot be told apart from
//! another form of it: a file of a form that this program does not know is called that, and never
//! read as if it were of one it knows.

mod form;

use std::path::PathBuf;

use anyhow::{Context, Result};
use ligate_access::job::SignedJob;
use ligate_files::{
    form::{Head, json},
    read_if_there,
};
use ligate_model::Digest;
use serde::{Deserialize, Serialize};

use super::release::Release;
use crate::{folder::Folder, output};

/// The first line; what follows it is told in [`form`].
const HEAD: Head = Head {
    name: "ligate release",
    version: 3,
};

/// The form of `QUESTION.export.json`.
const JUDGED_VERSION: u32 = 1;

/// A stored release.
pub struct Kept {
    pub release: Release,
    /// The digest of its result, which the audit logs of all its nodes hold.
    pub digest: Digest,
}

/// What the nodes found when a result was to be exported.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    version: u32,
    /// The digest of the columns of the exported account with it.
    pub account: Digest,
    pub leverage: f64,
}

impl Judged {
    pub fn new(account: Digest, leverage: f64) -> Self {
        Self {
            version: JUDGED_VERSION,
            account,
            leverage,
        }
    }
}

/// The `releases/` folder of a coordinator.
pub struct Store {
    folder: PathBuf,
}

impl Store {
    pub fn new(folder: &Folder) -> Self {
        Self {
            folder: folder.releases(),
        }
    }

    /// The release of the same question under the same permit.
    pub fn find(&self, job: &SignedJob) -> Result<Option<Kept>> {
        self.of_question(&job.question())
    }

    /// The release of a question.
    pub fn of_question(&self, question: &Digest) -> Result<Option<Kept>> {
        let path = self.folder.join(question.to_string());
        let kept = read_if_there(&path)?
            .map(|bytes| decode(&bytes))
            .transpose();
        kept.with_context(|| format!("the stored release {}", path.display()))
    }

    /// What was judged of the exported account with the result of this question.
    pub fn judged(&self, question: &Digest) -> Result<Option<Judged>> {
        let path = self.judged_path(question);
        let judged = read_if_there(&path)?.map(|bytes| json(&bytes, 1..=JUDGED_VERSION));
        judged
            .transpose()
            .with_context(|| format!("remove {} and export again", path.display()))
    }

    pub fn keep_judged(&self, question: &Digest, judged: &Judged) -> Result<()> {
        let bytes = serde_json::to_vec(judged).context("what was judged cannot be written")?;
        output::write_private(&self.judged_path(question), |out| out.write_all(&bytes))
    }

    fn judged_path(&self, question: &Digest) -> PathBuf {
        self.folder.join(format!("{question}.export.json"))
    }

    /// Keeps a release under its question; returns the digest of its result.
    pub fn keep(&self, job: &SignedJob, release: &Release) -> Result<Digest> {
        let (bytes, digest) = encode(release)?;
        let path = self.folder.join(job.question().to_string());
        output::write_private(&path, |out| out.write_all(&bytes))?;
        Ok(digest)
    }
}

fn encode(release: &Release) -> Result<(Vec<u8>, Digest)> {
    let (body, digest) = form::write(release).context("the release cannot be written")?;
    Ok(([HEAD.line().as_bytes(), &body].concat(), digest))
}

/// A file without the first line is of the form before there was one.
fn decode(bytes: &[u8]) -> Result<Kept> {
    let body = HEAD.strip(bytes).context(
        "it was stored by another version of ligate; use that version, or move the file away and the nodes are asked \
         again",
    )?;
    form::read(body).context("it is damaged; move the file away and the nodes are asked again")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    use ligate_analysis::gwas::{
        Association, Baseline, Family, Gwas, Plan, Reason, Test, Unreported,
    };
    use ligate_disclosure::Thresholds;
    use ligate_model::{
        Allele, Assembly, Contig, Digest, GateRule, PeopleCounts, Position, VariantCounts,
        VariantKey,
    };

    use super::*;
    use crate::run::release::{Authority, NodeAnswer, NodeOutcome};

    fn key(position: u32) -> VariantKey {
        VariantKey {
            contig: Contig::new("1"),
            position: Position::new(position),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new("C").unwrap(),
        }
    }

    fn association() -> Association {
        Association {
            key: key(1),
            counts: VariantCounts {
                called: 100,
                allele_count: 30,
                homozygotes: 2,
                sites: 3,
                withheld: 0,
                lacking: 0,
                cases: None,
            },
            beta: 0.5,
            standard_error: 0.1,
            statistic: 5.0,
            p_value: 1e-6,
            neg_log10_p: 6.0,
            test: Test::Linear,
            baseline: Some(Baseline {
                beta: 0.4,
                standard_error: 0.1,
                p_value: 1e-4,
                sites: 3,
            }),
        }
    }

    fn release() -> Release {
        let authority = Authority {
            permit: "P-1".parse().unwrap(),
            permit_hash: Digest::from_bytes([1; 32]),
            job: Digest::from_bytes([2; 32]),
            question: Digest::from_bytes([4; 32]),
            signed_permit: "a.b.c".to_owned(),
            signed_job: "d.e.f".to_owned(),
            coordinator: "hdab".to_owned(),
            data_user: "researcher".to_owned(),
            purpose: "research".to_owned(),
            people: Default::default(),
            thresholds: Thresholds::default(),
        };
        let node = NodeAnswer {
            name: "north".parse().unwrap(),
            country: "SE".parse().unwrap(),
            dataset: "cohort".parse().unwrap(),
            outcome: NodeOutcome::Answered {
                snapshot: Digest::from_bytes([3; 32]),
                offered: 5,
            },
        };
        Release {
            plan: Plan {
                family: Family::Linear,
                two_values: false,
                trait_name: "ldl".parse().unwrap(),
                covariates: vec!["sex".parse().unwrap()],
                wald_below: 1e-3,
            },
            gwas: Gwas {
                people: PeopleCounts {
                    individuals: 300,
                    cases: None,
                    unknown: 0,
                    sites: 3,
                },
                associations: vec![association()],
                unreported: vec![Unreported {
                    key: key(2),
                    reason: Reason::Gate(GateRule::Sites),
                }],
                lambda: 1.0,
            },
            rsids: BTreeMap::from([(key(1), 7)]),
            assembly: Assembly::Grch38,
            rounded: vec!["sex".parse().unwrap()],
            nodes: vec![node],
            swapped: 0,
            authority: Some(authority),
            software: "ligate 0.1.0".to_owned(),
            finished: jiff::Timestamp::UNIX_EPOCH,
            stored: false,
        }
    }

    #[test]
    fn a_release_comes_back_as_it_was() {
        let (bytes, digest) = encode(&release()).unwrap();
        let kept = decode(&bytes).unwrap();
        assert_eq!(kept.digest, digest);
        assert_eq!(format!("{:?}", kept.release), format!("{:?}", release()));
        assert_eq!(encode(&kept.release).unwrap(), (bytes, digest));
    }

    #[test]
    fn another_version_is_not_called_damaged() {
        let (bytes, _) = encode(&release()).unwrap();
        let body = bytes.strip_prefix(b"ligate release 3\n").unwrap();
        let said = |bytes: &[u8]| decode(bytes).err().unwrap().to_string();
        let newer = |version: &str| [b"ligate release ", version.as_bytes(), body].concat();
        for other in [body, &newer("1\n"), &newer("22\n"), &newer("0\n"), b""] {
            let said = said(other);
            assert!(
                said.contains("another version") && !said.contains("damaged"),
                "{said}"
            );
        }
        for damaged in [
            &bytes[..bytes.len() - 1],
            &[&bytes[..], b"x"].concat(),
            b"ligate release 3\n",
        ] {
            assert!(said(damaged).contains("damaged"), "{} bytes", damaged.len());
        }
    }

    /// What the program of the third form wrote of this release, and noted as the digest of its
    /// result. Files of that form lie at coordinators: their bytes are what it is, whatever the
    /// structs here look like.
    #[test]
    fn the_form_is_what_was_written_when_it_was_made() {
        let (bytes, digest) = encode(&release()).unwrap();
        let file = Digest::of("form of a stored release", &bytes).short();
        assert_eq!(
            (file.as_str(), digest.short().as_str()),
            ("59be59395e00", "e20725218968")
        );
    }

    /// Releases of earlier programs, as they lie in the folders of `tests/stored_forms.rs`: each is
    /// read, and its digest is the one that the coordinator noted when the study ended.
    #[test]
    fn what_earlier_programs_stored_is_read() {
        let folders = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/folders");
        let mut read = 0;
        for form in fs::read_dir(folders).unwrap() {
            let body = form.unwrap().path().join("hdab");
            let log = fs::read_to_string(body.join("audit/log.jsonl")).unwrap();
            for file in fs::read_dir(body.join("releases"))
                .unwrap()
                .map(|file| file.unwrap().path())
            {
                if file.extension().is_some() {
                    continue;
                }
                let kept = decode(&fs::read(&file).unwrap()).unwrap();
                let noted = format!("\"result\":\"{}\"", kept.digest);
                assert!(log.contains(&noted), "{}", file.display());
                assert!(
                    kept.release.gwas.associations.len() > 10,
                    "{}",
                    file.display()
                );
                read += 1;
            }
        }
        assert!(read > 0, "no stored release to test with");
    }
}
