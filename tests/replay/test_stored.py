"""Hosts and stations of a stored run answer what they answered then, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from dpvs_acceptance.hosts.batch import batch
from dpvs_acceptance.hosts.errors import HostError
from dpvs_acceptance.hosts.transcript import Transcript, TranscriptEntry, check
from dpvs_acceptance.replay.stored_host import NotReplayed, StoredHost, stored_hosts
from dpvs_acceptance.replay.stored_station import StoredStation, ping_again
from dpvs_acceptance.traffic.connection import SocketAddress
from dpvs_acceptance.traffic.frame import capture_name
from dpvs_acceptance.traffic.http import curl_many
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.pairing import find_tcp
from dpvs_acceptance.traffic.udp import exchange
from dpvs_acceptance.traffic.verify import check_tcp
from dpvs_acceptance.traffic.views import IcmpView, View
from tests.traffic import recorded

NODE = "suites/a.py::test_x"


def entry(
    command: str, stdout: str = "", status: int | None = 0, error: str | None = None
) -> TranscriptEntry:
    return TranscriptEntry("dut", "run", command, 0.0, 0.1, status, stdout, "", error)


def host(folder: Path, *entries: TranscriptEntry) -> StoredHost:
    with Transcript(folder) as transcript, check(NODE):
        for one in entries:
            transcript.record(one)
    found = stored_hosts(folder, ["dut"])["dut"]
    assert isinstance(found, StoredHost)
    return found


def test_a_command_is_answered_once_in_order_and_only_to_its_check(tmp_path: Path) -> None:
    dut = host(tmp_path, entry("date", "1"), entry("uname", "linux", 3), entry("date", "2"))
    with pytest.raises(NotReplayed, match="no answer of dut"):
        dut.run("date")
    with check(NODE):
        assert [dut.run("date").stdout, dut.run("date").stdout] == ["1", "2"]
        answer = dut.run("uname")
        assert (answer.exit_status, answer.stdout) == (3, "linux")
        for command in ("date", "uname -r"):
            with pytest.raises(NotReplayed, match="not replayed: the transcript has no answer"):
                dut.run(command)
        with pytest.raises(NotReplayed):
            dut.open("python3")


def test_a_host_that_did_not_answer_then_does_not_now(tmp_path: Path) -> None:
    dut = host(tmp_path, entry("date", status=None, error="not done in 10 s"))
    with check(NODE), pytest.raises(HostError, match="not done in 10 s"):
        dut.run("date")


def test_long_output_comes_from_its_file(tmp_path: Path) -> None:
    body = "é" * 70_000
    dut = host(tmp_path, entry("cat log", body))
    with check(NODE):
        assert dut.run("cat log").stdout == body


def test_a_body_outside_of_the_evidence_is_not_read(tmp_path: Path) -> None:
    host(tmp_path / "evidence", entry("cat", "x" * 70_000))
    lines = (tmp_path / "evidence" / "transcript.jsonl").read_text()
    row = json.loads(lines)
    row["stdout"]["file"] = "../secret"
    (tmp_path / "secret").write_text("s")
    (tmp_path / "evidence" / "transcript.jsonl").write_text(json.dumps(row) + "\n")
    dut = stored_hosts(tmp_path / "evidence", ["dut"])["dut"]
    with check(NODE), pytest.raises(NotReplayed, match="is missing"):
        dut.run("cat")


class _Recording:
    """Answers as a shell with a curl that always says the same, and notes the exchange."""

    name = "dut"

    def __init__(self) -> None:
        self.entries: list[TranscriptEntry] = []

    def run(self, command: str, *, timeout: float = 10.0, stdin: bytes = b"") -> TranscriptEntry:
        del timeout, stdin
        mark = command.split("@")[1].split(" ")[0]
        body = f"Your IP and port is 10.0.0.1:5\n@{mark} 200|10.0.0.1|5|0.01\n@{mark} 0|\n"
        self.entries.append(entry(command, body))
        return self.entries[-1]


def test_answers_that_are_told_apart_by_a_mark_are_understood_again(tmp_path: Path) -> None:
    then = _Recording()
    (answer,) = curl_many(then, "http://vip/", 1)  # type: ignore[arg-type]
    with check(NODE):
        dut = host(tmp_path, *then.entries)
        assert curl_many(dut, "http://vip/", 1) == [answer]
        with pytest.raises(NotReplayed):
            curl_many(dut, "http://other/", 1)


def test_a_batch_that_was_not_made_then_is_not_made_up(tmp_path: Path) -> None:
    with check(NODE), pytest.raises(NotReplayed, match="1 reads: date"):
        batch(host(tmp_path), {"date": "date"})


def stations(folder: Path | None, mode: str = "fnat-tcp") -> dict[str, StoredStation]:
    """Stations on the recordings, put where a run would have kept them."""
    if folder is not None:
        for name, kept in (("client1", "client"), ("rs1", "rs1"), ("rs2", "rs2")):
            shutil.copyfile(recorded.PCAPS / f"{mode}-{kept}.pcap", folder / f"{name}.pcap")
    macs = {"client1": recorded.CLIENT_MAC, **recorded.RS_MACS}
    return {name: StoredStation(name, mac, lambda: folder) for name, mac in macs.items()}


def test_stored_captures_carry_a_packet_check(tmp_path: Path) -> None:
    found = stations(tmp_path)
    seen = {}
    for name, station in found.items():
        with station.capture() as capture:
            pass
        seen[name] = capture.views()
        assert {view.frame.outgoing for view in seen[name]} == {True, False}
    client = recorded.clients("fnat-tcp")[0]
    service = recorded.service("fnat-tcp")
    servers: dict[str, Sequence[View]] = {
        name: views for name, views in seen.items() if name != "client1"
    }
    conversation, mapping = find_tcp(seen["client1"], servers, client, service)
    assert check_tcp(conversation, mapping) == []


def test_each_capture_of_a_check_is_read_again_in_its_turn(tmp_path: Path) -> None:
    """What a check asks between them is asked of the last; who opened what, of all."""
    for number, mode in enumerate(("fnat-tcp", "fnat-udp-uoa-opp"), 1):
        path = recorded.PCAPS / f"{mode}-client.pcap"
        shutil.copyfile(path, tmp_path / capture_name("client1", number))
    station = StoredStation("client1", recorded.CLIENT_MAC, lambda: tmp_path)
    everything, taken = station.frames(), []
    for _ in range(3):
        with station.capture() as capture:
            taken.append(list(capture.frames))
        assert taken[-1] == station.frames()
    assert [len(frames) for frames in taken[:2]] != [0, 0]
    assert taken[0] + taken[1] == everything == station.all_frames()
    assert taken[2] == taken[1]  # of a capture that was not kept: the last that was


def test_a_capture_waits_for_nothing(tmp_path: Path) -> None:
    with stations(tmp_path)["client1"].capture() as capture:
        assert capture.wait_for(Match(flags="S"), 1).enough
        assert not capture.wait_for(Match(flags="S"), 10_000).enough


def test_datagrams_are_read_off_the_capture(tmp_path: Path) -> None:
    station = stations(tmp_path, "fnat-udp-uoa-opp")["client1"]
    vip = recorded.service("fnat-udp-uoa-opp").vip
    result = exchange(station, vip, [b"whatever"])
    assert result.local == recorded.clients("fnat-udp-uoa-opp")[0]
    # In that recording the RS without a UOA reader dropped the first three, as it must.
    assert [reply is not None for reply in result.replies] == [False] * 3 + [True] * 3
    assert all(reply.source == vip for reply in result.replies if reply)
    with pytest.raises(NotReplayed, match="no datagram"):
        exchange(station, SocketAddress("10.9.9.9", 1), [b"x"])


def test_a_ping_is_accounted_for_again(tmp_path: Path) -> None:
    shutil.copyfile(recorded.PCAPS / "icmp-vip-client.pcap", tmp_path / "client1.pcap")
    station = StoredStation("client1", recorded.CLIENT_MAC, lambda: tmp_path)
    seen = recorded.views("icmp-vip", "client")
    requests = [view for view in seen if isinstance(view, IcmpView) and view.is_request]
    target = requests[0].dst
    count = len({view.sequence for view in requests})
    result = ping_again(station, target, mac=recorded.WAN.dut_mac, count=count)
    assert result.received == count
    with pytest.raises(NotReplayed):
        ping_again(station, target, mac=recorded.WAN.dut_mac, count=count + 5)
    with pytest.raises(NotReplayed, match="no echo request"):
        ping_again(station, "10.9.9.9", mac=recorded.WAN.dut_mac)


def test_what_was_not_captured_or_would_have_to_be_sent_is_not_replayed(tmp_path: Path) -> None:
    station = stations(tmp_path)["client1"]
    with pytest.raises(NotReplayed, match="client1: `facts` of the station is not stored"):
        assert station.facts
    for act in (
        lambda: station.send([b"x"]),
        lambda: station.ask("tcp", {}),
        lambda: stations(None)["client1"].capture(),
        lambda: StoredStation("client9", "x", lambda: tmp_path).capture(),
    ):
        with pytest.raises(NotReplayed):
            act()
