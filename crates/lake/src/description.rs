//! `snapshot.json`: what a snapshot holds, with the digest of every file. The snapshot's id is the
//! digest of this file's bytes, so it follows from the content alone: no time, no path of the
//! machine that loaded it.

use std::{fs, ops::Range, path::Path};

use ligate_files::form::{self, FormError};
use ligate_model::{
    Assembly, BinaryCoding, DatasetId, Digest, Variable, VariableKind, VariableName,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    LakeError,
    layout::{HISTORY, KEPT, SnapshotFolder},
};

/// Raised when the tables or this description change so that older programs cannot read them. All
/// earlier formats are read: 1 has no lineage and no history, and is read as the first of its
/// dataset; 2 has no kept calls, and no sketches in the history.
pub const FORMAT: u32 = 4;

/// Up to this one, the id is the digest of the description without the space between its tokens.
const FORMAT_WITH_ID_OF_TOKENS: u32 = 3;

/// What a snapshot holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Description {
    pub format: u32,
    pub dataset: DatasetId,
    pub assembly: Assembly,
    pub individuals: usize,
    /// Rows of the sites table: distinct variant keys, of which those of symbolic alleles may
    /// repeat.
    pub variants: u64,
    /// Those of them on chromosomes 1 to 22.
    pub autosomal_variants: u64,
    /// Individuals of each block, in order.
    pub blocks: Vec<usize>,
    /// Base names of the files that were loaded, in order.
    pub sources: Vec<String>,
    pub variables: Vec<VariableDescription>,
    /// Phenotype columns that hold text and are not kept.
    pub text_columns: Vec<String>,
    /// The snapshots before this one, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lineage: Vec<Digest>,
    /// By which key the history's sketches were made; earlier programs made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_key: Option<Digest>,
    /// Chromosomes of which a load once listed other variants altogether: whoever came since has no
    /// call of those that are kept from before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listed_anew: Vec<String>,
    /// Every table, by path.
    pub files: Vec<FileDescription>,
}

/// A phenotype column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableDescription {
    pub name: VariableName,
    pub kind: VariableKind,
    pub coding: Option<BinaryCoding>,
}

impl From<&Variable> for VariableDescription {
    fn from(variable: &Variable) -> Self {
        Self {
            name: variable.name.clone(),
            kind: variable.kind,
            coding: variable.coding,
        }
    }
}

/// One file of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDescription {
    /// Relative to the snapshot's folder, with `/` between its parts.
    pub path: String,
    pub bytes: u64,
    pub sha256: Digest,
}

impl FileDescription {
    /// Describes the file at `path` within a snapshot's folder.
    pub fn of(folder: &SnapshotFolder, path: &str) -> Result<Self, LakeError> {
        let (bytes, sha256) = ligate_files::fingerprint(&folder.path.join(path))?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
            sha256,
        })
    }

    /// Reads the file and compares its digest.
    pub fn check(&self, folder: &SnapshotFolder) -> Result<(), LakeError> {
        let path = folder.path.join(&self.path);
        match ligate_files::fingerprint(&path)? == (self.bytes, self.sha256) {
            true => Ok(()),
            false => Err(LakeError::corrupt(
                &path,
                "its digest is not the one recorded",
            )),
        }
    }
}

impl Description {
    /// The snapshot's id.
    pub fn id(&self) -> Result<Digest, LakeError> {
        Ok(id_of(self.format, &self.to_text()?))
    }

    fn to_text(&self) -> Result<Vec<u8>, LakeError> {
        serde_json::to_vec_pretty(self)
            .map_err(|error| LakeError::writing(Path::new("snapshot.json"), &error))
    }

    /// Bytes of all tables.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The table of changed calls; there is none in the first snapshot of a dataset.
    pub fn history(&self) -> Option<&FileDescription> {
        self.files.iter().find(|file| file.path == HISTORY)
    }

    /// The tables of calls that were kept though the files do not list their variants any more.
    pub fn kept(&self) -> impl Iterator<Item = &FileDescription> {
        self.files.iter().filter(|file| file.path.starts_with(KEPT))
    }

    /// Adds a file that was written after the others.
    pub fn add_file(&mut self, file: FileDescription) {
        self.files.push(file);
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
    }

    /// Whether both hold the same people, calls and values from the same files, whatever came
    /// before.
    pub fn holds_the_same(&self, other: &Self) -> bool {
        self.without_history() == other.without_history()
    }

    fn without_history(&self) -> Self {
        let mut bare = Self {
            format: FORMAT,
            lineage: Vec::new(),
            history_key: None,
            listed_anew: Vec::new(),
            ..self.clone()
        };
        bare.files
            .retain(|file| file.path != HISTORY && !file.path.starts_with(KEPT));
        bare
    }

    /// Each block's range of individuals.
    pub fn block_ranges(&self) -> Vec<Range<usize>> {
        let mut end = 0;
        let range = |individuals: &usize| {
            let start = end;
            end += individuals;
            start..end
        };
        self.blocks.iter().map(range).collect()
    }

    pub fn write(&self, folder: &SnapshotFolder) -> Result<(), LakeError> {
        let path = folder.description();
        fs::write(&path, self.to_text()?).map_err(|error| LakeError::io(&path, error))
    }

    /// Reads a description and checks that it is the one that `id` names.
    pub fn read(folder: &SnapshotFolder, id: Digest) -> Result<Self, LakeError> {
        let path = folder.description();
        let text = fs::read(&path).map_err(|error| LakeError::io(&path, error))?;
        let description: Self = parse_versioned(&path, &text, FORMAT)?;
        if description.lineage.is_empty() != description.history().is_none() {
            return Err(LakeError::corrupt(
                &path,
                "it has a lineage without a history, or the reverse",
            ));
        }
        if id_of(description.format, &text) != id
            || description.blocks.iter().sum::<usize>() != description.individuals
        {
            return Err(LakeError::corrupt(
                &path,
                "it does not match the snapshot's id",
            ));
        }
        Ok(description)
    }

