//! The criteria one by one.

use ligate_formats::consequence::Loftee;
use ligate_knowledge::Constraint;

use super::{Assessment, Criterion, Judgement, Status, Strength, frequency};
use crate::genome::{
    burden::{Mode, Phase},
    effect::{Effect, EffectSource, GeneEffect},
    examine::Candidate,
    family::{Family, Parentage},
    inheritance::State,
};

/// What a variant is judged for.
pub struct AcmgContext<'a> {
    pub family: &'a Family,
    /// What the variant does to the gene in question.
    pub effect: &'a GeneEffect,
    pub mode: Mode,
    pub constraint: Option<Constraint>,
    /// The other variant of a pair: whether it is itself likely pathogenic or worse, and the phase.
    pub partner: Option<(bool, Phase)>,
}

/// Judges a variant for a disease of one gene and mode.
pub fn assess(candidate: &Candidate, context: &AcmgContext<'_>) -> Assessment {
    let mut judgements: Vec<Judgement> = LEFT_OUT
        .iter()
        .filter_map(|criterion| {
            let reason = criterion.left_out()?.to_owned();
            Some(Judgement {
                criterion: *criterion,
                status: Status::NotAssessable,
                reason,
            })
        })
        .collect();
    judgements.extend(frequency::judge(candidate.rarity, context.mode));
    judgements.extend(new(candidate, context));
    judgements.extend([
        loss_of_function(context),
        in_trans(context),
        length(context),
        cosegregation(candidate, context),
        intolerant_of_missense(context),
        healthy_carrier(candidate, context),
        against_segregation(candidate, context),
        with_another(context),
        silent(context),
    ]);
    judgements.sort_by_key(|judgement| judgement.criterion);
    Assessment::of(judgements)
}

const LEFT_OUT: [Criterion; 14] = [
    Criterion::Ps1,
    Criterion::Ps3,
    Criterion::Ps4,
    Criterion::Pm1,
    Criterion::Pm5,
    Criterion::Pp3,
    Criterion::Pp4,
    Criterion::Pp5,
    Criterion::Bs3,
    Criterion::Bp1,
    Criterion::Bp3,
    Criterion::Bp4,
    Criterion::Bp5,
    Criterion::Bp6,
];

fn judgement(criterion: Criterion, status: Status, reason: &str) -> Judgement {
    Judgement {
        criterion,
        status,
        reason: reason.to_owned(),
    }
}

/// LOEUF below which losing one copy is not tolerated (gnomAD v2.1.1).
const INTOLERANT_LOEUF: f32 = 0.35;
/// Missense z above which PP2 is met (gnomAD).
const INTOLERANT_MISSENSE_Z: f32 = 3.09;
/// Chance that a parent's call is wrong above which a variant is not called new.
const PARENT_WRONG_MAX: f64 = 0.05;

/// Loss of function by annotation, in a gene where that is a mechanism: for recessive modes loss is
/// the usual one, for dominant ones the gene must be intolerant.
fn loss_of_function(context: &AcmgContext<'_>) -> Judgement {
    let GeneEffect {
        effect,
        source,
        loftee,
        ..
    } = context.effect;
    let one = |status, reason| judgement(Criterion::Pvs1, status, reason);
    if *source == EffectSource::Structures {
        return match effect {
            Effect::Nonsense | Effect::Frameshift | Effect::SpliceSite | Effect::CodingUnread => {
                one(
                    Status::NotAssessable,
                    "gene structures alone do not show a loss of function",
                )
            }
            _ => one(Status::NotMet, "no loss of function"),
        };
    }
    if !effect.is_loss_of_function() {
        return one(
            Status::NotMet,
            "not a nonsense, frameshift or splice-site variant",
        );
    }
    if matches!(loftee, Some(Loftee::LowConfidence)) {
        return one(Status::NotMet, "LOFTEE doubts the loss of function");
    }
    let recessive = matches!(context.mode, Mode::Recessive | Mode::XRecessive);
    match context.constraint {
        Some(constraint) if constraint.loeuf < INTOLERANT_LOEUF || recessive => {
            // ClinGen's decision tree (Abou Tayoun 2018) lowers splice sites, whose outcome is not
            // read here.
            let strength = if *effect == Effect::SpliceSite {
                Strength::Strong
            } else {
                Strength::VeryStrong
            };
            one(
                Status::Met(strength),
                "loss of function in a gene where that causes disease",
            )
        }
        Some(_) => one(
            Status::NotMet,
            "the gene tolerates the loss of one copy (LOEUF)",
        ),
        None => one(Status::NotAssessable, "the gene's constraint is not known"),
    }
}

