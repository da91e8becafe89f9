//! The ranking with a genome on a small model.

mod genomes;

use std::collections::HashMap;

use super::{Evidence, GeneticDisease, KnownModes, MISSED};
use crate::genome::{
    burden::{Burden, Carriage, Carried, Phase},
    effect::Effect,
    frequency::Tier,
    gene_model::{ModelGene, sample},
};

fn carried(id: u32, effect: Effect, carriage: Carriage) -> Carried {
    Carried {
        id,
        effect,
        tier: Tier::Unseen,
        carriage,
        quality: 0.99,
        dominant: 1.0,
        recessive: 1.0,
    }
}

/// Log likelihood ratios of diseases of gene 0 (a frameshift), gene 1 (nothing) and no gene.
fn ratios(modes: KnownModes, carriage: Carriage) -> [f64; 3] {
    let model = sample::model(&[1000; 50]);
    let mut by_gene: HashMap<ModelGene, Vec<Carried>> = HashMap::new();
    by_gene.insert(ModelGene(0), vec![carried(0, Effect::Frameshift, carriage)]);
    for gene in 2..50 {
        by_gene.insert(
            ModelGene(gene),
            vec![carried(gene, Effect::Missense, Carriage::Heterozygous)],
        );
    }
    let pairs = by_gene
        .iter()
        .flat_map(|(gene, all)| all.iter().map(|one| (*gene, *one)));
    let burden = Burden::of(&model, &[], pairs);
    let evidence = Evidence {
        model: &model,
        burden: &burden,
        by_gene: &by_gene,
        trans: &|_, _| Phase::Unknown,
    };
    let disease = |genes: &[u32]| GeneticDisease {
        genes: genes.iter().map(|gene| ModelGene(*gene)).collect(),
        genes_without_structure: 0,
        modes,
    };
    [disease(&[0]), disease(&[1]), disease(&[])].map(|disease| evidence.disease(&disease).log_ratio)
}

#[test]
fn a_gene_without_a_variant_is_less_likely_and_never_impossible() {
    let dominant = KnownModes {
        dominant: true,
        ..KnownModes::default()
    };
    let [with, without, no_gene] = ratios(dominant, Carriage::Heterozygous);
    // 0.99 x 0.21 x 0.88 of causal alleles over one and a half frameshifts in fifty genes, 0.95 of
    // them dominant: about 6.
    assert!((1.5..2.0).contains(&with), "{with}");
    assert_eq!((without, no_gene), (MISSED.ln(), MISSED.ln()));
}

#[test]
fn zygosity_must_fit_the_mode() {
    let dominant = KnownModes {
        dominant: true,
        ..KnownModes::default()
    };
    let recessive = KnownModes {
        recessive: true,
        ..KnownModes::default()
    };
    let of = |modes, carriage| ratios(modes, carriage)[0];
    let heterozygous = Carriage::Heterozygous;
    assert!(of(dominant, heterozygous) > of(recessive, heterozygous) + 1.0);
    assert!(of(recessive, Carriage::Homozygous) > of(dominant, Carriage::Homozygous) + 1.0);
}
