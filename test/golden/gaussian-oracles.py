"""Expectations of the divergence metrics under i.i.d. Gaussian data: makes gaussian-oracles.json.

Independent of normsim's code: mpmath 1.3.0 with 40 digits and the formulas as quotients of gamma functions; the
gradient cosine of two groups as a double integral over two Beta variables. Run:

    python3 test/golden/gaussian-oracles.py > test/golden/gaussian-oracles.json
"""

import json

from mpmath import beta, exp, log, loggamma, mp, mpf, pi, psi, quad, sqrt

mp.dps = 40


def step(n):
    """G(n/2) / G((n-1)/2)."""
    return exp(loggamma(mpf(n) / 2) - loggamma(mpf(n - 1) / 2)) if n > 1 else mpf(0)


def row(n, N):
    std, std_all = sqrt(mpf(2) / n) * step(n), sqrt(mpf(2) / N) * step(N)
    log_ratio = psi(0, mpf(n - 1) / 2) - psi(0, mpf(N - 1) / 2) + log(mpf(N) / n) if n > 1 else None
    return {
        "n": n,
        "N": N,
        "std": std,
        "meanGap": sqrt(mpf(N - n) / n) / pi * beta(mpf(1) / 2, mpf(N - 1) / 2),
        "logVarianceRatio": log_ratio,
        "kl": -log_ratio / 2 if n > 1 else None,
        "jeffreys": 2 * (1 - mpf(n) / N) / (n - 3) if n > 3 else None,
        "w2": 2 * (1 - mpf(1) / N - (N - 1) / sqrt(mpf(n) * N) * step(n) / step(N)),
        "outputMse": 2 * (1 - std / std_all) if n > 1 else mpf(1),
    }


def gradient_cosine(n1, n2):
    """dx of two groups against dx of both: q1/(q1+q2) is Beta, v1/v2 a quotient of chi-squares."""
    a1, a2, k1, k2 = (mpf(n) / 2 for n in (n1 - 2, n2 - 2, n1 - 1, n2 - 1))

    def inner(y):
        r = sqrt(y / (1 - y) * n2 / n1)
        t = lambda p: (p + (1 - p) * r) / sqrt(p + (1 - p) * r * r)
        return quad(lambda p: t(p) * p ** (a1 - 1) * (1 - p) ** (a2 - 1), [0, 0.5, 1]) / beta(a1, a2)

    ratio = quad(lambda y: inner(y) * y ** (k1 - 1) * (1 - y) ** (k2 - 1), [0, 0.5, 1]) / beta(k1, k2)
    a = a1 + a2
    kept = exp(loggamma(a + 0.5) - loggamma(a) + loggamma(a + 1) - loggamma(a + 1.5))
    return kept * ratio


pairs = [(n, n * R) for n in (1, 2, 3, 4, 8, 16, 32, 33, 34, 64, 128) for R in (2, 8, 64)]
pairs += [(5, 12), (99, 100), (10**6, 4 * 10**6), (10**8, 10**8 + 1), (10**8, 64 * 10**8)]
rows = [row(n, N) for n, N in pairs]

mp.dps = 20
cosines = [
    {"counts": counts, "gradientCosine": gradient_cosine(*counts)}
    for counts in ([3, 3], [4, 4], [8, 8], [3, 17], [5, 9], [16, 24])
]

lines = [json.dumps({k: float(v) if isinstance(v, mpf) else v for k, v in r.items()}) for r in rows]
lines_cosine = [json.dumps({k: float(v) if isinstance(v, mpf) else v for k, v in r.items()}) for r in cosines]
print('{ "rows": [\n' + ",\n".join(lines) + '\n],\n"gradientCosines": [\n' + ",\n".join(lines_cosine) + "\n] }")
