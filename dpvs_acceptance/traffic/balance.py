"""Whether flows are spread over the RS as the scheduler promises: by statistics, not by looks.

Two kinds of promise. Round robin is exact: each worker's lcore walks its own RS list, so over W
workers the counts can differ by at most W (in units of the weights). Everything else (a hash, or
a scheduler whose state others move too) is judged by a chi-square test of fit with a stated rate
of false alarms, on as many flows as it takes to notice a deviation of a stated size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FALSE_ALARM = 1e-4  # a good device fails one run in ten thousand
MISS = 1e-3  # a device with the stated deviation passes one run in a thousand
DEVIATION = 0.5  # an RS that gets half as much again, or half, of its share


@dataclass(frozen=True, slots=True)
class Spread:
    """The outcome of a test: ``fair`` or not, and why, in words with all numbers."""

    fair: bool
    words: str

    def __str__(self) -> str:
        return self.words


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(X >= statistic) for a chi-square variable with ``freedom`` degrees of freedom."""
    return _gamma_tail(freedom / 2, statistic / 2)


def _gamma_tail(shape: float, x: float) -> float:
    """Regularised upper incomplete gamma function Q(shape, x); relative error below 1e-12."""
    if x <= 0:
        return 1.0
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:  # series of the lower function
        term = total = 1 / shape
        step = shape
        while abs(term) > abs(total) * 1e-16:
            step += 1
            term *= x / step
            total += term
        return max(0.0, 1 - front * total)
    tiny = 1e-300  # Lentz's continued fraction of the upper function
    b = x + 1 - shape
    c, d = 1 / tiny, 1 / b
    fraction = d
    for i in range(1, 100_000):
        a = -i * (i - shape)
        b += 2
        d = a * d + b
        d = 1 / (d if abs(d) > tiny else tiny)
        c = b + a / c
        c = c if abs(c) > tiny else tiny
        fraction *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return front * fraction


def chi_square_limit(tail: float, freedom: int) -> float:
    """The value that a chi-square variable exceeds with probability ``tail``."""
    low, high = 0.0, 1.0
    while chi_square_tail(high, freedom) > tail:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if chi_square_tail(middle, freedom) > tail else (low, middle)
    return high


def power(effect: float, flows: int, freedom: int, false_alarm: float) -> float:
    """Probability to notice a deviation: the tail of the noncentral chi-square distribution.

    effect: Cohen's w squared, the sum of (p - p0)^2 / p0.
    """
    limit = chi_square_limit(false_alarm, freedom)
    half = effect * flows / 2
    # A Poisson mixture of central ones; from its middle outwards, until the rest is negligible.
    total = 0.0
    middle = int(half)
    for indexes in (range(middle, middle + 10_000), range(middle - 1, -1, -1)):
        for j in indexes:
            weight = math.exp(-half + j * math.log(half) - math.lgamma(j + 1)) if half else (j == 0)
            if weight < 1e-16:
                break
            total += weight * chi_square_tail(limit, freedom + 2 * j)
    return min(1.0, total)


def flows_needed(
    weights: Sequence[int],
    *,
    deviation: float = DEVIATION,
    false_alarm: float = FALSE_ALARM,
    miss: float = MISS,
) -> int:
    """How many flows a test of fit needs to notice that one RS gets (1 +- deviation) its share.

    The hardest case: the RS with the smallest share deviates, the others make up for it in
    proportion. At least five flows are expected at each RS, below which the test is not valid.
    """
    shares = _shares(weights)
    if len(shares) < 2:
        raise ValueError("with one RS there is nothing to spread")
    smallest = min(shares)
    change = deviation * smallest
    effect = change**2 / smallest + change**2 / (1 - smallest)
    low, high = 0, math.ceil(5 / smallest)
    while power(effect, high, len(shares) - 1, false_alarm) < 1 - miss:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if power(effect, middle, len(shares) - 1, false_alarm) < 1 - miss:
            low = middle
        else:
            high = middle
    return max(high, math.ceil(5 / smallest))


