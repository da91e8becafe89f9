//! Which knowledge file is in use: the one that is named, the one that the environment names, the
//! one that was installed, or the one that comes with the program.

use std::{
    borrow::Cow,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use ligate_clinic::phenotype::Model;
use ligate_knowledge::{Knowledge, KnowledgeFile};
use ligate_model::Digest;

use crate::report::diagnosis::Version;

/// The file that comes with the program: HPO of 2025-01-16. Its licences and citations are in
/// NOTICE.md beside it.
pub const BUILT_IN: &[u8] = include_bytes!("../../knowledge/hpo-2025-01-16.ligk");

/// Names the knowledge file where no option does.
const VARIABLE: &str = "LIGATE_KNOWLEDGE";

/// A knowledge file and the facts that a ranking by phenotype needs of it.
pub struct Facts {
    bytes: Cow<'static, [u8]>,
    pub knowledge: Knowledge,
    /// Where it is from, in words.
    pub origin: String,
}

impl Facts {
    /// Reads the knowledge in use. A named file that cannot be read is an error, never replaced by
    /// another.
    pub fn open(named: Option<&Path>) -> Result<Self> {
        let (bytes, origin) = bytes(named)?;
        Self::read(bytes, origin)
    }

    /// The facts that come with the program, whatever is installed.
    pub fn built_in() -> Result<Self> {
        let (bytes, origin) = own();
        Self::read(bytes, origin)
    }

    fn read(bytes: Cow<'static, [u8]>, origin: String) -> Result<Self> {
        let knowledge = KnowledgeFile::open(&bytes)
            .and_then(|file| file.knowledge())
            .with_context(|| format!("in the knowledge file ({origin})"))?;
        Ok(Self {
            bytes,
            knowledge,
            origin,
        })
    }

    /// The file, for its genome sections.
    pub fn file(&self) -> Result<KnowledgeFile<'_>> {
        Ok(KnowledgeFile::open(&self.bytes)?)
    }

    /// What a report says of it.
    pub fn versions(&self) -> Vec<Version> {
        let version = &self.knowledge.version;
        let line = |what: &str, which: &str| Version {
            what: what.to_owned(),
            which: which.to_owned(),
        };
        let mut lines = vec![
            line("Human Phenotype Ontology", &version.hpo),
            line("disease annotations", &version.hpoa),
            line("MONDO", &version.mondo),
            line("gene names", &version.genes),
        ];
        lines.extend(
            version
                .genome
                .iter()
                .map(|(section, source)| line(section, source)),
        );
        lines.retain(|line| !line.which.is_empty());
        lines.push(line(
            "knowledge file",
            &format!("{} ({})", version.digest.short(), self.origin),
        ));
        lines
    }
}

/// The bytes of the knowledge in use, and where they are from.
pub fn bytes(named: Option<&Path>) -> Result<(Cow<'static, [u8]>, String)> {
    let from_environment = || {
        env::var_os(VARIABLE)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let installed = || installed_path().filter(|path| path.exists());
    match named
        .map(Path::to_owned)
        .or_else(from_environment)
        .or_else(installed)
    {
        None => Ok(own()),
        Some(path) => {
            let bytes = fs::read(&path)
                .with_context(|| format!("cannot read the knowledge file {}", path.display()))?;
            Ok((Cow::Owned(bytes), path.display().to_string()))
        }
    }
}

/// The bytes that come with the program.
fn own() -> (Cow<'static, [u8]>, String) {
    (Cow::Borrowed(BUILT_IN), "comes with the program".to_owned())
}

/// Where `ligate knowledge build` installs a file for this user: below $XDG_DATA_HOME, else
/// ~/.local/share.
pub fn installed_path() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let data =
        absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("ligate").join("knowledge.ligk"))
}

/// The ranking model's version: what it was trained on, and the first digits of its digest.
pub fn model_version() -> String {
    let model = Model::built_in();
    let json = model.to_json().unwrap_or_default();
    format!(
        "{} ({})",
        Digest::of("ligate ranking model", json.as_bytes()).short(),
        model.knowledge()
    )
}
