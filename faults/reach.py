"""Groups of checks, by what they look at: a fault names those that can see it.

Making all checks for each fault would take an hour. That the groups are right is proven by a run
that makes them all (`make faults FULL=1`).
"""

from __future__ import annotations

from collections.abc import Mapping

STATE = "state"
"""The checks that read the one snapshot of the DUT: all that no other group names."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    STATE: (),
    "icmp4": ("test_the_vip_answers_icmp_echo", "test_nobody_else_is_answered_for"),
    "links": ("test_the_vip_is_on_no_other_link",),
    "icmp6": ("test_the_ipv6_vip_answers_icmp_echo",),
    "icmp-worker": ("test_icmp_is_answered_by_its_worker",),
    "http": ("test_http_on_the_vip_answers_200", "test_http_from_the_runner_itself"),
    "lip": ("test_a_real_server_without_toa_sees_the_lip",),
    "packets": ("test_every_packet_is_translated_as_fullnat_does",),
    "spread": ("test_connections_are_spread_as_the_scheduler_promises",),
    "many": ("test_no_packet_of_many_connections_is_lost_or_doubled",),
    "ports": ("test_no_source_port_is_used_twice",),
    "counters": ("test_counters_move_by_what_was_sent",),
    "tracking": ("test_a_connection_is_tracked_while_it_lasts",),
    "sources": ("test_no_connection_missed_a_source_port",),
    "given-back": ("test_source_ports_are_given_back",),
    "neighbours": ("test_neighbours_are_resolved",),
    "kni": ("test_each_kni_reaches_its_neighbours",),
    "reader": (
        "test_the_toa_reader_is_loaded",
        "test_the_toa_reader_is_loaded_again_after_a_reboot",
    ),
    "client4": ("test_a_real_server_sees_the_client",),
    "client6": ("test_a_real_server_sees_the_ipv6_client",),
    "toa4": ("test_toa_is_exact_and_on_exactly_the_packets_it_belongs_on",),
    "toa6": ("test_ipv6_toa_is_exact_and_on_exactly_the_packets_it_belongs_on",),
    "forged": ("test_a_client_that_forges_toa_is_not_believed",),
    "uoa": ("test_a_real_server_sees_the_udp_client",),
    "closing": ("test_the_same_dpvs_process_runs_as_at_first",),
}

_GROUP_OF = {check: group for group, checks in GROUPS.items() for check in checks}


def group_of(check: str) -> str:
    """The group of a check, by the name of its function."""
    return _GROUP_OF.get(check, STATE)
