//! What coordinator and node say to each other around the rounds: may I, who takes part, what do
//! you offer, what was released, which tree heads do you hold. Both sides' words are here, so that
//! they cannot drift apart.
//!
//! What a node says about its people is [`Released`] on its side and plain on the coordinator's:
//! the same bytes, but only the disclosure gate can build the first.

pub mod client;
pub mod rounds;

use std::collections::BTreeSet;

use ligate_access::{
    PublicKey,
    audit::{Head, RecoveryProof},
};
use ligate_analysis::{codes::Grid, gwas::Model};
use ligate_disclosure::{ColumnId, DataUser, Exported, Left, Released, span::SOFTENING};
use ligate_model::{
    AlleleTally, Assembly, BinaryCoding, DiagnosisCount, Digest, VariableKind, VariableName,
    VariantKey,
};
use serde::{Deserialize, Serialize};

/// Offered variants of one page.
pub const OFFER_PAGE: usize = 100_000;

/// The path at which a node answers questions.
pub const PATH: &str = "/ligate/v1/session";

/// A variant and its RefSNP number, where the dataset knows one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedVariant {
    pub key: VariantKey,
    pub rsid: Option<u64>,
}

/// A page of a node's released tallies. `R` is `Released<Vec<AlleleTally>>` where the node builds
/// it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AllelePage<R> {
    pub assembly: Assembly,
    /// Names the table: pages of two snapshots do not mix.
    pub snapshot: Digest,
    pub rows: R,
    pub more: bool,
}

/// What a coordinator or peer asks.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Question {
    /// How does your dataset write the permit's variables?
    Describe { permit: String },
    /// May this job run here?
    Start {
        permit: String,
        job: String,
        /// The coordinator's own.
        head: Head,
        /// The newest one that the coordinator holds of each node.
        held: Vec<Head>,
    },
    /// May the stored release of this job's question still be handed out?
    Confirm { permit: String, job: String },
    /// The trait's cases are coded like this: choose your people.
    Prepare {
        job: Digest,
        coding: Option<BinaryCoding>,
    },
    /// How large are your values?
    Exponents { job: Digest },
    /// Which columns was the data user shown of your people, and which of them are of logistic
    /// studies with nearly the weights of this model?
    Account { job: Digest, model: Model },
    /// Judge your people by these sums of the account: one without each node of the roster.
    Judge { job: Digest, grams: Vec<Vec<f64>> },
    /// Which variants do you bring?
    Offer { job: Digest, page: u32 },
    /// The run is over; this is what was released.
    Finish {
        job: Digest,
        result: Digest,
        released: u64,
        suppressed: u64,
    },
    /// The run ended without a result.
    Abandon { job: Digest, reason: String },
    /// What would it add to, if something of this job's result left the environment?
    Export {
        permit: String,
        job: String,
        export: String,
        /// The digest of the result, as it was released.
        result: Digest,
        head: Head,
        held: Vec<Head>,
    },
    /// Of which of these variants have calls changed for a few people since something was shown?
    Changed {
        export: Digest,
        keys: Vec<VariantKey>,
    },
    /// Something leaves now: does everything that it adds to hold?
    Leave { export: Digest, leaving: Leaving },
    /// Keep these heads of other nodes' logs.
    KeepHeads { heads: Vec<Head> },
    /// Which heads of my log do you hold?
    HeadsHeld,
    /// Which diagnosis counts have you released? The whole table: the question names nothing.
    DiagnosisCounts,
    /// Which allele counts have you released? All of them, page by page.
    AlleleCounts { page: u32 },
    /// Which permits has this issuer revoked, as far as you know? Any peer may ask.
    Revocations { issuer: PublicKey },
    /// Keep this list of revoked permits, if it is newer than yours: its issuer signed it.
    KeepRevocations { list: String },
    /// Which runs with my people do you know? Asked by a node that was restored, of its
    /// coordinators.
    RunsKnown,
    /// How were you recovered, and does your log continue its first so many entries?
    Recoveries { held_sizes: Vec<u64> },
}

/// What a node answers, as the coordinator reads it.
pub type Answer = AnswerWith<SiteFacts, Vec<DiagnosisCount>, Vec<AlleleTally>>;

/// What a node answers, as the node must build it.
pub type OutgoingAnswer =
    AnswerWith<Released<SiteFacts>, Released<Vec<DiagnosisCount>>, Released<Vec<AlleleTally>>>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum AnswerWith<F, D, A> {
    /// No, and why.
    Declined {
        reason: String,
    },
    /// Yes, on this snapshot.
    Accepted {
        snapshot: Digest,
        assembly: Assembly,
        facts: F,
        head: Head,
    },
    /// What the node has released about its people.
    Facts {
        facts: F,
    },
    Heads {
        heads: Vec<Head>,
    },
    /// All diagnosis counts of the node; a row that is not there may be zero or suppressed.
    DiagnosisCounts {
        rows: D,
    },
    AlleleCounts {
        page: AllelePage<A>,
    },
    /// The newest signed list of the issuer; `None` where the node has none.
    Revocations {
        list: Option<String>,
    },
    RunsKnown {
        runs: Vec<KnownRun>,
    },
    Recoveries {
        proof: RecoveryProof,
    },
}

/// A run in which a node's people may have been summed, as its coordinator's log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRun {
    pub job: Digest,
    pub data_user: DataUser,
    /// Whether a result was released, and how many contents of it left the environment.
    pub released: bool,
    pub exported: usize,
}

