//! The span rule at one node: which columns were shown of this node's people, what a run would add,
//! and whether that leaves everybody among many. The node judges its own rows, by sums over the
//! nodes without each other one, says "yes" or which variable to leave out, and takes part in the
//! search for groups over several nodes.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail, ensure};
use ligate_analysis::gwas::{self, Cohort, Family, Model, OwnGate, Plan, Role};
use ligate_disclosure::{
    ACCOUNT_COLUMNS_MAX, Account, AccountColumn, ColumnId, ForExport, LedgerRefusal, NewColumn,
    PeopleSet,
    span::{
        self, Basis, Finding, Frame, Gram, Limits, ROUNDS_MAX, Rotation, Rows, STARTS_MAX,
        WholeColumns, judge_by, own_sum,
    },
};
use ligate_model::{BinaryCoding, Digest, VariableName};

use super::products;
use crate::session::{
    Earlier, Judgement, LEVERAGE_STEP, Without,
    rounds::{AccountAsk, ClimbAsk, JudgedProducts, RefineAsk, second_fraction_bits, triangle},
};

/// Combinations of one round for one left-out node: each start is followed in two ways.
const STEPS_MAX: usize = 2 * STARTS_MAX;

/// Columns of an account over this node's people, to be judged over all nodes.
pub struct Check {
    rows: Rows,
    /// W'W of the rows.
    gram: Gram,
    columns: Columns,
    /// The rank of the plain ones of the added columns, by left-out node.
    plain_ranks: Vec<u16>,
    /// By left-out node a basis of the columns that are whole, where not all are.
    whole_bases: Vec<Option<Basis>>,
    /// By left-out node the columns of which the sum over this node's own people must not follow.
    kept_apart: Vec<Vec<[usize; 2]>>,
    /// What the nodes alone share in this check.
    secret: [u8; 32],
    /// By left-out node the basis in which the coordinator sees the sum.
    rotations: Vec<Option<Rotation>>,
    /// Place of this node in the roster.
    own: usize,
    nodes: usize,
    threads: usize,
    stage: Stage,
}

/// What the columns of a check are.
pub struct Columns {
    /// The variables of the last columns, those that are judged with a study; none for 1 for
    /// everybody.
    pub added: Vec<Option<VariableName>>,
    /// How many of these the account would get.
    pub entered: usize,
    /// How many of these are plain: 1 for everybody, and values as they are.
    pub plain: usize,
    /// Places of the columns of which the sum over this node's own people must not follow, nor that
    /// of a combination of the two: 1 for everybody, and a variable of the study.
    pub kept_apart: Vec<[usize; 2]>,
    /// The same of the variables of earlier studies: of what did not follow before.
    pub kept_apart_before: Vec<[usize; 2]>,
    /// Places of the columns that the sum over the roster has whole: not of studies with other
    /// nodes, whose people it lacks. Nor what a meta-analysis of the nodes' own results weighs
    /// with, which is another combination at every node.
    pub whole: Vec<usize>,
    /// Places of columns of which a combination has a remainder that is a few people's.
    pub remainder: Option<Vec<usize>>,
    /// Of a study whose weights hide its products.
    pub hidden: Option<span::HiddenProducts>,
}

