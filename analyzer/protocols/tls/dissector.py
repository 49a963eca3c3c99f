"""The record layer of TLS over a stream: cuts records, opens them where there are keys, and hands on what is inside.

What is protected and can't be opened is counted, not held.  Where secrets may still come, records wait for them, in
order and within limits.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import chain
from typing import TYPE_CHECKING, ClassVar, Final

from mypy_extensions import mypyc_attr

from analyzer import core
from analyzer.core import (
    About,
    Body,
    Enough,
    Malformed,
    Note,
    Pass,
    Phase,
    Piece,
    Place,
    Reader,
    Shared,
    Side,
    Spot,
    Wait,
    joined,
)
from analyzer.protocols.tls import messages, names, verdicts, wording
from analyzer.protocols.tls.handshake import (
    CERTIFICATE,
    CERTIFICATE_STATUS,
    CLIENT_HELLO,
    COMPRESSED_CERTIFICATE,
    END_OF_EARLY_DATA,
    FINISHED,
    HEADER_BYTES,
    HELLO_RETRY_REQUEST,
    KEY_UPDATE,
    SERVER_HELLO,
    SERVER_HELLO_DONE,
    Handshake,
    message_size,
)
from analyzer.protocols.tls.keys import EARLY, HANDSHAKE, NO_HELLO, TRAFFIC
from analyzer.protocols.tls.messages import SSL20, TLS12, is_13
from analyzer.protocols.tls.protection import Opener, Undecryptable
from analyzer.protocols.tls.registries import HANDSHAKE_TYPES
from analyzer.protocols.tls.state import ACCEPTED, CLEAR, NOT_OFFERED, OFFERED, OPEN, SHUT, Half, Link, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Outputs
    from analyzer.protocols.tls.state import Where

RECORD_BYTES: Final = 5
SSL2_HELLO_BYTES: Final = 11  # of an SSL 2.0 hello, so that it can be told from other bytes
#: RFC 5246 §6.2.3 allows 2^14 + 2048.
MAX_FRAGMENT_BYTES: Final = (1 << 14) + 2048
MAX_MESSAGE_BYTES: Final = 1 << 20
#: Records of one message: each that is held costs far more memory than it has bytes.
MAX_FRAGMENTS: Final = 4096
MAX_ALERTS: Final = 64
#: Protected records that nobody opens are held whole up to this size: shorter ones cost more to pass by.
HELD_BYTES: Final = 2048
#: Records beyond this size are looked at segment by segment.
LARGE_BYTES: Final = 1200
#: Records that are tried with the keys of the next epoch, where those of the present one are missing.
MAX_TRIALS: Final = 64
#: Records behind a gap for whose sequence number one searches.
MAX_SEARCHED: Final = 4
#: A TLS 1.3 alert: level, description, content type and tag (§5.2).
ALERT_TEXT_BYTES: Final = 3
#: A Certificate message that has none: context and list are empty (§4.5.1).
EMPTY_BYTES: Final = HEADER_BYTES + 1 + 3
TAG_BYTES: Final = 16

# Content types, §5.1.
CHANGE_CIPHER_SPEC: Final = 20
ALERT: Final = 21
HANDSHAKE_RECORD: Final = 22
APPLICATION_DATA: Final = 23
HEARTBEAT: Final = 24

DECODE_ERROR: Final = 50


class Tls(core.Dissector):
    """One TLS connection."""

    wants_sums: ClassVar[bool] = True
    hand: Handshake
    link: Link

    def __init__(self) -> None:
        self.halves: tuple[Half, ...] = (Half(), Half())
        self.begun = False
        self.trace: core.Trace | None = None
        self.traced = 0  # fields that belong to notes told already
        self.told: Note | None = None  # last, of the unit at hand
        self.spoken = False
        self.overread: Side | None = None  # who sent a heartbeat that claims more bytes than it has
        self.no_certificate = False  # the client, asked for one, sent none, as far as sizes of encrypted records tell
        self.closing_told = False  # why records stay closed
        self.opening_told = False  # that records could be opened, and with what
        self.out: list[core.Output] = []  # what is said of the present unit
        self.held: list[tuple[Side, Piece, int]] = []  # records that wait for secrets, and how many bytes are missing
        self.held_bytes = 0
        self.patient = True
        self.closed_why = ""  # why records stay closed, and where that began
        self.closed_at: Where | None = None
        self.wanting = False  # that is for want of keys
        self.opened = 0  # protected records
        self.unopened = 0
        self.ssl2 = False
        self.titled = False
        self.phase_told = False
        self.failed = False
        self.waiting = False
        self.overflow = False  # what is held is to be read at once
        self.stranger: tuple[Side, Piece] | None = None  # no record, behind those that are held
        self.flight = Flight()
        self.last: Spot | None = None  # where the connection ended
        self.end_alert: tuple[Side, Piece] | None = None  # a decode_error that may only mean an unexpected end

    def _begin(self) -> None:
        """With the first byte: the engine has set by now what flows share."""
        self.begun = True
        self.hand = Handshake(self.shared or Shared(), "tls.")
        self.link = self.hand.link

    def say(self, output: core.Output) -> None:
        self.out.append(output)
        if self.trace is not None and isinstance(output, Note):
            output.tree = self.trace.fields[self.traced :]
            self.traced = len(self.trace.fields)
            self.told = output

    def _begin_trace(self, trace: core.Trace | None) -> None:
        """The notes that follow get the fields that are read for them."""
        self.trace, self.traced, self.told = trace, 0, None

    def _end_trace(self) -> None:
        """What was read after the last note belongs to it."""
        if self.trace is not None and self.told is not None and self.told.tree is not None:
            self.told.tree.extend(self.trace.fields[self.traced :])
        self.trace = None

    def _said(self) -> list[core.Output]:
        out, self.out = self.out, []
        return out

    # --- units ---

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        if not self.begun:
            self._begin()
        half = self.halves[sender]
        if len(head) < RECORD_BYTES:
            return None if self.ssl2 or maybe_record(head, half.records == 0) else self._foreign(half, head)
        begin = head if isinstance(head, bytes) else bytes(head[:RECORD_BYTES])  # compiled, only bytes are fast
        kind = begin[0]
        if CHANGE_CIPHER_SPEC <= kind <= HEARTBEAT and begin[1] == 3 and begin[2] <= 4 and not self.ssl2:
            size = begin[3] << 8 | begin[4]
            if size <= MAX_FRAGMENT_BYTES and not (half.lost and size == 0):
                half.foreign = False
                if half.state == SHUT and size > HELD_BYTES and kind == APPLICATION_DATA and not self._waits():
                    return RECORD_BYTES
                return RECORD_BYTES + size
        if self.ssl2:
            return ssl2_size(head)
        if half.records == 0 and kind >= 0x80 and maybe_record(head[:4], True):
            if len(head) < SSL2_HELLO_BYTES:
                return None
            if is_ssl2_hello(head):
                return ssl2_size(head)
        return self._foreign(half, head)

    def _foreign(self, half: Half, head: bytes | bytearray) -> int:
        half.foreign = True
        return len(head)

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        self._begin_trace(unit.trace)
        try:
            self._on_unit(sender, unit)
        except Malformed as why:
            if not self.spoken and not self.out:
                raise  # another room may have the bytes
            self.say(Note("tls.malformed", str(why), unit, sender=sender))
            self.say(Enough())
        self._end_trace()
        out, self.out = self.out, []
        self.spoken = self.spoken or bool(out)
        if self.overflow:
            self.overflow = False
            return chain(out, self._drain(late=True), self._after_drain())
        return out

    def _after_drain(self) -> Iterator[core.Output]:
        """What is no record had to wait for the records before it."""
        if self.stranger is not None:
            (sender, unit), self.stranger = self.stranger, None
            self._on_foreign(sender, self.halves[sender], unit)
            yield from self._said()

    def _on_unit(self, sender: Side, unit: Piece) -> None:
        half = self.halves[sender]
        if half.foreign:
            if self.held:
                self.overflow = True  # what waits is told before the room gives up: it will not be asked at the end
                self.stranger = (sender, unit)
            else:
                self._on_foreign(sender, half, unit)
            return
        half.lost = False
        if self.held:
            self._hold(sender, unit)
        elif self.ssl2 or unit.data[unit.start] >= 0x80:
            self._on_ssl2(sender, half, unit)
        else:
            self._on_record(sender, half, unit)

    def _on_foreign(self, sender: Side, half: Half, unit: Piece) -> None:
        half.foreign = False
        if half.lost:
            return  # the next segment may begin with a record again
        if half.records == 0 and sender is not self.link.client and self.link.hello is not None:
            self.say(verdicts.not_tls(self.link, unit))
            self.say(self._phase(unit.time_ns, core.Outcome.FAILED))
            self.say(About(None, verdicts.facts(self)))
            self.say(Enough())
            return
        if self.link.hello is not None or self.link.answer is not None:
            self.say(About(None, verdicts.facts(self)))
        shown = no_record(bytes(unit.cut(0, RECORD_BYTES)), half.records == 0).hex(" ")
        raise Malformed(f"not a record: {shown} (RFC 9846 §5.1)")

    def on_gap(self, sender: Side, size: int, at: Piece) -> Outputs:
        if not self.begun:
            self._begin()
        half = self.halves[sender]
        half.lost = True
        if self.held:
            self.held.append((sender, at.cut(0, 0), size))
        else:
            self._miss(half, size, at)
        return ()

    def _miss(self, half: Half, size: int, at: Piece) -> None:
        half.missing = MAX_SEARCHED
        half.partial, half.partial_bytes, half.need = [], 0, 0
        opener = half.opener
        if half.state == OPEN and opener is not None and not opener.resumable:
            self._shut(
                half, f"{size:,} bytes are missing from the capture, and this cipher needs all before it", at.place
            )

    # --- records ---

    def _on_record(self, sender: Side, half: Half, unit: Piece) -> None:
        data, start = unit.data, unit.start
        kind, version = data[start], data[start + 1] << 8 | data[start + 2]
        size = data[start + 3] << 8 | data[start + 4]
        if unit.trace is not None:
            reader = Reader(unit)
            reader.uint("type", 1)
            reader.uint("legacy_record_version", 2)
            reader.uint("length", 2)
        if half.state == CLEAR and size:
            if kind == APPLICATION_DATA:
                self._protect13(sender, half)
            elif not half.records and sealed_from_the_start(kind, size, unit):
                half.state = SHUT
                self._close(NO_HELLO, None)
            elif half.missing and self._sealed_behind_a_gap(sender, kind, size, unit):
                self._assume_ccs(sender, half)
        if half.state == CLEAR or self._in_clear(half, kind, size):
            self._count_record(sender, half, size, unit)
            self._content(sender, half, kind, unit.cut(RECORD_BYTES), False)
            return
        if len(unit) == RECORD_BYTES + size:
            opened = self._open(sender, half, kind, version, unit)
            if opened is not None:
                self.opened += 1
                self._count_record(sender, half, size, unit)
                self._content(sender, half, opened[0], opened[1], True)
                return
            if half.opener is None and self._may_wait(half, unit):
                self._hold(sender, unit)
                return
        self._count_record(sender, half, size, unit)
        self._closed(sender, half, kind, size, unit)
        if len(unit) < RECORD_BYTES + size:
            self.say(Body(size))

    def _sealed_behind_a_gap(self, sender: Side, kind: int, size: int, unit: Piece) -> bool:
        """Whether this record must be Finished, the ChangeCipherSpec before it being lost."""
        link = self.link
        turn = link.ccs[sender.other] or (sender is link.client and link.server_hello_done)
        return turn and not is_13(link.version) and sealed_from_the_start(kind, size, unit)

    def _assume_ccs(self, sender: Side, half: Half) -> None:
        """Up to TLS 1.2: what this side sends is protected, although nothing was seen to say so."""
        self.link.ccs[sender] = True
        half.partial, half.partial_bytes, half.need = [], 0, 0
        self._switch12(sender, half)

    def _in_clear(self, half: Half, kind: int, size: int) -> bool:
        """Whether a record is in clear although its side has begun to protect what it sends."""
        version = self.link.version
        if not is_13(version) and version:
            return False
        if kind == CHANGE_CIPHER_SPEC:
            return size == 1  # §E.4: it means nothing
        # A side that did not get the keys, or a second ClientHello.
        return is_13(version) and (kind == ALERT or (kind == HANDSHAKE_RECORD and not half.finished))

    def _count_record(self, sender: Side, half: Half, size: int, unit: Piece) -> None:
        half.records += 1
        half.last_size = size
        if half.first is None:
            half.first = Spot(unit)
        if not self.phase_told:
            self.flight.add(sender is self.link.server, RECORD_BYTES + size, unit)

    def _content(self, sender: Side, half: Half, kind: int, content: Piece, sealed: bool) -> None:
        """What a record holds, in clear or opened."""
        if kind == HANDSHAKE_RECORD:
            self._flush(sender)
            self._messages(sender, half, content, sealed)
        elif kind == APPLICATION_DATA:
            self._data(sender, half, content)
        elif kind == ALERT:
            self._flush(sender)
            self._alert(sender, half, content)
        elif kind == CHANGE_CIPHER_SPEC:
            self._flush(sender)
            self._change_cipher_spec(sender, half, content)
        elif kind == HEARTBEAT:
            self._heartbeat(sender, content)
        else:
            self.say(
                Note(f"tls.record-{kind}", f"a record of type {kind}, {len(content):,} bytes", content, sender=sender)
            )

    def _heartbeat(self, sender: Side, content: Piece) -> None:
        text, fields = messages.heartbeat(Reader(content))
        note = Note("tls.heartbeat", text, content, fields, sender=sender)
        self.say(note)
        who = verdicts.side(self.link, sender)
        if self.overread is sender.other:
            self.overread = None
            self.say(verdicts.overread_answered(note, who))
        elif "missing_bytes" in fields:
            self.overread = sender
            self.say(verdicts.overread(note, who))

    # --- opening ---

    def _open(self, sender: Side, half: Half, kind: int, version: int, unit: Piece) -> tuple[int, Piece] | None:
        """Content type and plaintext of a protected record; None where it can't be opened."""
        opener = half.opener
        if opener is None and (not is_13(self.link.version) or self.hand.keys.lines() is None):
            return None
        fragment = bytes(unit.cut(RECORD_BYTES))
        found: tuple[int, bytes] | None = None
        why = ""
        if opener is not None:
            try:
                found = opener.open(kind, version, fragment)
            except Undecryptable as refused:
                why = str(refused)
        if found is None:
            found = self._otherwise(sender, half, kind, version, fragment)
        if found is None:
            if opener is not None:
                self._not_opened(half, opener, why, fragment, unit.place)
            return None
        half.state = OPEN
        plain = unit.cut(RECORD_BYTES).derived(found[1])
        plain.trace = unit.trace
        return found[0], plain

    def _not_opened(self, half: Half, opener: Opener, why: str, fragment: bytes, at: Place) -> None:
        if half.missing:
            opener.skip(1, fragment)  # up to TLS 1.0 the next one may be opened with what ends this one
            self._close(f"bytes before the record in {where(at)} are missing from the capture", at)
        elif opener.sequence == 0:
            text = f"the secrets in the key log don't fit: the first record they are for ({where(at)}) fails its check"
            self._shut(half, text if "check" in why or "tag" in why or "MAC" in why else why, at)
        else:
            opener.skip(1, fragment)
            if opener.broken:
                self._shut(half, f"the record in {where(at)} is damaged, and this cipher needs all before the next", at)
            else:
                self._close(f"the record in {where(at)} is damaged: {why}", at)

    def _shut(self, half: Half, why: str, at: Where | None) -> None:
        half.state = SHUT
        half.opener = None
        half.given_up = True
        self._close(why, at)

    def _close(self, why: str, at: Where | None) -> None:
        """Remember why records stay closed: the first reason, unless that was a want of keys."""
        if not self.closed_why or self.wanting:
            self.closed_why, self.closed_at = why, at
            self.wanting = why == self.hand.keys.why

    def _otherwise(
        self, sender: Side, half: Half, kind: int, version: int, fragment: bytes
    ) -> tuple[int, bytes] | None:
        """Open a record that the present keys don't fit (or are missing for): the tag tells whether others do.

        Records may be missing before it, or it is under the keys of a later epoch, whose beginning was not seen.
        """
        opener = half.opener
        if opener is not None and half.missing:
            half.missing -= 1
            found = opener.resync(kind, version, fragment)
            if found is not None:
                half.missing = 0
                return found
        link = self.link
        if not is_13(link.version) or half.trials >= MAX_TRIALS:
            return None
        half.trials += 1
        why = self.hand.keys.why
        for later in range(half.epoch + 1, TRAFFIC + 1):
            other = self.hand.keys.opener(sender is link.client, later)
            if other is not None:
                try:
                    found = other.open(kind, version, fragment)
                except Undecryptable:
                    continue
                half.opener, half.epoch = other, later
                return found
        self.hand.keys.why = why
        return None

    def _protect13(self, sender: Side, half: Half) -> None:
        """A record of type application_data while the side was in clear: TLS 1.3, or a capture that started late."""
        link = self.link
        if sender is link.client and link.early == OFFERED and link.answer is None:
            half.epoch = EARLY
            openers = self.hand.keys.early_openers()
            half.state = OPEN if openers else SHUT
            half.opener = Choice(openers) if openers else None
        elif is_13(link.version) or link.hello is None or link.answer is None:
            self._use(sender, half, HANDSHAKE)
        else:
            self._assume_ccs(sender, half)
        if half.state == SHUT:
            self._close(self.hand.keys.why, None)

    def _use(self, sender: Side, half: Half, epoch: int) -> None:
        """From the next record on `sender` uses the keys of `epoch`."""
        link = self.link
        half.epoch = epoch
        half.given_up = False
        half.opener = (
            self.hand.keys.opener(sender is link.client, epoch) if is_13(link.version) or not link.version else None
        )
        half.state = SHUT if half.opener is None else OPEN

    # --- waiting for secrets ---

    def _waits(self) -> bool:
        """Whether records that can't be opened now may be opened later."""
        return bool(self.held) or (self.patient and self.hand.keys.hopeful)

    def _may_wait(self, half: Half, unit: Piece) -> bool:
        shared = self.hand.shared
        if not self._waits():
            return False
        limits = shared.limits
        if (
            self.held_bytes + len(unit) > limits.waiting_bytes
            or shared.waiting_bytes + len(unit) > limits.waiting_total_bytes
        ):
            self.patient = False
            return False
        return True

    def _hold(self, sender: Side, unit: Piece) -> None:
        shared = self.hand.shared
        limits = shared.limits
        self.held.append((sender, unit, 0))
        self.held_bytes += len(unit)
        shared.waiting_bytes += len(unit)
        if self.held_bytes > limits.waiting_bytes or shared.waiting_bytes > limits.waiting_total_bytes:
            self.overflow = True
        elif not self.waiting:
            self.waiting = True
            self.say(Wait())

    def on_secrets(self, late: bool) -> Outputs:
        self.waiting = False
        return self._drain(late)

    def _drain(self, late: bool) -> Iterator[core.Output]:
        """Read what was held, as far as there are secrets for it, or all of it if it is `late`."""
        if late:
            self.patient = False
        held, self.held = self.held, []
        self.hand.shared.waiting_bytes -= self.held_bytes
        self.held_bytes = 0
        asked = [False, False]
        for sender, unit, missing in held:
            half = self.halves[sender]
            if self.held:
                if missing:
                    self.held.append((sender, unit, missing))
                else:
                    self._hold(sender, unit)
            elif missing:
                self._miss(half, missing, unit)
            else:
                if half.state == SHUT and not half.given_up and not asked[sender]:
                    asked[sender] = True
                    self._again(sender, half)
                self._begin_trace(unit.trace)
                self._on_record(sender, half, unit)
                self._end_trace()
            yield from self._said()  # carried out before the next: whether a room inside reads it is known then

    def _again(self, sender: Side, half: Half) -> None:
        """Ask for the keys of a side that was shut for want of them."""
        link = self.link
        if link.ccs[sender] and not is_13(link.version):
            self._switch12(sender, half)
        elif sender is link.client and half.epoch == EARLY and link.early in (OFFERED, ACCEPTED) and not half.finished:
            openers = self.hand.keys.early_openers()
            half.opener = Choice(openers) if openers else None
            half.state = OPEN if openers else SHUT
        else:
            self._use(sender, half, half.epoch)
        if half.state == SHUT:
            self._close(self.hand.keys.why, None)

    # --- what is inside ---

    def _messages(self, sender: Side, half: Half, content: Piece, sealed: bool) -> None:
        if half.partial:
            half.partial.append(content)
            half.partial_bytes += len(content)
            if half.partial_bytes < half.need:
                if len(half.partial) > MAX_FRAGMENTS:
                    raise Malformed(f"a handshake message in more than {MAX_FRAGMENTS:,} records")
                return
            content = joined(half.partial)
            half.partial, half.partial_bytes, half.need = [], 0, 0
        if self.trace is None and one_message(content):
            self._message(sender, half, content.data[content.start], content, Spot(content), sealed)
            return
        reader = Reader(content)
        for _ in reader.each("handshake"):
            head = reader.peek(HEADER_BYTES)
            size = message_size(head) if len(head) == HEADER_BYTES else HEADER_BYTES
            if size > MAX_MESSAGE_BYTES:
                text = f"a handshake message of {size:,} bytes, at most {MAX_MESSAGE_BYTES:,} are read"
                fields: dict[str, core.Value] = {"records": 1, "bytes": reader.left, "malformed": text}
                self.say(Note("tls.encrypted-handshake", f"malformed: {text}", content, fields, sender=sender))
                return
            if reader.left < size or len(head) < HEADER_BYTES:
                half.partial_bytes, half.need = reader.left, size
                half.partial = [reader.piece("fragment", reader.left)]
                return
            message = reader.piece("message", size)
            self._message(sender, half, head[0], message, complete(message, content), sealed)

    def _message(self, sender: Side, half: Half, kind: int, message: Piece, at: Where, sealed: bool) -> None:
        link = self.link
        note = self.hand.message(sender, kind, message, at)
        if sealed and not self.opening_told:
            self.opening_told = True
            note.remark = f"{note.remark} {self.hand.keys.opened_with}".lstrip()
        self.say(note)
        if kind == CLIENT_HELLO:
            self._hello_told()
        elif kind in (SERVER_HELLO, HELLO_RETRY_REQUEST):
            if is_13(link.version) and link.answer is not None:
                self._after_server_hello()
            self.out.extend(verdicts.on_server_hello(self.hand, note))
        elif kind in (CERTIFICATE, COMPRESSED_CERTIFICATE):
            self.out.extend(verdicts.on_certificate(self.hand, sender, note))
        elif kind == CERTIFICATE_STATUS:
            self.out.extend(verdicts.on_status(self.hand, note.where))
        elif kind == SERVER_HELLO_DONE:
            link.server_hello_done = True
        elif kind == END_OF_EARLY_DATA:
            self._use(sender, half, HANDSHAKE)
        elif kind == KEY_UPDATE and half.opener is not None:
            try:
                half.opener = half.opener.next()
            except Undecryptable as why:
                self._shut(half, str(why), at)
        elif kind == FINISHED:
            self._finished(sender, half, at.time_ns)

    def _after_server_hello(self) -> None:
        """TLS 1.3: the server's records are protected from here on, and the client's unless it sends early data."""
        link = self.link
        for side in (link.server, link.client):
            half = self.halves[side]
            if side is link.client and link.early in (OFFERED, ACCEPTED) and half.state != CLEAR:
                continue
            self._use(side, half, HANDSHAKE)
            if half.state == SHUT:
                self._close(self.hand.keys.why, link.server_at)

    def _finished(self, sender: Side, half: Half, time_ns: int) -> None:
        link = self.link
        half.finished = True
        if is_13(link.version):
            if half.epoch < TRAFFIC or half.state == SHUT:
                self._use(sender, half, TRAFFIC)
            if half.state == SHUT:
                self._close(self.hand.keys.why, None)
        if all(one.finished for one in self.halves) and not link.done_ns:
            link.done_ns = time_ns
            link.outer = b""
            self._established(time_ns)

    def _change_cipher_spec(self, sender: Side, half: Half, content: Piece) -> None:
        link = self.link
        compatible = is_13(link.version) or (
            not link.version and link.hello is not None and 0x0304 in link.hello.versions
        )
        text = (
            "for old middleboxes only: it changes nothing in TLS 1.3"
            if compatible
            else "what this side sends from here on is protected"
        )
        note = Note("tls.change-cipher-spec", text, content, sender=sender)
        if compatible:
            note.spec = "RFC 9846 E.4"
        self.say(note)
        if compatible:
            self.out.extend(verdicts.compatible_ccs(self.hand, content))
            return
        if sender is link.server and link.resumed is None and link.hello is not None:
            link.resumed = not link.server_hello_done
        link.ccs[sender] = True
        half.partial, half.partial_bytes, half.need = [], 0, 0
        half.finished = False
        self._switch12(sender, half)

    def _switch12(self, sender: Side, half: Half) -> None:
        link = self.link
        half.given_up = False
        pair = self.hand.keys.pair()
        if pair is None:
            half.state, half.opener = SHUT, None
            self._close(self.hand.keys.why, None)
        else:
            half.state, half.opener = OPEN, pair[0 if sender is link.client else 1]

    def _alert(self, sender: Side, half: Half, content: Piece) -> None:
        reader = Reader(content)
        if reader.left < 2:
            raise Malformed("an alert of less than 2 bytes (RFC 9846 §6)")
        level, description = reader.uint("level", 1), reader.uint("description", 1)
        fields = {"level": names.ALERT_LEVEL.named(level), "description": names.ALERT.named(description)}
        text = messages.alert_words(level, description)
        note = Note("tls.alert", text, content, fields, sender=sender)
        link = self.link
        fatal = description != messages.CLOSE_NOTIFY and (level == messages.FATAL or is_13(link.version))
        if fatal and description == DECODE_ERROR and link.done_ns and not self.halves[sender.other].closed:
            # What some answer to a TCP connection that ends without close_notify: the end will tell.
            self.say(note)
            self.end_alert = (sender, content)
            return
        if fatal and description != 90:
            note.verdict = verdicts.alert_verdict(link, sender, description)
            half.alerted = True
        self.say(note)
        if description == messages.CLOSE_NOTIFY:
            half.closed = True
            return
        if len(link.alerts) < MAX_ALERTS:
            link.alerts.append((sender, level, description, Spot(content)))
        finding = verdicts.on_alert(self.hand, sender, level, description, content)
        if finding is not None:
            self.say(finding)
        if fatal and description != 90 and not self.failed:
            self.failed = True
            self.say(self._phase(content.time_ns, core.Outcome.FAILED))

    def _data(self, sender: Side, half: Half, content: Piece) -> None:
        size = len(content)
        half.data_bytes += size
        link = self.link
        if not link.done_ns and half.state == OPEN and half.epoch != EARLY:
            # A side that sends data is through, whatever the capture lacks of the handshake.
            half.finished = True
        self._count(sender, half, "tls.application-data", size, Spot(content), True)
        if size:
            output = Pass(f"tls:{link.alpn}" if link.alpn else "tls", content, sender=sender)
            self.say(output)
            if half.run is not None:
                half.run.passed = output
                half.run.early = half.epoch == EARLY and sender is link.client and link.early != NOT_OFFERED

    # --- what is counted ---

    def _count(self, sender: Side, half: Half, kind: str, size: int, at: Spot, opened: bool) -> None:
        run = half.run
        if run is None or run.kind != kind or run.opened is not opened:
            self._flush(sender)
            if kind == "tls.application-data":
                self._flush(sender.other)
            run = half.run = Run(kind, at, opened)
        run.records += 1
        run.bytes += size
        run.last = at

    def _flush(self, sender: Side) -> None:
        """Tell of the run of records that has ended."""
        half = self.halves[sender]
        run, half.run = half.run, None
        if run is None or (run.passed is not None and run.passed.read):
            return  # a room inside tells of it
        self.say(self._run_note(sender, run))

    def _run_note(self, sender: Side, run: Run) -> Note:
        many = f"{wording.count(run.records, 'record')}, {wording.digits(run.bytes)} bytes"
        fields: dict[str, core.Value] = {"records": run.records, "bytes": run.bytes, "decrypted": run.opened}
        if run.early:
            fields["early_data"] = True
        if run.kind == "tls.encrypted-handshake":
            text = f"{self._hidden(sender, run.bytes)}: {many}"
        else:
            text = f"{'early data, ' if run.early else ''}{many}{'' if run.opened else ', encrypted'}"
        at: Where = run.first
        if run.first is not run.last:
            at = core.placed((*run.first.spans, *run.last.spans), run.last.time_ns)
        note = Note(run.kind, text, at, fields, sender=sender)
        if not run.opened and not self.closing_told:
            why = self.closed_why or self.hand.keys.why
            self.closing_told = bool(why)
            note.remark = f"Not opened: {why}." if why else ""
        return note

    def _hidden(self, sender: Side, size: int) -> str:
        """What an encrypted part of a handshake must be, by its place."""
        link = self.link
        if not is_13(link.version):
            return "Finished" if not link.done_ns else "a handshake message"
        if sender is link.server:
            if link.resumed:
                return "EncryptedExtensions and Finished"
            return "EncryptedExtensions, Certificate, CertificateVerify and Finished"
        if self.no_certificate:
            return "Certificate (without any) and Finished"
        return "Finished" if size <= self._finished_bytes() + 256 else "Certificate, CertificateVerify and Finished"

    def _closed(self, sender: Side, half: Half, kind: int, size: int, unit: Piece) -> None:
        """A protected record that nobody can open: what it must be is told by its type, its place and its size."""
        self.unopened += 1
        link = self.link
        at = Spot(unit)
        event = "tls.application-data"
        if kind == ALERT:
            self._flush(sender)
            self._closed_alert(sender, half, unit)
            return
        if kind == HANDSHAKE_RECORD:
            event = "tls.encrypted-handshake"
        elif is_13(link.version) and not half.finished and kind == APPLICATION_DATA:
            if sender is link.server:
                event = "tls.encrypted-handshake"
            elif link.early != OFFERED or self.halves[link.server].records > 1:
                if size == ALERT_TEXT_BYTES + self._tag_bytes() and self.halves[link.server].run is not None:
                    self._flush(sender)
                    self._closed_alert(sender, half, unit)
                    return
                if self._flight_is_over(half, size, at):
                    self._through_unread(sender, half)
                else:
                    event = "tls.encrypted-handshake"
        if kind == HANDSHAKE_RECORD and link.ccs[sender] and not half.finished:
            self._count(sender, half, event, size, at, False)
            self._flush(sender)
            self._finished(sender, half, at.time_ns)
            return
        if event == "tls.application-data":
            half.data_bytes += size
        self._count(sender, half, event, size, at, False)
        if (
            event == "tls.encrypted-handshake"
            and is_13(link.version)
            and sender is link.client
            and half.run is not None
        ):
            least, alone = self._finished_bytes(), half.run.records == 1
            if size == least or (alone and least < size <= least + 256) or half.records > 4:
                self._through_unread(sender, half)

    def _flight_is_over(self, half: Half, size: int, at: Spot) -> bool:
        """Whether what the client sent before this record was all of its handshake: it is later, and no Finished."""
        run, least = half.run, self._finished_bytes()
        if run is None or run.kind != "tls.encrypted-handshake" or run.bytes <= least:
            return False
        return size != least and run.last.frames[-1:] != at.frames[-1:]

    def _through_unread(self, sender: Side, half: Half) -> None:
        """The client's handshake is complete, unread as it is, and with it the server's."""
        link, run = self.link, half.run
        if run is not None:  # with a record of its own, or in one with Finished
            beside = run.bytes - self._finished_bytes()
            self.no_certificate = beside == EMPTY_BYTES + (run.records > 1) * (1 + self._tag_bytes())
        self._flush(link.server)
        self._flush(sender)
        self.halves[link.server].finished = True
        if run is not None:
            self._finished(sender, half, run.last.time_ns)

    def _closed_alert(self, sender: Side, half: Half, unit: Piece) -> None:
        """An alert that can't be read; before both sides are finished it can only say that the handshake failed."""
        link = self.link
        early = link.hello is not None and not link.done_ns and not self.halves[link.client].finished
        early = early and not any(one.missing for one in self.halves)
        text = "an encrypted alert" + (": this side refuses the handshake" if early else ", probably close_notify")
        note = Note("tls.record-alert", text, unit, sender=sender)
        half.closed = True
        if early:
            note.verdict = "It can't be read without keys; at this point an alert ends the handshake."
        self.say(note)
        if early:
            half.alerted = True
            self.say(verdicts.unreadable_alert(self.hand, sender, unit, self.closed_why))
            if not self.failed:
                self.failed = True
                self.say(self._phase(unit.time_ns, core.Outcome.FAILED))

    def _tag_bytes(self) -> int:
        made = self.link.suite
        return made.tag_bytes if made is not None and made.tag_bytes else TAG_BYTES

    def _finished_bytes(self) -> int:
        made = self.link.suite
        hashed = 48 if made is not None and made.prf_hash == "SHA384" else 32
        return HEADER_BYTES + hashed + 1 + self._tag_bytes()

    # --- SSL 2.0 ---

    def _on_ssl2(self, sender: Side, half: Half, unit: Piece) -> None:
        reader = Reader(unit)
        first = reader.uint("length", 2)
        if not first & 0x8000:
            reader.uint("padding", 1)
        half.records += 1
        if half.first is None:
            half.first = Spot(unit)
        kind = reader.uint("msg_type", 1)
        event = messages.SSL2_EVENTS.get(kind)
        link = self.link
        if event is None or (self.ssl2 and kind not in (1, 2, 4)):
            # Past the master key all is encrypted, and nobody keeps logs of such keys.
            self.say(About(None, verdicts.facts(self)))
            self.say(Enough())
            return
        if kind == messages.SSL2_CLIENT_HELLO:
            version, random, fields = messages.ssl2_client_hello(reader)
            hello = messages.ClientHello()
            hello.version, hello.random, hello.fields = version, random, fields
            hello.suites = [one["value"] for one in fields["cipher_specs"] if one["value"] < 0x10000]
            self.hand.offer(sender, hello, unit.place, len(unit))
            self.say(
                Note("tls.ssl2-client-hello", f"offers {names.version_name(version)}", unit, fields, sender=sender)
            )
            self._hello_told()
        elif kind == messages.SSL2_SERVER_HELLO:
            self.ssl2 = True
            version, chain, fields = messages.ssl2_server_hello(reader)
            link.version = SSL20
            link.server_at = unit.place
            chosen = names.version_name(version)
            self.say(Note("tls.ssl2-server-hello", f"chooses {chosen}", unit, fields, sender=sender))
            if chain:  # it is a part of the hello, and told as in later versions
                found: dict[str, core.Value] = {}
                text = self.hand.certificates(sender, chain, {}, found)
                self.say(Note("tls.certificate", text, unit, found, sender=sender))
            self.out.extend(verdicts.on_version(self.hand, unit.place))
        else:
            self.ssl2 = True
            self.say(Note(f"tls.{event}", f"{reader.left:,} bytes", unit, sender=sender))
            if kind == messages.SSL2_CLIENT_MASTER_KEY:
                link.done_ns = unit.time_ns
                self._established(unit.time_ns)

    # --- the session ---

    def _hello_told(self) -> None:
        link = self.link
        if self.titled or link.hello is None:
            return
        self.titled = True
        facts: dict[str, core.Value] = {}
        name = link.hello.server_name
        facts["server_name"] = name
        if link.hello.fields.get("ja4"):
            facts["ja3"] = link.hello.fields["ja3"]
            facts["ja4"] = link.hello.fields["ja4"]
        if link.hello.alpn:
            facts["alpn_offered"] = link.hello.alpn
        flow = self.flow
        where_to = name or (str(flow.responder if link.client is Side.INITIATOR else flow.initiator) if flow else "TLS")
        self.say(About(where_to, facts))

    def _phase(self, end_ns: int, outcome: core.Outcome) -> Phase:
        self.phase_told = True
        link = self.link
        start = link.hello_at if link.hello_at is not None else self._first()
        start_ns = start.time_ns if start is not None else end_ns
        trips = verdicts.round_trips(link) if outcome is core.Outcome.ESTABLISHED else None
        return Phase("tls", start_ns, max(end_ns, start_ns), outcome, trips)

    def _first(self) -> Spot | None:
        firsts = [half.first for half in self.halves if half.first is not None]
        return min(firsts, key=lambda place: place.time_ns) if firsts else None

    def _established(self, time_ns: int) -> None:
        if not self.phase_told:
            self.say(self._phase(time_ns, core.Outcome.ESTABLISHED))
            self.out.extend(verdicts.on_established(self.hand))
        elif self.link.renegotiations:
            self.say(About(None, {"renegotiations": self.link.renegotiations}))

    def on_body(self, sender: Side, body: Piece) -> Outputs:
        run = self.halves[sender].run
        if run is not None:
            run.last = Spot(body)
        return ()

    def on_end(self, last: Piece) -> Outputs:
        if not self.begun:
            return ()
        self.last = Spot(last)
        return self._end_late() if self.held else self._rest()

    def _end_late(self) -> Iterator[core.Output]:
        yield from self._drain(late=True)
        yield from self._rest()

    def _rest(self) -> Outputs:
        """What was counted and is not told yet."""
        self._flush(self.link.client)
        self._flush(self.link.server)
        self.link.outer = b""  # rooms are kept until the capture is over
        return self._said()

    def on_over(self, flow: core.Flow) -> Outputs:
        if self.last is None:
            return ()
        if not self.phase_told:
            outcome = verdicts.outcome(self)
            if outcome is not None:
                self.say(self._phase(self.last.time_ns, outcome))
        if verdicts.refuses_unread(self):
            self.say(self._phase(self.last.time_ns, core.Outcome.FAILED))
        self.say(About(verdicts.hidden_title(self.hand), verdicts.facts(self)))
        self.out.extend(verdicts.at_end(self, self.last))
        return self._said()


