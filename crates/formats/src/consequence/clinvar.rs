//! ClinVar's clinical significance as variant files have it: words (VEP's CLIN_SIG, ClinVar's
//! CLNSIG since 2017) or the numbers of older releases.

/// One class. Other words (drug response, association, risk factor) are `Other`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClinicalSignificance {
    Pathogenic,
    LikelyPathogenic,
    Uncertain,
    LikelyBenign,
    Benign,
    Conflicting,
    Other,
}

impl ClinicalSignificance {
    /// Reads the classes of a field, each once, the first first. "not_provided" and '.' are none.
    pub fn parse_all(text: &str) -> Vec<Self> {
        let mut all = Vec::new();
        for word in text.split(['&', '/', '|', ',']) {
            if let Some(class) = Self::parse(word.trim().trim_start_matches('_'))
                && !all.contains(&class)
            {
                all.push(class);
            }
        }
        all
    }

    fn parse(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().replace(' ', "_").as_str() {
            "" | "." | "1" | "not_provided" => return None,
            "5" | "pathogenic" => Self::Pathogenic,
            "4" | "likely_pathogenic" => Self::LikelyPathogenic,
            "0" | "uncertain_significance" => Self::Uncertain,
            "3" | "likely_benign" => Self::LikelyBenign,
            "2" | "benign" => Self::Benign,
            "conflicting_interpretations_of_pathogenicity"
            | "conflicting_classifications_of_pathogenicity"
            | "conflicting_data_from_submitters" => Self::Conflicting,
            _ => Self::Other,
        })
    }
}
