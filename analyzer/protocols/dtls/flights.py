"""The flights of a handshake: what one side says before it waits for the other, and when it said it again.

RFC 9147 §5.7 and §5.8, RFC 6347 §4.2.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from analyzer.core import Side, Value

MAX_FLIGHTS: Final = 12
MAX_MESSAGES: Final = 16  # of a flight that are named
MAX_AGAIN: Final = 8  # times that are kept of one that was sent again
#: Pieces of one flight that are sent again come at once, timers wait for longer: browsers for 50 ms at least.
PAUSE_NS: Final = 20_000_000
SIDE_NAMES: Final = ("initiator", "responder")


class Flight:
    """One side's turn."""

    __slots__ = ("again", "again_ns", "messages", "sender", "start_ns", "stop_ns")

    def __init__(self, sender: Side, time_ns: int) -> None:
        self.sender = sender
        self.messages: list[str] = []
        self.start_ns = time_ns
        self.stop_ns = time_ns
        self.again: list[int] = []  # how long after its beginning it was sent again
        self.again_ns = time_ns  # when the last piece of it was sent


class Flights:
    """All of them, in order."""

    __slots__ = ("flights",)

    def __init__(self) -> None:
        self.flights: list[Flight] = []

    def add(self, sender: Side, name: str, time_ns: int) -> None:
        """A message that is new, by its name."""
        flights = self.flights
        if not flights or flights[-1].sender is not sender:
            if len(flights) >= MAX_FLIGHTS:
                return
            flights.append(Flight(sender, time_ns))
        flight = flights[-1]
        flight.stop_ns = flight.again_ns = max(time_ns, flight.stop_ns)
        if len(flight.messages) < MAX_MESSAGES:
            flight.messages.append(name)

    def repeat(self, sender: Side, name: str, time_ns: int) -> None:
        """A message that was sent before."""
        for flight in reversed(self.flights):
            if flight.sender is sender and name in flight.messages:
                if time_ns - flight.again_ns >= PAUSE_NS and len(flight.again) < MAX_AGAIN:
                    flight.again.append(time_ns - flight.start_ns)
                flight.again_ns = max(time_ns, flight.again_ns)
                return

    def facts(self, turned: bool) -> list[Value]:
        """A row for each; `again_ms` is how long after its beginning a timer sent it again."""
        return [
            {
                "sender": SIDE_NAMES[flight.sender ^ turned],
                "messages": list(flight.messages),
                "start_ns": flight.start_ns,
                "end_ns": flight.stop_ns,
                "again_ms": [round(after / 1e6, 1) for after in flight.again],
            }
            for flight in self.flights
        ]