/// How far a check is. For each node of the roster but this one there is a basis: that of the sum
/// without it.
enum Stage {
    /// The sums were not told yet.
    Summing { fraction_bits: u32 },
    /// Some sums were not precise enough, and are made again in their bases: with this node's own
    /// part of each, once it was asked for.
    Refining {
        bases: Vec<Option<Basis>>,
        own: Vec<Option<Gram>>,
    },
    /// Everybody here is among many; groups over several nodes are looked for. `first` are the
    /// bases of the first sums, as long as another node may ask for second ones.
    Judged {
        frames: Vec<Option<Frame>>,
        must_climb: bool,
        rounds: usize,
        first: Option<Vec<Option<Basis>>>,
    },
    /// Refused, or broken off.
    Ended,
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

impl Columns {
    /// Those of an account's `shown` columns and the study's own, which come in the order of the
    /// plan. `roster` are the keys of the nodes, sorted.
    pub fn of_study(
        (account, shown): (&Account, &[ColumnId]),
        addition: &Addition,
        plan: &Plan,
        roster: &[Digest],
    ) -> Self {
        let (first, plain) = (shown.len(), plan.variables().count() + 1);
        let columns = addition
            .columns
            .iter()
            .map(|column| column.variable.clone());
        let added: Vec<Option<VariableName>> = columns
            .chain(addition.product_variables.iter().cloned())
            .collect();
        let is_whole = |place: &usize| {
            addition
                .columns
                .get(place - first)
                .is_none_or(|column| !is_of_nodes(&column.role))
        };
        let own = (first..first + added.len()).filter(is_whole);
        let whole = whole(account, shown, roster).chain(own).collect();
        let kept_apart = (1..plain)
            .map(|variable| [first, first + variable])
            .collect();
        let kept_apart_before = account.variables(shown);
        let entered = addition.columns.len();
        let hidden = addition.hidden.clone();
        Self {
            plain,
            kept_apart,
            kept_apart_before,
            whole,
            added,
            entered,
            remainder: None,
            hidden,
        }
    }

    /// Those of an account with an export.
    pub fn of_export(books: &ForExport, shown: &[ColumnId]) -> Self {
        let whole = whole(&books.everything, shown, &books.run.roster).collect();
        let (kept_apart, kept_apart_before) = (books.kept_apart(shown), Vec::new());
        Self {
            added: Vec::new(),
            entered: 0,
            plain: 0,
            kept_apart,
            kept_apart_before,
            whole,
            remainder: None,
            hidden: None,
        }
    }

    /// Looks for a remainder that is a few people's, in the account's columns over `people` and the
    /// `added` ones, whose values are in the order of `order`.
    #[must_use]
    pub fn with_remainder(
        self,
        (account, shown): (&Account, &[ColumnId]),
        (people, added, order): (&PeopleSet, &[NewColumn], &[u64]),
        limits: Limits,
        secret: &[u8; 32],
    ) -> Self {
        let (places, columns) = account.whole_columns(shown, people, added, order);
        let new = places.iter().filter(|place| **place >= shown.len()).count();
        let found = WholeColumns {
            columns: &columns,
            new,
            few: limits.group,
        }
        .remainder(secret);
        let remainder = found.map(|found| found.into_iter().map(|place| places[place]).collect());
        Self { remainder, ..self }
    }
}

/// What a study adds to an account.
pub struct Addition {
    /// With a number per person of the cohort.
    pub columns: Vec<NewColumn>,
    /// The variables of the products that are judged after these columns, see [`products`].
    pub product_variables: Vec<Option<VariableName>>,
    /// Where the columns of the study lie, where its weights hide the products.
    pub hidden: Option<span::HiddenProducts>,
    /// What they were made from: nothing else is answered.
    pub model: Model,
}

impl Addition {
    /// The columns that a study would add, and all rows with them after the account's own columns.
    pub fn new(account: &Account, study: &Study<'_>, ask: &AccountAsk) -> Result<(Self, Rows)> {
        let asked = ask.study.as_ref().context("the question names no study")?;
        check_complete(account, &ask.shown)?;
        asked.model.validate(study.plan)?;
        let mut values = study.columns(&asked.model);
        let roles = gwas::roles(study.plan, asked.model.baseline);
        let logistic = products::Study {
            roles: &roles,
            values: &values,
            numbers: study.numbers,
        };
        let products = match &asked.products {
            None => {
                ensure!(
                    study.plan.family == Family::Linear,
                    "the question leaves out the study's products"
                );
                Vec::new()
            }
            Some(products) => {
                check_products(account, &logistic.earlier(account), products)?;
                logistic.products(account, products)
            }
        };
        let hidden = asked.products.as_ref();
        let hidden = hidden.and_then(|asked| logistic.places(asked, ask.shown.len()));
        let (product_variables, of_products): (Vec<_>, Vec<_>) = products.into_iter().unzip();
        values.extend(of_products);
        ensure!(
            values.len() == usize::from(asked.columns),
            "the question counts other columns than the study has"
        );
        let rows = account.rows(&ask.shown, study.numbers, &values);
        let columns = roles
            .into_iter()
            .zip(values)
            .map(|(role, values)| new_column(study, &asked.model, role, values));
        Ok((
            Self {
                columns: columns.collect(),
                product_variables,
                hidden,
                model: asked.model.clone(),
            },
            rows,
        ))
    }
}

impl Study<'_> {
    /// What a study with this model weighs genotypes with.
    fn columns(&self, model: &Model) -> Vec<Vec<f64>> {
        gwas::columns(self.cohort, self.plan, model, &self.own_gate, self.threads)
    }