@mypyc_attr(acyclic=True)
class Flight:
    """What the server sends until the client is heard again: how much, and where it paused longest."""

    __slots__ = ("bytes", "done", "last_ns", "longest_ns", "stall")

    def __init__(self) -> None:
        self.bytes = 0
        self.last_ns = 0
        self.longest_ns = 0
        self.done = False
        self.stall: tuple[int, int, Spot] | None = None  # bytes before it, how long, the record after it

    def add(self, by_server: bool, size: int, unit: Piece) -> None:
        if self.done:
            return
        if not by_server:
            self.done = self.bytes > 0
            return
        if size > LARGE_BYTES and len(unit.runs) > 1:
            self._segments(unit)
        self._reach(self.bytes, unit.time_ns, unit)
        self.bytes += size

    def _segments(self, unit: Piece) -> None:
        """A record over several segments may be cut where the server had to wait."""
        runs, start, stop = unit.runs, unit.start + unit.base, unit.stop + unit.base
        for index in range(max(bisect_right(runs, start, key=_position) - 1, 0), len(runs)):
            at, _, _, when = runs[index]
            if at >= stop:
                return
            self._reach(self.bytes + max(at - start, 0), when, unit)

    def _reach(self, sent: int, time_ns: int, unit: Piece) -> None:
        """Bytes that came at that time, `sent` being before them."""
        waited = time_ns - self.last_ns
        if sent and waited > self.longest_ns:
            self.longest_ns = waited
            self.stall = (sent, waited, Spot(unit))
        self.last_ns = max(time_ns, self.last_ns)


