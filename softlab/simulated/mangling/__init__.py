"""Quirks of frames: what a device does to them on their way in and out when it misbehaves.

A function of LEAVING takes a frame that the device is about to send and gives back what it sends
instead; one of ARRIVING takes one that came, and gives back None (go on) or what is sent instead
of handling it. Only quirks come here: a good device sends what it made.
"""

from __future__ import annotations

from softlab.simulated.mangling import edges, icmp, instead, ip, mended, tcp, toa, udp
from softlab.simulated.mangling.seen import Seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from softlab.simulated.core import DataPath
    from softlab.simulated.mangling.instead import Arriving
    from softlab.simulated.mangling.seen import Leaving

LEAVING: dict[str, Leaving] = {
    **toa.LEAVING,
    **tcp.LEAVING,
    **ip.LEAVING,
    **icmp.LEAVING,
    **udp.LEAVING,
    **edges.LEAVING,
}
ARRIVING: dict[str, Arriving] = {**instead.ARRIVING, **edges.ARRIVING, **mended.ARRIVING}


def leaving(path: DataPath, port: int, frame: bytes) -> list[bytes]:
    """What the device with its quirks sends instead of this frame."""
    frames = [frame]
    for name in path.quirks.omitted:
        change = LEAVING.get(name)
        if change is not None:
            frames = [out for one in frames for out in change(Seen(path, port, one))]
    return frames


def arriving(path: DataPath, port: int, frame: bytes) -> list[bytes] | None:
    """None: the frame is handled as ever; else what is sent instead of handling it."""
    for name in path.quirks.omitted:
        take = ARRIVING.get(name)
        if take is not None and (sent := take(path, port, frame)) is not None:
            return sent
    return None