    /// The earlier logistic studies with nearly the weights of this one.
    pub fn earlier(&self, account: &Account, model: &Model) -> Result<Earlier> {
        model.validate(self.plan)?;
        if self.plan.family != Family::Logistic {
            return Ok(Earlier::default());
        }
        let model = Model {
            baseline: false,
            ..model.clone()
        };
        let (roles, values) = (gwas::roles(self.plan, false), self.columns(&model));
        Ok(products::Study {
            roles: &roles,
            values: &values,
            numbers: self.numbers,
        }
        .earlier(account))
    }
}

/// Refuses a question that judges other products than what this node found among earlier studies
/// calls for.
fn check_products(account: &Account, own: &Earlier, asked: &JudgedProducts) -> Result<()> {
    if let JudgedProducts::Own { less } = asked {
        ensure!(
            own.nested.is_none(),
            "the question leaves out that the study is nested with an earlier one"
        );
        let fits = less.as_ref().is_none_or(|id| own.same.contains(id));
        ensure!(
            fits,
            "the question compares the study with one that is not like it"
        );
    }
    let class = account.classes_by_id();
    let judged: BTreeSet<u32> = asked
        .earlier()
        .iter()
        .filter_map(|id| class.get(id).copied())
        .collect();
    let is_judged = |id: &ColumnId| class.get(id).is_some_and(|class| judged.contains(class));
    ensure!(
        own.nested.iter().flatten().all(is_judged),
        "the question leaves out a covariate of an earlier study"
    );
    Ok(())
}

/// Refuses a second meta-analysis of the nodes' own results to a data user: the residuals of each
/// node are those of its own model, so two traits and the sum over all are as many equations as
/// three nodes have sums. `jobs` are his on the dataset. The same column again is no further
/// equation.
pub fn check_baseline(
    account: &Account,
    jobs: &BTreeSet<Digest>,
    numbers: &[u64],
    new: &[NewColumn],
) -> Result<(), LedgerRefusal> {
    let of_nodes = new.iter().filter(|column| is_of_nodes(&column.role));
    for values in of_nodes.filter_map(|column| column.values.as_ref()) {
        let is_another = |column: &AccountColumn| {
            is_of_nodes(&column.record.role)
                && jobs.contains(&column.id.job)
                && !account.is_of(column, numbers, values)
        };
        if account.columns().iter().any(is_another) {
            return Err(LedgerRefusal::OtherBaseline);
        }
    }
    Ok(())
}

/// Refuses a question that this node could not answer, before it makes rows for it.
pub fn check_ask(ask: &AccountAsk, nodes: usize) -> Result<()> {
    ensure!(
        usize::from(ask.nodes) == nodes,
        "the question counts other nodes than the roster"
    );
    ensure!(
        ask.width() <= ACCOUNT_COLUMNS_MAX,
        "the account would have more than {ACCOUNT_COLUMNS_MAX} columns"
    );
    ensure!(
        ask.fraction_bits <= 40,
        "the question asks for more bits than a word has"
    );
    let products = ask.study.as_ref().and_then(|study| study.products.as_ref());
    ensure!(
        products.is_none_or(|products| products.earlier().len() <= ACCOUNT_COLUMNS_MAX),
        "the question names more earlier covariates than an account has columns"
    );
    Ok(())
}

impl Check {
    /// `secret` is what the nodes of this round share.
    pub fn new(
        rows: Rows,
        columns: Columns,
        [own, nodes]: [usize; 2],
        secret: &[u8; 32],
        fraction_bits: u32,
        threads: usize,
    ) -> Self {
        let (stage, gram) = (Stage::Summing { fraction_bits }, rows.gram(threads));
        let (plain_ranks, secret) = (vec![0; nodes], *secret);
        let (whole_bases, kept_apart) = (Vec::new(), Vec::new());
        let rotation = |without: usize| {
            Rotation::new(
                rows.columns(),
                seed(&secret, "ligate basis", without).as_bytes(),
            )
        };
        let rotations = (0..nodes)
            .map(|without| (without != own).then(|| rotation(without)))
            .collect();
        Self {
            gram,
            rows,
            columns,
            plain_ranks,
            whole_bases,
            kept_apart,
            secret,
            rotations,
            own,
            nodes,
            threads,
            stage,
        }
    }

