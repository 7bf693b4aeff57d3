"""Pictures of numbers: round-trip times, spread over real servers, the run's timeline. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median

from reports.drawing import MONO, Box, Dot, Line, Picture, Shape, Words, columns, shorten
from reports.language import Say
from reports.reading import Asked, Rtt, SpreadSeen

_WIDTH = 860.0
_LEFT, _RIGHT = 230.0, 840.0

CONFIDENCE = 3.8906
"""Standard deviations on either side that hold 99.99 % of a normal distribution."""

STAGES = ("connect", "survey", "bring-up", "readers", "checks", "undo", "compare", "other")
_COLOURS = ("skipped", "flaky", "accent", "blocked", "pass", "fail", "flaky", "soft")


def draw_rtts(rtts: Sequence[Rtt], say: Say) -> Picture:
    """A row per client and VIP: each reply a dot, the median a line."""
    shapes: list[Shape] = []
    most = max(max(one.seconds) for one in rtts) * 1e3
    step = nice_step(most / 5)
    end = max(math.ceil(most / step), 1) * step
    bottom = 18 + len(rtts) * 40.0
    shapes.append(Words(0, 9, f"min / {say('median')} / max", 10, colour="soft"))
    for index in range(round(end / step) + 1):
        x = _scale(index * step, end)
        shapes.append(Line(x, 12, x, bottom, "line"))
        shapes.append(Words(x, bottom + 14, f"{index * step:g}", 10, "middle", "soft"))
    shapes.append(Words(_RIGHT + 6, bottom + 14, "ms", 10, "start", "soft"))
    described = []
    for row, one in enumerate(rtts):
        y = 32 + row * 40.0
        values = sorted(value * 1e3 for value in one.seconds)
        middle = median(values)
        shapes.append(Words(0, y, f"{one.client} → {one.vip}", 11, bold=True))
        numbers = f"{values[0]:.2f} / {middle:.2f} / {values[-1]:.2f} ms, n {len(values)}"
        shapes.append(Words(0, y + 14, numbers, 10, colour="soft", font=MONO))
        x = _scale(middle, end)
        shapes.append(Line(x, y - 14, x, y + 14, "accent", 2))
        shapes += [Dot(_scale(v, end), y, 3.2, "pass", f"{v:.3f} ms") for v in values]
        described.append(f"{one.client} {one.vip}: min, {say('median')}, max {numbers}")
    title = say("Round-trip time of the VIP")
    return Picture(_WIDTH, bottom + 20, title, "; ".join(described), tuple(shapes))


def draw_spread(spread: SpreadSeen, say: Say) -> Picture:
    """A bar per real server, what a fair spread gives it, and the band of 99.99 % about that."""
    names = sorted({*spread.weights, *spread.counts})
    total = sum(spread.counts.values())
    whole = sum(spread.weights.values())
    bands = {}
    for name in names:
        share = spread.weights.get(name, 0) / whole
        reach = CONFIDENCE * math.sqrt(total * share * (1 - share))
        bands[name] = (total * share, max(0.0, total * share - reach), total * share + reach)
    most = max([*spread.counts.values(), *(band[2] for band in bands.values()), 1])
    end = nice_step(most / 5) * math.ceil(most / nice_step(most / 5))
    shapes: list[Shape] = []
    described = []
    for row, name in enumerate(names):
        y = 10 + row * 34.0
        count = spread.counts.get(name, 0)
        mean, low, high = bands[name]
        shapes.append(Words(0, y + 15, f"{name}  {count}", 12, bold=True))
        label = f"{say('expected')} {mean:.1f}"
        shapes.append(Words(90, y + 15, label, 10.5, colour="soft", font=MONO))
        x = _scale(0, end)
        colour = "pass" if spread.fair else "fail"
        shapes.append(Box(x, y + 4, _scale(count, end) - x, 16, colour, 0.75, outline=False))
        left = _scale(low, end)
        shapes.append(Box(left, y, _scale(high, end) - left, 24, "accent", 0.14, outline=False))
        shapes.append(Line(_scale(mean, end), y, _scale(mean, end), y + 24, "ink", 2))
        described.append(f"{name} {count}, {say('expected')} {mean:.1f} ({low:.0f}–{high:.0f})")
    bottom = 10 + len(names) * 34.0
    for index in range(6):
        value = end * index / 5
        shapes.append(Words(_scale(value, end), bottom + 10, f"{value:g}", 10, "middle", "soft"))
    shapes.append(Box(0, bottom + 18, 12, 10, "accent", 0.14, outline=False))
    words = say("band of a fair spread (99.99 %)")
    shapes.append(Words(18, bottom + 27, words, 10.5, colour="soft"))
    title = f"{spread.service} ({spread.scheduler}), {spread.client}, {total} {say('connections')}"
    rule = shorten(spread.words, 10.5, _WIDTH)
    shapes.append(Words(0, bottom + 44, rule, 10.5, colour="ink" if spread.fair else "fail"))
    return Picture(_WIDTH, bottom + 50, title, "; ".join(described), tuple(shapes))


def draw_timeline(asked: Sequence[Asked], say: Say) -> Picture | None:
    """A row for the run's stages, one per host with every command. None where nothing was asked."""
    if not asked:
        return None
    begin = min(one.start for one in asked)
    end = max(max(one.start + one.seconds for one in asked) - begin, 0.001)
    hosts = list(dict.fromkeys(one.host for one in asked))
    shapes: list[Shape] = []
    step = nice_step(end / 8)
    bottom = 46 + len(hosts) * 24.0
    for index in range(int(end / step) + 1):
        x = _scale(index * step, end, 90)
        shapes.append(Line(x, 8, x, bottom, "line"))
        shapes.append(Words(x, bottom + 14, f"{index * step:g} s", 10, "middle", "soft"))
    described = []
    for stage in STAGES:
        mine = [one for one in asked if _stage(one) == stage]
        if not mine:
            continue
        first = min(one.start for one in mine) - begin
        last = max(one.start + one.seconds for one in mine) - begin
        described.append(f"{stage} {first:.1f}–{last:.1f} s")
        if stage == "readers":
            continue  # in the midst of the checks
        x, right = _scale(first, end, 90), _scale(last, end, 90)
        colour = _COLOURS[STAGES.index(stage)]
        shapes.append(Box(x, 8, max(right - x, 1), 20, colour, 0.3, title=described[-1]))
        label = shorten(say(stage), 10, right - x - 4)
        if columns(label) > 2:
            shapes.append(Words(x + 3, 22, label, 10))
    for row, host in enumerate(hosts):
        y = 40 + row * 24.0
        shapes.append(Words(0, y + 12, shorten(host, 11, 84), 11, bold=True))
        for stage, first, last in _merged([one for one in asked if one.host == host], begin, end):
            x = _scale(first, end, 90)
            width = max(_scale(last, end, 90) - x, 0.8)
            colour = _COLOURS[STAGES.index(stage)]
            shapes.append(Box(x, y, width, 16, colour, 0.8, outline=False))
    at = 0.0
    for stage, colour in zip(STAGES, _COLOURS, strict=True):
        if any(_stage(one) == stage for one in asked):
            shapes.append(Box(at, bottom + 24, 11, 11, colour, 0.8, outline=False))
            shapes.append(Words(at + 16, bottom + 33, say(stage), 10.5))
            at += 100
    title = say("Timeline of the run")
    return Picture(_WIDTH, bottom + 42, title, "; ".join(described), tuple(shapes))


def _stage(one: Asked) -> str:
    return one.stage if one.stage in STAGES else "other"


def _merged(asked: Sequence[Asked], begin: float, end: float) -> list[tuple[str, float, float]]:
    """Stage, from, to: what follows within less than a line's width is one bar."""
    near = end / (_RIGHT - 90)
    found: list[tuple[str, float, float]] = []
    for one in sorted(asked, key=lambda one: one.start):
        first = one.start - begin
        last = first + one.seconds
        if found and found[-1][0] == _stage(one) and first <= found[-1][2] + near:
            found[-1] = (found[-1][0], found[-1][1], max(found[-1][2], last))
        else:
            found.append((_stage(one), first, last))
    return found


def nice_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, the smallest that is not below `least`."""
    if least <= 0 or not math.isfinite(least):
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least * 0.999999)


def _scale(value: float, end: float, left: float = _LEFT) -> float:
    return left + (_RIGHT - left - 14) * value / end
