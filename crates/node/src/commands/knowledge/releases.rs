//! Releases in folders: which file is which, told by its name, anywhere below the folders given.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

/// Deepest folder that is looked into.
const DEEPEST: usize = 16;
/// Most files that are looked at: `--from /` is a slip.
const MOST_FILES: usize = 1_000_000;

/// What a file of a release holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    Ontology,
    Annotations,
    GeneLinks,
    Mondo,
    Hgnc,
    /// Places of genes.
    Genes,
    /// Exons and UTRs of transcripts.
    Structures,
    Constraint,
    Inheritance,
    /// Alleles or positions that populations have.
    Sites,
    Chain,
}

impl Part {
    /// The part that a file of this name holds, compressed or not.
    pub fn of(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let plain = [".gz", ".bgz"]
            .iter()
            .find_map(|end| name.strip_suffix(end))
            .unwrap_or(&name);
        let part = match plain {
            "hp.obo" => Self::Ontology,
            "phenotype.hpoa" => Self::Annotations,
            "genes_to_phenotype.txt" => Self::GeneLinks,
            "mondo.sssom.tsv" => Self::Mondo,
            "hgnc_complete_set.txt" => Self::Hgnc,
            "homo-sapiens-genes.tsv" => Self::Genes,
            "homo-sapiens-gene-structures.tsv" => Self::Structures,
            "gnomad_constraint.tsv" => Self::Constraint,
            _ if plain.starts_with("cgd") && plain.ends_with(".txt") => Self::Inheritance,
            _ if plain.starts_with("gnomad_exomes_sites_consequence") => Self::Sites,
            _ if plain.starts_with("gnomad_nfe_coding") => Self::Sites,
            _ if plain.ends_with(".over.chain") => Self::Chain,
            _ => return None,
        };
        Some(part)
    }

    /// Whether several files of it make sense: one for each assembly or population.
    const fn may_be_several(self) -> bool {
        matches!(self, Self::Sites | Self::Chain)
    }
}

/// The files found.
#[derive(Clone, Debug, Default)]
pub struct Releases {
    files: BTreeMap<Part, Vec<PathBuf>>,
    /// Files whose part was found before.
    pub left_out: Vec<PathBuf>,
}

impl Releases {
    /// Looks through the folders in the order given, files by name; a file given by itself is taken
    /// too.
    pub fn find(folders: &[PathBuf]) -> Result<Self> {
        let mut releases = Self::default();
        let mut looked_at = 0;
        for folder in folders {
            releases.walk(folder, 0, &mut looked_at)?;
        }
        Ok(releases)
    }

    fn walk(&mut self, path: &Path, depth: usize, looked_at: &mut usize) -> Result<()> {
        let failed = || format!("cannot read {}", path.display());
        *looked_at += 1;
        if *looked_at > MOST_FILES {
            bail!("more than {MOST_FILES} files below the folders; name the release's own folder");
        }
        if !fs::metadata(path).with_context(failed)?.is_dir() {
            self.add(path);
            return Ok(());
        }
        let entries = fs::read_dir(path).with_context(failed)?;
        let mut below: Vec<PathBuf> = Vec::new();
        for entry in entries {
            let entry = entry.with_context(failed)?;
            // A link to a folder may lead back up, a link to nowhere holds nothing.
            let is_link = entry.file_type().with_context(failed)?.is_symlink();
            if !is_link || fs::metadata(entry.path()).is_ok_and(|found| found.is_file()) {
                below.push(entry.path());
            }
        }
        below.sort();
        if depth < DEEPEST {
            below
                .iter()
                .try_for_each(|path| self.walk(path, depth + 1, looked_at))?;
        }
        Ok(())
    }

    fn add(&mut self, path: &Path) {
        let Some(part) = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(Part::of)
        else {
            return;
        };
        let files = self.files.entry(part).or_default();
        if files.is_empty() || part.may_be_several() {
            files.push(path.to_owned());
        } else {
            self.left_out.push(path.to_owned());
        }
    }

    /// The file of a part.
    pub fn file(&self, part: Part) -> Option<&Path> {
        self.files(part).first().map(PathBuf::as_path)
    }

    /// All files of a part.
    pub fn files(&self, part: Part) -> &[PathBuf] {
        self.files.get(&part).map_or(&[], Vec::as_slice)
    }

    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_their_names() {
        for (name, part) in [
            ("hp.obo", Some(Part::Ontology)),
            ("PHENOTYPE.hpoa.gz", Some(Part::Annotations)),
            ("CGD_26jun2018.txt.gz", Some(Part::Inheritance)),
            ("hg19ToHg38.over.chain.gz", Some(Part::Chain)),
            (
                "gnomad_exomes_sites_consequence.grch37.tsv.gz",
                Some(Part::Sites),
            ),
            ("clinvar_20180603.vcf.gz", None),
            ("phenotype_to_genes.txt", None),
            ("patient.vcf.gz", None),
        ] {
            assert_eq!(Part::of(name), part, "{name}");
        }
    }

    #[test]
    fn the_first_file_of_a_part_counts() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "a/hp.obo",
            "b/c/hp.obo",
            "b/x.over.chain",
            "b/y.over.chain.gz",
            "b/other.txt",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let releases = Releases::find(&[folder.path().to_owned()]).unwrap();
        assert_eq!(
            releases.file(Part::Ontology),
            Some(folder.path().join("a/hp.obo").as_path())
        );
        assert_eq!(releases.left_out, [folder.path().join("b/c/hp.obo")]);
        assert_eq!(releases.files(Part::Chain).len(), 2);
        assert!(Releases::find(&[folder.path().join("nowhere")]).is_err());
    }
}
