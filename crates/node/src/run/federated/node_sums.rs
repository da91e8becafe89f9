//! Sums over several nodes: masked on the way, opened here, released only by the gate.

use anyhow::{Context, Result, anyhow, ensure};
use ligate_access::permit::SignedPermit;
use ligate_analysis::gwas::{self, Ask, Model, Plan, Summation};
use ligate_disclosure::{Cleared, ColumnId, Gate, Opened, span::Limits};
use ligate_federation::{Absence, Agreement, OpenedRound, RoundOptions, SignedRoster, secure_sum};
use ligate_model::{Digest, GateRule, NodeName, PeopleCounts, Rule, VariantCounts};
use tokio::runtime::Runtime;

use super::account::{self, Cost, Groups, SpanRefusal};
use crate::{
    folder::Folder,
    gate::thresholds,
    interrupt,
    run::{PermitWatch, admission::Nodes},
    session::rounds::{AskedStudy, Broadcast, RoundAsk},
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
    terms: SumTerms,
    people: Option<(PeopleCounts, Cleared)>,
}

/// What is computed and what is held against it.
pub struct SumTerms {
    pub gate: Gate,
    pub plan: Plan,
    /// What the matrices of accounts are softened with.
    pub secret: [u8; 32],
    /// Stop when the cost is known.
    pub plan_only: bool,
}

impl SumTerms {
    /// The permit's rules at this coordinator.
    pub fn new(folder: &Folder, permit: &SignedPermit, plan: Plan) -> Result<Self> {
        let rules = thresholds(&permit.permit().output);
        Ok(Self {
            gate: Gate::new(folder.config.disclosure)?.tightened(&rules),
            plan,
            secret: *folder.identity.secret("ligate softened sums").as_bytes(),
            plan_only: false,
        })
    }
}

/// Said where a run was only to be planned and its cost is known.
#[derive(Debug)]
pub struct Planned(pub Cost);

impl std::fmt::Display for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the run was planned, not made")
    }
}

impl std::error::Error for Planned {}

impl<'a> NodeSums<'a> {
    pub fn new(
        runtime: &'a Runtime,
        watch: &'a PermitWatch<'a>,
        nodes: &'a Nodes,
        agreement: Agreement,
        terms: SumTerms,
    ) -> Self {
        let all = || {
            agreement
                .roster
                .roster()
                .members()
                .iter()
                .map(|member| member.node.clone())
                .collect()
        };
        Self {
            runtime,
            watch,
            nodes,
            members: agreement.members.clone().unwrap_or_else(all),
            round: agreement.next_round,
            roster: agreement.roster,
            absent: Vec::new(),
            terms,
            people: None,
        }
    }

    /// Opens the first sum: how many people take part. Whoever is not in it is not in the run.
    pub fn count_people(&mut self) -> Result<()> {
        let ask = Ask::People {
            two_values: self.terms.plan.two_values,
        };
        let opened = self.round(Broadcast {
            people: None,
            ask: RoundAsk::Study(ask),
        })?;
        let released =
            self.terms
                .gate
                .people(opened, gwas::decode_people, self.terms.plan.parameters());
        let (people, cleared) =
            released.map_err(|rule| anyhow!("the disclosure gate refuses the run: {rule}"))?;
        self.people = Some((people.into_inner(), cleared));
        Ok(())
    }

    /// Takes the people of a run whose result was released before: for what is decided about that
    /// result.
    pub fn take_people(&mut self, people: PeopleCounts) -> Result<()> {
        let cleared = Cleared::of_released(&self.terms.gate, people, self.terms.plan.parameters());
        let cleared =
            cleared.map_err(|rule| anyhow!("the disclosure gate refuses the result: {rule}"))?;
        self.people = Some((people, cleared));
        Ok(())
    }

    /// The nodes of the run.
    pub fn members(&self) -> &[NodeName] {
        &self.members
    }

    pub fn gate(&self) -> &Gate {
        &self.terms.gate
    }

    /// Why a node that had agreed is not in the sums.
    pub fn why_absent(&self, node: &NodeName) -> String {
        let absence = self.absent.iter().find(|absence| absence.node == *node);
        absence.map_or_else(
            || "left before the first sum".to_owned(),
            ToString::to_string,
        )
    }

    fn opened(&mut self, ask: RoundAsk) -> Result<Opened<Vec<u64>>> {
        let (people, _) = self
            .people
            .as_ref()
            .context("the people were not counted")?;
        self.round(Broadcast {
            people: Some(*people),
            ask,
        })
    }