    /// This node's part of the sums: its own matrix in each, but for the one without it. Each has a
    /// basis of its own, so that the difference of two of them is not a node's own matrix.
    pub fn vector(&self) -> Vec<u64> {
        let Stage::Summing { fraction_bits } = self.stage else {
            return Vec::new();
        };
        let part = |rotation: &Option<Rotation>| match rotation {
            None => vec![0; self.gram.lower().len()],
            Some(rotation) => self.gram.rotated(rotation).to_words(fraction_bits),
        };
        self.rotations.iter().flat_map(part).collect()
    }

    /// The basis in which the coordinator sees the second sum without a node, which has another
    /// size.
    fn second_rotation(&self, without: usize, size: usize) -> Rotation {
        Rotation::new(
            size,
            seed(&self.secret, "ligate second basis", without).as_bytes(),
        )
    }

    /// Judges this node's rows by the sums without each other node; or says which of them must be
    /// made more precise.
    pub fn judge(&mut self, grams: &[Vec<f64>], limits: Limits) -> Result<Judgement> {
        match std::mem::replace(&mut self.stage, Stage::Ended) {
            Stage::Summing { fraction_bits } => {
                let bases = self.bases(grams, fraction_bits)?;
                let size = |basis: &Option<Basis>| match basis {
                    Some(basis) if !basis.is_enough_for(&self.rows) => u16::try_from(basis.rank()),
                    _ => Ok(0),
                };
                let imprecise: Vec<u16> = bases.iter().map(size).collect::<Result<_, _>>()?;
                if imprecise.iter().all(|size| *size == 0) {
                    let settled = bases
                        .iter()
                        .cloned()
                        .map(|basis| basis.map(Basis::settled))
                        .collect();
                    return self.decide(settled, Some(bases), limits);
                }
                let own = vec![None; bases.len()];
                self.stage = Stage::Refining { bases, own };
                Ok(Judgement {
                    imprecise,
                    ..self.nothing_said()
                })
            }
            Stage::Refining { bases, own } => {
                let bases = self.refined(bases, &own, grams)?;
                self.decide(bases, None, limits)
            }
            Stage::Judged { .. } | Stage::Ended => bail!("the account was judged before"),
        }
    }

    fn nothing_said(&self) -> Judgement {
        Judgement {
            columns: self.columns.entered as u64,
            ..Judgement::default()
        }
    }

    fn bases(&mut self, grams: &[Vec<f64>], fraction_bits: u32) -> Result<Vec<Option<Basis>>> {
        ensure!(
            grams.len() == self.nodes,
            "there is not one sum of the account for each node"
        );
        let mut bases = Vec::with_capacity(grams.len());
        for (without, (lower, rotation)) in grams.iter().zip(&self.rotations).enumerate() {
            let Some(rotation) = rotation else {
                bases.push(None);
                self.whole_bases.push(None);
                self.kept_apart.push(Vec::new());
                continue;
            };
            let gram = Gram::from_lower(self.rows.columns(), lower.clone())
                .with_context(|| format!("the sum without node {without}"))?
                .rotated_back(rotation);
            ensure!(
                gram.holds(&self.gram),
                "a sum of the account does not hold this node's own part"
            );
            let hiding = match &self.columns.hidden {
                Some(products) => products.hiding(&gram, fraction_bits),
                None => Rows::zeros(0, gram.size()),
            };
            let basis = Basis::hidden_by(&gram, fraction_bits, hiding.clone());
            let gram = gram.with(&hiding);
            let first = self.rows.columns() - self.columns.added.len();
            self.plain_ranks[without] = u16::try_from(gram.rank_of(first, self.columns.plain))?;
            let some = self.columns.whole.len() < self.rows.columns();
            self.whole_bases
                .push(some.then(|| Basis::coarse(&gram.of_columns(&self.columns.whole))));
            self.kept_apart.push(self.kept_apart(&gram));
            bases.push(Some(basis));
        }
        Ok(bases)
    }

