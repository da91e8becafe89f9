//! Disease ids and references as numbers.

use ligate_model::{DiseaseId, Pmid};
use serde::{Deserialize, Serialize};

use super::Reference;

/// A disease id: catalogue and number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredId(u8, u32);

impl StoredId {
    pub(super) fn of(id: DiseaseId) -> Self {
        match id {
            DiseaseId::Omim(number) => Self(0, number),
            DiseaseId::Orphanet(number) => Self(1, number),
            DiseaseId::Decipher(number) => Self(2, number),
            DiseaseId::Mondo(number) => Self(3, number),
        }
    }

    pub(super) fn restore(self) -> Option<DiseaseId> {
        match self {
            Self(0, number) => Some(DiseaseId::Omim(number)),
            Self(1, number) => Some(DiseaseId::Orphanet(number)),
            Self(2, number) => Some(DiseaseId::Decipher(number)),
            Self(3, number) => Some(DiseaseId::Mondo(number)),
            Self(..) => None,
        }
    }
}

/// A reference: a disease id, or what is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct StoredReference(u8, u32);

const PUBLICATION: u8 = 16;
const OTHER: u8 = 17;

impl StoredReference {
    pub(super) fn of(reference: Reference) -> Self {
        match reference {
            Reference::Publication(pmid) => Self(PUBLICATION, pmid.0),
            Reference::Catalogue(id) => {
                let StoredId(catalogue, number) = StoredId::of(id);
                Self(catalogue, number)
            }
            Reference::Other => Self(OTHER, 0),
        }
    }

    pub(super) fn restore(self) -> Option<Reference> {
        match self {
            Self(PUBLICATION, number) => Some(Reference::Publication(Pmid(number))),
            Self(OTHER, _) => Some(Reference::Other),
            Self(catalogue, number) => StoredId(catalogue, number)
                .restore()
                .map(Reference::Catalogue),
        }
    }
}