def _position(run: core.Run) -> int:
    return run[0]


class Choice(Opener):
    """Openers of which the first record tells the right one: by its tag, so that nothing is guessed."""

    def __init__(self, openers: list[Opener]) -> None:
        super().__init__()
        self._openers = openers

    def open_at(self, sequence: int, content_type: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        why: Undecryptable | None = None
        for opener in self._openers:
            try:
                found = opener.open_at(sequence, content_type, version, fragment)
            except Undecryptable as refused:
                why = refused
                continue
            self._openers = [opener]
            return found
        raise why or Undecryptable("there is no key")

    def next(self) -> Opener:
        return self._openers[0].next()


# --- recognising it ---------------------------------------------------------------------------------------------------


def one_message(content: Piece) -> bool:
    """Whether a record has just one handshake message, as most have."""
    data, at, size = content.data, content.start, len(content)
    return size >= HEADER_BYTES and size == HEADER_BYTES + (data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3])


def complete(message: Piece, record: Piece) -> Where:
    """Where a message was complete: with the end of its record, which may come in a later frame than its own bytes."""
    if message.whole is not None or len(record.runs) == 1:
        return Spot(message)
    place, whole = message.place, record.place
    last = max(whole.spans, key=frame_of)
    if last.frame <= max(place.spans, key=frame_of).frame:
        return place
    return Place((*place.spans, core.Span(last.frame, last.stop, last.stop)), whole.time_ns)


