"""Writes tails.tsv: two-sided tail probabilities to 20 digits, by 80-digit arithmetic (mpmath).

python3 tails.py > tails.tsv
"""
import mpmath
from mpmath import mp, mpf

mp.dps = 80


def student(t, v):
    t, v = mpf(t), mpf(v)
    x = v / (v + t * t)
    a = v / 2
    front = mp.exp(a * mp.log(x)) * mp.sqrt(1 - x) / a
    front *= mp.exp(mp.loggamma(a + mpf(1) / 2) - mp.loggamma(a) - mp.loggamma(mpf(1) / 2))
    return front * series(a, x) if x < mpf(1) / 2 else 1 - lower(a, 1 - x)


def series(a, x):
    """I_x(a, 1/2) over its front factor."""
    term = total = mpf(1)
    n = 0
    while abs(term) > abs(total) * mpf(10) ** -70:
        term *= (a + mpf(1) / 2 + n) / (a + 1 + n) * x
        total += term
        n += 1
    return total


def lower(a, y):
    """I_y(1/2, a), terms positive; the working precision covers the cancellation of 1 - lower."""
    mp.dps = 700
    half = mpf(1) / 2
    front = mp.sqrt(y) * mp.exp(a * mp.log(1 - y)) * 2
    front *= mp.exp(mp.loggamma(a + half) - mp.loggamma(a) - mp.loggamma(half))
    term = total = mpf(1)
    n = 0
    while term > total * mpf(10) ** -690:
        term *= (a + half + n) / (mpf(3) / 2 + n) * y
        total += term
        n += 1
    return front * total


def row(name, x, v, p):
    print(name, repr(x), repr(v), mp.nstr(p, 20), mp.nstr(-mp.log10(p), 20), sep="\t")


print(f"# python3 tails.py > tails.tsv (mpmath {mpmath.__version__})")
print("distribution\tstatistic\tdegrees\tp_value\tneg_log10_p")
for z in [0.0, 1e-9, 0.1, 0.4999, 0.5, 1.0, 1.959963984540054, 3.3, 4.999, 5.0, 7.5, 12.0, 30.0, 37.5, 39.0, 100.0]:
    mp.dps = 80
    row("normal", z, 0.0, mp.erfc(mpf(z) / mp.sqrt(2)))
for v in [1.0, 2.0, 3.0, 7.0, 30.0, 97.0, 996.0, 49988.0, 2e6, 2147483000.0]:
    for t in [1e-8, 0.01, 0.7, 1.3, 1.73, 1.74, 1.96, 2.6, 5.2, 11.0, 29.0, 45.0]:
        mp.dps = 80
        row("t", t, v, student(t, v))