    /// This node's part of the second sums: of each that has a size, in the basis of the first.
    pub fn refine(&mut self, ask: &RefineAsk) -> Result<Vec<u64>> {
        ensure!(
            ask.sizes.len() == self.nodes,
            "the question counts other nodes than the roster"
        );
        // This node may have found no more than rounding in its rows, and another one more.
        if let Stage::Judged {
            first, rounds: 0, ..
        } = &mut self.stage
            && let Some(bases) = first.take()
        {
            let own = vec![None; bases.len()];
            self.stage = Stage::Refining { bases, own };
        }
        let mut words = Vec::new();
        for (without, size) in ask.sizes.iter().map(|size| usize::from(*size)).enumerate() {
            // The one sum without this node may be the only one that is not precise enough.
            if size == 0 || without == self.own {
                words.extend(std::iter::repeat_n(0, triangle(size)));
                continue;
            }
            let rotation = self.second_rotation(without, size);
            let Stage::Refining { bases, own } = &mut self.stage else {
                bail!("no sum has to be made again")
            };
            let basis = bases[without].as_ref().context("there is no such sum")?;
            ensure!(
                basis.rank() == size,
                "a sum has another size than its basis"
            );
            let gram = basis.rows(&self.rows, self.threads).gram(self.threads);
            words.extend(gram.rotated(&rotation).to_words(second_fraction_bits(size)));
            own[without] = Some(gram);
        }
        Ok(words)
    }

    fn refined(
        &self,
        bases: Vec<Option<Basis>>,
        own: &[Option<Gram>],
        grams: &[Vec<f64>],
    ) -> Result<Vec<Option<Basis>>> {
        ensure!(
            grams.len() == self.nodes,
            "there is not one sum of the account for each node"
        );
        let refined = |(without, (basis, lower)): (usize, (Option<Basis>, &Vec<f64>))| {
            let Some(basis) = basis else { return Ok(None) };
            if lower.is_empty() {
                ensure!(
                    basis.is_enough_for(&self.rows),
                    "a sum that is not precise enough was not made again"
                );
                return Ok(Some(basis.settled()));
            }
            let size = basis.rank();
            let gram = Gram::from_lower(size, lower.clone())
                .with_context(|| format!("the second sum without node {without}"))?
                .rotated_back(&self.second_rotation(without, size));
            let own = own[without]
                .as_ref()
                .context("this node was not asked for its part of a second sum")?;
            ensure!(
                gram.holds(own),
                "a second sum does not hold this node's own part"
            );
            Ok(Some(basis.refined(&gram)))
        };
        bases
            .into_iter()
            .zip(grams)
            .enumerate()
            .map(refined)
            .collect()
    }

    fn decide(
        &mut self,
        bases: Vec<Option<Basis>>,
        first: Option<Vec<Option<Basis>>>,
        limits: Limits,
    ) -> Result<Judgement> {
        let mut judgement = self.nothing_said();
        if let Some(places) = &self.columns.remainder {
            let of = |column: usize| f64::from(u8::from(places.contains(&column)));
            let combination: Vec<f64> = (0..self.rows.columns()).map(of).collect();
            judgement.refused = Some(self.blame(&combination));
        }
        let (mut frames, mut must_climb) = (Vec::with_capacity(bases.len()), false);
        for (without, basis) in bases.into_iter().enumerate() {
            let Some(basis) = basis else {
                frames.push(None);
                judgement.without.push(Without::default());
                continue;
            };
            let found = judge_by(&self.rows, &basis, limits, self.threads);
            judgement.leverage = judgement.leverage.max(found.leverage);
            judgement.share = judgement.share.max(found.share);
            if let Some(worst) = found.worst.as_ref().filter(|_| judgement.refused.is_none()) {
                judgement.refused = Some(self.blame(&basis.parts(worst)));
            }
            let alone = self.own_sum(without, &basis);
            if let Some(worst) = alone.filter(|_| judgement.refused.is_none()) {
                (judgement.refused, judgement.isolated) =
                    (Some(self.blame(&basis.parts(&worst))), true);
            }
            let frame = Frame::new(
                basis,
                seed(&self.secret, "ligate frame", without).as_bytes(),
            );
            judgement
                .without
                .push(self.without(without, &frame, &found, limits)?);
            must_climb |= found.largest.iter().sum::<f64>() >= limits.share;
            frames.push(Some(frame));
        }
        if judgement.refused.is_none() {
            self.stage = Stage::Judged {
                frames,
                must_climb,
                rounds: 0,
                first,
            };
        }
        Ok(judgement)
    }

