//! One run at one node, from the question whether it may take part to the release. Every check that
//! protects this node's people is made here, by the node itself, in this order:
//!
//! 1. permit, its revocation, job, veto and trust in the coordinator, anew at every question;
//! 2. enough people with values, before anything about them is said;
//! 3. the roster: the permit's nodes, each a pinned peer that is neither issuer nor coordinator;
//! 4. the privacy ledger, before a survivor list is signed and before shares are revealed;
//! 5. exponents and offered variants only after the first sum was opened, so that the ledger knows
//!    of the run;
//! 6. before anything about genotypes, the account of the data user (see [`Check`]), whose columns
//!    are entered first;
//! 7. before each sum, what the coordinator claims (see [`Claims`]).

use std::{collections::BTreeSet, sync::Arc};

use anyhow::{Context, Result, anyhow, ensure};
use jiff::Timestamp;
use ligate_access::{
    PublicKey,
    audit::{Event, Head},
    job::PeopleRule,
    permit::{Method, SignedPermit},
    policy::{self, Approval},
};
use ligate_analysis::gwas::{self, Ask, Cohort, Family, Model, OwnGate, Plan};
use ligate_disclosure::{
    Account, DataUser, Draft, Gate, Ledger, OwnSite, PeopleSet, Run, Thresholds, choose,
    span::Limits,
};
use ligate_federation::{Answer, Handled, Journal, Roster, RunContext, SignedRoster, ToRound};
use ligate_lake::Snapshot;
use ligate_model::{
    BinaryCoding, Digest, GateRule, PeopleCounts, Phenotypes, Rule, Variable, VariableKind,
    VariableName, VariantKey,
};

use super::{
    account::{Addition, Check, Columns, Study, check_ask, check_baseline},
    admission::{approve, compare_with_coordinator, keep_coordinators_head, rules, still_allowed},
    claims::Claims,
    guarded_journal::GuardedJournal,
    participation::Participation,
};
use crate::{
    books::{self, changed_calls},
    folder::Folder,
    gate::{gate, job_event},
    registry::alleles,
    run::{
        offer,
        own_rows::{self, SnapshotRows},
    },
    session::{
        OFFER_PAGE, OfferedVariant, OutgoingAnswer, Scales, SiteFacts, VariableFacts,
        rounds::{AccountAsk, Broadcast, RoundAsk},
    },
};

/// A run that this node has agreed to.
pub struct NodeRun {
    folder: Arc<Folder>,
    approval: Approval,
    plan: Plan,
    gate: Gate,
    snapshot: Snapshot,
    phenotypes: Phenotypes,
    rounds: Arc<dyn Journal>,
    chosen: Option<Chosen>,
    participation: Participation<GuardedJournal>,
    claims: Option<Claims>,
    /// The model that the coordinator told first; there is no other one in a run.
    model: Option<Model>,
    check: Option<(Check, Addition)>,
    /// Whether the ledger has the columns, and whether it had this node's own counts of the dataset
    /// then: after the first sum of a run none can be added.
    entered: bool,
    published: bool,
}

/// This node's people of the run.
struct Chosen {
    told: Option<BinaryCoding>,
    coding: Option<BinaryCoding>,
    cohort: Cohort,
    /// The people of the cohort as the ledger knows them.
    numbers: Vec<u64>,
    /// What the data user was shown before.
    account: Account,
    /// What missing values of the plan's variables counted as in earlier runs of anybody.
    fills: Vec<Option<f64>>,
    /// Variants whose calls have changed for a few of these people since.
    withheld: BTreeSet<VariantKey>,
    site: OwnSite,
    offered: Option<Vec<OfferedVariant>>,
}

