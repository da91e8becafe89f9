//! The criteria on invented families.

use super::*;
use crate::genome::{
    family::{FamilyMember, MemberIndex},
    gene_model::ModelGene,
};

fn gene_effect(effect: Effect, source: EffectSource) -> GeneEffect {
    GeneEffect {
        gene: ModelGene(0),
        effect,
        source,
        canonical: true,
        loftee: None,
        description: None,
    }
}

fn pvs1(effect: Effect, source: EffectSource, loeuf: Option<f32>, mode: Mode) -> Status {
    let family =
        Family::single(&[ligate_model::IndividualId::new("p").unwrap()], None, None).unwrap();
    let effect = gene_effect(effect, source);
    let constraint = loeuf.map(|loeuf| Constraint {
        pli: 1.0,
        loeuf,
        missense_z: 0.0,
    });
    loss_of_function(&AcmgContext {
        family: &family,
        effect: &effect,
        mode,
        constraint,
        partner: None,
    })
    .status
}

#[test]
fn structures_alone_never_give_pvs1() {
    use EffectSource::{Annotation, Structures};
    let very = Status::Met(Strength::VeryStrong);
    for effect in Effect::ALL {
        let status = pvs1(effect, Structures, Some(0.1), Mode::Dominant);
        assert!(!matches!(status, Status::Met(_)), "{effect:?}");
    }
    assert_eq!(
        pvs1(Effect::Frameshift, Annotation, Some(0.1), Mode::Dominant),
        very
    );
    assert_eq!(
        pvs1(Effect::Frameshift, Annotation, Some(0.9), Mode::Dominant),
        Status::NotMet
    );
    assert_eq!(
        pvs1(Effect::Frameshift, Annotation, Some(0.9), Mode::Recessive),
        very
    );
    assert_eq!(
        pvs1(Effect::Frameshift, Annotation, None, Mode::Dominant),
        Status::NotAssessable
    );
}

/// The patient, healthy parents, and siblings that are affected or healthy.
fn family(siblings: &[bool]) -> Family {
    let member = |column, child: bool, affected| FamilyMember {
        column,
        father: child.then_some(MemberIndex(1)),
        mother: child.then_some(MemberIndex(2)),
        sex: None,
        affected: Some(affected),
    };
    let mut members = vec![
        member(0, true, true),
        member(1, false, false),
        member(2, false, false),
    ];
    members.extend(
        siblings
            .iter()
            .enumerate()
            .map(|(at, affected)| member(3 + at, true, *affected)),
    );
    Family::from_members(members, MemberIndex(0)).unwrap()
}

fn status(family: &Family, candidate: &Candidate, criterion: Criterion) -> Status {
    let constraint = Some(Constraint {
        pli: 1.0,
        loeuf: 0.1,
        missense_z: 5.0,
    });
    let effect = &candidate.effects[0];
    let context = AcmgContext {
        family,
        effect,
        mode: Mode::Dominant,
        constraint,
        partner: None,
    };
    let found = assess(candidate, &context);
    found
        .judgements
        .iter()
        .find(|judgement| judgement.criterion == criterion)
        .unwrap()
        .status
}

fn missense(states: &[State]) -> Candidate {
    Candidate::sample(
        gene_effect(Effect::Missense, EffectSource::Annotation),
        states.to_vec(),
    )
}

#[test]
fn a_lost_stop_changes_the_length_and_is_no_missense() {
    use ligate_formats::consequence::SequenceOntologyTerm;
    let effect = Effect::of_term(SequenceOntologyTerm::StopLost).unwrap();
    let candidate = Candidate::sample(
        gene_effect(effect, EffectSource::Annotation),
        vec![State::Heterozygous; 3],
    );
    let of = |criterion| status(&family(&[]), &candidate, criterion);
    assert_eq!(of(Criterion::Pm4), Status::Met(Strength::Moderate));
    assert_eq!(of(Criterion::Pp2), Status::NotMet);
    assert_eq!(of(Criterion::Pvs1), Status::NotMet);
}

#[test]
fn relatives_count_only_where_they_are_genotyped() {
    use State::{Heterozygous as Het, Reference as Ref, Uncalled};
    let of = |siblings: &[bool], states: &[State], criterion| {
        status(&family(siblings), &missense(states), criterion)
    };
    for criterion in [Criterion::Bs2, Criterion::Bs4, Criterion::Pp1] {
        assert_eq!(
            of(
                &[true, false],
                &[Het, Uncalled, Uncalled, Uncalled, Uncalled],
                criterion
            ),
            Status::NotAssessable,
            "{criterion:?}"
        );
    }
    assert_eq!(
        of(&[], &[Het, Ref, Het], Criterion::Bs4),
        Status::NotAssessable
    );
    assert_eq!(
        of(&[], &[Het, Ref, Het], Criterion::Bs2),
        Status::Met(Strength::Supporting)
    );
    assert_eq!(
        of(&[true], &[Het, Ref, Het, Ref], Criterion::Bs4),
        Status::Met(Strength::Supporting)
    );
    assert_eq!(
        of(&[true; 2], &[Het, Ref, Het, Ref, Ref], Criterion::Bs4),
        Status::Met(Strength::Strong)
    );
    assert_eq!(
        of(&[true], &[Het, Ref, Het, Het], Criterion::Bs4),
        Status::NotMet
    );
}

#[test]
fn new_is_strong_with_confirmed_parents_and_moderate_without() {
    let (strong, moderate) = (
        Status::Met(Strength::Strong),
        Status::Met(Strength::Moderate),
    );
    let new = |wrong, measured| {
        let mut candidate = missense(&[State::Heterozygous, State::Reference, State::Reference]);
        (candidate.parent_wrong, candidate.parents_measured) = (wrong, measured);
        candidate
    };
    let of = |parentage, candidate: &Candidate| {
        let family = family(&[]).with_parentage(parentage);
        [Criterion::Ps2, Criterion::Pm6].map(|criterion| status(&family, candidate, criterion))
    };
    let sure = new(Some(0.001), true);
    assert_eq!(of(Parentage::Consistent, &sure), [strong, Status::NotMet]);
    assert_eq!(of(Parentage::Unchecked, &sure), [Status::NotMet, moderate]);
    assert_eq!(of(Parentage::Contradicted, &sure), [Status::NotMet; 2]);
    assert_eq!(
        of(Parentage::Consistent, &new(Some(0.5), false)),
        [Status::NotAssessable; 2]
    );
    assert_eq!(
        of(Parentage::Consistent, &new(Some(0.3), true)),
        [Status::NotMet; 2]
    );
    assert_eq!(
        of(Parentage::Consistent, &new(None, false)),
        [Status::NotMet; 2]
    );
}
