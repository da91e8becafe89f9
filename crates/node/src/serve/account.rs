//! The span rule at one node: which columns were shown of this node's people, what a run would add, and whether that
//! leaves everybody among many. The node judges its own rows, by sums over the nodes without each other
//! one, and says only "yes" or which variable to leave out.

use anyhow::{Context, Result, ensure};
use ligate_analysis::gwas::{self, Cohort, Model, OwnGate, Plan, Role};
use ligate_disclosure::{
    ACCOUNT_COLUMNS_MAX, Account, ColumnId, NewColumn,
    span::{Finding, Gram, HISTOGRAM_WORDS, Limits, Rotation, Rows, histogram, judge},
};
use ligate_model::{BinaryCoding, Digest, VariableName};

use crate::session::{
    Judgement,
    rounds::{AccountAsk, SuspectsAsk},
};

/// Most combinations that one node asks all others about.
const SUSPECTS_MAX: usize = 16;

/// Columns of an account over this node's people, to be judged in one round over all nodes.
pub struct Check {
    rows: Rows,
    /// W'W of the rows.
    gram: Gram,
    /// The variables of the last columns, those that a study would add; none for 1 for everybody.
    added: Vec<Option<VariableName>>,
    /// What the nodes alone share in this round.
    secret: [u8; 32],
    /// Place of this node in the roster.
    own: usize,
    nodes: usize,
    /// Whether the sums were judged, whatever came out.
    asked: bool,
    judged: bool,
    suspects: usize,
    suspects_answered: bool,
}

/// The people and plan of a run at this node.
pub struct Study<'a> {
    pub cohort: &'a Cohort,
    pub plan: &'a Plan,
    /// Of a logistic trait.
    pub coding: Option<BinaryCoding>,
    /// The people of the cohort as the ledger knows them, in the cohort's order.
    pub numbers: &'a [u64],
    pub own_gate: OwnGate,
    pub threads: usize,
}

/// What a study adds to an account.
pub struct Addition {
    /// With a number per person of the cohort.
    pub columns: Vec<NewColumn>,
    /// What they were made from: nothing else is answered.
    pub model: Model,
}

impl Addition {
    /// The columns that a study would add, and all rows with them after the account's own columns.
    pub fn new(account: &Account, study: &Study<'_>, ask: &AccountAsk) -> Result<(Self, Rows)> {
        let asked = ask.study.as_ref().context("the question names no study")?;
        check_complete(account, &ask.shown)?;
        let values = gwas::columns(study.cohort, study.plan, &asked.model, &study.own_gate, study.threads);
        ensure!(
            values.len() == usize::from(asked.columns),
            "the question counts other columns than the study has"
        );
        let rows = account.rows(&ask.shown, study.numbers, &values);
        let roles = gwas::roles(study.plan, asked.model.baseline);
        let columns =
            roles.into_iter().zip(values).map(|(role, values)| new_column(study, &asked.model, role, values));
        Ok((Self { columns: columns.collect(), model: asked.model.clone() }, rows))
    }
}

/// Refuses a question that this node could not answer, before it makes rows for it.
pub fn check_ask(ask: &AccountAsk, nodes: usize) -> Result<()> {
    ensure!(usize::from(ask.nodes) == nodes, "the question counts other nodes than the roster");
    ensure!(
        ask.width() <= ACCOUNT_COLUMNS_MAX,
        "the account would have more than {ACCOUNT_COLUMNS_MAX} columns"
    );
    ensure!(ask.fraction_bits <= 40, "the question asks for more bits than a word has");
    Ok(())
}

impl Check {
    /// `added` are the variables of the last columns of `rows`; `secret` is what the nodes of this round share.
    pub fn new(
        rows: Rows,
        added: Vec<Option<VariableName>>,
        [own, nodes]: [usize; 2],
        secret: &[u8; 32],
        threads: usize,
    ) -> Self {
        Self {
            gram: rows.gram(threads),
            rows,
            added,
            secret: *secret,
            own,
            nodes,
            asked: false,
            judged: false,
            suspects: 0,
            suspects_answered: false,
        }
    }

    /// This node's part of the sums: its own matrix in each, but for the one without it. Each has a basis of its own, so
    /// that the difference of two of them is not a node's own matrix.
    pub fn vector(&self, fraction_bits: u32) -> Vec<u64> {
        let part = |without: usize| {
            if without == self.own {
                vec![0; self.gram.lower().len()]
            } else {
                self.gram.rotated(&self.rotation(without)).to_words(fraction_bits)
            }
        };
        (0..self.nodes).flat_map(part).collect()
    }

    /// The basis of the sum without a node; that of suspects has the number after the last node.
    fn rotation(&self, without: usize) -> Rotation {
        Rotation::new(self.rows.columns(), self.seed("ligate basis", without).as_bytes())
    }

    fn seed(&self, purpose: &str, number: usize) -> Digest {
        let bytes: Vec<u8> = self.secret.iter().copied().chain((number as u64).to_le_bytes()).collect();
        Digest::of(purpose, &bytes)
    }

