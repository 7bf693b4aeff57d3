"""Groups of checks, by what they look at: a fault names those that can see it.

Making all checks for each fault would take one to two hours. That the groups are right is proven by
a run that makes them all (`make faults FULL=1`).
"""

from __future__ import annotations

from collections.abc import Mapping

STATE = "state"
"""The checks that read the one snapshot of the DUT: all that no other group names. Those of one
suite are a group by the suite's name."""

SUITES = ("platform", "install", "control", "devices", "stack", "tools", "modes", "edges", "scale")

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
    "latency": ("test_answers_come_as_soon_through_every_real_server",),
    "least": ("test_new_connections_go_to_the_least_loaded_real_server",),
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
    "toa-nat64": ("test_an_ipv4_real_server_that_asks_is_told_the_ipv6_client",),
    "forged": ("test_a_client_that_forges_toa_is_not_believed",),
    "uoa": ("test_a_real_server_sees_the_udp_client",),
    "tool-links": (
        "test_a_port_is_shown_in_each_detail",
        "test_what_is_no_port_and_no_setting_is_refused",
        "test_an_lcore_is_shown_in_each_detail",
        "test_counters_of_ports_and_lcores_are_set_to_zero",
    ),
    "tool-flags": (
        "test_promiscuous_mode_is_switched_on_and_off",
        "test_forward2kni_is_switched_on_and_off",
        "test_forward2kni_copies_what_a_port_receives",
    ),
    "tool-down": ("test_a_link_is_set_down_and_up",),
    "tool-addresses": (
        "test_an_ipv4_address_is_added_listed_and_deleted",
        "test_an_ipv6_address_is_added_listed_and_deleted",
        "test_an_address_keeps_what_it_was_added_with",
        "test_an_address_is_listed_for_each_lcore",
        "test_addresses_that_cannot_be_are_refused",
        "test_ipv6_addresses_that_cannot_be_are_refused",
        "test_all_addresses_of_a_device_are_flushed_and_no_other",
        "test_a_flush_of_no_device_is_refused",
    ),
    "tool-routes": (
        "test_an_ipv4_route_is_added_listed_and_deleted",
        "test_an_ipv6_route_is_added_listed_and_deleted",
        "test_a_route_keeps_what_it_was_added_with",
        "test_the_ipv4_default_route_is_added_listed_and_deleted",
        "test_the_ipv6_default_route_is_added_listed_and_deleted",
        "test_routes_that_cannot_be_are_refused",
        "test_ipv6_routes_that_cannot_be_are_refused",
        "test_the_routes_of_a_device_are_flushed_and_no_other",
        "test_a_route_flush_of_no_device_is_refused",
        "test_outwall_routes_are_in_a_table_of_their_own",
    ),
    "tool-neighbours": (
        "test_a_neighbour_that_pinged_is_listed",
        "test_a_static_neighbour_is_added_changed_and_deleted",
        "test_a_static_ipv6_neighbour_is_added_changed_and_deleted",
        "test_neighbours_that_cannot_be_are_refused",
    ),
    "tool-vlans": (
        "test_a_vlan_is_added_listed_and_deleted",
        "test_a_vlan_is_deleted_by_its_port_and_id",
        "test_vlans_that_cannot_be_are_refused",
    ),
    "tool-tunnels": (
        "test_a_tunnel_is_added_changed_and_deleted",
        "test_tunnels_that_cannot_be_are_refused",
    ),
    "tool-limits": (
        "test_a_rate_limit_is_added_changed_and_deleted",
        "test_what_is_limited_is_classified",
        "test_limits_that_cannot_be_are_refused",
    ),
    "tool-ipv6": (
        "test_ipv6_packets_are_counted",
        "test_ipv6_counters_are_shown_for_each_lcore",
    ),
    "tool-services": (
        "test_a_service_is_added_changed_and_deleted",
        "test_a_real_server_without_a_port_has_the_port_of_its_version",
        "test_services_that_cannot_be_are_refused",
        "test_real_servers_that_cannot_be_are_refused",
        "test_one_given_service_is_changed_and_no_other",
    ),
    "tool-match": (
        "test_a_match_service_is_added_changed_and_deleted",
        "test_match_services_that_cannot_be_are_refused",
    ),
    "tool-lips": (
        "test_a_local_address_is_added_listed_and_deleted",
        "test_an_ipv6_local_address_is_added_listed_and_deleted",
        "test_a_local_address_can_serve_two_services",
        "test_local_addresses_that_cannot_be_are_refused",
    ),
    "tool-options": (
        "test_synproxy_is_switched_on_and_off",
        "test_persistence_is_set_changed_and_taken_away",
        "test_a_service_is_changed_to_each_scheduler",
    ),
    "tool-lists": (
        "test_a_blacklist_is_added_to_and_deleted_from",
        "test_a_whitelist_is_added_to_and_deleted_from",
        "test_a_blacklist_for_no_service_is_taken_all_the_same",
    ),
    "tool-sessions": (
        "test_counters_are_listed_and_set_to_zero",
        "test_counters_of_other_services_stay",
        "test_a_connection_is_listed_with_all",
        "test_a_connection_is_found_by_itself",
        "test_a_connection_that_does_not_exist_is_not_found",
    ),
    "stack-echo": (
        "test_none_of_many_echoes_is_lost",
        "test_none_of_many_ipv6_echoes_is_lost",
        "test_echoes_in_fragments_are_put_together",
    ),
    "stack-router": (
        "test_ipv4_packets_of_no_service_are_forwarded",
        "test_ipv6_packets_of_no_service_are_forwarded",
        "test_an_ipv4_traceroute_shows_dpvs_as_a_hop",
        "test_an_ipv6_traceroute_shows_dpvs_as_a_hop",
        "test_ipv6_is_switched_off_as_a_whole",
    ),
    "stack-defence": (
        "test_udp_to_a_vip_of_tcp_services_is_dropped",
        "test_tcp_to_a_port_of_a_vip_without_a_service_is_dropped",
    ),
    "tool-clear": ("test_all_services_are_cleared_at_once",),
    "many-services": ("test_each_of_many_services_answers_one_request",),
    "tunnels": (
        "test_a_gre_tunnel_carries_packets_both_ways",
        "test_an_ipip_tunnel_carries_packets_both_ways",
    ),
    "other-family": ("test_a_mode_that_keeps_the_family_forwards_nothing_to_the_other",),
    "vlans": ("test_a_vip_on_a_vlan_answers",),
    "synproxy": (
        "test_a_client_that_only_sends_syns_reaches_no_real_server",
        "test_an_ack_that_no_cookie_was_given_for_is_refused",
    ),
    "policies": (
        "test_an_idle_connection_is_kept_for_the_services_own_time",
        "test_a_client_stays_with_its_real_server_for_the_time_set",
        "test_a_held_client_leaves_a_real_server_of_weight_0",
        "test_a_client_on_the_blacklist_is_not_forwarded",
        "test_an_open_connection_outlives_weight_0_also_with_persistence",
    ),
    "modes-tcp": ("test_tcp_is_forwarded_as_the_mode_of_its_service_does",),
    "modes-udp": ("test_udp_is_forwarded_as_the_mode_of_its_service_does",),
    "snat": (
        "test_a_host_inside_reaches_the_outside_by_tcp",
        "test_a_host_inside_reaches_the_outside_by_udp",
        "test_a_host_inside_pings_the_outside",
    ),
    "even": ("test_local_addresses_are_used_evenly", "test_workers_receive_evenly"),
    "snat-tunnel": (
        "test_a_host_behind_a_gre_tunnel_reaches_the_outside_by_tcp",
        "test_a_host_behind_a_gre_tunnel_reaches_the_outside_by_udp",
        "test_a_host_behind_a_gre_tunnel_pings_the_outside",
    ),
    "schedulers": (
        "test_wrr_goes_by_the_weights",
        "test_wlc_goes_to_the_fewest_connections_for_the_weight",
    ),
    "hashes": (
        "test_conhash_keeps_a_source_where_it_is",
        "test_mh_keeps_a_source_where_it_is",
        "test_fo_gives_all_to_the_highest_weight",
    ),
    # Red without any fault: what these reach is mended.
    "edge-fragments": (
        "test_a_datagram_longer_than_the_mtu_arrives_whole_or_not_at_all",
        "test_an_answer_longer_than_the_mtu_arrives_whole_or_not_at_all",
        "test_nothing_is_made_of_overlapping_fragments",
        "test_a_segment_in_tiny_fragments_is_not_taken_for_a_whole_one",
    ),
    "edge-sound": (
        "test_a_datagram_without_checksum_does_not_cross_ipv6",
        "test_a_corrupt_datagram_is_not_made_good",
        "test_a_corrupt_segment_is_not_made_good",
    ),
    "edge-ignored": ("test_what_tcp_has_to_ignore_ends_no_connection",),
    "edge-little": ("test_an_error_that_quotes_little_is_understood",),
    # Red on every build that has the option, which the simulated DPVS lacks: no fault reaches it.
    "edge-known": ("test_a_clients_rarer_proxy_header_is_not_believed",),
    "edge-no-connection": ("test_an_error_about_no_connection_goes_nowhere",),
    "edge-forged": ("test_the_devices_own_toa_stands_before_a_forged_one",),
    "edge-options-lose-the-timestamp": ("test_options_that_leave_no_room",),
    "edge-full-frames-lost": ("test_segments_of_exactly_the_mtu",),
    "edge-proxy-line-stripped": ("test_a_clients_proxy_header_is_data_to_a_plain_service",),
    "edge-quotation-not-moved": ("test_an_error_from_the_real_servers_side_gets_to_the_client",),
    "edge-errors-lost": ("test_an_error_from_the_clients_side_gets_to_the_real_server",),
    "edge-resets-lost": (
        "test_a_reset_gets_to_the_other_side",
        "test_a_refused_connection_is_refused_at_the_client",
    ),
    "edge-half-closed-is-closed": ("test_a_half_closed_connection_goes_on",),
    "edge-second-fin-lost": ("test_both_sides_close_at_once",),
    "edge-repeated-syn-is-new": ("test_a_repeated_syn_and_syn_ack_are_the_same_connection",),
    "edge-time-wait-keeps-out": ("test_a_syn_on_a_closed_connection_opens_a_new_one",),
    "edge-wrap-off-by-one": ("test_sequence_numbers_wrap",),
    "edge-shut-windows-open": ("test_a_shut_window_stays_shut_and_opens_again",),
    "edge-data-before-ack-lost": ("test_first_segments_out_of_order",),
    "edge-anything-opens": ("test_only_a_syn_opens_a_connection",),
    "edge-reserved-bits-cleared": ("test_ecn_urgent_and_reserved_bits_cross_untouched",),
    "edge-unsummed-datagrams-lost": ("test_a_datagram_without_checksum_crosses_ipv4",),
    "edge-drained-servers-cut-off": ("test_a_drained_real_server_keeps_its_connections",),
    "edge-removed-servers-cut-off": ("test_a_removed_real_server_keeps_its_connections",),
    "edge-persistence": ("test_persistence_keeps_a_client_with_its_real_server",),
    "edge-expiry": ("test_expire_quiescent_ends_connections_of_a_drained_server",),
    "edge-proxied": ("test_a_clients_proxy_header_is_not_believed",),
    "edge-misses-not-counted": ("test_used_up_source_ports_are_told_and_come_back",),
    "edge-transfers-damaged": ("test_a_long_transfer_survives_changes_of_its_service",),
    "closing": ("test_the_same_dpvs_process_runs_as_at_first",),
}

_GROUP_OF = {check: group for group, checks in GROUPS.items() for check in checks}


def groups_of(check: str, suite: str) -> frozenset[str]:
    """The groups of a check, by the name of its function and its suite."""
    group = _GROUP_OF.get(check)
    return frozenset({STATE, suite} if group is None else {group})
