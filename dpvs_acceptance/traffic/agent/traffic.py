# ruff: noqa: UP006, UP035, UP045  (Python 3.6: no builtin generics, no "X | None")
"""The agent's operations for users' traffic: a server on real servers, flows on clients."""

from typing import Any, Callable, Dict, List, Optional

from .background import Background
from .loading import TrafficClient
from .serving import TrafficServer


class TrafficOperations:
    """Mixed into the agent: each of these is a child process with a number."""

    watch: Callable[[int, Callable[[], Any]], None]
    unwatch: Callable[[int], None]
    pump: Callable[[Optional[Callable[[], bool]], Optional[float]], bool]
    until: Callable[[float], float]
    number: Callable[[], int]

    def __init__(self) -> None:
        self.children: Dict[int, Background] = {}

    def close_traffic(self) -> None:
        for child in self.children.values():
            child.close()

    def _begin(self, child: Background) -> int:
        number = self.number()
        self.children[number] = child

        def readable() -> None:
            child.readable()
            if child.done:
                self.unwatch(child.fileno())

        self.watch(child.fileno(), readable)
        return number

    def _end(self, number: int, seconds: float) -> Any:
        child = self.children.pop(number)
        try:
            if not self.pump(lambda: child.done, self.until(seconds)):
                self.unwatch(child.fileno())
                raise TimeoutError(f"the traffic had not ended after {seconds:g} s")
            return child.result()
        finally:
            child.close()

    def op_serve(self, addresses: List[str], port: int) -> Dict[str, Any]:
        """Serve TCP and UDP on this port of these addresses until ``served``."""
        server = TrafficServer(addresses, port)
        try:
            kept = [sock.fileno() for sock in server.sockets]
            return {"server": self._begin(Background(server.run, kept))}
        finally:
            server.close()  # the child has its own

    def op_served(self, server: int, seconds: float) -> Any:
        """End a server; every connection and datagram that it saw."""
        self.children[server].poke()
        return self._end(server, seconds)

    def op_load(
        self,
        to: List[Any],
        source: Optional[str],
        parallel: int,
        seconds: float,
        patience: float,
        tcp: List[List[Any]],
        udp: List[List[Any]],
    ) -> Dict[str, Any]:
        """Begin flows; ``loaded`` has their ends."""
        client = TrafficClient((to[0], int(to[1])), source, parallel, seconds, patience)
        return {"load": self._begin(Background(lambda orders: client.run(orders, tcp, udp)))}

    def op_order(self, load: int) -> Dict[str, Any]:
        """What waits for an order goes on."""
        self.children[load].poke()
        return {}

    def op_loaded(self, load: int, seconds: float) -> Any:
        """Wait for the flows to end; what came of each."""
        return self._end(load, seconds)
