"""What is a person's trait? A reader who holds the person's genome guesses the trait from the released effects of M
variants in n people (Im, Gamazon, Nicolae and Cox, AJHG 90:591 (2012)): the sum of effect times dosage less its mean.

    pip install -r bench/attacks/requirements.txt && python3 bench/attacks/trait_guess.py

Variants are independent, each in a region of its own, with frequencies of 0.05 to 0.5, released as in an exported table:
effects to four digits, frequencies to three decimals. Reported is the correlation of guess and trait in the people of the
study and in as many others of the same population: what it is there, a true effect explains; the rest is what taking part
gives away.
"""
import numpy as np

PEOPLE, CHUNK = 2000, 2000
# The rule of the outer door (crates/disclosure/src/export.rs): variants and strength for one trait, and how much one counts.
VARIANTS_MAX, STRENGTH_MAX, GENOME_WIDE = PEOPLE // 9, PEOPLE / 9, 29.72


def main():
    print("| tested | heritability | causal | released | variants | S | S as counted | correlation in the study | "
          "sqrt(S / (S + n)) | by the counted S | in others |")
    print("|---:|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for tested, heritability, causal, repeats in [(14_000, 0.0, 0, 10), (14_000, 0.5, 140, 10), (14_000, 0.5, 10, 10),
                                                  (1_000_000, 0.0, 0, 2)]:
        results = [study(np.random.default_rng([2, tested, int(100 * heritability), repeat]), tested, heritability, causal)
                   for repeat in range(repeats)]
        for name in results[0]:
            count, power, counted, inside, outside = np.mean([result[name] for result in results], axis=0)
            of_strength = [f"{np.sqrt(strength / (strength + PEOPLE)):.2f}" for strength in (power, counted)]
            print(f"| {tested:,} | {heritability:g} | {causal} | {name} | {count:,.0f} | {power:,.0f} | {counted:,.0f} | "
                  f"{inside:.2f} | {of_strength[0]} | {of_strength[1]} | {outside:.2f} |", flush=True)


def study(rng, tested, heritability, causal):
    """Variants, their chi-squares, and both correlations, for each choice of variants to release."""
    frequencies = rng.uniform(0.05, 0.5, tested)
    seeds = rng.integers(1 << 60, size=-(-tested // CHUNK))
    effects = rng.normal(0, np.sqrt(heritability / max(causal, 1)), causal)
    traits = rng.normal(0, np.sqrt(1 - heritability), 2 * PEOPLE)
    for chunk in range(-(-causal // CHUNK)):
        here = slice(chunk * CHUNK, min((chunk + 1) * CHUNK, causal))
        dosages = draw(seeds[chunk], frequencies, chunk)[:, :here.stop - here.start].astype(float)
        f = frequencies[here]
        traits += (dosages - 2 * f) / np.sqrt(2 * f * (1 - f)) @ effects[here]
    inside = traits[:PEOPLE] - traits[:PEOPLE].mean()
    tables = [table(draw(seed, frequencies, chunk)[:PEOPLE], inside) for chunk, seed in enumerate(seeds)]
    betas, means, squares = (np.concatenate(column) for column in zip(*tables))
    first = np.argsort(-squares)
    choices = {}
    if tested <= 100_000:
        choices["the full table"] = np.arange(tested)
    choices["n / 9 by chance"] = rng.choice(tested, VARIANTS_MAX, replace=False)
    choices["the n / 9 most significant"] = first[:VARIANTS_MAX]
    choices["the outer door"] = outer_door(first, squares)
    return {name: guess(chosen, betas, means, squares, seeds, frequencies, traits) for name, chosen in choices.items()}


def outer_door(first, squares):
    """The strongest ones, up to the first that does not fit."""
    fit = np.cumsum(np.minimum(squares[first], GENOME_WIDE)) <= STRENGTH_MAX
    return first[:min(int(fit.sum()), VARIANTS_MAX)]


def draw(seed, frequencies, chunk):
    """Dosages of a chunk of variants in the people of the study and as many others: the same for the same seed."""
    rng = np.random.default_rng(seed)
    limits = (frequencies[chunk * CHUNK:(chunk + 1) * CHUNK] * 65536).astype(np.uint16)
    alleles = rng.integers(65536, size=(2, 2 * PEOPLE, len(limits)), dtype=np.uint16) < limits
    return alleles.sum(axis=0, dtype=np.int8)


def table(dosages, trait):
    """Effects to four digits, mean dosages by frequencies to three decimals, and chi-squares."""
    rest = dosages.astype(np.float32)
    means = rest.mean(axis=0)
    rest -= means
    square = np.einsum("ij,ij->j", rest, rest).astype(float)
    sums = (rest.T @ trait.astype(np.float32)).astype(float)
    betas = sums / square
    left = (trait @ trait - betas * sums) / (PEOPLE - 2)
    scale = 10 ** (np.floor(np.log10(np.abs(betas))) - 3)
    return np.round(betas / scale) * scale, 2 * np.round(means / 2, 3), betas**2 * square / left


def guess(chosen, betas, means, squares, seeds, frequencies, traits):
    score = np.zeros(2 * PEOPLE)
    for chunk in np.unique(chosen // CHUNK):
        here = chosen[chosen // CHUNK == chunk]
        score += (draw(seeds[chunk], frequencies, chunk)[:, here % CHUNK] - means[here]) @ betas[here]
    inside, outside = slice(0, PEOPLE), slice(PEOPLE, None)
    correlation = [np.corrcoef(score[part], traits[part])[0, 1] for part in (inside, outside)]
    return [len(chosen), squares[chosen].sum(), np.minimum(squares[chosen], GENOME_WIDE).sum(), *correlation]


if __name__ == "__main__":
    main()
