//! What the nodes of a run bring: the union of their variants, and how many each brought.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail, ensure};
use ligate_model::{Digest, NodeName, VariantKey};
use tokio::runtime::Runtime;

use crate::{
    interrupt,
    session::{Answer, OFFER_PAGE, OfferedVariant, Question, SiteFacts, client::Correspondent},
};

/// Variants that one node may offer: a genome has no more single-base changes.
const MAX_OFFERED: u64 = 10_000_000_000;

/// The offers so far.
#[derive(Default)]
pub struct Offers {
    /// Each variant and its RefSNP number, where a node knows one.
    pub variants: BTreeMap<VariantKey, Option<u64>>,
    pub counts: BTreeMap<NodeName, u64>,
}

impl Offers {
    /// Takes in the pages of one node. Refuses keys out of order, pages that are not full, and
    /// endless offers.
    pub fn collect(
        &mut self,
        node: &Correspondent,
        job: Digest,
        runtime: &Runtime,
        deadline: Duration,
    ) -> Result<()> {
        let (mut last, mut count) = (None, 0);
        for page in 0.. {
            interrupt::check()?;
            let answer = runtime.block_on(node.ask(&Question::Offer { job, page }, deadline))?;
            let Answer::Facts {
                facts: SiteFacts::Variants { variants, more },
            } = answer
            else {
                bail!("{} answered something else", node.name);
            };
            count += variants.len() as u64;
            ensure!(
                variants.len() == OFFER_PAGE || !more,
                "{} sent a page that is not full",
                node.name
            );
            ensure!(
                count <= MAX_OFFERED,
                "{} offers more than {MAX_OFFERED} variants",
                node.name
            );
            for variant in variants {
                ensure!(
                    last.as_ref() < Some(&variant.key),
                    "the variants of {} are not in order",
                    node.name
                );
                last = Some(variant.key.clone());
                self.add(variant);
            }
            if !more {
                break;
            }
        }
        self.counts.insert(node.name.clone(), count);
        Ok(())
    }

    fn add(&mut self, OfferedVariant { key, rsid }: OfferedVariant) {
        let known = self.variants.entry(key).or_insert(rsid);
        *known = known.or(rsid);
    }
}
