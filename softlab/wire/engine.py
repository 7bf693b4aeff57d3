"""The rules at work: what goes on instead of each frame. No I/O, no clock of its own."""

from collections.abc import Sequence
from typing import NamedTuple

from softlab.wire.actions import ACTIONS
from softlab.wire.addresses import Addresses
from softlab.wire.fields import FIELDS, OPERATIONS
from softlab.wire.flows import Flows
from softlab.wire.frame import Frame
from softlab.wire.kinds import KINDS
from softlab.wire.rule import Rule
from softlab.wire.seen import Out, Seen


class Passed(NamedTuple):
    """A frame to send on a link, to the DUT or (leaving) away from it; at: when, 0 for now."""

    leaving: bool
    raw: bytes
    at: float


class RuleError(ValueError):
    """A rule names what there is not; one sentence."""


class RuleSet:
    """The rules of one fault, with what they remember."""

    def __init__(self, rules: Sequence[Rule], book: Addresses) -> None:
        for rule in rules:
            check(rule)
        self._addresses = book
        self._flows = Flows()
        self._rules = [_Active(rule, book) for rule in rules]
        self._for: dict[tuple[str, bool], list[_Active]] = {}

    def _about(self, leg: str, leaving: bool) -> list["_Active"]:
        """The rules for frames of this leg."""
        found = self._for.get((leg, leaving))
        if found is None:
            legs = ("", leg, "leaving" if leaving else "arriving")
            found = [one for one in self._rules if one.rule.leg in legs]
            self._for[leg, leaving] = found
        return found

    @property
    def hits(self) -> tuple[int, ...]:
        """How many frames each rule was about so far."""
        return tuple(rule.hits for rule in self._rules)

    def passed(self, link: str, raw: bytes, *, leaving: bool, now: float) -> list[Passed]:
        """What goes on because of this frame, which left the DUT on the link or is on its way."""
        frame = Frame(raw)
        leg = self._addresses.leg(frame, leaving=leaving)
        at_server = leg in ("dut-rs", "rs-dut")
        flow = self._flows.of(frame, leaving=leaving, at_server=at_server, now=now)
        outs = [Out(raw)]
        for rule in self._about(leg, leaving):
            after: list[Out] = []
            for out in outs:
                if out.back or out.at:
                    after.append(out)
                    continue
                one = frame if out.raw is raw else Frame(out.raw)
                after += rule.apply(Seen(one, link, leaving, leg, flow, now))
            outs = after
        return [Passed(leaving is not out.back, out.raw, out.at) for out in outs]


class _Active:
    """One rule with its state."""

    def __init__(self, rule: Rule, book: Addresses) -> None:
        self.rule = rule
        self._action = ACTIONS[rule.do](rule, book)
        self._kind = KINDS[rule.kind]
        named = (book.clients.get(rule.client), book.servers.get(rule.server))
        self._others = frozenset[bytes]().union(*(one for one in named if one is not None))
        self._count = 0
        self.hits = 0

    def apply(self, seen: Seen) -> list[Out]:
        if not self._about(seen):
            return [Out(seen.frame.raw)]
        self.hits += 1
        return self._action(seen)

    def _about(self, seen: Seen) -> bool:
        rule, frame = self.rule, seen.frame
        if (rule.link and rule.link != seen.link) or (rule.family and rule.family != frame.family):
            return False
        if not self._kind(frame) or not self._between(frame, seen.leaving):
            return False
        if rule.size and not rule.size[0] <= frame.size <= rule.size[1]:
            return False
        if rule.payload and not rule.payload[0] <= len(frame.payload) <= rule.payload[1]:
            return False
        return self._in_flow(seen) and self._nth()

    def _between(self, frame: Frame, leaving: bool) -> bool:
        rule = self.rule
        if (rule.client or rule.server) and (
            (frame.dst if leaving else frame.src) not in self._others
        ):
            return False
        return not rule.port or rule.port in (frame.ports or ())

    def _in_flow(self, seen: Seen) -> bool:
        rule, flow = self.rule, seen.flow
        plain = rule.flows == 1 and not rule.position
        if plain and not (rule.after or rule.idle or rule.beyond):
            return True
        if flow is None or flow.number % rule.flows or flow.rank < rule.beyond:
            return False
        if seen.now - flow.began < rule.after or seen.now - flow.before < rule.idle:
            return False
        if rule.position is None:
            return True
        key = (id(self), seen.leaving)
        number = flow.counts[key] = flow.counts.get(key, 0) + 1
        return rule.position[0] <= number <= rule.position[1]

    def _nth(self) -> bool:
        self._count += 1
        return self._count % self.rule.every == 0


def check(rule: Rule) -> None:
    """Raise RuleError for a rule that names what there is not."""
    known = (
        ("do", rule.do, ACTIONS),
        ("kind", rule.kind, KINDS),
        ("field", rule.field, {"": None, **FIELDS}),
        ("op", rule.op, {"swap": None, **OPERATIONS}),
    )
    for key, value, table in known:
        if value not in table:
            raise RuleError(f"{key}: there is no {value!r}; there are {', '.join(map(str, table))}")
    if (rule.do == "change") != bool(rule.field):
        raise RuleError(f"do: {rule.do}: a field goes with change, and change needs one")
