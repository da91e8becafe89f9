//! Chains between assemblies in a knowledge file: the text of UCSC's chain files, read again where
//! a file must be lifted.

use std::path::Path;

use ligate_formats::chain::Chain;
use serde::{Deserialize, Serialize};

use super::{Builder, KnowledgeError, KnowledgeFile, SectionName, file::bytes_of};

/// From which assembly to which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// From GRCh37 (hg19).
    ToGrch38,
    /// From GRCh38 (hg38).
    ToGrch37,
}

impl Direction {
    /// The direction that a chain file's name states, as `hg19ToHg38.over.chain.gz`.
    pub fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace('_', "");
        let is = |forms: [&str; 2]| forms.iter().any(|form| name.contains(form));
        if is(["hg19tohg38", "grch37togrch38"]) {
            Some(Self::ToGrch38)
        } else if is(["hg38tohg19", "grch38togrch37"]) {
            Some(Self::ToGrch37)
        } else {
            None
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ToGrch38 => "GRCh37 to GRCh38",
            Self::ToGrch37 => "GRCh38 to GRCh37",
        }
    }
}

/// Section `chains`: one text for each direction.
#[derive(Serialize, Deserialize)]
struct StoredChains(Vec<(Direction, String)>);

impl Builder {
    /// Adds the texts of chain files.
    pub fn chains(
        self,
        source: &str,
        texts: Vec<(Direction, String)>,
    ) -> Result<Self, KnowledgeError> {
        let bytes = bytes_of(&StoredChains(texts))?;
        Ok(self.section(SectionName::Chains, source, bytes))
    }
}

impl KnowledgeFile<'_> {
    /// The chain of this direction; `None` where the file does not have it.
    pub fn chain(&self, direction: Direction) -> Result<Option<Chain>, KnowledgeError> {
        const DAMAGED: KnowledgeError = KnowledgeError::Damaged("chains");
        let Some(bytes) = self.section(SectionName::Chains)? else {
            return Ok(None);
        };
        let StoredChains(texts) = postcard::from_bytes(&bytes).map_err(|_| DAMAGED)?;
        let Some((_, text)) = texts.into_iter().find(|(found, _)| *found == direction) else {
            return Ok(None);
        };
        // Chains that break the format were named when the file was built.
        let (chain, _) =
            Chain::parse(Path::new(direction.name()), text.into_bytes()).map_err(|_| DAMAGED)?;
        Ok(Some(chain))
    }
}

#[cfg(test)]
mod tests {
    use ligate_model::{Contig, Position};

    use super::*;
    use crate::mini;

    #[test]
    fn a_chain_lifts_as_its_file_does() {
        let text = "chain 1 chr1 100 + 10 60 chr1 200 + 110 160 1\n50\n\n".to_owned();
        let builder = Builder::of(&mini::knowledge()).unwrap();
        let bytes = builder
            .chains("x", vec![(Direction::ToGrch38, text)])
            .unwrap()
            .finish()
            .unwrap();
        let file = KnowledgeFile::open(&bytes).unwrap();
        let chain = file.chain(Direction::ToGrch38).unwrap().unwrap();
        let contig = Contig::new("1");
        let lifted = chain.lift(&contig, Position::new(11)).lifted().unwrap();
        assert_eq!(lifted.position.get(), 111);
        assert!(file.chain(Direction::ToGrch37).unwrap().is_none());
    }

    #[test]
    fn directions_are_told_by_names() {
        assert_eq!(
            Direction::of_name("hg19ToHg38.over.chain.gz"),
            Some(Direction::ToGrch38)
        );
        assert_eq!(
            Direction::of_name("GRCh38_to_GRCh37.chain"),
            Some(Direction::ToGrch37)
        );
        assert_eq!(Direction::of_name("hg19ToHg18.over.chain"), None);
    }
}