    /// Judges this node's rows by the sums without each other node.
    pub fn judge(&mut self, grams: &[Vec<f64>], limits: Limits, threads: usize) -> Result<Judgement> {
        ensure!(grams.len() == self.nodes, "there is not one sum of the account for each node");
        ensure!(!std::mem::replace(&mut self.asked, true), "the account was judged before");
        let suspect_from = 0.9 / (self.nodes.saturating_sub(1).max(1)) as f64;
        let mut judgement = Judgement { columns: self.added.len() as u64, ..Judgement::default() };
        for (without, lower) in grams.iter().enumerate().filter(|(without, _)| *without != self.own) {
            let gram = Gram::from_lower(self.rows.columns(), lower.clone())
                .with_context(|| format!("the sum without node {without}"))?
                .rotated_back(&self.rotation(without));
            ensure!(gram.holds(&self.gram), "a sum of the account does not hold this node's own part");
            let found = judge(&self.rows, &gram, limits, suspect_from, threads);
            self.take(&found, &mut judgement);
        }
        self.judged = judgement.refused.is_none();
        self.suspects = judgement.suspects.len();
        Ok(judgement)
    }

    fn take(&self, found: &Finding, judgement: &mut Judgement) {
        judgement.leverage = judgement.leverage.max(found.leverage);
        judgement.share = judgement.share.max(found.share);
        if let Some(worst) = &found.worst
            && judgement.refused.is_none()
        {
            judgement.refused = Some(self.blame(worst));
        }
        let room = SUSPECTS_MAX.saturating_sub(judgement.suspects.len());
        if room == 0 || found.suspects.is_empty() {
            return;
        }
        let basis = self.rotation(self.nodes);
        for (_, combination) in found.suspects.iter().take(room) {
            let mut turned = combination.clone();
            basis.forward(&mut turned);
            judgement.suspects.push(turned);
        }
    }

    /// The variable to leave out: that of the added columns with the largest part in a combination.
    fn blame(&self, combination: &[f64]) -> String {
        let first = self.rows.columns() - self.added.len();
        let part = |place: &usize| combination[first + place].abs();
        let of_variable = (0..self.added.len()).filter(|place| self.added[*place].is_some());
        let most = of_variable.max_by(|a, b| part(a).total_cmp(&part(b)));
        most.and_then(|place| self.added[place].as_ref()).map(ToString::to_string).unwrap_or_default()
    }

    /// How this node's people weigh in combinations that some node suspects.
    pub fn suspects(&mut self, ask: &SuspectsAsk) -> Result<Vec<u64>> {
        ensure!(self.judged && !self.suspects_answered, "the question comes out of order");
        ensure!(usize::from(ask.nodes) == self.nodes, "the question counts other nodes than the roster");
        ensure!(
            ask.combinations.len() <= SUSPECTS_MAX * self.nodes,
            "the question has too many combinations"
        );
        let basis = self.rotation(self.nodes);
        let mut words = Vec::new();
        for turned in &ask.combinations {
            ensure!(turned.len() == self.rows.columns(), "a combination has another length than the account");
            let mut combination = turned.clone();
            basis.backward(&mut combination);
            for without in 0..self.nodes {
                words.extend(self.histogram_without(without, &combination));
            }
        }
        self.suspects_answered = true;
        Ok(words)
    }

    /// This node's histogram for the sum without a node. Each sum has a scale of its own that only the nodes know, so that
    /// the difference of two is not a node's own histogram; shares do not depend on the scale.
    fn histogram_without(&self, without: usize, combination: &[f64]) -> Vec<u64> {
        if without == self.own {
            return vec![0; HISTOGRAM_WORDS];
        }
        let seed = self.seed("ligate scale", without);
        let fraction = f64::from(u16::from_le_bytes([seed.as_bytes()[0], seed.as_bytes()[1]])) / 65_536.0;
        let scaled: Vec<f64> = combination.iter().map(|part| part * (1.0 + fraction)).collect();
        histogram(&self.rows, &scaled)
    }

    /// Refuses as long as this node has not found that nothing speaks against the columns.
    pub fn admitted(&self) -> Result<()> {
        ensure!(self.judged, "nothing about genotypes is answered before the account was judged");
        ensure!(
            self.suspects == 0 || self.suspects_answered,
            "this node suspects a combination, and not all nodes were asked about it"
        );
        Ok(())
    }
}

/// Every distinct column of this node's account must be among those that are judged.
fn check_complete(account: &Account, shown: &[ColumnId]) -> Result<()> {
    let classes =
        |id: &ColumnId| account.columns().iter().find(|column| column.id == *id).map(|column| column.class);
    let judged: std::collections::BTreeSet<u32> = shown.iter().filter_map(classes).collect();
    ensure!(judged.len() == account.classes(), "the question leaves out a column of this node's account");
    Ok(())
}

fn new_column(study: &Study<'_>, model: &Model, role: Role, values: Vec<f64>) -> NewColumn {
    let place = |name| study.plan.variables().position(|other| other == name);
    let (centre, unit, fill) = match &role {
        Role::Covariate(name) | Role::Trait(name) => {
            match place(name).and_then(|place| model.scaling.get(place)) {
                Some(scaling) => (scaling.centre(), scaling.unit(), Some(scaling.fill_value())),
                None => {
                    let absent = if study.coding == Some(BinaryCoding::OneTwo) { 1.0 } else { 0.0 };
                    (absent, 1.0, Some(absent + model.fill))
                }
            }
        }
        _ => (0.0, 1.0, None),
    };
    NewColumn {
        role: role_name(&role).to_owned(),
        variable: role.variable().cloned(),
        values: (role != Role::People).then_some(values),
        centre,
        unit,
        fill,
    }
}

fn role_name(role: &Role) -> &'static str {
    match role {
        Role::People => "people",
        Role::Covariate(_) => "covariate",
        Role::Trait(_) => "trait",
        Role::Expected(_) => "expected",
        Role::Weight(_) => "weight",
        Role::Weighted(_, _) => "weighted",
        Role::Residual(_) => "residual",
    }
}