impl NodeRun {
    /// The kinds of the permit's variables: what a catalogue would say of the dataset.
    pub fn describe(folder: &Folder, peer: PublicKey, permit: &str) -> Result<OutgoingAnswer> {
        let permit = SignedPermit::read(permit)?;
        let rules = rules(folder, folder.datasets()?)?;
        let dataset = policy::check_permit(&permit, &rules, peer, Timestamp::now())?;
        let snapshot = folder.lake()?.snapshot(&dataset)?;
        let phenotypes = snapshot.phenotypes()?;
        let gate = gate(folder, &permit.permit().output)?;
        let (site, facts) = own_variables(&gate, &phenotypes, permit.permit().variables.iter())
            .map_err(|rule| own_rule(folder, rule))?;
        folder.record(Event::Permit {
            id: permit.permit().id.clone(),
            permit: permit.hash(),
            issuer: permit.permit().issuer.key,
        })?;
        Ok(OutgoingAnswer::Facts {
            facts: site.release(SiteFacts::Variables(facts)),
        })
    }

    /// Checks permit, job and veto; pins the snapshot. A snapshot that is replaced later leaves the
    /// run on this one.
    pub fn start(
        folder: Folder,
        peer: PublicKey,
        permit: &str,
        job: &str,
        (head, held): (&Head, &[Head]),
        rounds: Arc<dyn Journal>,
    ) -> Result<(Self, OutgoingAnswer)> {
        let approval = approve(&folder, peer, permit, job)?;
        keep_coordinators_head(&folder, peer, head)?;
        compare_with_coordinator(&folder, peer, held)?;
        let snapshot = folder.lake()?.snapshot(approval.dataset())?;
        let mut phenotypes = snapshot.phenotypes()?;
        let mut plan = plan(&approval);
        let rounded = own_rows::without_codes(&mut phenotypes, plan.variables());
        own_rows::check_variables(&snapshot, &phenotypes, plan.variables())?;
        plan.two_values |= is_binary(&phenotypes, &plan.trait_name);
        let gate = gate(&folder, &approval.permit().output)?;
        let (site, mut facts) = own_variables(&gate, &phenotypes, plan.variables())
            .map_err(|rule| own_rule(&folder, rule))?;
        facts
            .iter_mut()
            .for_each(|facts| facts.rounded = rounded.contains(&facts.name));
        let head = record_job(&folder, &approval, peer)?;
        let facts = site.release(SiteFacts::Variables(facts));
        let answer = OutgoingAnswer::Accepted {
            snapshot: snapshot.id(),
            assembly: snapshot.assembly(),
            facts,
            head,
        };
        let folder = Arc::new(folder);
        let context = RunContext {
            permit: approval.permit_hash(),
            job: approval.signed_job().hash(),
        };
        let run = Self {
            participation: Participation::new(folder.clone(), context, snapshot.id()),
            folder,
            approval,
            plan,
            gate,
            snapshot,
            phenotypes,
            rounds,
            chosen: None,
            claims: None,
            check: None,
            model: None,
            entered: false,
            published: false,
        };
        Ok((run, answer))
    }

    /// Whether permit and steward still allow what a stored release answers.
    pub fn confirm(
        folder: &Folder,
        peer: PublicKey,
        permit: &str,
        job: &str,
    ) -> Result<OutgoingAnswer> {
        approve(folder, peer, permit, job)?;
        Ok(OutgoingAnswer::Heads { heads: Vec::new() })
    }

    pub fn job(&self) -> Digest {
        self.approval.signed_job().hash()
    }

    pub fn permit_hash(&self) -> Digest {
        self.approval.permit_hash()
    }

    pub fn coordinator(&self) -> PublicKey {
        self.approval.permit().coordinator.key
    }