def frame_of(span: core.Span) -> int:
    return span.frame


def where(at: Place) -> str:
    frames = at.frames
    return f"frame {frames[-1]}" if frames else "the capture"


def sealed_from_the_start(kind: int, size: int, record: Piece) -> bool:
    """Whether the first record seen of a side can only be encrypted: the capture began after the handshake."""
    if kind == ALERT:
        return size > 2
    if kind == HANDSHAKE_RECORD and len(record) >= RECORD_BYTES + HEADER_BYTES:
        at = record.start + RECORD_BYTES
        return record.data[at] not in HANDSHAKE_TYPES or record.data[at + 1] > 3
    return kind == CHANGE_CIPHER_SPEC and size > 1


def maybe_record(head: bytes | bytearray, first: bool) -> bool:
    """Whether these fewer than 5 bytes may begin a record (or, if it is the first, an SSL 2.0 hello)."""
    if not head:
        return True
    if CHANGE_CIPHER_SPEC <= head[0] <= HEARTBEAT:
        return len(head) < 2 or head[1] == 3
    return first and head[0] >= 0x80 and (len(head) < 3 or head[2] in (1, 4))


def no_record(head: bytes, first: bool) -> bytes:
    """As many of the bytes as it takes to see that no record begins with them: the same however they arrived."""
    for size in range(1, RECORD_BYTES):
        if not maybe_record(head[:size], first):
            return head[:size]
    return head


