"""The catalogue of faults: rows, and products of things and ways."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from dpvs_acceptance.model.loading import DeclarationError, load_model
from faults.model import Fault
from faults.product import Product

CATALOGUE = Path(__file__).parent / "catalogue"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    faults: tuple[Fault, ...] = ()
    products: tuple[Product, ...] = ()


def load_faults(files: Iterable[Path] | None = None) -> tuple[Fault, ...]:
    """The whole catalogue, in the order of its files and rows. Raises DeclarationError."""
    found: dict[str, tuple[Fault, Path]] = {}
    for path in sorted(CATALOGUE.glob("*.yaml")) if files is None else files:
        read = load_model(path, _File)
        made = (fault for product in read.products for fault in product.faults())
        for fault in (*read.faults, *made):
            if fault.name in found:
                raise DeclarationError(f"{path}: {fault.name} is in {found[fault.name][1]} already")
            found[fault.name] = (fault, path)
    return tuple(fault for fault, _ in found.values())
