"""Data channels of one SCTP association: opened by DCEP or by agreement, used, closed (RFC 8831, RFC 8832)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from analyzer import core
from analyzer.core import About, Finding, Malformed, Note, Outcome, Phase, Piece, Reader, Side, Value, joined

if TYPE_CHECKING:
    from analyzer.core import Outputs, Place

DCEP, STRING, BINARY_PARTIAL, BINARY, STRING_PARTIAL, STRING_EMPTY, BINARY_EMPTY = 50, 51, 52, 53, 54, 56, 57
TEXTUAL: Final = frozenset({STRING, STRING_PARTIAL, STRING_EMPTY})
EMPTY: Final = frozenset({STRING_EMPTY, BINARY_EMPTY})
PARTIAL: Final = frozenset({BINARY_PARTIAL, STRING_PARTIAL})
OPEN, ACK = 3, 2
#: §5.1.
CHANNEL_TYPES: Final[dict[int, str]] = {
    0x00: "reliable, in order",
    0x80: "reliable, in any order",
    0x01: "sent again so many times at most, in order",
    0x81: "sent again so many times at most, in any order",
    0x02: "sent again for so long at most, in order",
    0x82: "sent again for so long at most, in any order",
}
PRIORITIES: Final = {128: "below normal", 256: "normal", 512: "high", 1024: "extra high"}
MAX_CHANNELS: Final = 1024  # that are told one by one
MAX_PARTIAL_BYTES: Final = 1 << 20  # that wait for the rest of their messages, on all channels
PART_BYTES: Final = 64  # that a part counts for, beside the bytes it was cut from
#: The table of channels that rooms on several paths of one association share.
OPENED: Final = "datachannel.opened"
MAX_SHARED: Final = 256  # characters of a label
PREVIEW: Final = 72
PREVIEW_BYTES: Final = 16
#: An OPEN without an ACK for so long was not missed by chance.
PATIENCE_NS: Final = 3_000_000_000


class Opened:
    """What rooms on several paths of one association share of a channel."""

    __slots__ = ("answered", "label")

    def __init__(self, label: str) -> None:
        self.label = label
        self.answered = False  # on whatever path


class Channel:
    """One data channel: both streams of one number."""

    __slots__ = (
        "ack",
        "bytes",
        "closed",
        "first_ns",
        "known",
        "label",
        "limit",
        "messages",
        "open",
        "opened_by",
        "partial",
        "partial_bytes",
        "partial_cut",
        "protocol",
        "stream",
        "type",
    )

    def __init__(self, stream: int) -> None:
        self.stream = stream
        self.label = ""
        self.known: Opened | None = None
        self.protocol = ""
        self.type: int | None = None
        self.limit = 0  # of retransmissions, or ms
        self.open: Place | None = None
        self.ack: Place | None = None
        self.opened_by: Side | None = None
        self.closed: list[Place | None] = [None, None]
        self.messages = [0, 0]
        self.bytes = [0, 0]
        self.first_ns = 0
        self.partial: list[list[Piece]] = [[], []]
        self.partial_bytes = [0, 0]  # of messages that are not complete, whether they are held or not
        self.partial_cut = [False, False]  # not all of it is held


class DataChannels(core.Dissector):
    """`context` says on which stream and with which identifier each message came."""

    wants_sums: ClassVar[bool] = True

    def __init__(self) -> None:
        self.channels: dict[int, Channel] = {}  # by stream, as they are now
        self.all: list[Channel] = []  # with those that are over, in the order of their appearance
        self.held_bytes = 0  # of messages that are not complete
        self.told: set[str] = set()
        self.ready = False
        self.parity: list[int | None] = [None, None]

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        user: Any = self.context
        stream, ppid = int(user.stream), int(user.ppid)
        channel = self.channels.get(stream)
        if channel is None:
            channel = self._begin(stream)
            known = self._opened(user).get(stream)
            if known is not None:
                channel.known = known
                channel.label = known.label
        if user.sent_on:
            return self._on_reset(sender, channel, unit)
        if ppid == DCEP:
            return self._on_dcep(sender, channel, unit)
        return self._on_message(sender, channel, ppid, bool(user.unordered), unit)

    def _opened(self, user: Any) -> dict[int, Opened]:
        """The channels of the association by their streams, on whatever path they were opened."""
        shared, key = self.shared, bytes(user.association)
        if shared is None or not key:
            return {}
        found: dict[int, Opened] | None = shared.recall(OPENED, key)
        if found is None:
            found = {}
            shared.remember(OPENED, key, found)
        return found

    def _begin(self, stream: int) -> Channel:
        """A channel on a stream that had none, or whose channel was closed."""
        channel = Channel(stream)
        if len(self.all) < MAX_CHANNELS:
            self.all.append(channel)
            self.channels[stream] = channel
        return channel

    # --- opening ---

    def _on_dcep(self, sender: Side, channel: Channel, unit: Piece) -> Outputs:
        reader = Reader(unit)
        kind = reader.uint("message_type", 1)
        if kind == ACK:
            yield from self._on_ack(sender, channel, unit)
            return
        if kind != OPEN:
            raise Malformed(f"a DCEP message of type {kind} (RFC 8832 §8.2.1)")
        type_, priority = reader.uint("channel_type", 1), reader.uint("priority", 2)
        limit = reader.uint("reliability_parameter", 4)
        sizes = reader.uint("label_length", 2), reader.uint("protocol_length", 2)
        place = unit.place
        if sum(sizes) != reader.left:
            text = f"The OPEN in frame {place.frames[-1]} has {reader.left} bytes for a label of {sizes[0]} and a "
            yield from self._tell("datachannel.malformed", f"{text}protocol of {sizes[1]}.", place)
        label = text_of(reader.raw("label", min(sizes[0], reader.left)))
        protocol = text_of(reader.raw("protocol", min(sizes[1], reader.left)))
        if any(one is not None for one in channel.closed):  # the stream is used once more
            channel = self._begin(channel.stream)
        if channel.open is None:
            channel.label, channel.protocol, channel.type, channel.limit = label, protocol, type_, limit
            channel.open, channel.opened_by = place, sender
            channel.known = Opened(label[:MAX_SHARED])
            opened = self._opened(self.context)
            if len(opened) < MAX_CHANNELS or channel.stream in opened:
                opened[channel.stream] = channel.known
        reliability = CHANNEL_TYPES.get(type_, f"type {type_:#04x}")
        fields: dict[str, Value] = {
            "stream_identifier": channel.stream,
            "label": label,
            "protocol": protocol,
            "channel_type": {"value": type_, "name": reliability},
            "priority": {"value": priority, "name": PRIORITIES.get(priority, "of its own")},
            "reliability_parameter": limit,
        }
        said = [f'"{cut(label)}" on stream {channel.stream}', reliability_text(type_, limit)]
        if protocol:
            said.append(f"protocol {cut(protocol)}")
        yield Note("datachannel.open", ", ".join(said), place, fields)
        yield from self._check_parity(sender, channel, place)
        yield from self._about()

    def _check_parity(self, sender: Side, channel: Channel, place: Place) -> Outputs:
        """§6: the DTLS client opens even streams, the server odd ones; here, each side stays with one kind."""
        mine = channel.stream & 1
        if self.parity[sender] is None:
            self.parity[sender] = mine
        if self.parity[sender] != mine or self.parity[sender.other] == mine:
            text = f"Stream {channel.stream}, opened in frame {place.frames[-1]}, is one of those of the other side."
            yield from self._tell("datachannel.parity-conflict", text, place)

    def _on_ack(self, sender: Side, channel: Channel, unit: Piece) -> Outputs:
        place = unit.place
        text = f"stream {channel.stream}"
        if channel.open is not None and channel.ack is None and sender is not channel.opened_by:
            channel.ack = place
            took = place.time_ns - channel.open.time_ns
            text = f'"{cut(channel.label)}" is open after {took / 1e6:.3g} ms'
        elif channel.open is None and channel.known is not None and channel.ack is None:
            channel.ack = place
            text = f'"{cut(channel.label)}" is open'
        if channel.known is not None and channel.open is None:
            channel.known.answered = True
        fields: dict[str, Value] = {"stream_identifier": channel.stream, "label": channel.label}
        yield Note("datachannel.ack", text, place, fields)
        if not self.ready and channel.open is not None:
            self.ready = True
            yield Phase("channel", channel.open.time_ns, place.time_ns, Outcome.ESTABLISHED, 1)
        yield from self._about()

    # --- messages ---

    def _on_message(self, sender: Side, channel: Channel, ppid: int, unordered: bool, unit: Piece) -> Outputs:
        place = unit.place
        if ppid in PARTIAL:
            channel.partial_bytes[sender] += len(unit)
            cost = len(unit.data) + PART_BYTES
            if channel.partial_cut[sender] or self.held_bytes + cost > MAX_PARTIAL_BYTES:
                channel.partial_cut[sender] = True
            else:
                self.held_bytes += cost
                channel.partial[sender].append(unit)
            text = f"A message on stream {channel.stream} (frame {place.frames[-1]}) has the identifier {ppid}."
            yield from self._tell("datachannel.deprecated-ppid", text, place)
            return
        parts = channel.partial[sender]
        whole = joined([*parts, unit]) if parts else unit
        data = b"" if ppid in EMPTY else bytes(whole)
        total = 0 if ppid in EMPTY else channel.partial_bytes[sender] + len(unit)
        if len(data) < total:  # what came first is held, and nothing of the rest
            data = data[: len(data) - len(unit)]
        if parts or channel.partial_cut[sender]:
            self.held_bytes -= sum(len(part.data) + PART_BYTES for part in parts)
            channel.partial[sender] = []
            channel.partial_bytes[sender] = 0
            channel.partial_cut[sender] = False
        channel.messages[sender] += 1
        channel.bytes[sender] += total
        if not channel.first_ns:
            channel.first_ns = place.time_ns
            if channel.open is None and channel.known is None and self.channels.get(channel.stream) is channel:
                text = f"A message on stream {channel.stream} (frame {place.frames[-1]}), for which no OPEN was seen."
                yield from self._tell("datachannel.none-but-data", text, place)
        limit = 1024 if self.shared is None else self.shared.limits.message_bytes
        fields: dict[str, Value] = {
            "stream_identifier": channel.stream,
            "label": channel.label,
            "ppid": ppid,
            "unordered": unordered,
            "message_bytes": total,
            "message_type": "text" if ppid in TEXTUAL else "binary",
        }
        where = f'"{cut(channel.label)}"' if channel.label else f"stream {channel.stream}"
        if ppid in TEXTUAL:
            text = text_of(data)
            fields["message"] = text[:limit]
            shown = f'"{cut(text)}"'
        else:
            fields["message"] = data[:limit].hex()
            shown = data[:PREVIEW_BYTES].hex(" ") + (" ..." if len(data) > PREVIEW_BYTES else "")
        size = f"{total:,} byte{'' if total == 1 else 's'}" if total else "empty"
        yield Note("datachannel.message", f"{where}, {size}{f': {shown}' if data else ''}", whole, fields)

    def _on_reset(self, sender: Side, channel: Channel, unit: Piece) -> Outputs:
        """RFC 8831 §6.7: each side resets its own stream."""
        if channel.closed[sender] is not None:  # the request was sent again
            return
        place = unit.place
        channel.closed[sender] = place
        fields: dict[str, Value] = {"stream_identifier": channel.stream, "label": channel.label}
        name = f'"{cut(channel.label)}"' if channel.label else f"stream {channel.stream}"
        both = all(one is not None for one in channel.closed)
        yield Note("datachannel.close", f"{name}{', now closed on both sides' if both else ''}", place, fields)
        if both:
            yield from self._tell("datachannel.closed-by-reset", f"The channel {name} was closed by both sides.", place)
        yield from self._about()

    def _tell(self, code: str, text: str, place: Place) -> Outputs:
        if code not in self.told:
            self.told.add(code)
            yield Finding(code, text, place)

    def _about(self) -> Outputs:
        yield About(None, {"channels": self._rows()})

    def _rows(self) -> list[Value]:
        return [row(channel) for channel in self.all[:64]]

    # --- the end ---

    def on_end(self, last: Piece) -> Outputs:
        if self.all:
            yield from self._about()

    def on_over(self, flow: core.Flow) -> Outputs:
        end_ns = max(self.end_ns, flow.last_ns)
        for channel in self.all:
            asked = channel.open
            if asked is None or channel.ack is not None or channel.opened_by is None:
                continue
            elsewhere = channel.known is not None and channel.known.answered
            answered = elsewhere or channel.messages[channel.opened_by.other]
            if not answered and end_ns - asked.time_ns >= PATIENCE_NS:
                text = f'The OPEN of "{cut(channel.label)}" in frame {asked.frames[-1]} got no ACK in '
                yield from self._tell(
                    "datachannel.open-unacked", f"{text}{(end_ns - asked.time_ns) / 1e9:.3g} s.", asked
                )


# --- wording ----------------------------------------------------------------------------------------------------------


def row(channel: Channel) -> dict[str, Value]:
    """A channel in numbers; pairs are by sender, initiator first."""
    opened = channel.opened_by
    kind = "negotiated" if channel.known is None else ""  # or opened on another path
    return {
        "stream": channel.stream,
        "label": channel.label,
        "messages": list(channel.messages),
        "bytes": list(channel.bytes),
        "opened_by": None if opened is None else ("initiator", "responder")[opened],
        "type": reliability_text(channel.type, channel.limit) if channel.type is not None else kind,
        "protocol": channel.protocol,
        "open_ns": None if channel.open is None else channel.open.time_ns,
        "ack_ns": None if channel.ack is None else channel.ack.time_ns,
        "first_message_ns": channel.first_ns or None,
    }


def reliability_text(type_: int, limit: int) -> str:
    """`reliable, in order`, `sent again 2 times at most, in any order`; §5.1."""
    said = CHANNEL_TYPES.get(type_, f"type {type_:#04x}")
    times = "once" if limit == 1 else f"{limit:,} times"
    if type_ & 0x7F == 1 and not limit:
        return said.replace("sent again so many times at most", "never sent again")
    return said.replace("so many times", times).replace("for so long", f"for {limit:,} ms")


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")


def cut(text: str) -> str:
    return text if len(text) <= PREVIEW else f"{text[: PREVIEW - 3]}..."
