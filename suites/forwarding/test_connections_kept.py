"""Connections opened before all other traffic; suites/closing/test_lasting.py ends them."""

from __future__ import annotations

from dpvs_acceptance.testbed import Service, Users, services
from fixtures.checks import for_each, requirement


@requirement("USR-04")
@for_each(service=services.having(protocol="tcp"))
def test_connections_are_kept_open(users: Users, service: Service) -> None:
    """Steps: open a connection from every client. Verify: see the check that ends them."""
    users.keep_open(service)
