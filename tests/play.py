"""Plays a conversation to a room: `play(PROTOCOL, (side, bytes), ...)`, each argument one frame, payload at byte 54."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.core import Endpoint, Finding, Flow, Limits, Note, Piece, Shared, Side
from analyzer.engine.channel import Channel, DatagramChannel, StreamChannel
from analyzer.engine.registry import Registry
from analyzer.engine.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from analyzer import core

PAYLOAD_AT = 54
START_NS = 1_000_000_000
STEP_NS = 1_000_000

Frame = tuple[Side, bytes] | tuple[Side, int]


class Said:
    """What a room said: `outputs` are notes and findings in the order they came."""

    def __init__(self, teller: Teller, outputs: list[Note | Finding], channel: Channel) -> None:
        self.outputs = outputs
        self.notes = teller.notes
        self.findings = teller.findings
        self.phases = teller.phases
        self.title = teller.title
        self.facts = teller.facts
        self.kind = teller.kind
        self.channel = channel

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Kind and text of each note and finding: what must not depend on how the bytes are cut."""
        return [(one.kind if isinstance(one, Note) else one.code, one.text) for one in self.outputs]


def a_flow(transport: str = "tcp", initiator_port: int = 40000, responder_port: int = 9999) -> Flow:
    ends = Endpoint("10.0.0.1", initiator_port), Endpoint("10.0.0.2", responder_port)
    return Flow(0, transport, *ends, "", 1, 1, 0, 0, (0, 0), (0, 0))


def play(
    protocol: core.Protocol | list[core.Protocol],
    *frames: Frame,
    over: str | None = None,
    port: int = 9999,
    limits: Limits | None = None,
    trace: bool = False,
    end_ns: int | None = None,
    shared: Shared | None = None,
    news: Mapping[int, Callable[[], bool]] | None = None,
    late: bool = False,
) -> Said:
    """What `protocol` (or whichever of several claims it) says of `frames`; a number in place of bytes is a gap.

    `over` is the label of the channel, by default the first that the protocol claims; `late` says that it began before
    the first frame.  `news` are called before the
    frame of that number: what they do may bring secrets, and what they give is whether no more are waited for.
    """
    protocols = protocol if isinstance(protocol, list) else [protocol]
    label = over or protocols[0].over[0]
    datagrams = label == "udp" or label.startswith("ip:")
    flow = a_flow("udp" if label == "udp" else label[3:] if datagrams else "tcp", responder_port=port)
    outputs: list[Note | Finding] = []
    teller = Teller(flow, Shared(limits) if shared is None else shared, trace, lambda _, output: outputs.append(output))
    kind = DatagramChannel if datagrams else StreamChannel
    channel: Channel = kind(Registry(protocols), teller, label, (label,), (40000, port))
    if late and isinstance(channel, StreamChannel):
        channel.resume()
    last = Piece(b"", [(0, 1, PAYLOAD_AT, START_NS)])
    missing = [0, 0]
    number = 0
    for number, (side, data) in enumerate(frames, 1):
        if news is not None and number in news:
            late = news[number]()
            waiting, teller.waiting = teller.waiting, None
            for one in waiting or ():
                one.secrets(late)
        if isinstance(data, int):
            missing[side] += data
            continue
        last = Piece(data, [(0, number, PAYLOAD_AT, START_NS + number * STEP_NS)])
        for lacking in Side:
            if missing[lacking]:
                channel.gap(lacking, missing[lacking], last)
                missing[lacking] = 0
        if data:
            channel.feed(side, last)
    teller.end_ns = START_NS + number * STEP_NS if end_ns is None else end_ns
    channel.end(last)
    if channel.waits_for_sums:
        channel.over(flow, last)
    return Said(teller, outputs, channel)


def again(frames: list[tuple[Side, bytes]], cuts: list[int]) -> list[tuple[Side, bytes]]:
    """`frames` with each one cut into smaller ones, at most as large as the numbers in `cuts`, in turn."""
    found: list[tuple[Side, bytes]] = []
    turn = 0
    for side, data in frames:
        at = 0
        while at < len(data):
            size = max(1, cuts[turn % len(cuts)]) if cuts else len(data)
            turn += 1
            found.append((side, data[at : at + size]))
            at += size
    return found