/// What a node tells about its own people, once the gate has found them to be enough.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SiteFacts {
    Variables(Vec<VariableFacts>),
    /// Of each variable, covariates in order, then the trait: the exponent of the smallest power of
    /// two that bounds it, what its missing values counted as in earlier runs, and the grid that
    /// the values lie on.
    Scales(Scales),
    /// The columns of the data user's account, and the nodes of each result that was exported.
    /// Columns of one number are the same at this node.
    Account {
        columns: HeldColumns,
        exported: Vec<Vec<Digest>>,
        earlier: Earlier,
    },
    Export(ExportFacts),
    /// Places among the variants that were asked about.
    Changed(Vec<u32>),
    Judgement(Judgement),
    Variants {
        variants: Vec<OfferedVariant>,
        more: bool,
    },
}

/// What a data user was shown by logistic studies with nearly the same weights as a new one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Earlier {
    /// Of those with other covariates: the ones that the new study lacks; none where there is no
    /// such study.
    pub nested: Option<Vec<ColumnId>>,
    /// The weights of those with the same covariates, oldest first.
    pub same: Vec<ColumnId>,
}

/// The sizes of a node's values, variables in the order of the plan.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scales {
    pub exponents: Vec<i16>,
    pub fills: Vec<Option<f64>>,
    pub grids: Vec<Option<Grid>>,
}

/// How a node's table writes a variable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariableFacts {
    pub name: VariableName,
    pub kind: VariableKind,
    pub coding: Option<BinaryCoding>,
    /// Whether values off the step that the others keep to were rounded to it, so that nobody's are
    /// told by decimals.
    pub rounded: bool,
}

/// How finely it is said how much of an account is used: in twentieths.
pub const USED_STEPS: f64 = 20.0;

/// What the span rule says of one node's people.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The variable to leave out, where the rule refuses.
    pub refused: Option<String>,
    /// Whether that is because the sum over all people of this node would follow, not that over few
    /// of them.
    pub isolated: bool,
    /// The largest leverage of one person and the largest share of a small group that was found,
    /// both rounded up.
    pub leverage: f64,
    pub share: f64,
    /// Columns that the run would add.
    pub columns: u64,
    /// Where sums were not precise enough, by left-out node the size of the matrix that must be
    /// made again, or 0: then nothing is judged yet.
    pub imprecise: Vec<u16>,
    /// By left-out node.
    pub without: Vec<Without>,
}

/// What a search for groups over the nodes without one needs to know of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Without {
    /// Numbers of a direction.
    pub rank: u16,
    /// How many of the study's own columns are independent, of 1 for everybody and values as they
    /// are.
    pub plain_rank: u16,
    /// What each further one of its people can add to the share of a group at the most, largest
    /// first, as many as a group that is too small can have, in steps of [`LEVERAGE_STEP`].
    pub largest: Vec<f64>,
    /// Directions from which to start; they follow from the sum and are the same at all nodes.
    pub starts: Vec<Vec<f64>>,
}

/// How finely that is told, rounded up.
pub const LEVERAGE_STEP: f64 = 0.01;

impl Judgement {
    /// Rounded up, so that a node does not say more of its people than it must: to twentieths of
    /// the limits.
    #[must_use]
    pub fn in_steps(self) -> Self {
        let coarse = |value: f64| (value * USED_STEPS).ceil() / USED_STEPS;
        Self {
            leverage: coarse(self.leverage),
            share: coarse(self.share),
            ..self
        }
    }

    /// The same for an export, which small leverages decide about: the leverage up to the next
    /// quarter of a power of two, after the error of the sums that nodes are told.
    #[must_use]
    pub fn in_quarter_powers(self) -> Self {
        let leverage = self.leverage * (1.0 + 2.0 * SOFTENING);
        let up = ((4.0 * leverage.log2()).ceil() / 4.0).exp2();
        Self {
            leverage: if leverage > 0.0 { up } else { 0.0 },
            ..self.in_steps()
        }
    }
}

/// What leaves in an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Leaving {
    /// The digest of what leaves.
    pub content: Digest,
    pub variants: u64,
    /// The sum of the variants' strengths.
    pub strength: f64,
    /// The variants in their order, where they must be named ([`Exported::names_variants`]).
    pub keys: Vec<VariantKey>,
    /// The data user's signed wish, now with the digest in it.
    pub wish: String,
    /// The officer's word.
    pub approval: Option<String>,
}

/// What an export would add to, at one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportFacts {
    /// The exported account with the export, then each other data user's with it.
    pub accounts: Vec<ExportAccountFacts>,
    /// Whether something was shown of other snapshots of the dataset: then calls may have changed.
    pub changed: bool,
    /// What left before of other runs with the same trait.
    pub left_before: Left,
    /// The variants that left of these runs, and of this one: their regions are closed for others.
    pub regions: Vec<VariantKey>,
    /// What left before of this run.
    pub exported: Vec<Exported>,
}

/// An account that an export adds to, at one node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExportAccountFacts {
    /// Jobs that are whole in it: two nodes that have one of them speak of the same account.
    pub jobs: BTreeSet<Digest>,
    /// Columns of one number are the same at this node.
    pub columns: HeldColumns,
    /// The nodes of each result in it.
    pub rosters: Vec<Vec<Digest>>,
}

/// The columns of an account at one node.
pub type HeldColumns = Vec<(ColumnId, u32)>;