    /// Chooses the people of the run, once.
    pub fn prepare(&mut self, told: Option<BinaryCoding>) -> Result<OutgoingAnswer> {
        still_allowed(&self.folder, &self.approval)?;
        if let Some(chosen) = &self.chosen {
            ensure!(
                chosen.told == told,
                "the run was prepared with another coding"
            );
            return Ok(OutgoingAnswer::Heads { heads: Vec::new() });
        }
        let coding = self.coding(told)?;
        let ledger = books::ledger(&self.folder)?;
        let account = ledger.account(&self.data_user())?;
        let everybody: Vec<u64> = self
            .snapshot
            .individuals()
            .iter()
            .map(|person| ledger.number(person))
            .collect();
        ledger.note_departed(self.approval.dataset(), &everybody)?;
        let withheld = changed_calls::since_shown(&self.snapshot, &account, &self.gate)?;
        let variables: Vec<&VariableName> = self.plan.variables().collect();
        let shown = ledger.shown_of(&variables)?;
        shown.check_dataset(self.approval.dataset(), &everybody)?;
        let fills = variables.iter().map(|name| shown.fill(name)).collect();
        // Where everybody takes part, the people of all data users are the same or differ by many,
        // so that what one of them exports is no small difference to another one's results. Other
        // rules choose different people on purpose.
        let of_all = self.approval.job().people == PeopleRule::Filled;
        let chosen_by = if of_all { &shown } else { &account };
        let people = self.choose_people(&ledger, chosen_by, &account, &everybody)?;
        let cohort = Cohort::new(
            &self.phenotypes,
            &self.plan,
            &people,
            coding,
            self.snapshot.blocks(),
        )?;
        let site = self
            .gate
            .own_site(cohort.individuals())
            .map_err(|rule| own_rule(&self.folder, rule))?;
        let numbers = people
            .iter()
            .map(|person| everybody[*person as usize])
            .collect();
        self.chosen = Some(Chosen {
            told,
            coding,
            cohort,
            numbers,
            account,
            fills,
            withheld,
            site,
            offered: None,
        });
        Ok(OutgoingAnswer::Heads { heads: Vec::new() })
    }

    /// Those of whom the job's rule speaks, without the few who would be the difference to an
    /// earlier run among `shown`. `account` is all that the data user was shown.
    fn choose_people(
        &self,
        ledger: &Ledger,
        shown: &Account,
        account: &Account,
        everybody: &[u64],
    ) -> Result<Vec<u32>> {
        let rule = self.approval.job().people;
        let departed = ledger.departed()?;
        let mut eligible = own_rows::eligible(
            &self.snapshot,
            &self.phenotypes,
            &self.plan,
            rule,
            &self.approval.permit().variables,
        )?;
        eligible.retain(|person| !departed.contains(&everybody[*person as usize]));
        let numbers: Vec<u64> = eligible
            .iter()
            .map(|person| everybody[*person as usize])
            .collect();
        let variables: Vec<_> = self
            .plan
            .variables()
            .filter_map(|name| self.phenotypes.variable(name))
            .map(|variable| {
                (
                    variable.name.clone(),
                    filled(variable, &eligible, shown.fill(&variable.name)),
                )
            })
            .collect();
        let draft = Draft {
            people: &numbers,
            variables: &variables,
            reader: account,
            nodes: self.approval.permit().datasets.len(),
            people_min: usize::try_from(self.gate.thresholds()[Rule::IndividualsPerSite])?,
            limits: self.limits(),
            threads: self.folder.config.limits.thread_count(),
        };
        let chosen = choose(ledger, shown, &draft);
        Ok(chosen
            .places
            .into_iter()
            .map(|place| eligible[place])
            .collect())
    }

    fn limits(&self) -> Limits {
        Limits::of_cell(self.gate.thresholds()[Rule::Cell])
    }

    /// The party that the issuer names.
    fn data_user(&self) -> DataUser {
        let party = &self.approval.permit().data_user;
        DataUser::new(&party.name, party.key.as_bytes())
    }

    /// The coding of a disease, whichever the family: the dataset's own, or where it shows one
    /// value only what the other nodes have.
    fn coding(&self, told: Option<BinaryCoding>) -> Result<Option<BinaryCoding>> {
        if !self.plan.two_values {
            return Ok(None);
        }
        let own = self
            .phenotypes
            .variable(&self.plan.trait_name)
            .and_then(|variable| variable.coding);
        match (own, told) {
            (Some(BinaryCoding::Undecided), Some(told)) => {
                self.decide_coding(told).map(|()| Some(told))
            }
            (own, _) => Ok(own),
        }
    }