    /// Checks that every file is there with its size: cheap, done whenever a snapshot is opened.
    pub fn check_sizes(&self, folder: &SnapshotFolder) -> Result<(), LakeError> {
        for file in &self.files {
            let path = folder.path.join(&file.path);
            let found = fs::metadata(&path)
                .map_err(|error| LakeError::io(&path, error))?
                .len();
            if found != file.bytes {
                return Err(LakeError::corrupt(
                    &path,
                    format!("it has {found} bytes, not {}", file.bytes),
                ));
            }
        }
        Ok(())
    }

    /// Reads every file and compares its digest.
    pub fn verify(&self, folder: &SnapshotFolder) -> Result<(), LakeError> {
        self.files.iter().try_for_each(|file| file.check(folder))
    }
}

/// The id of the snapshot whose description of such a format is this text.
fn id_of(format: u32, text: &[u8]) -> Digest {
    if format <= FORMAT_WITH_ID_OF_TOKENS {
        Digest::of("ligate-snapshot", &without_space(text))
    } else {
        Digest::of("ligate-snapshot", text)
    }
}

/// JSON without the space between its tokens.
fn without_space(json: &[u8]) -> Vec<u8> {
    let (mut in_string, mut is_escaped) = (false, false);
    let is_kept = |byte: &u8| {
        let is_text = in_string;
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            _ => {}
        }
        is_text || !byte.is_ascii_whitespace()
    };
    json.iter().copied().filter(is_kept).collect()
}

/// Reads JSON that says its `format`, of which this program knows those up to `newest`.
pub(crate) fn parse_versioned<T: DeserializeOwned>(
    path: &Path,
    text: &[u8],
    newest: u32,
) -> Result<T, LakeError> {
    match form::json(text, 1..=newest) {
        Err(FormError::AnotherVersion { found }) => Err(LakeError::AnotherVersion {
            path: path.to_owned(),
            format: found,
            newest,
        }),
        Err(FormError::Damaged(why)) => Err(LakeError::corrupt(path, why)),
        Ok(known) => Ok(known),
    }
}

/// Describes every table in a folder, ordered by path.
pub fn describe_files(folder: &SnapshotFolder) -> Result<Vec<FileDescription>, LakeError> {
    let mut files = Vec::new();
    describe_below(&folder.path, "", &mut files)?;
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn describe_below(
    folder: &Path,
    prefix: &str,
    files: &mut Vec<FileDescription>,
) -> Result<(), LakeError> {
    for (path, is_folder) in ligate_files::entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let relative = format!("{prefix}{name}");
        if is_folder {
            describe_below(&path, &format!("{relative}/"), files)?;
        } else if name.ends_with(".parquet") {
            let (bytes, sha256) = ligate_files::fingerprint(&path)?;
            files.push(FileDescription {
                path: relative,
                bytes,
                sha256,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::DatasetFolder;

    fn description() -> Description {
        Description {
            format: FORMAT,
            dataset: "cohort".parse().unwrap(),
            assembly: Assembly::Grch38,
            individuals: 3,
            variants: 2,
            autosomal_variants: 2,
            blocks: vec![3],
            sources: vec!["a \"b\" \\ c.vcf".to_owned()],
            variables: Vec::new(),
            text_columns: Vec::new(),
            lineage: Vec::new(),
            history_key: None,
            listed_anew: Vec::new(),
            files: Vec::new(),
        }
    }

    /// What was written, and read under an id.
    fn read(text: &[u8], id: Digest) -> Result<Description, LakeError> {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = DatasetFolder::new(folder.path(), &"cohort".parse().unwrap()).snapshot(id);
        fs::create_dir_all(&snapshot.path).unwrap();
        fs::write(snapshot.description(), text).unwrap();
        Description::read(&snapshot, id)
    }

    #[test]
    fn an_id_is_that_of_the_bytes_as_they_lie() {
        let text = description().to_text().unwrap();
        let id = description().id().unwrap();
        assert_eq!(read(&text, id).unwrap(), description());
        let spaced = [&text[..], b"\n"].concat();
        assert!(matches!(read(&spaced, id), Err(LakeError::Corrupt { .. })));
        assert_eq!(
            read(&spaced, id_of(FORMAT, &spaced)).unwrap(),
            description()
        );
    }

    /// The digest is what a program of format 3 made of this description, which it wrote again for
    /// that.
    #[test]
    fn ids_of_earlier_formats_stay() {
        let old = Description {
            format: 3,
            ..description()
        };
        let compact = serde_json::to_vec(&old).unwrap();
        assert_eq!(without_space(&old.to_text().unwrap()), compact);
        assert_eq!(old.id().unwrap(), Digest::of("ligate-snapshot", &compact));
        assert_eq!(
            read(&old.to_text().unwrap(), old.id().unwrap()).unwrap(),
            old
        );
    }

    #[test]
    fn a_description_of_a_newer_program_is_not_called_damaged() {
        let text = String::from_utf8(description().to_text().unwrap()).unwrap();
        let newer = text.replace("\"format\": 4", "\"format\": 5,\n  \"unheard_of\": 1");
        let said = read(newer.as_bytes(), description().id().unwrap())
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("newer version of ligate") && said.contains("formats 1 to 4"),
            "{said}"
        );
        let changed = text.replace("\"variants\": 2", "\"variants\": 9");
        assert!(matches!(
            read(changed.as_bytes(), description().id().unwrap()),
            Err(LakeError::Corrupt { .. })
        ));
    }
}