    /// Asks all nodes whether the run may weigh genotypes with what the model says.
    fn admits(&mut self, model: &Model) -> Result<Cost> {
        let job = self.roster.roster().context().job;
        let accounts = self
            .runtime
            .block_on(self.nodes.accounts(&self.members, job, model))?;
        account::check_rosters(&accounts.rosters, &self.member_keys())?;
        let study = AskedStudy::new(
            &self.terms.plan,
            model.clone(),
            account::products(&accounts),
        )?;
        let judged = self.judge(account::distinct(&accounts.columns)?, Some(study));
        judged.map_err(|error| match error.downcast::<SpanRefusal>() {
            Ok(refusal) => SpanRefusal {
                wald: self.terms.plan.has_wald_tests(),
                ..refusal
            }
            .into(),
            Err(error) => error,
        })
    }

    /// Has all nodes judge their people by columns that were shown, with those of a study.
    pub fn judge(&mut self, shown: Vec<ColumnId>, study: Option<AskedStudy>) -> Result<Cost> {
        let job = self.roster.roster().context().job;
        let places = self.roster.roster().members().len();
        let ask = account::ask(shown, study, places, self.cleared()?.people().individuals)?;
        let opened = self.opened(RoundAsk::Account(ask.clone()))?;
        let grams = account::grams(self.cleared()?, opened, &ask, &self.terms.secret)?;
        let mut judgements = self
            .runtime
            .block_on(self.nodes.judge(&self.members, job, grams))?;
        let mut cost = account::verdict(&judgements, ask.shown.len())?;
        if let Some(again) = account::refine(&judgements, places)? {
            let opened = self.opened(RoundAsk::Refine(again.clone()))?;
            let grams = account::second_grams(self.cleared()?, opened, &again, &self.terms.secret)?;
            judgements = self
                .runtime
                .block_on(self.nodes.judge(&self.members, job, grams))?;
            cost = account::verdict(&judgements, ask.shown.len())?;
        }
        let limits = Limits::of_cell(self.terms.gate.thresholds()[Rule::Cell]);
        let mut groups = Groups::new(&judgements, places, limits, &self.terms.secret)?;
        while let Some(steps) = groups.ask() {
            let opened = self.opened(RoundAsk::Climb(steps))?;
            groups.take(self.cleared()?, opened)?;
        }
        cost.share = cost.share.max(groups.share());
        Ok(cost)
    }

    /// The keys of the nodes of the run, sorted.
    fn member_keys(&self) -> Vec<Digest> {
        let members = self.roster.roster().members().iter();
        let members = members.filter(|member| self.members.contains(&member.node));
        let mut keys: Vec<_> = members
            .map(|member| Digest::from_bytes(*member.key.as_bytes()))
            .collect();
        keys.sort();
        keys
    }

    fn cleared(&self) -> Result<&Cleared> {
        Ok(&self
            .people
            .as_ref()
            .context("the people were not counted")?
            .1)
    }

    fn round(&mut self, broadcast: Broadcast) -> Result<Opened<Vec<u64>>> {
        interrupt::check()?;
        self.watch.still_in_force(self.runtime, self.nodes)?;
        let words = broadcast.ask.words();
        let body = postcard::to_stdvec(&broadcast).context("the question cannot be written")?;
        let options = RoundOptions {
            deadline: self.nodes.deadline,
            roster_final: self.people.is_some(),
        };
        let ways = self.nodes.ways(&self.members);
        let summed = secure_sum(&ways, &self.roster, self.round, body, words, options);
        let OpenedRound {
            sum,
            survivors,
            absent,
        } = self.runtime.block_on(summed)?;
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
        Ok(self
            .people
            .as_ref()
            .context("the people were not counted")?
            .0)
    }

    fn admit(&mut self, model: &Model) -> Result<()> {
        let cost = self.admits(model)?;
        if self.terms.plan_only {
            Err(Planned(cost).into())
        } else {
            Ok(())
        }
    }

    fn counts(&mut self, ask: &Ask) -> Result<Vec<Result<VariantCounts, GateRule>>> {
        let opened = self.opened(RoundAsk::Study(ask.clone()))?;
        let decode = |sum: &[u64]| gwas::decode_counts(&self.terms.plan, sum, ask.keys().len());
        let released = self.terms.gate.variants(self.cleared()?, opened, decode);
        Ok(released
            .into_iter()
            .map(|counts| counts.map(ligate_disclosure::Released::into_inner))
            .collect())
    }

    fn sum<T>(&mut self, ask: &Ask, next: impl FnOnce(&[u64]) -> T) -> Result<T> {
        let opened = self.opened(RoundAsk::Study(ask.clone()))?;
        Ok(self
            .cleared()?
            .release(opened, |sum: &Vec<u64>| next(sum))
            .into_inner())
    }
}
