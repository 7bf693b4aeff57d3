"""A station with the captures of a stored run; it sends nothing."""

from __future__ import annotations

import base64
import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from dpvs_acceptance.replay.stored_host import NotReplayed
from dpvs_acceptance.traffic.capture import Capture, Waited
from dpvs_acceptance.traffic.dissect import dissect
from dpvs_acceptance.traffic.frame import (
    Frame,
    Lost,
    capture_name,
    has_directions,
    lost_of,
    read_pcap,
)
from dpvs_acceptance.traffic.icmp import PingResult, account
from dpvs_acceptance.traffic.match import Match
from dpvs_acceptance.traffic.station import Owned, Station
from dpvs_acceptance.traffic.users.making import flows_files
from dpvs_acceptance.traffic.views import ArpView, IcmpView, IpView, UdpView

Folder = Callable[[], Path | None]
"""The directory with captures of the current check; None if it has none."""


class StoredCapture(Capture):
    """Stored frames and numbers of lost frames; starts and waits for nothing."""

    def __init__(self, where: str, frames: list[Frame], lost: Lost) -> None:
        self.where = where
        self.dropped, self.overflow = lost.dropped, lost.overflow
        self.seen = len(frames)
        self._number = None
        self._next = 0
        self._frames = frames

    def arm(self) -> None:
        """Does nothing: done in the stored run."""

    def stop(self) -> None:
        """Does nothing: done in the stored run."""

    def wait_for(self, match: Match, count: int = 1, deadline: float = 2.0) -> Waited:
        del deadline
        found = tuple(match.select(self.frames))
        return Waited(len(found) >= count, found, 0.0)


