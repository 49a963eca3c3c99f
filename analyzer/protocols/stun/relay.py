"""What goes through a relay: its peers, and their permissions and channels, which run out (RFC 8656 §9, §12)."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Malformed, Note, Pass, Place, Reader, Side
from analyzer.protocols.stun import findings, names, wording
from analyzer.protocols.stun.recognise import CHANNEL_HEADER_BYTES
from analyzer.protocols.stun.state import Relayed, Run

if TYPE_CHECKING:
    from analyzer.core import Outputs, Piece, Shared, Value
    from analyzer.protocols.stun.messages import Message

MAX_PEERS: Final = 4096  # of a relay that are told apart; each has an inner channel (`Limits.channels`)
MAX_CHANNELS: Final = 4096
MAX_LISTED: Final = 16  # of anything in the facts
PERMISSION_NS: Final = 300_000_000_000  # RFC 8656 §9
CHANNEL_NS: Final = 600_000_000_000  # RFC 8656 §12
#: An answer under way, and a clock that is not quite ours.
SLACK_NS: Final = 5_000_000_000

#: Where a room learns that what it reads came through a relay, and from which peer.
RELAYED: Final = "stun.relayed"

_HEAD: Final = Struct(">HH")


class Late:
    """Something that was sent to a peer after a permission or a channel for it was over, or without one."""

    __slots__ = ("alive", "begun_ns", "bytes", "count", "first")

    def __init__(self, first: Place, begun_ns: int) -> None:
        self.first = first
        self.begun_ns = begun_ns  # since when it was over
        self.count = 0
        self.bytes = 0
        self.alive = False  # the relay passed on data of this peer after that


class Relay:
    """What a client does with the address that a relay gave it."""

    __slots__ = (
        "asked",
        "channels",
        "expired",
        "granted",
        "paths",
        "peers",
        "runs",
        "unasked",
        "until_ns",
    )

    def __init__(self) -> None:
        self.peers: dict[tuple[str, int], int] = {}  # -> number of the inner channel
        self.channels: dict[int, tuple[str, int]] = {}
        self.until_ns: dict[int, int] = {}  # channel -> when it is over, once it was bound
        self.asked: set[str] = set()  # hosts for which a permission was asked
        self.granted: dict[str, int] = {}  # host -> when its permission is over
        self.runs: dict[tuple[int, Side], Run] = {}
        self.expired: dict[str | int, Late] = {}  # by host, or by number of channel
        self.unasked: dict[str, Late] = {}
        self.paths: list[dict[str, Value]] = []  # what came of paths through this relay

    # --- permissions and channels ---

    def ask(self, message: Message) -> None:
        """A request for a permission or a channel; data may follow it at once."""
        for host, _ in message.peers:
            if len(self.asked) < MAX_PEERS:
                self.asked.add(host)
        channel = message.channel if message.method == names.CHANNEL_BIND else 0
        if channel and message.peer is not None and (channel in self.channels or len(self.channels) < MAX_CHANNELS):
            self.channels[channel] = message.peer

    def grant(self, request: Message, time_ns: int) -> None:
        """The answer to a request."""
        if request.method not in (names.CREATE_PERMISSION, names.CHANNEL_BIND):
            return
        for host, _ in request.peers:
            if host in self.granted or len(self.granted) < MAX_PEERS:
                self.granted[host] = time_ns + PERMISSION_NS
        if request.method == names.CHANNEL_BIND and request.channel in self.channels:
            self.until_ns[request.channel] = time_ns + CHANNEL_NS

    def _until(self, peer: tuple[str, int], channel: int) -> tuple[int, str | int]:
        """Until when data may go to or come from a peer, 0 where that is not known; and by what: channel or host."""
        until_ns = self.until_ns.get(channel, 0) if channel else 0
        granted_ns = self.granted.get(peer[0], 0)
        if until_ns and (until_ns <= granted_ns or not granted_ns):
            return until_ns, channel
        return granted_ns, peer[0]

    def _judge(self, peer: tuple[str, int], channel: int, by_client: bool, count: int, size: int, place: Place) -> None:
        """Whether data to or from a peer had what it needs: `count` datagrams, `place` is that of the first."""
        time_ns, host = place.time_ns, peer[0]
        late: Late | None = None
        until_ns, key = self._until(peer, channel)
        if until_ns and time_ns > until_ns + SLACK_NS:
            late = self._late(key, place, until_ns, by_client)
        elif by_client and host and host not in self.asked and len(self.unasked) < MAX_LISTED:
            late = self.unasked.get(host)
            if late is None:
                late = self.unasked[host] = Late(place, time_ns)
        if late is None:
            return
        if by_client:
            late.count += count
            late.bytes += size
        else:
            late.alive = True

    def _late(self, key: str | int, place: Place, until_ns: int, by_client: bool) -> Late | None:
        late = self.expired.get(key)
        if late is None and by_client and len(self.expired) < MAX_LISTED:
            late = self.expired[key] = Late(place, until_ns)
        return late

    def verdicts(self, given: bool) -> Outputs:
        """What was sent in vain; `given` tells whether the capture has the allocation, so that nothing is missing."""
        for key, late in self.expired.items():
            if late.alive or not late.count:
                continue
            seconds = (late.first.time_ns - late.begun_ns) / 1e9
            many = f"{late.count:,} datagram{'' if late.count == 1 else 's'}"
            if isinstance(key, int):
                peer = self.channels.get(key)
                what = f"channel 0x{key:04x}{'' if peer is None else f' of {wording.end(peer)}'} held 600 s"
                text = (
                    f"{what} and was not bound again; {many} sent by it after that, the first {seconds:.0f} s too late"
                )
                yield Finding(findings.CHANNEL_EXPIRED, wording.sentence(text), late.first)
            else:
                text = f"the permission for {key} held 300 s and was not renewed; "
                text += f"{many} sent there afterwards, the first {seconds:.0f} s too late"
                yield Finding(findings.PERMISSION_EXPIRED, wording.sentence(text), late.first)
        for host, late in self.unasked.items():
            if given and not late.alive and host not in self.asked:
                many = f"{late.count:,} datagram{'' if late.count == 1 else 's'}, {late.bytes:,} bytes,"
                text = f"{many} sent to {host}, for which the client never asked a permission"
                yield Finding(findings.PERMISSION_MISSING, wording.sentence(text), late.first)

    # --- what is carried ---

    def inner(self, peer: tuple[str, int], piece: Piece, sender: Side, shared: Shared | None) -> Outputs:
        """Bytes of or for `peer`, whichever way they were wrapped, for the one channel that it has."""
        key = self.peers.get(peer)
        if key is None:
            key = len(self.peers)
            if key < MAX_PEERS:
                self.peers[peer] = key
        if shared is None or piece.data[piece.start] > 3:  # only for a room of ours
            yield Pass("udp", piece, stream=False, key=key, sender=sender, context=peer)
            return
        outer = shared.recall(RELAYED, b"")
        shared.remember(RELAYED, b"", Relayed(peer, self.paths))
        try:
            yield Pass("udp", piece, stream=False, key=key, sender=sender, context=peer)
        finally:
            shared.remember(RELAYED, b"", outer)

    def message(
        self, client: Side | None, sender: Side, message: Message, unit: Piece, at: int, shared: Shared | None
    ) -> Outputs:
        """A message that carries data."""
        if message.peer is None or not message.data_bytes:
            return
        if client is not None:
            self._judge(message.peer, 0, sender is client, 1, message.data_bytes, unit.place)
        begin = at + message.data_at
        yield from self.inner(message.peer, unit.cut(begin, begin + message.data_bytes), sender, shared)

    def channel_data(self, sender: Side, unit: Piece, shared: Shared | None) -> Outputs:
        """ChannelData: counted as a run, and what is inside passed on."""
        number, size = _HEAD.unpack_from(unit.data, unit.start)
        if CHANNEL_HEADER_BYTES + size > len(unit):
            raise Malformed(f"ChannelData of {size} bytes, {len(unit) - CHANNEL_HEADER_BYTES} are there")
        if unit.trace is not None:
            reader = Reader(unit)
            reader.uint("channel_number", 2)
            reader.uint("length", 2)
            reader.raw("application_data", size)
        run = self.runs.get((number, sender))
        if run is None:
            run = self.runs[number, sender] = Run(unit, self._until(self.channels.get(number, ("", 0)), number)[0])
        run.count += 1
        run.bytes += size
        run.last = unit
        if run.until_ns and unit.time_ns > run.until_ns + SLACK_NS:
            run.late(unit, size)
        if size:
            peer = self.channels.get(number, ("", number))
            piece = unit.cut(CHANNEL_HEADER_BYTES, CHANNEL_HEADER_BYTES + size)
            yield from self.inner(peer, piece, sender, shared)

    def flush(self, client: Side | None) -> Outputs:
        """Tell of the runs of ChannelData that have ended."""
        runs, self.runs = self.runs, {}
        for (number, sender), run in runs.items():
            many = f"{run.count:,} message{'' if run.count == 1 else 's'}, {run.bytes:,} bytes"
            fields: dict[str, Value] = {"channel_number": number, "messages": run.count, "bytes": run.bytes}
            peer = self.channels.get(number)
            text = f"{many} by channel 0x{number:04x}"
            last = run.last.place
            if peer is not None:
                fields["xor_peer_address"] = wording.as_value(peer)
                text += f", peer {wording.end(peer)}"
                if client is not None:
                    if run.late_first is None:
                        self._judge(peer, number, sender is client, run.count, run.bytes, run.first)
                    else:
                        late = run.late_count, run.late_bytes, run.late_first
                        self._judge(peer, number, sender is client, *late)
            spans = last.spans if run.count == 1 else run.first.spans + last.spans
            yield Note("turn.channel-data", text, Place(spans, last.time_ns), fields, sender=sender)

    def facts(self) -> dict[str, Value]:
        facts: dict[str, Value] = {}
        if self.peers:
            peers = [peer for peer in self.peers if peer[0]]
            facts["turn_peers"] = [wording.end(peer) for peer in peers[:MAX_LISTED]]
        if self.granted:
            facts["turn_permissions"] = list(self.granted)[:MAX_LISTED]
        if self.channels:
            numbers = list(self.channels)[:MAX_LISTED]
            facts["turn_channels"] = {f"0x{number:04x}": wording.end(self.channels[number]) for number in numbers}
        if self.paths:
            facts["ice_relayed_paths"] = self.paths
        return facts