/// PS2 and PM6, never both: new, with both healthy parents called without it and few chances that a
/// call is wrong. PS2 where enough of the parents' genotypes agree with the pedigree, which
/// confirms them; PM6 where too few are there.
fn new(candidate: &Candidate, context: &AcmgContext<'_>) -> [Judgement; 2] {
    let both = |confirmed, assumed, reason: &str| {
        [
            judgement(Criterion::Ps2, confirmed, reason),
            judgement(Criterion::Pm6, assumed, reason),
        ]
    };
    let neither = |status, reason: &str| both(status, status, reason);
    let (Some(father), Some(mother)) = context.family.parents() else {
        return neither(Status::NotAssessable, "both parents are needed");
    };
    let Some(wrong) = candidate.parent_wrong else {
        return neither(Status::NotMet, "a parent carries it or has no call");
    };
    if !candidate.parents_measured {
        return neither(
            Status::NotAssessable,
            "the file does not say how good the parents' calls are",
        );
    }
    if wrong > PARENT_WRONG_MAX {
        return neither(
            Status::NotMet,
            &format!("a parent's call is wrong with chance {wrong:.2}"),
        );
    }
    if [father, mother]
        .iter()
        .any(|parent| context.family.member(*parent).affected != Some(false))
    {
        return neither(Status::NotMet, "a parent is affected or of unknown status");
    }
    match context.family.parentage() {
        Parentage::Consistent => both(
            Status::Met(Strength::Strong),
            Status::NotMet,
            "new, and the genotypes confirm both parents; the phenotype's specificity is not judged here",
        ),
        Parentage::Unchecked => both(
            Status::NotMet,
            Status::Met(Strength::Moderate),
            "new, and too few genotypes are there to confirm the parents",
        ),
        Parentage::Contradicted => neither(
            Status::NotMet,
            "the genotypes contradict the stated parents",
        ),
    }
}

fn in_trans(context: &AcmgContext<'_>) -> Judgement {
    let one = |status, reason| judgement(Criterion::Pm3, status, reason);
    if context.mode != Mode::Recessive {
        return one(Status::NotMet, "for recessive diseases only");
    }
    match context.partner {
        Some((true, Phase::Trans)) => one(
            Status::Met(Strength::Moderate),
            "in trans with a variant that is likely pathogenic by itself",
        ),
        Some((true, Phase::Unknown)) => one(
            Status::Met(Strength::Supporting),
            "with a likely pathogenic variant, phase not known",
        ),
        Some((true, Phase::Cis)) => one(Status::NotMet, "on the same copy as the other variant"),
        Some((false, _)) | None => one(
            Status::NotMet,
            "no second variant that is pathogenic by itself",
        ),
    }
}

fn length(context: &AcmgContext<'_>) -> Judgement {
    match context.effect.effect {
        Effect::StopLost => judgement(
            Criterion::Pm4,
            Status::Met(Strength::Moderate),
            "the stop codon is lost",
        ),
        Effect::InframeIndel if context.effect.source != EffectSource::Structures => judgement(
            Criterion::Pm4,
            Status::Met(Strength::Supporting),
            "in-frame; repeats were not looked at",
        ),
        Effect::InframeIndel => judgement(
            Criterion::Pm4,
            Status::NotAssessable,
            "gene structures alone: repeats are not known",
        ),
        _ => judgement(
            Criterion::Pm4,
            Status::NotMet,
            "the protein keeps its length",
        ),
    }
}

/// Affected relatives other than the patient who carry it, each a meiosis.
fn cosegregation(candidate: &Candidate, context: &AcmgContext<'_>) -> Judgement {
    let affected: Vec<State> = others(candidate, context, true).collect();
    let with = affected.iter().filter(|state| state.carries()).count();
    let without = affected.len() - with;
    match (with, without) {
        (0, 0) => judgement(
            Criterion::Pp1,
            Status::NotAssessable,
            "no other affected member is genotyped",
        ),
        (1.., 0) => judgement(
            Criterion::Pp1,
            Status::Met(Strength::Supporting),
            "all affected members carry it",
        ),
        _ => judgement(
            Criterion::Pp1,
            Status::NotMet,
            "an affected member does not carry it",
        ),
    }
}