    /// Another node's coding stays, until the steward undoes it.
    fn decide_coding(&self, coding: BinaryCoding) -> Result<()> {
        let (dataset, variable) = (self.approval.dataset(), &self.plan.trait_name);
        books::ledger(&self.folder)?.decide_coding(dataset, variable, coding, || {
            let (dataset, variable) = (dataset.clone(), variable.clone());
            self.folder
                .record(Event::CodingDecided {
                    dataset,
                    variable,
                    coding,
                })
                .map(drop)
        })
    }

    /// The exponents of this node's values and what missing ones counted as before, once the run is
    /// in the ledger.
    pub fn scales(&mut self) -> Result<OutgoingAnswer> {
        still_allowed(&self.folder, &self.approval)?;
        self.opened()?;
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let fill = |(name, remembered): (&VariableName, &Option<f64>)| {
            let remembered = (*remembered)?;
            let of_trait = self.plan.family == Family::Logistic && *name == self.plan.trait_name;
            let absent = if chosen.coding == Some(BinaryCoding::OneTwo) {
                1.0
            } else {
                0.0
            };
            Some(if of_trait {
                remembered - absent
            } else {
                remembered
            })
        };
        let fills = self.plan.variables().zip(&chosen.fills).map(fill).collect();
        let (exponents, grids) = (chosen.cohort.exponents(), chosen.cohort.grids());
        let facts = SiteFacts::Scales(Scales {
            exponents,
            fills,
            grids,
        });
        Ok(OutgoingAnswer::Facts {
            facts: chosen.site.release(facts),
        })
    }

    /// Which columns the data user was shown of this node's people, and which of logistic studies
    /// with nearly the weights of this model.
    pub fn account(&mut self, model: &Model) -> Result<OutgoingAnswer> {
        still_allowed(&self.folder, &self.approval)?;
        self.opened()?;
        let claims = self
            .claims
            .as_mut()
            .context("the roster is not agreed on")?;
        claims.check_scaling(&model.scaling)?;
        let told = self.model.get_or_insert_with(|| model.clone());
        ensure!(
            told == model,
            "the model of the covariates has changed during the run"
        );
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let columns = chosen
            .account
            .columns()
            .iter()
            .map(|column| (column.id, column.class))
            .collect();
        let exported = books::ledger(&self.folder)?.exported_rosters()?;
        let earlier = self.study(chosen).earlier(&chosen.account, model)?;
        let facts = SiteFacts::Account {
            columns,
            exported,
            earlier,
        };
        Ok(OutgoingAnswer::Facts {
            facts: chosen.site.release(facts),
        })
    }

    fn study<'a>(&'a self, chosen: &'a Chosen) -> Study<'a> {
        Study {
            cohort: &chosen.cohort,
            plan: &self.plan,
            coding: chosen.coding,
            numbers: &chosen.numbers,
            own_gate: own_gate(self.gate.thresholds()),
            threads: self.folder.config.limits.thread_count(),
        }
    }

    /// Judges this node's people by the sums of the account.
    pub fn judge(&mut self, grams: &[Vec<f64>]) -> Result<OutgoingAnswer> {
        still_allowed(&self.folder, &self.approval)?;
        let limits = self.limits();
        let (check, _) = self
            .check
            .as_mut()
            .context("no sum of the account was made")?;
        let judgement = check.judge(grams, limits)?.in_steps();
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        if let Some(variable) = &judgement.refused {
            let rule = if judgement.isolated {
                "one node among others"
            } else {
                "span"
            };
            let (job, reason) = (
                Some(self.job()),
                format!("the rule “{rule}” refuses {variable}"),
            );
            let (permit, peer) = (Some(self.permit_hash()), Some(self.coordinator()));
            self.folder.record(Event::Refusal {
                permit,
                job,
                peer,
                reason,
            })?;
        }
        Ok(OutgoingAnswer::Facts {
            facts: chosen.site.release(SiteFacts::Judgement(judgement)),
        })
    }

