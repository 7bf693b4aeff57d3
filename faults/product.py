"""Faults by the product of what is set up and the ways in which it can be wrong.

A file of the catalogue lists `products`; each gives a fault for every pair of one of its `things`
and one of its `ways`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel, ConfigDict, Field

from faults.model import Fault, Moment, Role

_Name = str


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Thing(_Model):
    """What is set up: on which host, the requirement that is about it, and its shell variables."""

    host: Role
    called: str
    """As it stands in the sentence of a fault, for `{thing}`."""
    red: tuple[str, ...]
    after: Moment = "bring-up"
    variables: Mapping[str, str] = {}


class Way(_Model):
    """How it can be wrong: sh text, with the thing's variables. `of`: the things that it fits, all
    where it names none. Further keys are those of a fault, added to the thing's."""

    breaks: str
    inject: str
    of: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    version: str = ""


class Product(_Model):
    """The faults of all pairs. prepare and repair: sh text before every way, and that takes it
    back."""

    name: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    source: str
    prepare: str
    repair: str
    things: Mapping[_Name, Thing]
    ways: Mapping[_Name, Way]

    def faults(self) -> Iterator[Fault]:
        """In the order of the things, and for each in that of the ways."""
        for name, thing in self.things.items():
            variables = "\n".join(f"{key}={value}" for key, value in thing.variables.items())
            for way_name, way in self.ways.items():
                if way.of and name not in way.of:
                    continue
                yield Fault(
                    name=f"{self.name}-{name}-{way_name}",
                    breaks=way.breaks.replace("{thing}", thing.called),
                    source=self.source,
                    after=thing.after,
                    inject={thing.host: f"{variables}\n{self.prepare}\n{way.inject}"},
                    repair={thing.host: self.repair},
                    red=way.red or thing.red,
                    may=way.may,
                    needs=way.needs,
                    version=way.version,
                )