fn intolerant_of_missense(context: &AcmgContext<'_>) -> Judgement {
    let one = |status, reason| judgement(Criterion::Pp2, status, reason);
    match (context.effect.effect, context.constraint) {
        (Effect::Missense, Some(constraint)) if constraint.missense_z > INTOLERANT_MISSENSE_Z => {
            one(
                Status::Met(Strength::Supporting),
                "missense in a gene that tolerates little of it",
            )
        }
        (Effect::Missense, Some(_)) => one(Status::NotMet, "the gene tolerates missense variation"),
        (Effect::Missense, None) => {
            one(Status::NotAssessable, "the gene's constraint is not known")
        }
        (Effect::CodingUnread, _) => {
            one(Status::NotAssessable, "missense was not told from silent")
        }
        _ => one(Status::NotMet, "not missense"),
    }
}

/// BS2: a healthy relative has the genotype that should make them ill. Age and penetrance are not
/// known, so that it is supporting only.
fn healthy_carrier(candidate: &Candidate, context: &AcmgContext<'_>) -> Judgement {
    let recessive = matches!(context.mode, Mode::Recessive | Mode::XRecessive);
    let ill = |state: State| {
        if recessive {
            state.is_full()
        } else {
            state.carries()
        }
    };
    let healthy: Vec<State> = others(candidate, context, false).collect();
    if healthy.is_empty() {
        return judgement(
            Criterion::Bs2,
            Status::NotAssessable,
            "no healthy member is genotyped",
        );
    }
    if healthy.into_iter().any(ill) {
        judgement(
            Criterion::Bs2,
            Status::Met(Strength::Supporting),
            "a healthy relative has the same genotype",
        )
    } else {
        judgement(
            Criterion::Bs2,
            Status::NotMet,
            "no healthy relative has the genotype",
        )
    }
}

/// BS4: one affected relative without it may have another cause or a wrong call, which is
/// supporting; two are strong.
fn against_segregation(candidate: &Candidate, context: &AcmgContext<'_>) -> Judgement {
    let affected: Vec<State> = others(candidate, context, true).collect();
    let without = affected.iter().filter(|state| !state.carries()).count();
    let one = |status, reason| judgement(Criterion::Bs4, status, reason);
    match (affected.len(), without) {
        (0, _) => one(
            Status::NotAssessable,
            "no other affected member is genotyped",
        ),
        (_, 0) => one(Status::NotMet, "no affected member is without it"),
        (_, 1) => one(
            Status::Met(Strength::Supporting),
            "one affected member does not carry it",
        ),
        _ => one(
            Status::Met(Strength::Strong),
            "affected members do not carry it",
        ),
    }
}

/// The called states of the patient's relatives that are affected, or healthy.
fn others(
    candidate: &Candidate,
    context: &AcmgContext<'_>,
    affected: bool,
) -> impl Iterator<Item = State> {
    let patient = context.family.patient().0;
    let members = context
        .family
        .members()
        .iter()
        .zip(&candidate.states)
        .enumerate();
    let others = members.filter(move |(at, (member, state))| {
        *at != patient && member.affected == Some(affected) && **state != State::Uncalled
    });
    others.map(|(_, (_, state))| *state)
}

fn with_another(context: &AcmgContext<'_>) -> Judgement {
    let one = |status, reason| judgement(Criterion::Bp2, status, reason);
    match (context.mode, context.partner) {
        (_, None) => one(Status::NotAssessable, "no second variant"),
        (Mode::Recessive, Some((true, Phase::Cis))) => one(
            Status::Met(Strength::Supporting),
            "on the same copy as a pathogenic variant",
        ),
        (Mode::Dominant, Some((true, Phase::Trans))) => one(
            Status::Met(Strength::Supporting),
            "in trans with a pathogenic variant of a dominant disease",
        ),
        _ => one(Status::NotMet, "phase speaks not against it"),
    }
}

fn silent(context: &AcmgContext<'_>) -> Judgement {
    match context.effect.effect {
        Effect::Synonymous if context.effect.source != EffectSource::Structures => judgement(
            Criterion::Bp7,
            Status::NotAssessable,
            "silent; its effect on splicing is not predicted here",
        ),
        Effect::CodingUnread => judgement(
            Criterion::Bp7,
            Status::NotAssessable,
            "missense was not told from silent",
        ),
        _ => judgement(Criterion::Bp7, Status::NotMet, "not silent"),
    }
}

#[cfg(test)]
mod tests;