    /// One page of the variants that this node brings, once the run is in the ledger.
    pub fn offer(&mut self, page: u32) -> Result<OutgoingAnswer> {
        still_allowed(&self.folder, &self.approval)?;
        self.opened()?;
        let least = self.gate.thresholds()[Rule::OfferedAlleleCount];
        let chosen = self.chosen.as_mut().context("the run was not prepared")?;
        let offered = match &mut chosen.offered {
            Some(offered) => offered,
            none => none.insert(offer::offered(&self.snapshot, &chosen.cohort, least)?),
        };
        let start = (page as usize)
            .saturating_mul(OFFER_PAGE)
            .min(offered.len());
        let end = start.saturating_add(OFFER_PAGE).min(offered.len());
        let variants = offered[start..end].to_vec();
        let facts = chosen.site.release(SiteFacts::Variants {
            variants,
            more: end < offered.len(),
        });
        Ok(OutgoingAnswer::Facts { facts })
    }

    fn opened(&self) -> Result<()> {
        let opened = self
            .participation
            .journal()
            .is_some_and(GuardedJournal::opened);
        ensure!(
            opened,
            "nothing about the people is said before the first sum of the run"
        );
        Ok(())
    }

    /// Signs the roster if it is this permit's and the ledger has nothing against it. One roster
    /// per run.
    pub fn sign_roster(&mut self, roster: &Roster) -> Result<Answer> {
        still_allowed(&self.folder, &self.approval)?;
        self.participation.check(self.approval.permit(), roster)?;
        let journal = match self.participation.journal() {
            Some(_) => None,
            None => Some(self.guarded_journal(roster)?),
        };
        self.participation.sign(journal)
    }

    fn guarded_journal(&self, roster: &Roster) -> Result<GuardedJournal> {
        ensure!(self.chosen.is_some(), "the run was not prepared");
        let ledger = books::ledger(&self.folder)?;
        let signed = self.approval.signed_job();
        let run = Run {
            permit: self.approval.permit_hash(),
            job: signed.hash(),
            question: signed.question(),
            study: signed.job().study(),
            detail: signed.job().detail(),
            data_user: self.data_user(),
            dataset: self.approval.dataset().clone(),
            roster: Vec::new(),
            snapshot: self.snapshot.id(),
        };
        GuardedJournal::new(
            self.rounds.clone(),
            self.folder.clone(),
            ledger,
            run,
            roster.clone(),
        )
    }

    /// Joins the rounds under the roster that this node has signed.
    pub fn join(&mut self, roster: SignedRoster) -> Result<Answer> {
        still_allowed(&self.folder, &self.approval)?;
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let own = PeopleCounts {
            individuals: chosen.cohort.individuals(),
            cases: chosen.cohort.cases(),
            unknown: chosen.cohort.unknown(),
            sites: 1,
        };
        let ready = self.participation.join(roster)?;
        self.claims.get_or_insert_with(|| Claims::new(own));
        Ok(ready)
    }

    /// One message of a round.
    pub fn step(&mut self, message: ToRound) -> Result<Answer> {
        still_allowed(&self.folder, &self.approval)?;
        match self.participation.handle(message)? {
            Handled::Answer(answer) => Ok(answer),
            Handled::WantsVector { words } => {
                let vector = self.vector(&self.participation.ask(), words)?;
                self.participation.contribute(vector)
            }
        }
    }

    /// This node's part of a sum, after its own checks of what the coordinator claims.
    fn vector(&mut self, ask: &[u8], words: usize) -> Result<Vec<u64>> {
        let broadcast: Broadcast =
            postcard::from_bytes(ask).context("the question of the round cannot be read")?;
        let ask = &broadcast.ask;
        if let RoundAsk::Study(ask) = ask {
            ask.validate(&self.plan)?;
        }
        ensure!(
            ask.words() == words,
            "the round has another length than its question"
        );
        let (claims, journal) = (self.claims.as_mut(), self.participation.journal());
        let (claims, journal) = claims.zip(journal).context("the roster is not agreed on")?;
        claims
            .check(&broadcast, journal.members(), &self.plan, &self.gate)
            .with_context(|| format!("{} refuses", self.folder.name()))?;
        journal.asks(ask.name());
        match ask {
            RoundAsk::Study(ask) => self.study_vector(ask),
            RoundAsk::Account(ask) => self.account_vector(ask),
            RoundAsk::Refine(ask) => self.check()?.refine(ask),
            RoundAsk::Climb(ask) => self.check()?.climb(ask),
        }
    }