def tries_needed(chance: float, miss: float = MISS) -> int:
    """How many independent tries it takes to meet what each one meets with this chance.

    chance: of one try, above 0 and at most 1; miss: that none of them meets it.
    """
    return 1 if chance >= 1 else math.ceil(math.log(miss) / math.log1p(-chance))


def _shares(weights: Sequence[int]) -> list[float]:
    total = sum(weights)
    if total <= 0 or min(weights) <= 0:
        raise ValueError(f"weights must be positive (an RS of weight 0 gets nothing): {weights}")
    return [weight / total for weight in weights]


def fit(
    counts: Mapping[str, int], weights: Mapping[str, int], *, false_alarm: float = FALSE_ALARM
) -> Spread:
    """Chi-square test of flow counts per RS against the weights' shares.

    An RS that is not in ``weights`` must have no flow at all. Raises ValueError with too few
    flows for the test (fewer than five expected at an RS).
    """
    strange = {name: count for name, count in counts.items() if count and name not in weights}
    if strange:
        return Spread(False, f"flows at RS that should get none: {_text(strange)}")
    names = sorted(weights)
    shares = dict(zip(names, _shares([weights[name] for name in names]), strict=True))
    total = sum(counts.values())
    if total * min(shares.values()) < 5:
        raise ValueError(
            f"{total} flows are too few to judge: at least {math.ceil(5 / min(shares.values()))}"
        )
    statistic = sum(
        (counts.get(name, 0) - total * shares[name]) ** 2 / (total * shares[name]) for name in names
    )
    chance = chi_square_tail(statistic, len(names) - 1)
    wanted = ", ".join(f"{name} {total * shares[name]:.1f}" for name in names)
    seen = _text({name: counts.get(name, 0) for name in names})
    return Spread(
        chance >= false_alarm,
        f"of {total} flows expected {wanted}; seen {seen}: chi-square {statistic:.2f}, which a "
        f"fair spread exceeds with probability {chance:.2g} (limit {false_alarm:g})",
    )


def round_robin(counts: Mapping[str, int], weights: Mapping[str, int], workers: int) -> Spread:
    """rr and wrr exactly: counts in units of weight differ by at most one per worker.

    Each lcore runs whole rounds and the beginning of one: an RS of weight w has got between
    rounds*w and (rounds + 1)*w of its flows (weights without their common divisor). Valid where
    nobody else's connections move the pointers meanwhile.
    """
    strange = {name: count for name, count in counts.items() if count and name not in weights}
    if strange:
        return Spread(False, f"flows at RS that should get none: {_text(strange)}")
    divisor = math.gcd(*weights.values())
    if divisor <= 0:
        raise ValueError(f"weights must be positive: {dict(weights)}")
    rounds = {name: counts.get(name, 0) * divisor / weights[name] for name in weights}
    apart = max(rounds.values()) - min(rounds.values())
    seen = _text({name: counts.get(name, 0) for name in sorted(weights)})
    weighted = f" with weights {_text(dict(sorted(weights.items())))}"
    return Spread(
        apart <= workers,
        f"of {sum(counts.values())} flows by round robin over {workers} worker(s){weighted}: seen "
        f"{seen}, {apart:g} round(s) apart, at most {workers} expected",
    )


HELD_PER_WORKER, NEW = 16, 4
"""Connections that are kept open for each worker, and how many more come then."""


def least_loaded(new: Mapping[str, int], emptied: str, held: Mapping[str, int]) -> Spread:
    """Least connections: of NEW connections, three quarters go to the RS that has none left.

    held: connections open at each RS before those of `emptied` were ended. Each lcore counts for
    itself. By chance an lcore may get more new ones than it holds at the loaded RS, and then
    rightly give one to that: with HELD_PER_WORKER two of four do so less than once in 1000 runs.
    By turns half of them would go there, and by the load turned round all.
    """
    total, right = sum(new.values()), new.get(emptied, 0)
    others = _text({name: count for name, count in sorted(held.items()) if name != emptied})
    return Spread(
        right * 4 >= total * 3,
        f"of {total} new connections {right} went to {emptied}, which had none, at least "
        f"{-(-total * 3 // 4)} expected; the others went to RS that were loaded ({others} open)",
    )


def _text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
