"""Statistical tests of the distribution of flows over real servers.

Round robin is tested exactly: each worker's lcore walks its own list of real servers, so with W
workers the counts differ by at most W (in units of the weights). Everything else (a hash, or a
scheduler whose state other connections change too) is tested by a chi-square test with a given
false alarm rate, with enough flows to detect a deviation of a given size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FALSE_ALARM = 1e-4  # a correct device fails one run in ten thousand
MISS = 1e-3  # a device with the stated deviation passes one run in a thousand
DEVIATION = 0.5  # relative: an RS gets 1.5 times or 0.5 times its share


@dataclass(frozen=True, slots=True)
class Spread:
    """The result of a test: ``fair`` or not, and a sentence with all numbers."""

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
    """Probability to detect a deviation: the tail of the noncentral chi-square distribution.

    effect: Cohen's w squared, the sum of (p - p0)^2 / p0.
    """
    limit = chi_square_limit(false_alarm, freedom)
    half = effect * flows / 2
    # A Poisson mixture of central distributions, from its middle outwards until negligible.
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
    """Number of flows needed to detect that one RS gets (1 +- deviation) times its share.

    For the hardest case: the RS with the smallest share deviates, and the others compensate in
    proportion. At least five flows per RS are expected, the minimum for a valid test.
    """
    shares = _shares(weights)
    if len(shares) < 2:
        raise ValueError("a distribution needs at least two RS")
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
    """Number of independent tries needed to see an event of this probability at least once.

    chance: probability per try, above 0, at most 1. miss: probability that no try sees it.
    """
    return 1 if chance >= 1 else math.ceil(math.log(miss) / math.log1p(-chance))


def _shares(weights: Sequence[int]) -> list[float]:
    total = sum(weights)
    if total <= 0 or min(weights) <= 0:
        raise ValueError(f"weights must be positive (an RS of weight 0 gets no flows): {weights}")
    return [weight / total for weight in weights]


def fit(
    counts: Mapping[str, int], weights: Mapping[str, int], *, false_alarm: float = FALSE_ALARM
) -> Spread:
    """Chi-square test of flow counts per RS against the shares given by the weights.

    An RS that is not in ``weights`` must have no flow. Raises ValueError with too few flows for
    the test (fewer than five expected at an RS).
    """
    strange = {name: count for name, count in counts.items() if count and name not in weights}
    if strange:
        return Spread(False, f"flows at RS that should get none: {_text(strange)}")
    names = sorted(weights)
    shares = dict(zip(names, _shares([weights[name] for name in names]), strict=True))
    total = sum(counts.values())
    if total * min(shares.values()) < 5:
        raise ValueError(
            f"{total} flows are too few, at least {math.ceil(5 / min(shares.values()))} are needed"
        )
    statistic = sum(
        (counts.get(name, 0) - total * shares[name]) ** 2 / (total * shares[name]) for name in names
    )
    chance = chi_square_tail(statistic, len(names) - 1)
    wanted = ", ".join(f"{name} {total * shares[name]:.1f}" for name in names)
    seen = _text({name: counts.get(name, 0) for name in names})
    return Spread(
        chance >= false_alarm,
        f"of {total} flows expected {wanted}; seen {seen}: chi-square {statistic:.2f}; a fair "
        f"distribution exceeds this with probability {chance:.2g} (limit {false_alarm:g})",
    )


def round_robin(counts: Mapping[str, int], weights: Mapping[str, int], workers: int) -> Spread:
    """Exact test of rr and wrr: counts in units of weight differ by at most one per worker.

    Each lcore has made complete rounds and part of one: an RS of weight w has between rounds*w
    and (rounds + 1)*w of its flows (weights divided by their common divisor). Valid only without
    other connections to the service.
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
        f"{seen}; they differ by {apart:g} round(s), at most {workers} expected",
    )


HELD_PER_WORKER, NEW = 16, 4
"""Connections kept open per worker, and number of new connections after that."""


def least_loaded(new: Mapping[str, int], emptied: str, held: Mapping[str, int]) -> Spread:
    """Least connections: of NEW connections, three quarters go to the RS without connections.

    held: connections open at each RS before those of `emptied` were closed. Each lcore counts
    separately. By chance an lcore may get more new connections than it holds at the loaded RS, and
    then correctly sends one there; with HELD_PER_WORKER this happens to two of four less than once
    in 1000 runs. Round robin would send half of them there, an inverted load all of them.
    """
    total, right = sum(new.values()), new.get(emptied, 0)
    others = _text({name: count for name, count in sorted(held.items()) if name != emptied})
    return Spread(
        right * 4 >= total * 3,
        f"of {total} new connections {right} went to {emptied}, which had none open; at least "
        f"{-(-total * 3 // 4)} expected; the others went to loaded RS ({others} open)",
    )


def _text(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