    fn check(&mut self) -> Result<&mut Check> {
        Ok(&mut self
            .check
            .as_mut()
            .context("no sum of the account was made")?
            .0)
    }

    fn study_vector(&mut self, ask: &Ask) -> Result<Vec<u64>> {
        if !ask.keys().is_empty() {
            self.enter_columns(ask)?;
        }
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let mut rows = SnapshotRows(&self.snapshot);
        let own_gate = own_gate(self.gate.thresholds());
        let threads = self.folder.config.limits.thread_count();
        let mut vector = gwas::local(
            ask,
            &self.plan,
            &chosen.cohort,
            &mut rows,
            &own_gate,
            threads,
        )?;
        if let Ask::Counts { keys, .. } = ask {
            if self.published {
                gwas::count_no_site(&self.plan, &mut vector);
            }
            gwas::withhold_partly_called(&self.plan, chosen.cohort.individuals(), &mut vector);
            gwas::withhold(&self.plan, keys, &chosen.withheld, &mut vector);
        }
        if let Some(claims) = &mut self.claims {
            claims.counted(ask, &self.plan, &vector);
        }
        Ok(vector)
    }

    /// What genotypes are weighed with goes into the ledger before the first answer about
    /// genotypes, and is what was judged.
    fn enter_columns(&mut self, ask: &Ask) -> Result<()> {
        let (check, Addition { columns, model, .. }) = self
            .check
            .as_ref()
            .context("nothing about genotypes is answered before the account was judged")?;
        check.admitted()?;
        let judged = (model.baseline || !ask.is_baseline())
            && ask.scaling().is_none_or(|scaling| scaling == model.scaling)
            && ask.fill().is_none_or(|fill| fill == model.fill)
            && ask
                .null_coefficients()
                .is_none_or(|coefficients| coefficients == model.coefficients);
        ensure!(
            judged,
            "the question weighs genotypes with something else than what was judged"
        );
        if self.entered {
            return Ok(());
        }
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        books::ledger(&self.folder)?.enter_columns(
            self.job(),
            &chosen.account,
            &chosen.numbers,
            columns,
            self.claims.as_ref().map_or(0, Claims::individuals),
        )?;
        self.published = alleles::published(&self.folder, self.approval.dataset())?;
        self.entered = true;
        Ok(())
    }

    fn account_vector(&mut self, ask: &AccountAsk) -> Result<Vec<u64>> {
        ensure!(self.check.is_none(), "the account is summed once in a run");
        let (place, secret) = (
            self.participation.place()?,
            self.participation.common_secret()?,
        );
        check_ask(ask, place[1])?;
        let chosen = self.chosen.as_ref().context("the run was not prepared")?;
        let asked = ask.study.as_ref().map(|study| &study.model);
        ensure!(
            asked == self.model.as_ref(),
            "the model of the covariates has changed during the run"
        );
        let study = self.study(chosen);
        let (addition, rows) = Addition::new(&chosen.account, &study, ask)?;
        if addition.model.baseline {
            let jobs =
                books::ledger(&self.folder)?.jobs_of(&self.data_user(), self.approval.dataset())?;
            check_baseline(&chosen.account, &jobs, &chosen.numbers, &addition.columns)?;
        }
        let shown = (&chosen.account, &ask.shown[..]);
        let columns =
            Columns::of_study(shown, &addition, &self.plan, &self.participation.roster()?);
        let people = PeopleSet::new(chosen.numbers.clone());
        let new = (&people, &addition.columns[..], &chosen.numbers[..]);
        let columns = columns.with_remainder(shown, new, self.limits(), &secret);
        let check = Check::new(
            rows,
            columns,
            place,
            &secret,
            ask.fraction_bits,
            study.threads,
        );
        let vector = check.vector();
        self.check = Some((check, addition));
        Ok(vector)
    }