    /// The columns of which the sum over this node's own people must not follow from a `gram`:
    /// those of the study, and those of earlier ones where it did not follow without the study.
    /// Where it did, the study tells nothing new of it.
    fn kept_apart(&self, gram: &Gram) -> Vec<[usize; 2]> {
        let (before, mut kept_apart) = (
            &self.columns.kept_apart_before,
            self.columns.kept_apart.clone(),
        );
        if before.is_empty() {
            return kept_apart;
        }
        let first_new = self.rows.columns() - self.columns.added.len();
        let shown: Vec<usize> = self
            .columns
            .whole
            .iter()
            .copied()
            .filter(|place| *place < first_new)
            .collect();
        let (own, basis) = (
            self.gram.of_columns(&shown),
            Basis::coarse(&gram.of_columns(&shown)),
        );
        let followed = |pair: &[usize; 2]| {
            places_among(&shown, *pair).is_some_and(|pair| own_sum(&own, &basis, pair).is_some())
        };
        kept_apart.extend(before.iter().filter(|pair| !followed(pair)));
        kept_apart
    }

    /// The combination that says a sum over this node's people alone, among the columns that the
    /// roster has whole.
    fn own_sum(&self, without: usize, basis: &Basis) -> Option<Vec<f64>> {
        let mut kept_apart = self.kept_apart[without].iter().copied();
        let Some(basis) = &self.whole_bases[without] else {
            return kept_apart.find_map(|pair| own_sum(&self.gram, basis, pair));
        };
        let whole = &self.columns.whole;
        let own = self.gram.of_columns(whole);
        let found = kept_apart
            .filter_map(|pair| places_among(whole, pair))
            .find_map(|pair| own_sum(&own, basis, pair))?;
        let mut combination = vec![0.0; self.rows.columns()];
        whole
            .iter()
            .zip(found)
            .for_each(|(column, part)| combination[*column] = part);
        Some(combination)
    }

    /// What a search for groups over several nodes needs to know. Starts are told only where this
    /// node's own people have as much as one of the nodes must have: then somebody tells them
    /// wherever they are needed.
    fn without(
        &self,
        without: usize,
        frame: &Frame,
        found: &Finding,
        limits: Limits,
    ) -> Result<Without> {
        let others = self.nodes.saturating_sub(1).max(1) as f64;
        let possible =
            found.largest.iter().sum::<f64>() >= limits.share / others - LEVERAGE_STEP * 10.0;
        let first_new = self.rows.columns() - self.columns.added.len();
        Ok(Without {
            rank: u16::try_from(frame.rank())?,
            plain_rank: self.plain_ranks[without],
            largest: found
                .largest
                .iter()
                .map(|h| (h / LEVERAGE_STEP).ceil() * LEVERAGE_STEP)
                .collect(),
            starts: if possible {
                frame.starts(first_new)
            } else {
                Vec::new()
            },
        })
    }

    /// The variable to leave out: that of the added columns with the largest of these parts of a
    /// combination.
    fn blame(&self, parts: &[f64]) -> String {
        let first = self.rows.columns() - self.columns.added.len();
        let part = |place: &usize| parts[first + place].abs();
        let of_variable =
            (0..self.columns.added.len()).filter(|place| self.columns.added[*place].is_some());
        let most = of_variable.max_by(|a, b| part(a).total_cmp(&part(b)));
        // Where the trait has nearly as much of it, it is the trait: a study without it is another
        // one anyway.
        let most = most.map(|most| match self.columns.plain.checked_sub(1) {
            Some(own) if part(&own) > 0.5 * part(&most) => own,
            _ => most,
        });
        most.and_then(|place| self.columns.added[place].as_ref())
            .map(ToString::to_string)
            .unwrap_or_default()
    }

