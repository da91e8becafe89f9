//! Sentences about the input and about what the result assumes.

use ligate_clinic::phenotype::QueryNote;

/// What was done with terms that could not be taken as they stood.
pub fn case_notes(notes: &[QueryNote]) -> Vec<String> {
    notes.iter().map(sentence).collect()
}

fn sentence(note: &QueryNote) -> String {
    match note {
        QueryNote::Replaced { from, to } => {
            format!("{from} is an old id; {to}, which replaces it, is used")
        }
        QueryNote::Obsolete { term, consider } if consider.is_empty() => {
            format!("{term} is obsolete and was left out")
        }
        QueryNote::Obsolete { term, consider } => {
            let terms: Vec<_> = consider.iter().map(ToString::to_string).collect();
            format!(
                "{term} is obsolete and was left out; consider {}",
                terms.join(" or ")
            )
        }
        QueryNote::Unknown(term) => {
            format!("{term} is not in this release of HPO and was left out")
        }
        QueryNote::Contradictory(term) => {
            format!(
                "{term} is excluded, but observed or implied by an observed term; the observation is kept"
            )
        }
        QueryNote::NotPhenotype(term) => {
            format!("{term} is not a phenotypic abnormality and was left out")
        }
    }
}

/// What stands on every report about its probabilities.
pub fn limits(with_genome: bool, with_network: bool) -> Vec<String> {
    let mut sentences = vec![
        "Probabilities are calibrated on published cases and assume a mix of patients like theirs; a clinic's mix \
         differs, and a disease that no annotation knows cannot be named.",
        "Excluded terms take no part in the score: authors exclude what the diagnosis made them look for. They are \
         shown beside each candidate that is annotated with them.",
    ];
    if with_genome {
        sentences.extend([
            "A gene without a listed variant is not a normal gene: regions may not be covered, and structural variants \
             and repeats are not interpreted.",
            "With a genome the probabilities are not calibrated again, and \u{201c}none of these\u{201d} is a disease \
             of a gene that no disease is known of.",
        ]);
    }
    if with_network {
        sentences.push("With peers' counts the probabilities are not calibrated again.");
    }
    sentences.into_iter().map(str::to_owned).collect()
}