    /// Notes what was released and hands over the head of the log that now says so.
    pub fn finish(
        &mut self,
        result: Digest,
        released: u64,
        suppressed: u64,
    ) -> Result<OutgoingAnswer> {
        self.participation
            .journal()
            .context("this node took no part in the run")?
            .released(result)?;
        let (permit, job) = (self.approval.permit_hash(), self.job());
        let head = self.folder.record(Event::Release {
            permit,
            job,
            result,
            released,
            suppressed,
        })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }

    pub fn abandon(&mut self, reason: &str) -> Result<OutgoingAnswer> {
        let head = self.folder.record(Event::RunFailed {
            job: self.job(),
            reason: reason.to_owned(),
        })?;
        Ok(OutgoingAnswer::Heads { heads: vec![head] })
    }
}

/// A variable's values of some people, missing ones as they counted before, or as the mean here.
fn filled(variable: &Variable, people: &[u32], fill: Option<f64>) -> Vec<f64> {
    let known: Vec<f64> = people
        .iter()
        .filter_map(|person| variable.values[*person as usize])
        .collect();
    let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
    let fill = fill.unwrap_or(mean);
    people
        .iter()
        .map(|person| variable.values[*person as usize].unwrap_or(fill))
        .collect()
}

fn record_job(folder: &Folder, approval: &Approval, coordinator: PublicKey) -> Result<Head> {
    let (claims, signed) = (approval.permit(), approval.signed_job());
    let permit = approval.permit_hash();
    folder.record(Event::Permit {
        id: claims.id.clone(),
        permit,
        issuer: claims.issuer.key,
    })?;
    folder.record(job_event(claims, signed, coordinator))
}

fn own_rule(folder: &Folder, rule: GateRule) -> anyhow::Error {
    anyhow!("the disclosure gate of {} refuses: {rule}", folder.name())
}

fn own_gate(thresholds: &Thresholds) -> OwnGate {
    OwnGate {
        individuals: thresholds[Rule::IndividualsPerSite],
        cell: thresholds[Rule::Cell],
        minor_allele_count: thresholds[Rule::MinorAlleleCount],
        minor_allele_count_in_cases: thresholds[Rule::MinorAlleleCountInCases],
    }
}

fn plan(approval: &Approval) -> Plan {
    let job = approval.job();
    let family = match job.method {
        Method::GwasLinear => Family::Linear,
        Method::GwasLogistic => Family::Logistic,
    };
    Plan {
        family,
        two_values: family == Family::Logistic,
        trait_name: job.trait_name.clone(),
        covariates: job.covariates.clone(),
        wald_below: job.wald_below,
    }
}

fn is_binary(phenotypes: &Phenotypes, name: &VariableName) -> bool {
    phenotypes
        .variable(name)
        .is_some_and(|variable| variable.kind == VariableKind::Binary)
}

/// Kind and coding of variables, where enough people have a value of each.
fn own_variables<'a>(
    gate: &Gate,
    phenotypes: &Phenotypes,
    names: impl Iterator<Item = &'a VariableName>,
) -> Result<(OwnSite, Vec<VariableFacts>), GateRule> {
    let known: Vec<&Variable> = names.filter_map(|name| phenotypes.variable(name)).collect();
    let with_value = |variable: &&Variable| variable.values.iter().flatten().count() as u64;
    let site = gate.own_site(known.iter().map(with_value).min().unwrap_or(0))?;
    let facts = known.into_iter().map(|variable| VariableFacts {
        name: variable.name.clone(),
        kind: variable.kind,
        coding: variable
            .coding
            .filter(|_| variable.kind == VariableKind::Binary),
        rounded: false,
    });
    Ok((site, facts.collect()))
}
