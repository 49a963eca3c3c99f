"""Flights of a handshake, and when they were sent again."""

from analyzer.core import Side
from analyzer.protocols.dtls.flights import MAX_AGAIN, MAX_FLIGHTS, MAX_MESSAGES, Flights

A, B = Side.INITIATOR, Side.RESPONDER
MS = 1_000_000


def test_flights_and_the_timers_that_sent_them_again() -> None:
    flights = Flights()
    flights.add(A, "client-hello", 0)
    for at in (50, 150, 151):
        flights.repeat(A, "client-hello", at * MS)
    flights.add(B, "server-hello", 200 * MS)
    flights.add(B, "certificate", 201 * MS)
    flights.repeat(B, "server-hello", 1200 * MS)
    flights.repeat(B, "certificate", 1201 * MS)
    flights.repeat(B, "finished", 1202 * MS)
    flights.add(A, "finished", 1210 * MS)
    first, second, third = flights.facts(False)
    assert first == {
        "sender": "initiator", "messages": ["client-hello"], "start_ns": 0, "end_ns": 0, "again_ms": [50.0, 150.0]
    }  # fmt: skip
    assert (second["messages"], second["again_ms"]) == (["server-hello", "certificate"], [1000.0])
    assert (second["start_ns"], second["end_ns"]) == (200 * MS, 201 * MS)
    assert third["sender"] == "initiator"
    assert [row["sender"] for row in flights.facts(True)] == ["responder", "initiator", "responder"]


def test_limits() -> None:
    flights = Flights()
    for number in range(2 * MAX_FLIGHTS):
        flights.add(Side(number % 2), "finished", number)
    assert len(flights.flights) == MAX_FLIGHTS
    flights = Flights()
    for _ in range(2 * MAX_MESSAGES):
        flights.add(A, "certificate", 0)
    for number in range(2 * MAX_AGAIN):
        flights.repeat(A, "certificate", number * 100 * MS)
    (row,) = flights.facts(False)
    assert len(row["messages"]) == MAX_MESSAGES
    assert len(row["again_ms"]) == MAX_AGAIN