class StoredStation(Station):
    """As `Station` for reading captures; raises NotReplayed for sending."""

    def __init__(self, name: str, mac: str, folder: Folder) -> None:
        self.host_name = name
        self.interface = "stored"
        self._mac = mac
        self._folder = folder
        self._taken: Counter[Path | None] = Counter()
        self._flows_taken: Counter[Path | None] = Counter()

    def __getattr__(self, name: str) -> Any:
        raise NotReplayed(f"{self.host_name}: `{name}` of the station is not stored")

    @property
    def mac(self) -> str:
        return self._mac

    def close(self) -> None:
        """Does nothing."""

    def frames(self) -> list[Frame]:
        """Frames of the current check's last capture; before its first capture, of all."""
        taken = self._taken[self._folder()]
        return self._read(self._path(taken)) if taken else self.all_frames()

    def all_frames(self) -> list[Frame]:
        """All frames of this host in the current check."""
        return [frame for path in self._paths() for frame in self._read(path)]

    def _read(self, path: Path) -> list[Frame]:
        """With directions derived from MACs, if the file has none."""
        frames = read_pcap(path)
        return frames if has_directions(path) else [self._directed(frame) for frame in frames]

    def _path(self, number: int) -> Path:
        # Not every capture is stored; a single file of several captures is the last one.
        paths = self._paths()
        return paths[min(number, len(paths)) - 1]

    def _paths(self) -> list[Path]:
        folder = self._folder()
        numbers = itertools.count(1)
        named = (folder / capture_name(self.host_name, n) for n in numbers) if folder else ()
        paths = list(itertools.takewhile(Path.is_file, named))
        if not paths:
            raise NotReplayed(f"no capture of {self.host_name} is stored for this check")
        return paths

    def _directed(self, frame: Frame) -> Frame:
        # A run without stored directions: use the MAC, and wrong checksums as sign of sent frames.
        view = dissect(frame)
        outgoing = view.mac_src == self._mac
        pending = outgoing and getattr(view, "checksum", "") == "wrong"
        return replace(frame, outgoing=outgoing, checksum_pending=pending)

    def capture(self, *_: Any, **__: Any) -> Capture:
        folder = self._folder()
        self._taken[folder] += 1
        path = self._path(self._taken[folder])
        return StoredCapture(f"{self.host_name} (stored)", self._read(path), lost_of(path))

    def resolve(self, address: str, *_: Any, **__: Any) -> Any:
        """MACs that answered this host's requests; otherwise the MAC it sent to."""
        asked, answered = False, dict[str, None]()
        for frame in self.all_frames():
            view = dissect(frame)
            if isinstance(view, ArpView) and frame.outgoing:
                asked = asked or (view.operation == 1 and view.target_ip == address)
            elif isinstance(view, ArpView) and view.operation == 2 and view.sender_ip == address:
                answered[view.sender_mac] = None
        if asked:
            return tuple(answered)
        for frame in self.all_frames():
            view = dissect(frame)
            if frame.outgoing and isinstance(view, IpView) and view.protocol in (1, 6, 17, 58):
                if int(view.mac_dst.split(":")[0], 16) & 1:
                    continue
                return (view.mac_dst,)
        raise NotReplayed(f"{self.host_name}: no stored frame shows the MAC of {address}")

    def ask(self, operation: str, arguments: dict[str, Any], seconds: float = 0.0) -> Any:
        del seconds
        if operation == "udp":
            return self._datagrams(*arguments["to"])
        if operation == "load":
            self._flows_path()
            return {"load": 0}
        if operation == "order":
            return {}
        if operation == "loaded":
            return self._flows()
        raise NotReplayed(f"it sends packets of its own ({operation})")

    def source_address(self, version: int) -> str:
        """It is kept with the flows."""
        del version
        return ""

    def _flows_path(self) -> Path:
        """Where the check's next flows of this client were kept."""
        folder = self._folder()
        taken = self._flows_taken[folder]
        path = folder and next(islice(flows_files(folder, self.host_name), taken, None))
        if not path or not path.is_file():
            raise NotReplayed(f"the flows of {self.host_name} were not kept for this check")
        return path

    def _flows(self) -> dict[str, Any]:
        kept: dict[str, Any] = json.loads(self._flows_path().read_text(encoding="utf-8"))
        self._flows_taken[self._folder()] += 1
        return kept

    @contextmanager
    def proxy_arp(self, *addresses: str, mac: str | None = None) -> Iterator[Owned]:
        """Does nothing: answered in the stored run."""
        yield Owned(addresses, mac or self._mac)

    def post_send(self, *_: Any, **__: Any) -> Any:
        raise NotReplayed("the check sends packets")

    exchange = send = refresh = post_send

    def _datagrams(self, address: str, port: int) -> dict[str, Any]:
        """The agent's result for datagrams to an address, from the capture."""
        sent: list[UdpView] = []
        came: list[UdpView] = []
        for frame in self.frames():
            view = dissect(frame)
            if isinstance(view, UdpView):
                if frame.outgoing and (view.dst, view.dport) == (address, port):
                    sent.append(view)
                elif not frame.outgoing and (view.src, view.sport) == (address, port):
                    came.append(view)
        if not sent:
            raise NotReplayed(f"the capture has no datagram to {address}:{port}")
        answered: list[int | None] = []
        for index, view in enumerate(sent):
            until = sent[index + 1].frame.time_ns if index + 1 < len(sent) else 1 << 63
            answered.append(
                next(
                    (
                        at
                        for at, reply in enumerate(came)
                        if view.frame.time_ns <= reply.frame.time_ns < until
                    ),
                    None,
                )
            )
        return {
            "local": [sent[0].src, sent[0].sport],
            "sent": [view.frame.seconds for view in sent],
            "answered": answered,
            "replies": [
                {
                    "source": [view.src, view.sport],
                    "time": view.frame.seconds,
                    "payload": base64.b64encode(view.payload).decode(),
                }
                for view in came
            ],
        }


def ping_again(
    station: Station, target: str, *, mac: str, count: int = 5, **options: Any
) -> PingResult:
    """`icmp.ping` with the captured replies."""
    frames: Sequence[Frame] = station.frames() if isinstance(station, StoredStation) else ()
    asked = [
        view
        for frame in frames
        if frame.outgoing
        and isinstance(view := dissect(frame), IcmpView)
        and view.is_request
        and view.dst == target
    ]
    if not asked:
        raise NotReplayed(f"the capture has no echo request to {target}")
    first = asked[0]
    payloads = {view.sequence: view.payload for view in asked if view.sequence <= count}
    if set(payloads) != set(range(1, count + 1)):
        raise NotReplayed(f"the capture does not have the {count} echo requests to {target}")
    wanted = options.get("expected_mac") or mac
    return account(list(frames), target, first.src, first.identifier, payloads, wanted)