def is_ssl2_hello(head: bytes | bytearray) -> bool:
    """Whether an SSL 2.0 CLIENT-HELLO or SERVER-HELLO starts here (RFC 5246 §E.2); `head` has 5 bytes or more."""
    if head[0] < 0x80:
        return False
    size = (head[0] & 0x7F) << 8 | head[1]
    if head[2] == messages.SSL2_CLIENT_HELLO:
        if len(head) < SSL2_HELLO_BYTES:
            return head[3] in (0, 3)
        suites, session, challenge = head[5] << 8 | head[6], head[7] << 8 | head[8], head[9] << 8 | head[10]
        fits = size == 9 + suites + session + challenge and suites % 3 == 0 and suites > 0
        version = head[3] << 8 | head[4]
        return (
            fits and session in (0, 16) and 16 <= challenge <= 32 and (version == SSL20 or 0x0300 <= version <= TLS12)
        )
    if head[2] != messages.SSL2_SERVER_HELLO or size < 11:
        return False
    return head[3] <= 1 if len(head) < 7 else head[5] == 0 and head[6] == 2


def ssl2_size(head: bytes | bytearray) -> int:
    if head[0] & 0x80:
        return 2 + ((head[0] & 0x7F) << 8 | head[1])
    return 3 + ((head[0] & 0x3F) << 8 | head[1])


def probe(head: bytes) -> bool | None:
    """Tell whether a stream starts with a TLS record or an SSL 2.0 hello; None asks for more bytes."""
    if len(head) < RECORD_BYTES:
        return None if maybe_record(head, True) else False
    kind = head[0]
    if CHANGE_CIPHER_SPEC <= kind <= APPLICATION_DATA:
        size = head[3] << 8 | head[4]
        if head[1] != 3 or head[2] > 4 or size > MAX_FRAGMENT_BYTES or size == 0:
            return False
        if kind == HANDSHAKE_RECORD and size >= HEADER_BYTES:
            if len(head) < RECORD_BYTES + HEADER_BYTES:
                return None
            # A hello has its length here; encrypted messages (a capture that starts late) may have anything.
            return head[5] != CLIENT_HELLO or head[6] < 2
        if kind == ALERT:
            return size == 2 or size >= 16
        return kind != CHANGE_CIPHER_SPEC or size == 1 or size >= 16
    return kind >= 0x80 and (None if len(head) < SSL2_HELLO_BYTES and is_ssl2_hello(head) else is_ssl2_hello(head))
