"""The messages of one path: requests paired with responses, and what a relay carries taken out of its wrapping.

A datagram holds one message.  A stream holds messages and ChannelData back to back (RFC 8489 §6.2.2, RFC 8656 §12.5),
or, between peers, each packet behind its length (ICE over TCP: RFC 6544 §3, RFC 4571).
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer.core import About, Enough, Handoff, Malformed, Note, Outcome, Pass, Phase, Place, Side
from analyzer.protocols.stun import messages, names, verdicts, wording
from analyzer.protocols.stun.messages import HEADER_BYTES
from analyzer.protocols.stun.names import MAGIC_COOKIE, OLD_COOKIE
from analyzer.protocols.stun.state import Allocation, Half, Relayed, Run, Transaction

if TYPE_CHECKING:
    from analyzer.core import Outputs, Piece, Value
    from analyzer.protocols.stun.messages import Message

MAX_TRANSACTIONS: Final = 2048  # that are remembered; the oldest is forgotten first
MAX_PEERS: Final = 4096  # of a relay that are told apart; each has an inner channel (`Limits.channels`)
MAX_LISTED: Final = 16  # of anything in the facts
CHANNELS_BEGIN: Final = 0x40  # first byte of channel numbers, RFC 8656 §12
CHANNELS_END: Final = 0x50
CHANNEL_HEADER_BYTES: Final = 4  # RFC 8656 §12.4
FRAME_HEADER_BYTES: Final = 2  # RFC 4571 §2
MIN_CLASSIC_BYTES: Final = 6  # different bytes in a transaction id, to be believed without a magic cookie

MAX_FRAME_HIGH: Final = 8  # upper byte of the length of a framed message: longer ones are not to be expected

#: How the messages of a stream are told from each other.
UNKNOWN: Final = 0
PLAIN: Final = 1
FRAMED: Final = 2

#: Types without the cookie, RFC 3489 §11.1; those of [MS-TURN] have an attribute MAGIC-COOKIE first.
CLASSIC_TYPES: Final = frozenset({0x0001, 0x0101, 0x0111, 0x0002, 0x0102, 0x0112})
OLD_TYPES: Final = frozenset({0x0003, 0x0103, 0x0113, 0x0004, 0x0104, 0x0114, 0x0115})

#: Where a room learns that what it reads came through a relay, and from which peer.
RELAYED: Final = "stun.relayed"
SIDE_NAMES: Final = ("initiator", "responder")

STRANGE: Final = "neither a message nor ChannelData (RFC 8656 §12)"
TRY_ALTERNATE: Final = 300
UNKNOWN_ATTRIBUTE: Final = 420
ROLE_CONFLICT: Final = 487

_HEAD: Final = Struct(">HH")


class Stun(core.Dissector):
    """One path: to a server, to a relay, or between two peers."""

    def __init__(self) -> None:
        self.framing = UNKNOWN  # of a stream
        self.stream = False
        self.begun = False
        self.lost = False  # the stream goes on with something else
        self.relayed: Relayed | None = None  # where this came through a relay
        self.transactions: dict[bytes, Transaction] = {}
        self.halves = (Half(), Half())
        self.peers: dict[tuple[str, int], int] = {}  # of a relay -> number of the inner channel
        self.channels: dict[int, tuple[str, int]] = {}
        self.runs: dict[tuple[int, Side], Run] = {}
        self.bound = False  # the stream belongs to the peer from here on (RFC 6062)
        self.title = ""
        self.paths: list[dict[str, Value]] = []  # what came of paths through this relay
        self.users: set[str] = set()
        self.ufrags: dict[str, list[str]] = {}  # by side, in order
        self.mapped: dict[str, str] = {}
        self.nominated_ns = 0
        self.controlling = ""
        self.conflicts: list[Place] = []
        self.rtts = 0
        self.rtt_ns = 0  # the shortest
        self.connected = False  # the phase of Binding was told
        self.allocation = Allocation()
        self.told_fingerprint = False
        self.told_rewritten = False

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        self.stream = True
        if self.framing == UNKNOWN:
            self.framing = framing_of(bytes(head[:28]))
        if len(head) < 4:
            return None
        if self.framing == FRAMED:
            return FRAME_HEADER_BYTES + (head[0] << 8 | head[1])
        size = head[2] << 8 | head[3]
        if head[0] <= 3:
            return HEADER_BYTES + size
        if CHANNELS_BEGIN <= head[0] < CHANNELS_END:
            return CHANNEL_HEADER_BYTES + (size + 3 & ~3)  # RFC 8656 §12.5
        if not self.begun:
            raise Malformed(STRANGE)
        self.lost = True
        return len(head)

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        if self.lost:
            yield from self.on_end(unit)
            raise Malformed(STRANGE)
        if not self.begun:
            self.begun = True
            if self.shared is not None:
                self.relayed = self.shared.recall(RELAYED, b"")
        at = FRAME_HEADER_BYTES if self.framing == FRAMED else 0
        data, start = unit.data, unit.start + at
        size = unit.stop - start
        if self.framing == FRAMED and not is_message(data[start : start + 8], size):
            if size > 0:
                yield Pass("udp", unit.cut(at), stream=False)
            return
        if size < CHANNEL_HEADER_BYTES:
            return  # a keep-alive of no protocol
        first = data[start]
        if CHANNELS_BEGIN <= first < CHANNELS_END:
            yield from self._on_channel_data(sender, unit)
            return
        if not self.stream and first > 3:
            return
        message = messages.read(data, start, unit.stop)
        if unit.trace is not None:
            messages.trace(unit, at, message.size)
        yield from self._on_message(sender, message, unit, at)

    def _on_message(self, sender: Side, message: Message, unit: Piece, at: int) -> Outputs:
        place = unit.place
        if self.runs:
            yield from self._flush()
        fields = message.fields
        if message.classic:
            old_draft(message)
        if self.relayed is not None:
            fields["relayed_peer"] = wording.as_value(self.relayed.peer)
        if not self.stream and len(unit) > message.size:
            fields["trailing_bytes"] = len(unit) - message.size
        class_ = message.message_class
        asked: Transaction | None = None
        if class_ == names.REQUEST:
            self._asked(sender, message, place)
        elif class_ != names.INDICATION:
            asked = self._answered(sender, message, place)
        text = wording.text_of(message, None if asked is None else asked.request)
        if "retransmission" in fields:
            text = f"{text}, again" if text else "again"
        note = Note(message.kind, text, place, fields)
        if message.fingerprint is False:
            note.verdict = "FINGERPRINT does not fit."
        yield note
        if message.broken:
            yield Note("stun.malformed", message.broken, place)
        yield from self._judge_bytes(message, place)
        if class_ == names.INDICATION:
            if message.data_at >= 0:
                yield from self._carried(sender, message, unit, at)
            return
        yield from self._about(sender, message)
        if class_ == names.REQUEST:
            if message.method == names.CHANNEL_BIND and message.peer is not None and message.channel:
                self.channels[message.channel] = message.peer
            elif message.method == names.SEND and message.data_at >= 0:
                yield from self._carried(sender, message, unit, at)
            elif message.method == names.ALLOCATE:
                self.allocation.asked(message, place)
            return
        yield from self._judge_answer(sender, message, asked, place)
        if class_ == names.SUCCESS and message.method == names.CONNECTION_BIND and self.stream:
            self.bound = True
            yield Handoff("tcp")

    # --- transactions ---

    def _asked(self, sender: Side, message: Message, place: Place) -> None:
        half = self.halves[sender]
        half.sent += 1
        half.last = place
        if half.silent == 0:
            half.first_silent = place
        half.silent += 1
        known = self.transactions.get(message.transaction)
        if known is not None and known.sender is sender:
            known.count += 1
            message.fields["retransmission"] = True
            return
        check = message.method == names.BINDING and wording.is_check(message)
        half.requests += 1
        if half.first is None:
            half.first = place
        if message.method == names.BINDING and half.first_binding is None:
            half.first_binding = place
        if check:
            half.checks += 1
            half.role = "controlling" if "ice_controlling" in message.fields else "controlled"
        if len(self.transactions) >= MAX_TRANSACTIONS:
            del self.transactions[next(iter(self.transactions))]
        self.transactions[message.transaction] = Transaction(sender, message, place, check)

    def _answered(self, sender: Side, message: Message, place: Place) -> Transaction | None:
        known = self.transactions.get(message.transaction)
        if known is None or known.sender is sender:
            return None
        half = self.halves[known.sender]
        half.silent = 0
        half.last_answer_ns = place.time_ns
        if known.answered == message.type:
            message.fields["retransmission"] = True
            return known
        latency_ns = max(place.time_ns - known.place.time_ns, 0)
        message.fields["latency_ns"] = latency_ns
        if not known.answered:
            half.answered += 1
            if known.count == 1:
                self.rtt_ns = min(self.rtt_ns, latency_ns) if self.rtts else latency_ns
                self.rtts += 1
        known.answered = message.type
        return known

    def _about(self, sender: Side, message: Message) -> Outputs:
        """The title, as soon as it can be said what this path is for."""
        if message.message_class == names.REQUEST and message.method == names.BINDING and wording.is_check(message):
            user = message.fields.get("username")
            if isinstance(user, str) and ":" in user:
                if user in self.users:
                    return
                theirs, _, ours = user.partition(":")
                if len(self.users) < MAX_LISTED:
                    self.users.add(user)
                    self._ufrag(SIDE_NAMES[sender], ours)
                    self._ufrag(SIDE_NAMES[1 - sender], theirs)
                title = f"ICE {wording.short(ours)} and {wording.short(theirs)}"
            else:
                title = "ICE"
            if not self.title.startswith("ICE"):
                self.title = title if self.relayed is None else f"{title}, through a relay"
                yield About(self.title)
        elif not self.title.startswith("TURN") and message.kind.startswith("turn."):
            self.title = f"TURN relay {self._server(sender, message)}"
            yield About(self.title)
        elif not self.title:
            self.title = f"STUN {self._server(sender, message)}"
            yield About(self.title)

    def _ufrag(self, who: str, ufrag: str) -> None:
        """Another one of the same side is an ICE restart, or another peer on the same path."""
        known = self.ufrags.setdefault(who, [])
        if ufrag not in known:
            known.append(ufrag)

    def _server(self, sender: Side, message: Message) -> str:
        flow = self.flow
        if flow is None:
            return ""
        server = sender.other if message.message_class == names.REQUEST else sender
        return str(flow.responder if server is core.Side.RESPONDER else flow.initiator)

    # --- verdicts ---

    def _judge_bytes(self, message: Message, place: Place) -> Outputs:
        if message.fingerprint is False and not self.told_fingerprint:
            self.told_fingerprint = True
            yield verdicts.bad_fingerprint(message, place)
        if message.message_class == names.SUCCESS and not self.told_rewritten and not message.classic:
            found = verdicts.rewritten(message, place)
            if found is not None:
                self.told_rewritten = True
                yield found

    def _judge_answer(self, sender: Side, message: Message, asked: Transaction | None, place: Place) -> Outputs:
        client = sender.other
        half = self.halves[client]
        evidence = [place] if asked is None else [asked.place, place]
        if message.message_class == names.SUCCESS:
            if message.method == names.BINDING:
                yield from self._bound(client, message, asked, place)
        elif asked is not None and asked.check:
            if message.error in (400, 401) and len(half.refusals) < MAX_LISTED:
                half.refusals.extend(evidence)
            elif message.error == ROLE_CONFLICT and len(self.conflicts) < MAX_LISTED:
                self.conflicts.extend(evidence)
        if message.kind.startswith("turn.") or (message.error == 401 and (asked is None or not asked.check)):
            yield from verdicts.of_answer(self.allocation, message, None if asked is None else asked.request, evidence)
        if message.error == UNKNOWN_ATTRIBUTE:
            yield verdicts.unknown_attribute(message, evidence)
        elif message.error == TRY_ALTERNATE:
            yield verdicts.redirect(message, evidence)

    def _bound(self, client: Side, message: Message, asked: Transaction | None, place: Place) -> Outputs:
        """A Binding success: the path works, and shows an address."""
        half, who = self.halves[client], SIDE_NAMES[client]
        if not half.success_ns:
            half.success_ns = place.time_ns
        if who not in self.mapped:
            mapped = message.fields.get("xor_mapped_address") or message.fields.get("mapped_address")
            if isinstance(mapped, dict):
                self.mapped[who] = wording.joined(mapped)
        if asked is None:
            return
        if not self.connected:
            self.connected = True
            if self.relayed is None:
                begin = asked.place if half.first_binding is None else half.first_binding
                yield Phase("stun", begin.time_ns, place.time_ns, Outcome.ESTABLISHED, 1)
        if "use_candidate" in asked.request.fields and not self.nominated_ns:
            self.nominated_ns = place.time_ns
            self.controlling = who
            if self.relayed is None:
                yield About(None, {"ice_nominated_ns": self.nominated_ns})

    # --- what a relay carries ---

    def _inner(self, peer: tuple[str, int], piece: Piece, sender: Side) -> Outputs:
        """Bytes of or for `peer`, whichever way they were wrapped, for the one channel that it has."""
        key = self.peers.get(peer)
        if key is None:
            key = len(self.peers)
            if key < MAX_PEERS:
                self.peers[peer] = key
        shared = self.shared
        if shared is None or piece.data[piece.start] > 3:  # only for a room of ours
            yield Pass("udp", piece, stream=False, key=key, sender=sender)
            return
        outer = shared.recall(RELAYED, b"")
        shared.remember(RELAYED, b"", Relayed(peer, self.paths))
        try:
            yield Pass("udp", piece, stream=False, key=key, sender=sender)
        finally:
            shared.remember(RELAYED, b"", outer)

    def _carried(self, sender: Side, message: Message, unit: Piece, at: int) -> Outputs:
        if message.peer is not None and message.data_bytes:
            begin = at + message.data_at
            yield from self._inner(message.peer, unit.cut(begin, begin + message.data_bytes), sender)

    def _on_channel_data(self, sender: Side, unit: Piece) -> Outputs:
        number, size = _HEAD.unpack_from(unit.data, unit.start)
        if CHANNEL_HEADER_BYTES + size > len(unit):
            raise Malformed(f"ChannelData of {size} bytes, {len(unit) - CHANNEL_HEADER_BYTES} are there")
        if unit.trace is not None:
            reader = core.Reader(unit)
            reader.uint("channel_number", 2)
            reader.uint("length", 2)
            reader.raw("application_data", size)
        run = self.runs.get((number, sender))
        if run is None:
            run = self.runs[number, sender] = Run(unit)
        run.count += 1
        run.bytes += size
        run.last = unit
        if size:
            peer = self.channels.get(number, ("", number))
            piece = unit.cut(CHANNEL_HEADER_BYTES, CHANNEL_HEADER_BYTES + size)
            yield from self._inner(peer, piece, sender)

    def _flush(self) -> Outputs:
        """Tell of the runs of ChannelData that have ended."""
        runs, self.runs = self.runs, {}
        for (number, sender), run in runs.items():
            many = f"{run.count:,} message{'' if run.count == 1 else 's'}, {run.bytes:,} bytes"
            fields: dict[str, Value] = {"channel_number": number, "messages": run.count, "bytes": run.bytes}
            peer = self.channels.get(number)
            text = f"{many} by channel 0x{number:04x}"
            if peer is not None:
                fields["xor_peer_address"] = wording.as_value(peer)
                text += f", peer {wording.end(peer)}"
            last = run.last.place
            spans = last.spans if run.count == 1 else run.first.spans + last.spans
            yield Note("turn.channel-data", text, Place(spans, last.time_ns), fields, sender=sender)

    # --- gaps and the end ---

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        if self.framing == FRAMED or not is_message(bytes(at)[:8], len(at)):
            yield from self.on_end(at)
            yield Enough()

    def on_end(self, last: Piece) -> Outputs:
        yield from self._flush()
        facts = self._facts()
        if self.relayed is None:
            yield About(None, facts)
        elif len(self.relayed.paths) < MAX_LISTED:
            self.relayed.paths.append({"peer": wording.end(self.relayed.peer), **facts})
        if self.bound:
            return
        for side in core.SIDES:
            yield from verdicts.at_end(self.halves[side], self.halves[side.other], self.end_ns)
        if self.conflicts:
            yield verdicts.role_conflict(self.conflicts, any(half.success_ns for half in self.halves))
        if self.relayed is not None:
            return
        for half in self.halves:
            if half.first_binding is not None and not self.connected:
                self.connected = True
                begin, end = half.first_binding.time_ns, self.end_ns if half.last is None else half.last.time_ns
                yield Phase("stun", begin, max(begin, end), verdicts.outcome_of(half, self.end_ns))
        phase = self.allocation.unfinished(self.end_ns)
        if phase is not None:
            yield phase

    def _facts(self) -> dict[str, Value]:
        """What this path was for, for those who join paths to sessions.  Pairs are by who asked, initiator first."""
        facts: dict[str, Value] = {}
        if any(half.requests for half in self.halves):
            facts["stun_requests"] = [half.requests for half in self.halves]
            facts["stun_answered"] = [half.answered for half in self.halves]
        if self.rtts:
            facts["stun_rtt_ns"] = self.rtt_ns
        if self.mapped:
            facts["mapped_address"] = self.mapped
        if self.ufrags:
            facts["ice_ufrags"] = self.ufrags
        if any(half.checks for half in self.halves):
            facts["ice_roles"] = [half.role or None for half in self.halves]
        if self.nominated_ns:
            facts["ice_nominated_ns"] = self.nominated_ns
            facts["ice_nominated_by"] = self.controlling
        facts.update(self.allocation.facts)
        if self.peers:
            peers = [peer for peer in self.peers if peer[0]]
            facts["turn_peers"] = [wording.end(peer) for peer in peers[:MAX_LISTED]]
        if self.channels:
            numbers = list(self.channels)[:MAX_LISTED]
            facts["turn_channels"] = {f"0x{number:04x}": wording.end(self.channels[number]) for number in numbers}
        if self.paths:
            facts["ice_relayed_paths"] = self.paths
        return facts


# --- recognising it ---------------------------------------------------------------------------------------------------


def is_message(head: bytes, size: int) -> bool:
    """Whether `size` bytes that begin with `head` (8 of them) are a message with the magic cookie (RFC 7983 §7)."""
    return size >= HEADER_BYTES and head[0] <= 3 and head[4:8] == MAGIC_COOKIE


def framing_of(head: bytes) -> int:
    """How a stream is framed that begins with `head`; `UNKNOWN` where more bytes are needed."""
    if head and CHANNELS_BEGIN <= head[0] < CHANNELS_END:
        return PLAIN
    if len(head) >= 8 and head[4:8] == MAGIC_COOKIE:
        return PLAIN
    if len(head) >= 10:
        return FRAMED if head[6:10] == MAGIC_COOKIE and head[2] <= 3 else PLAIN
    return UNKNOWN


def probe(head: bytes) -> bool | None:
    """Tell whether a stream or a datagram begins with a message; None where only its port or its neighbours can tell.

    ChannelData has no mark of its own: it is taken where messages came before.
    """
    size = len(head)
    if size < 4:
        return None if size and head[0] <= MAX_FRAME_HIGH else False
    first = head[0]
    if first > 3:
        if CHANNELS_BEGIN <= first < CHANNELS_END:
            rest = size - CHANNEL_HEADER_BYTES - (head[2] << 8 | head[3])
            return None if 0 <= rest <= 3 else False
        return probe_framed(head)
    if size < 8:
        return None if head[4:] == MAGIC_COOKIE[: size - 4] else probe_framed(head)
    if head[4:8] == MAGIC_COOKIE:
        # Lengths are multiples of 4, but for those of some who do not pad attributes.
        return not head[3] & 3 or size == HEADER_BYTES + (head[2] << 8 | head[3])
    return probe_classic(head) or probe_framed(head)


def probe_framed(head: bytes) -> bool | None:
    """Whether a stream begins with a length and a message (RFC 4571 §2)."""
    if head[2] > 3 or head[0] > MAX_FRAME_HIGH:
        return False
    found = head[6:10]
    if found != MAGIC_COOKIE[: len(found)]:
        return False
    if len(found) < 4:
        return None
    return head[0] << 8 | head[1] == HEADER_BYTES + (head[4] << 8 | head[5])


def probe_classic(head: bytes) -> bool:
    """Whether a datagram is a message without the magic cookie: its type, its length and all its attributes fit."""
    kind, length = _HEAD.unpack_from(head, 0)
    size = len(head)
    if kind in OLD_TYPES:
        return head[20:28] == b"\0\x0f\0\x04" + OLD_COOKIE
    if kind not in CLASSIC_TYPES or HEADER_BYTES + length != size or len(set(head[4:20])) < MIN_CLASSIC_BYTES:
        return False
    at = HEADER_BYTES
    for _ in range(messages.MAX_ATTRIBUTES):
        if at + 4 > size:
            break
        at += 4 + (head[at + 2] << 8 | head[at + 3])
    return at == size


def old_draft(message: Message) -> None:
    """Put the types of [MS-TURN] in their place: what is an error by its bits was Data Indication, 4 was Send."""
    if message.type == 0x0115:
        message.method, message.message_class = names.DATA_METHOD, names.INDICATION
        message.kind = "turn.data-indication"
        message.fields["message_type"] = {"value": message.type, "name": "Data Indication"}
    elif message.type in (0x0004, 0x0104, 0x0114):
        message.method = names.SEND
        name = names.type_named(names.type_of(names.SEND, message.message_class))["name"]
        message.fields["message_type"] = {"value": message.type, "name": name}
        message.kind = f"turn.send-{names.CLASSES[message.message_class]}"
