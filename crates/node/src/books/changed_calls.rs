//! Variants of which calls have changed for a few people since something of them was shown: the
//! difference of two results would be those people's. A study withholds them, an export keeps them
//! inside, released allele counts are without them.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use ligate_disclosure::{Account, Gate};
use ligate_lake::Snapshot;
use ligate_model::{Rule, VariantKey};

/// What has changed from any snapshot of the same dataset in the account to this one. A variant
/// counts, too, that the node did not hold then.
pub fn since_shown(
    snapshot: &Snapshot,
    account: &Account,
    gate: &Gate,
) -> Result<BTreeSet<VariantKey>> {
    // As many as the account has columns could be solved for, one by one; four times as many are
    // far from that.
    let few = u32::try_from(gate.thresholds()[Rule::Cell].max(4 * account.classes() as u64))?;
    let mut all = BTreeSet::new();
    let of_dataset = account
        .snapshots()
        .filter(|(dataset, _)| dataset == snapshot.dataset());
    for (dataset, earlier) in of_dataset.filter(|(_, earlier)| *earlier != snapshot.id()) {
        let changed = snapshot.changed_since(*earlier, few)?;
        all.extend(changed.with_context(|| {
            format!(
                "what has changed in {dataset} since something of it was shown is not known here (rule: calls that \
                 changed); load the newer data on top of the older"
            )
        })?);
    }
    Ok(all)
}
