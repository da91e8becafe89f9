"""Who carries a variant? A reader who knows every trait and covariate of 2,000 people looks for the carriers in released
tables, with and without the rules of the outer door.

    pip install -r bench/attacks/requirements.txt && python3 bench/attacks/carriers.py

A table has, for each trait, the effect of the dosage x on the trait y by linear regression with covariates, its standard
error, the people and the frequency. From them follow x'Mx and x'My (M takes the covariates out of a column), to within the
rounding. So each table is a linear condition on the 2,000 unknown dosages. The reader names as many people as the frequency
says there are, by one of three ways: the best linear guess; the dosages of the fewest copies that meet all conditions (the
linear relaxation of the integer program, by HiGHS); approximate message passing with the known distribution of dosages
(Donoho, Maleki and Montanari, PNAS 106:18914 (2009)).
"""
import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

PEOPLE, COVARIATES, VARIANTS = 2000, 4, 20


def main():
    print("| traits | digits | largest h | copies | carriers | chance | linear guess | linear program | message passing | its ten most suspect | all found |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for traits, digits, copies in [(100, None, 20), (100, 4, 20), (200, 4, 20), (100, 4, 60), (100, None, "rule"),
                                   (25, 4, "rule"), (50, 4, "rule"), (100, 4, "rule"), (200, 4, "rule"), (300, 4, "rule")]:
        row(traits, digits, copies)


def row(traits, digits, copies):
    rng = np.random.default_rng([1, traits])
    covariates = np.column_stack([np.ones(PEOPLE), rng.standard_normal((PEOPLE, COVARIATES))])
    values = rng.standard_normal((PEOPLE, traits)) + covariates @ rng.normal(0, 0.3, (COVARIATES + 1, traits))
    basis = np.linalg.qr(np.column_stack([covariates, values]))[0]
    leverage = (basis**2).sum(axis=1).max()
    if copies == "rule":
        copies = int(np.ceil(2 * PEOPLE * lowest_frequency(leverage)))
    kept = values - covariates @ np.linalg.lstsq(covariates, values)[0]
    found = [attack(rng, covariates, kept, copies, digits) for _ in range(VARIANTS)]
    carriers, chance, *right, all_found = np.mean(found, axis=0)
    print(f"| {traits} | {digits or 'all'} | {leverage:.3f} | {copies} | {carriers:.0f} | {chance:.1%} | "
          + " | ".join(f"{share:.1%}" for share in right) + f" | {all_found * VARIANTS:.0f} of {VARIANTS} |", flush=True)


def lowest_frequency(leverage):
    """The rule of the outer door: 2p(1-p) >= h / (1-h)."""
    return (1 - np.sqrt(1 - 2 * leverage / (1 - leverage))) / 2


def attack(rng, covariates, kept, copies, digits):
    """Carriers, chance, the share of the named people who are carriers by each way to guess, and whether one of the ways
    names every carrier, which the reader sees: then the dosages meet the conditions."""
    dosages = np.bincount(rng.choice(2 * PEOPLE, copies, replace=False) // 2, minlength=PEOPLE).astype(float)
    effects, errors, frequency = table(dosages, covariates, kept, digits)
    low, high = sums(effects, errors, kept, covariates.shape[1], digits)
    copies_low, copies_high = (2 * PEOPLE * (frequency + sign * (0 if digits is None else 0.0005)) for sign in (-1, 1))
    conditions = LinearConstraint(np.vstack([kept.T, np.ones(PEOPLE)]), np.append(low, copies_low), np.append(high, copies_high))
    guess = kept @ np.linalg.solve(kept.T @ kept, (low + high) / 2)
    program = fewest(conditions, frequency)
    passing = pass_messages(kept, (low + high) / 2, frequency)
    carriers = int((dosages > 0).sum())
    named = round(PEOPLE * (1 - (1 - frequency) ** 2))
    ways = [(guess, named), (program, named), (passing, named), (passing, 10)]
    right = [np.mean(dosages[np.argsort(-of)[:count]] > 0) for of, count in ways]
    all_found = any(set(np.argsort(-of)[:carriers]) == set(np.flatnonzero(dosages)) for of in (program, passing))
    return [carriers, carriers / PEOPLE, *right, all_found]


def table(dosages, covariates, kept, digits):
    """What the tables of a variant say: effect and standard error for each trait, and the frequency."""
    rest = dosages - covariates @ np.linalg.lstsq(covariates, dosages)[0]
    square = rest @ rest
    effects = kept.T @ rest / square
    freedom = PEOPLE - covariates.shape[1] - 1
    errors = np.sqrt(((kept**2).sum(axis=0) / square - effects**2) / freedom)
    frequency = dosages.sum() / (2 * PEOPLE)
    return significant(effects, digits), significant(errors, digits), frequency if digits is None else round(frequency, 3)


def significant(values, digits):
    return values if digits is None else values - values + np.array([float(f"{value:.{digits - 1}e}") for value in values])


def sums(effects, errors, kept, parameters, digits):
    """Bounds of x'My for each trait. Every table bounds x'Mx, and the narrowest bounds serve for all."""
    freedom = PEOPLE - parameters - 1
    half = lambda values: 1e-13 * np.abs(values) if digits is None else 0.5 * 10 ** (np.floor(np.log10(np.abs(values))) - digits + 1)
    far, wide = half(effects), half(errors)
    power = (kept**2).sum(axis=0)
    square_low = (power / (freedom * (errors + wide) ** 2 + (np.abs(effects) + far) ** 2)).max()
    square_high = (power / (freedom * (errors - wide) ** 2 + np.maximum(np.abs(effects) - far, 0) ** 2)).min()
    corners = [(effects + sign * far) * square for sign in (-1, 1) for square in (square_low, square_high)]
    slack = 1e-7 if digits is None else 1e-9
    return np.min(corners, axis=0) - slack, np.max(corners, axis=0) + slack


def fewest(conditions, frequency):
    """The dosages of fewest copies that meet the conditions. Where hardly anybody is expected to have two copies, dosages
    up to 1 are tried first."""
    for largest in (1, 2) if PEOPLE * frequency**2 < 0.5 else (2,):
        found = milp(np.ones(PEOPLE), integrality=np.zeros(PEOPLE), bounds=Bounds(0, largest), constraints=conditions)
        if found.x is not None:
            return found.x
    raise SystemExit(f"no dosages meet the conditions: {found.message}")


def pass_messages(kept, sums, frequency):
    """Expected dosages, damped so that it settles."""
    traits = kept.shape[1]
    scale = np.sqrt((kept**2).sum(axis=0) * traits / PEOPLE)
    mix, target = (kept / scale).T, sums / scale
    prior = np.array([(1 - frequency) ** 2, 2 * frequency * (1 - frequency), frequency**2])
    expected, variance, rest = np.full(PEOPLE, 2 * frequency), np.zeros(PEOPLE), np.zeros(traits)
    for step in range(300):
        noise = max(rest @ rest / traits, 1e-12)
        reaction = rest * variance.sum() / noise / traits
        rest = rest + (0.5 if step else 1.0) * (target - mix @ expected + reaction - rest)
        noise = max(rest @ rest / traits, 1e-12)
        seen = expected + mix.T @ rest
        log = np.log(prior) - (seen[:, None] - np.arange(3)) ** 2 / (2 * noise)
        weight = np.exp(log - log.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        expected = weight @ np.arange(3)
        variance = weight @ np.arange(3) ** 2 - expected**2
    return expected


if __name__ == "__main__":
    main()
