//! What is told of the registries and of the patient.

use ligate_model::NodeName;

use super::Story;
use crate::demo::findings::{Account, CLINIC, Held, Holding, Place, Ranked};

impl Story {
    pub fn registry(&self, holding: &Holding) {
        self.say(&format!(
            "   {:<10} {} made-up patients; {} counts released: {}",
            holding.node.as_str(),
            holding.patients,
            holding.released,
            listed(&holding.diseases_released),
        ));
        self.say(&format!(
            "   {0:<10} suppressed: counts below {2} patients: {1}; diseases below {3}: {4}",
            "",
            holding.suppressed,
            holding.minimums.count,
            holding.minimums.batch_patients,
            listed(&holding.diseases_suppressed)
        ));
    }

    pub fn fetched(&self, clinic: &NodeName, fetched: &[(NodeName, usize)]) {
        let tables: Vec<_> = fetched
            .iter()
            .map(|(peer, rows)| format!("{rows} counts of {peer}"))
            .collect();
        self.say(&format!(
            "   {:<10} fetched whole tables, ahead of any patient: {}",
            clinic.as_str(),
            tables.join(", ")
        ));
    }

    pub fn diagnosis(&mut self, account: Account) {
        self.say(&format!(
            "   {:<10} has a made-up patient with {}",
            CLINIC,
            account.observed.join(", ").to_lowercase()
        ));
        let truth = &account.true_disease;
        self.ranking("with the annotations alone", &account.alone, truth);
        self.ranking(
            "with the counts of the other nodes",
            &account.with_network,
            truth,
        );
        if let Some(row) = &account.by_phenotype {
            let without: Vec<_> = row
                .without
                .iter()
                .map(|(peer, rank)| format!("{rank} without {peer}"))
                .collect();
            self.say(&format!(
                "   its rank by phenotype: {} with both tables, {}, {} with neither",
                row.with_all,
                without.join(", "),
                row.with_none
            ));
        }
        self.say(&format!(
            "   nothing of the patient left {CLINIC}: {} new entries in the other nodes' logs since the fetch",
            account.asked_of_peers
        ));
        self.say(&format!(
            "   the patient's page: {}",
            account.report.display()
        ));
        self.account = Some(account);
    }

    fn ranking(&self, how: &str, ranked: &Ranked, truth: &str) {
        self.say(&format!("   {how}"));
        let leading = ranked.leading.iter().chain(further(ranked));
        for place in leading {
            let here = if is_truth(place, ranked) {
                "   <- what the patient has"
            } else {
                ""
            };
            self.say(&format!(
                "      {:>3}  {:>5.1}%  {}{here}",
                place.rank,
                100.0 * place.probability,
                place.name
            ));
        }
        if ranked.true_disease.is_none() {
            self.say(&format!(
                "      {truth} is not among the first {}",
                ranked.candidates
            ));
        }
    }
}

/// The patient's disease, where it is not among the leading ones.
fn further(ranked: &Ranked) -> Option<&Place> {
    ranked
        .true_disease
        .as_ref()
        .filter(|place| place.rank > ranked.leading.len())
}

fn is_truth(place: &Place, ranked: &Ranked) -> bool {
    ranked
        .true_disease
        .as_ref()
        .is_some_and(|truth| truth.disease == place.disease)
}

fn listed(held: &[Held]) -> String {
    let named: Vec<_> = held
        .iter()
        .map(|held| format!("{} ({} patients)", held.disease, held.patients))
        .collect();
    if named.is_empty() {
        "nothing".to_owned()
    } else {
        named.join(", ")
    }
}
