//! Sums over several nodes: masked on the way, opened here, released only by the gate.

use anyhow::{Context, Result, anyhow, ensure};
use ligate_analysis::gwas::{self, Ask, Plan, Summation};
use ligate_disclosure::{Cleared, Gate, Opened};
use ligate_federation::{Absence, Agreement, OpenedRound, RoundOptions, SignedRoster, secure_sum};
use ligate_model::{GateRule, NodeName, PeopleCounts, VariantCounts};
use tokio::runtime::Runtime;

use crate::{
    interrupt,
    run::{PermitWatch, admission::Nodes},
    session::Broadcast,
};

/// The secure sums of one run. The first one, of the people, fixes the roster.
pub struct NodeSums<'a> {
    runtime: &'a Runtime,
    watch: &'a PermitWatch<'a>,
    nodes: &'a Nodes,
    roster: SignedRoster,
    round: u64,
    members: Vec<NodeName>,
    absent: Vec<Absence>,
    gate: Gate,
    plan: Plan,
    people: Option<(PeopleCounts, Cleared)>,
}

impl<'a> NodeSums<'a> {
    pub fn new(
        runtime: &'a Runtime,
        watch: &'a PermitWatch<'a>,
        nodes: &'a Nodes,
        agreement: Agreement,
        gate: Gate,
        plan: Plan,
    ) -> Self {
        let all = || agreement.roster.roster().members().iter().map(|member| member.node.clone()).collect();
        Self {
            runtime,
            watch,
            nodes,
            members: agreement.members.clone().unwrap_or_else(all),
            round: agreement.next_round,
            roster: agreement.roster,
            absent: Vec::new(),
            gate,
            plan,
            people: None,
        }
    }

    /// Opens the first sum: how many people take part. Whoever is not in it is not in the run.
    pub fn count_people(&mut self) -> Result<()> {
        let ask = Ask::People { family: self.plan.family };
        let opened = self.round(Broadcast { people: None, ask })?;
        let released = self.gate.people(opened, gwas::decode_people, self.plan.parameters());
        let (people, cleared) =
            released.map_err(|rule| anyhow!("the disclosure gate refuses the run: {rule}"))?;
        self.people = Some((people.into_inner(), cleared));
        Ok(())
    }

    /// The nodes of the run.
    pub fn members(&self) -> &[NodeName] {
        &self.members
    }

    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// Why a node that had agreed is not in the sums.
    pub fn why_absent(&self, node: &NodeName) -> String {
        let absence = self.absent.iter().find(|absence| absence.node == *node);
        absence.map_or_else(|| "left before the first sum".to_owned(), ToString::to_string)
    }

    fn opened(&mut self, ask: &Ask) -> Result<Opened<Vec<u64>>> {
        let (people, _) = self.people.as_ref().context("the people were not counted")?;
        self.round(Broadcast { people: Some(*people), ask: ask.clone() })
    }

    fn cleared(&self) -> Result<&Cleared> {
        Ok(&self.people.as_ref().context("the people were not counted")?.1)
    }

    fn round(&mut self, broadcast: Broadcast) -> Result<Opened<Vec<u64>>> {
        interrupt::check()?;
        self.watch.still_in_force(self.runtime, self.nodes)?;
        let words = broadcast.ask.words();
        let body = postcard::to_stdvec(&broadcast).context("the question cannot be written")?;
        let options = RoundOptions { deadline: self.nodes.deadline, roster_final: self.people.is_some() };
        let ways = self.nodes.ways(&self.members);
        let summed = secure_sum(&ways, &self.roster, self.round, body, words, options);
        let OpenedRound { sum, survivors, absent } = self.runtime.block_on(summed)?;
        ensure!(
            self.people.is_none() || survivors.len() == self.members.len(),
            "a node of the final roster is missing"
        );
        self.round += 1;
        self.members = survivors;
        self.absent.extend(absent);
        Ok(sum)
    }
}

impl Summation for NodeSums<'_> {
    type Error = anyhow::Error;

    /// The people were counted before the nodes made their offers.
    fn people(&mut self, _ask: &Ask) -> Result<PeopleCounts> {
        Ok(self.people.as_ref().context("the people were not counted")?.0)
    }

    fn counts(&mut self, ask: &Ask) -> Result<Vec<Result<VariantCounts, GateRule>>> {
        let opened = self.opened(ask)?;
        let decode = |sum: &[u64]| gwas::decode_counts(&self.plan, sum, ask.keys().len());
        let released = self.gate.variants(self.cleared()?, opened, decode);
        Ok(released.into_iter().map(|counts| counts.map(ligate_disclosure::Released::into_inner)).collect())
    }

    fn sum<T>(&mut self, ask: &Ask, next: impl FnOnce(&[u64]) -> T) -> Result<T> {
        let opened = self.opened(ask)?;
        Ok(self.cleared()?.release(opened, |sum: &Vec<u64>| next(sum)).into_inner())
    }
}