    /// How this node's people weigh in combinations that a search for groups over several nodes
    /// asks about.
    pub fn climb(&mut self, ask: &ClimbAsk) -> Result<Vec<u64>> {
        let Stage::Judged { frames, rounds, .. } = &mut self.stage else {
            bail!("groups are looked for when everybody here was judged")
        };
        *rounds += 1;
        ensure!(
            *rounds <= ROUNDS_MAX,
            "a search for groups takes more rounds than it may"
        );
        ensure!(
            ask.ranks.len() == frames.len(),
            "the question counts other nodes than the roster"
        );
        ensure!(
            ask.steps.len() <= STEPS_MAX * frames.len(),
            "the question has too many combinations"
        );
        let mut words = Vec::new();
        for (without, step) in &ask.steps {
            let place = usize::from(*without);
            let (frame, rank) = frames
                .get(place)
                .zip(ask.ranks.get(place))
                .context("there is no such node")?;
            let Some(frame) = frame else {
                words.extend(std::iter::repeat_n(0, Frame::words(usize::from(*rank))));
                continue;
            };
            let fits = frame.rank() == usize::from(*rank) && step.direction.len() == frame.rank();
            ensure!(fits, "a combination has another length than the account");
            words.extend(frame.answer(&self.rows, step));
        }
        Ok(words)
    }

    /// Refuses as long as this node has not found that nothing speaks against the columns.
    pub fn admitted(&self) -> Result<()> {
        let Stage::Judged {
            must_climb, rounds, ..
        } = self.stage
        else {
            bail!("nothing about genotypes is answered before the account was judged")
        };
        ensure!(
            !must_climb || rounds > 0,
            "a group over several nodes is possible here, and nobody looked for one"
        );
        Ok(())
    }
}

/// What the nodes of a check share for a purpose, by left-out node.
fn seed(secret: &[u8; 32], purpose: &str, without: usize) -> Digest {
    let bytes: Vec<u8> = secret
        .iter()
        .copied()
        .chain((without as u64).to_le_bytes())
        .collect();
    Digest::of(purpose, &bytes)
}

/// Places of the columns that a sum over `roster` has whole.
fn whole(account: &Account, shown: &[ColumnId], roster: &[Digest]) -> impl Iterator<Item = usize> {
    let of_nodes: BTreeSet<ColumnId> = account
        .columns()
        .iter()
        .filter(|column| is_of_nodes(&column.record.role))
        .map(|column| column.id)
        .collect();
    (0..shown.len()).filter(move |place| {
        let id = shown[*place];
        account.is_within(id, roster) && !of_nodes.contains(&id)
    })
}

/// The places of two columns among `columns`, which are sorted; twice the same where only one is
/// there.
fn places_among(columns: &[usize], pair: [usize; 2]) -> Option<[usize; 2]> {
    let [one, other] = pair.map(|column| columns.binary_search(&column).ok());
    Some([one.or(other)?, other.or(one)?])
}

/// Whether a column is made by each node by itself.
fn is_of_nodes(role: &str) -> bool {
    role == "residual"
}

/// Every distinct column of this node's account must be among those that are judged.
fn check_complete(account: &Account, shown: &[ColumnId]) -> Result<()> {
    let class = account.classes_by_id();
    let judged: BTreeSet<u32> = shown
        .iter()
        .filter_map(|id| class.get(id).copied())
        .collect();
    ensure!(
        judged.len() == account.classes(),
        "the question leaves out a column of this node's account"
    );
    Ok(())
}

fn new_column(study: &Study<'_>, model: &Model, role: Role, values: Vec<f64>) -> NewColumn {
    let place = |name| study.plan.variables().position(|other| other == name);
    let (centre, unit, fill) = match &role {
        Role::Covariate(name) | Role::Trait(name) => {
            match place(name).and_then(|place| model.scaling.get(place)) {
                Some(scaling) => (scaling.centre(), scaling.unit(), Some(scaling.fill_value())),
                None => {
                    let absent = if study.coding == Some(BinaryCoding::OneTwo) {
                        1.0
                    } else {
                        0.0
                    };
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
