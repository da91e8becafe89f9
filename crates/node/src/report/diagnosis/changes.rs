//! What changed between two reports of one patient: versions, terms, the leading candidates.

use super::{Changes, Diagnosis, TermName};

/// How many leading candidates of either report are compared.
const COMPARED: usize = 10;

/// What differs in `now` from `before`, one sentence each.
pub fn changes(before: &Diagnosis, now: &Diagnosis) -> Changes {
    Changes {
        since: before.date.clone(),
        versions: versions(before, now),
        terms: [
            gained_and_lost("observed", &before.patient.observed, &now.patient.observed),
            gained_and_lost("excluded", &before.patient.excluded, &now.patient.excluded),
        ]
        .concat(),
        candidates: candidates(before, now),
    }
}

fn versions(before: &Diagnosis, now: &Diagnosis) -> Vec<String> {
    let old = |what: &str| before.versions.iter().find(|version| version.what == what);
    let mut sentences = Vec::new();
    for version in &now.versions {
        match old(&version.what) {
            Some(earlier) if earlier.which == version.which => {}
            Some(earlier) => sentences.push(format!(
                "{}: {}, was {}",
                version.what, version.which, earlier.which
            )),
            None => sentences.push(format!("{}: {}, new", version.what, version.which)),
        }
    }
    let gone = |what: &str| now.versions.iter().all(|version| version.what != what);
    let lost = before.versions.iter().filter(|version| gone(&version.what));
    sentences.extend(lost.map(|version| format!("{}: no longer used", version.what)));
    sentences
}

fn gained_and_lost(kind: &str, before: &[TermName], now: &[TermName]) -> Vec<String> {
    let lacks = |terms: &[TermName], id: &str| terms.iter().all(|term| term.id != id);
    let gained = now
        .iter()
        .filter(|term| lacks(before, &term.id))
        .map(|term| format!("{kind} now: {}", term.name));
    let lost = before
        .iter()
        .filter(|term| lacks(now, &term.id))
        .map(|term| format!("{kind} no longer: {}", term.name));
    gained.chain(lost).collect()
}

fn candidates(before: &Diagnosis, now: &Diagnosis) -> Vec<String> {
    let mut sentences = Vec::new();
    for candidate in now.candidates.iter().take(COMPARED) {
        let earlier = before
            .candidates
            .iter()
            .find(|other| other.disease == candidate.disease);
        let name = &candidate.name;
        match earlier {
            None => sentences.push(format!("{name}: rank {}, was not listed", candidate.rank)),
            Some(earlier) if earlier.rank != candidate.rank => sentences.push(format!(
                "{name}: rank {}, was {} (probability {:.1}%, was {:.1}%)",
                candidate.rank,
                earlier.rank,
                100.0 * candidate.probability,
                100.0 * earlier.probability
            )),
            Some(_) => {}
        }
    }
    for earlier in before.candidates.iter().take(COMPARED) {
        if now
            .candidates
            .iter()
            .all(|candidate| candidate.disease != earlier.disease)
        {
            sentences.push(format!(
                "{}: was rank {}, is no longer listed",
                earlier.name, earlier.rank
            ));
        }
    }
    sentences
}

#[cfg(test)]
mod tests {
    use super::{super::example::diagnosis, *};

    #[test]
    fn equal_reports_differ_in_nothing() {
        let report = diagnosis();
        let found = changes(&report, &report);
        assert!(
            found.versions.is_empty() && found.terms.is_empty() && found.candidates.is_empty(),
            "{found:?}"
        );
    }

    #[test]
    fn each_difference_is_one_sentence() {
        let (before, mut now) = (diagnosis(), diagnosis());
        now.versions[0].which = "0.2.0".to_owned();
        now.patient.observed.pop();
        now.candidates.swap(0, 1);
        now.candidates[0].rank = 1;
        now.candidates[1].rank = 2;
        let found = changes(&before, &now);
        assert_eq!(found.versions, ["ligate: 0.2.0, was 0.1.0"]);
        assert_eq!(found.terms, ["observed no longer: Proptosis"]);
        assert_eq!(found.candidates.len(), 2);
        assert!(
            found.candidates[0].contains("rank 1, was 2"),
            "{:?}",
            found.candidates
        );
    }
}
