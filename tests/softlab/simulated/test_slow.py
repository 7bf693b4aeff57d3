"""A device that holds back what goes to one real server: later, whole, in order; nothing else."""

from __future__ import annotations

from scapy.layers.inet import IP

from softlab.simulated.quirks import Quirks
from tests.softlab.simulated import devices, talk
from tests.softlab.simulated.talk import Talk

SLOW = "192.168.100.3"


def test_frames_to_one_server_come_later_and_those_to_the_other_at_once() -> None:
    path = devices.recorded(omitted=Quirks(frozenset({"tcp.slow"})))
    talk.know(path)
    path.tick(1.0)
    here = [Talk(path, sport=50000 + number) for number in range(4)]
    at_once = [frame for one in here for frame in one.from_client(one.segment("S"))]
    assert [frame[IP].dst for frame in at_once] == [talk.RS] * 2
    assert path.tick(1.2) == []
    later = talk._sent(path.tick(1.4))
    assert [frame[IP].dst for frame in later] == [SLOW] * 2
    assert later[0].sport != later[1].sport
    assert path.tick(2.0) == [], "each once"


def test_what_was_held_comes_also_when_the_device_behaves_again() -> None:
    path = devices.recorded(omitted=Quirks(frozenset({"tcp.slow"})))
    talk.know(path)
    path.tick(1.0)
    for number in range(2):
        one = Talk(path, sport=50000 + number)
        one.from_client(one.segment("S"))
    path.quirks = Quirks()
    assert len(talk._sent(path.tick(1.5))) == 1
