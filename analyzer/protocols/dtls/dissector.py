"""The records of DTLS, from datagrams to handshake messages, alerts and data (RFC 9147, RFC 6347).

Each datagram stands for itself: records may be lost, come twice or in another order.  Messages are told where they are
complete, and again where they are sent again.  What is protected and can't be opened is counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer import core
from analyzer.core import About, Malformed, Note, Outcome, Pass, Phase, Piece, Place, Reader, Shared, Side, Span, Wait
from analyzer.protocols.dtls import troubles, verdicts
from analyzer.protocols.dtls.association import (
    EARLY_EPOCH,
    HANDSHAKE_EPOCH,
    HELLO_VERIFY_REQUEST,
    MAX_HELLOS,
    PATHS,
    RANDOM_START,
    RANDOM_STOP,
    Association,
    carried_on,
    may_be_carried_on,
)
from analyzer.protocols.dtls.exporter import agree
from analyzer.protocols.dtls.fragments import HEADER_BYTES as MESSAGE_HEADER_BYTES
from analyzer.protocols.dtls.records import (
    ACK,
    ALERT,
    APPLICATION_DATA,
    CHANGE_CIPHER_SPEC,
    CONNECTION_ID,
    EPOCH_MASK,
    HANDSHAKE,
    HEADER_BYTES,
    HEARTBEAT,
    LONG_SEQUENCE,
    MAX_FRAGMENT_BYTES,
    UNIFIED,
    UNIFIED_MASK,
    VERSIONS,
    WITH_CID,
    WITH_LENGTH,
    Record,
    read_record,
)
from analyzer.protocols.dtls.state import Half, Told
from analyzer.protocols.stun.messages import InStun
from analyzer.protocols.tls import handshake as tls
from analyzer.protocols.tls import messages, names
from analyzer.protocols.tls.keys import NO_HELLO
from analyzer.protocols.tls.messages import is_13
from analyzer.protocols.tls.registries import HANDSHAKE_TYPES
from analyzer.protocols.tls.state import Run

if TYPE_CHECKING:
    from analyzer.core import Output, Outputs
    from analyzer.protocols.tls.state import Link

USER_CANCELED: Final = 90
#: First datagrams of a flow that may belong to an association which began in another.
MAX_TRIES: Final = 8

#: What a datagram that is held costs besides its bytes: many small ones would else take more memory than is meant.
HELD_BYTES: Final = 400
#: How many rooms hold datagrams that wait for secrets.
HOLDING: Final = "dtls.holding"

#: A run of records ends where its side was silent for so long.
PAUSE_NS: Final = 1_000_000_000
MAX_LISTED: Final = 32  # record numbers of an ACK
#: What an epoch of a datagram can be, where nothing is known of the connection.
MAX_PROBED_EPOCH: Final = 256
MAX_PROBED_MESSAGE_BYTES: Final = 1 << 18
#: A unified header with all but a connection id, and a record with nothing inside: a content type and a tag.
UNIFIED_BYTES: Final = 5
MIN_SEALED_BYTES: Final = 17


class Dtls(core.Dissector):
    """DTLS between two endpoints: one connection, and those that take its place later."""

    def __init__(self) -> None:
        self.made: Association | None = None
        self.borrowed = False  # the association began in another flow
        self.turned = False  # and its sides are the other way round here
        self.in_stun = False  # these are datagrams that messages of STUN carry
        self.tries = MAX_TRIES
        self.runs: list[Run | None] = [None, None]  # by side of the association
        self.sent = [0, 0]  # datagrams, by side of the association
        self.first: Place | None = None
        self.told = False
        self.dropped_told = False
        #: datagrams that wait for secrets: who sent each, and at which of its records reading goes on
        self.held: list[tuple[Side, Piece, int]] = []
        self.held_bytes = 0
        self.patient = True
        self.waiting = False

    @property
    def one(self) -> Association:
        """The association at hand."""
        found = self.made
        if found is None:
            found = self.made = self._begun()
        return found

    def _begun(self) -> Association:
        """The association that began inside of STUN on this very path, or a new one."""
        shared, flow = self.shared or Shared(), self.flow
        inside = isinstance(self.context, InStun)
        key = repr((0 if flow is None else flow.id, self.context.peer if inside else self.context)).encode()
        known = shared.recall(PATHS, key)
        if isinstance(known, Association):
            self.borrowed, self.tries = True, 0
            return known
        found = Association(shared)
        found.ends = None if flow is None else (flow.initiator, flow.responder)
        if inside:
            self.in_stun = True
            shared.remember(PATHS, key, found)
        return found

    @property
    def link(self) -> Link:
        return self.one.link

    # --- datagrams and records ---

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        return self._hold(sender, unit, 0) if self.held else self._read(sender, unit, 0)

    def _read(self, sender: Side, unit: Piece, at: int) -> Outputs:
        """Read a datagram from its byte `at` on."""
        one = self.one
        if len(unit) and unit.data[unit.start] & UNIFIED_MASK == UNIFIED and not one.may_be_13:
            return  # not ours: nobody spoke of DTLS 1.3 here
        if at == 0 and self.tries and one.link.hello is None and self._look_elsewhere(sender, unit):
            yield from self._hold(sender, unit, 0)
            return
        for output in self._datagram(sender.other if self.turned else sender, unit, at):
            if self.turned:
                turn(output)
            yield output

    def _look_elsewhere(self, sender: Side, unit: Piece) -> bool:
        """Take over an association that began in another flow, if this datagram belongs to one.

        True where only secrets that may still come can tell.
        """
        shared = self.one.hand.shared
        bare = Piece(unit.data, unit.runs, unit.start, unit.stop, unit.base, unit.whole)
        record = read_record(Reader(bare), self.one.halves[sender].cid_bytes)
        found = carried_on(shared, sender, record, bare, self.in_stun)
        if found is None and self.patient and may_be_carried_on(shared, record):
            return True
        self.tries -= 1
        if found is not None:
            self.made, self.turned = found
            self.borrowed, self.tries = True, 0
        return False

    def _datagram(self, sender: Side, unit: Piece, at: int) -> Outputs:
        if at == 0:
            self.sent[sender] += 1
            if self.first is None:
                self.first = unit.place
            if not self.one.link.done_ns:
                self._count_datagram(self.one, sender, unit)
        trace = unit.trace
        reader = Reader(unit.cut(at) if at else unit)
        for _ in reader.each("record"):
            mark = 0 if trace is None else len(trace.fields)
            one = self.made or self.one
            half = one.halves[sender]
            record = read_record(reader, half.cid_bytes)
            if record.epoch == 0 and not record.unified and record.kind != CONNECTION_ID:
                half.records += 1
                if half.first is None:
                    half.first = unit.place
                yield from self._content(sender, half, record.kind, record.content, record, unit)
                continue
            found = one.read(sender, record)
            if found is None and one.keyless and self.patient and one.hand.keys.hopeful:
                if trace is not None:
                    del trace.fields[mark:]  # it will be read again
                start = record.whole.start - unit.start
                yield from self._hold(sender.other if self.turned else sender, unit, start)
                return
            half.records += 1
            if half.first is None:
                half.first = unit.place
            yield from self._protected(sender, half, record, found, unit)

    def _count_datagram(self, one: Association, sender: Side, unit: Piece) -> None:
        """What tells, should the handshake never end, who was not heard."""
        half, other = one.halves[sender], one.halves[sender.other]
        place = unit.place
        if not half.unheard:
            half.unheard_first = place
        half.unheard += 1
        half.unheard_last = place
        other.unheard = 0
        other.unheard_first = None
        if len(unit) >= troubles.BIG_BYTES:
            half.big += 1
            half.big_bytes = max(half.big_bytes, len(unit))
            if half.big_first is None:
                half.big_first = place

    def _protected(
        self, sender: Side, half: Half, record: Record, found: tuple[int, bytes] | None, unit: Piece
    ) -> Outputs:
        half.protected += 1
        one = self.one
        if found is None:
            one.unopened += 1
            yield from self._closed(sender, half, record, unit)
            return
        one.opened += 1
        half.opened += 1
        plain = record.content.derived(found[1])
        plain.trace = unit.trace
        yield from self._content(sender, half, found[0], plain, record, unit)

    def _content(self, sender: Side, half: Half, kind: int, content: Piece, record: Record, unit: Piece) -> Outputs:
        """What a record holds, in clear or opened."""
        if kind == APPLICATION_DATA:
            yield from self._data(sender, half, content, record)
            return
        yield from self._flush(sender)
        if kind == HANDSHAKE:
            yield from self._fragments(sender, half, content, record, unit)
        elif kind == ALERT:
            yield from self._alert(sender, half, content, unit)
        elif kind == CHANGE_CIPHER_SPEC:
            yield from self._change_cipher_spec(sender, content, unit)
        elif kind == ACK:
            yield from self._ack(sender, content, unit)
        elif kind == HEARTBEAT:
            text, fields = messages.heartbeat(Reader(content))
            yield Note("dtls.heartbeat", text, arrived(content, unit), fields, sender=sender)
        else:
            text = f"a record of type {kind}, {len(content):,} bytes"
            yield Note(f"dtls.record-{kind}", text, arrived(content, unit), sender=sender)

    # --- handshake ---

    def _fragments(self, sender: Side, half: Half, content: Piece, record: Record, unit: Piece) -> Outputs:
        reader = Reader(content)
        for _ in reader.each("handshake"):
            head = reader.peek(MESSAGE_HEADER_BYTES)
            if len(head) < MESSAGE_HEADER_BYTES:
                raise Malformed(f"a handshake header of {len(head)} bytes (RFC 9147 §5.2)")
            fragment = reader.piece("fragment", MESSAGE_HEADER_BYTES + int.from_bytes(head[9:12], "big"))
            found = half.fragments.add(fragment)
            if half.fragments.dropped and not self.dropped_told:
                self.dropped_told = True
                text = "too many fragments of messages that are never complete"
                yield Note("dtls.malformed", text, unit, sender=sender)
            if found is not None:
                yield from self._message(sender, half, head[0], found[0], found[1], record, unit)

    def _message(
        self, sender: Side, half: Half, kind: int, sequence: int, message: Piece, record: Record, unit: Piece
    ) -> Outputs:
        at = arrived(message, unit)
        digest = hash(bytes(message))
        known = half.told.get(sequence)
        if known is not None and known.digest == digest:
            one = self.one
            one.retransmissions += 1
            half.repeats += 1
            one.flights.repeat(sender, known.note.kind.removeprefix("dtls."), at.time_ns)
            if kind == tls.CLIENT_HELLO:
                timed = record.sequence not in one.sequences  # else the same record goes along with another check
                self._hello_seen(at, record)
                if timed and len(one.copies) < MAX_HELLOS:
                    one.copies.append(at)
            elif kind == tls.FINISHED and sender is one.link.client and len(one.finals) < MAX_HELLOS:
                one.finals.append(at)
            first = known.note
            again = Note(
                first.kind, f"sent again: {first.text}", at, {**first.fields, "retransmission": True}, sender=sender
            )
            again.spec = first.spec
            yield again
            return
        if kind == tls.CLIENT_HELLO:
            yield from self._new_hello(sender, sequence, message, record)
            half = self.one.halves[sender]
            self._hello_seen(at, record)
            self.one.copies = [at]
        note = self._told_note(sender, kind, message, at, record)
        note.fields["message_seq"] = sequence
        if not self.link.done_ns:
            self.one.flights.add(sender, note.kind.removeprefix("dtls."), at.time_ns)
        if kind == tls.CLIENT_HELLO and note.fields.get("cookie"):
            note.text += ", with the server's cookie"
            if len(self.one.echoed) < MAX_HELLOS:
                self.one.echoed.append(str(note.fields["cookie"]))
        half.remember(sequence, Told(digest, note))
        yield note
        yield from self._after(sender, half, kind, note)

    def _hello_seen(self, at: Place, record: Record) -> None:
        one = self.one
        if len(one.hellos) < MAX_HELLOS:
            one.hellos.append(at)
            one.sequences.append(record.sequence)

    def _told_note(self, sender: Side, kind: int, message: Piece, at: Place, record: Record) -> Note:
        link = self.link
        if kind == HELLO_VERIFY_REQUEST:
            return self._hello_verify_request(sender, message, at)
        if not link.version and kind != tls.CLIENT_HELLO and kind != tls.SERVER_HELLO and not record.unified:
            link.version = record.version  # the hellos are not in the capture; in clear it is not DTLS 1.3
        if kind == tls.CLIENT_HELLO and link.hello is not None and sender is link.server and link.answer is None:
            # Both want to be the client: the first stays so.
            client, hello = link.client, link.hello
            note = self.one.hand.message(sender, kind, message, at)
            link.client, link.hello = client, hello
            note.verdict = "Both sides sent a ClientHello: each takes itself for the client."
            if not self.one.both:
                self.one.both = verdicts.places_of(self.one, at)
            return note
        return self.one.hand.message(sender, kind, message, at)

    def _new_hello(self, sender: Side, sequence: int, message: Piece, record: Record) -> Outputs:
        """A ClientHello that was not seen before: in clear and after an answer it begins another connection."""
        one, link = self.one, self.link
        if record.epoch or record.unified:
            for half in one.halves:
                half.finished = False
            return
        random = bytes(message.cut(RANDOM_START, RANDOM_STOP))
        settled = link.answer is not None or link.done_ns or one.failed
        if link.hello is None or not settled or random == link.client_random or sequence:
            return
        for side in core.SIDES:
            yield from self._flush(side)
        yield from troubles.on_restart(one, sender, message.place)
        if not one.phase_told:
            yield self._phase(message.time_ns, Outcome.OPEN)
        yield About(None, verdicts.facts(one, self.turned))
        if not self.borrowed:
            one.withdraw()
        self.made = new = Association(one.hand.shared)
        new.ends = one.ends
        self.borrowed = False
        half = new.halves[sender]
        half.records, half.first = 1, message.place

    def _hello_verify_request(self, sender: Side, message: Piece, at: Place) -> Note:
        self.one.cookies += 1
        reader = Reader(message)
        reader.skip("header", MESSAGE_HEADER_BYTES)
        try:
            version = reader.uint("server_version", 2)
            cookie = reader.raw("cookie", reader.uint("cookie_length", 1))
        except Malformed as why:
            return Note("dtls.hello-verify-request", f"malformed: {why}", at, {"malformed": str(why)}, sender=sender)
        if len(self.one.given) < MAX_HELLOS:
            self.one.given.append(cookie.hex())
        fields: dict[str, core.Value] = {"server_version": names.VERSION.named(version), "cookie": cookie.hex()}
        text = f"send the hello again with this cookie of {len(cookie)} bytes"
        return Note("dtls.hello-verify-request", text, at, fields, sender=sender)

    def _after(self, sender: Side, half: Half, kind: int, note: Note) -> Outputs:
        """What follows from a message."""
        one, link = self.one, self.link
        if kind == tls.CLIENT_HELLO:
            offered = note.fields.get("use_srtp")
            one.srtp_offered = one.srtp_offered or offered is not None
            if isinstance(offered, dict) and not one.srtp_names:
                profiles = offered.get("protection_profiles") or ()
                one.srtp_names = ", ".join(str(profile.get("name") or profile.get("value")) for profile in profiles[:4])
            if link.hello is not None:
                one.offer()
            yield from self._hello_told()
        elif kind == HELLO_VERIFY_REQUEST:
            yield from troubles.on_answer(one, note.time_ns, note.at)
            yield from troubles.on_cookie(one, note.at)
        elif kind in (tls.SERVER_HELLO, tls.ENCRYPTED_EXTENSIONS):
            if kind == tls.SERVER_HELLO:
                yield from troubles.on_answer(one, note.time_ns, note.at)
            if kind == tls.SERVER_HELLO and link.answer is not None:
                one.learn_cids()
                yield from verdicts.on_version(link)
            chosen = note.fields.get("use_srtp")
            if isinstance(chosen, dict) and chosen.get("protection_profiles"):
                one.srtp = chosen["protection_profiles"][0]
                self._offer_exporter(one.srtp.get("value"))
            last = tls.ENCRYPTED_EXTENSIONS if is_13(link.version) else tls.SERVER_HELLO
            if kind == last and link.answer is not None and one.srtp_offered and one.srtp is None:
                yield troubles.on_no_profile(one, note.at)
        elif kind == tls.SERVER_HELLO_DONE:
            link.server_hello_done = True
        elif kind == tls.FINISHED:
            yield from self._finished(half, note.time_ns)

    def _offer_exporter(self, profile: core.Value) -> None:
        """Let rooms of SRTP find the keys that come from this handshake (RFC 5764 §4.2)."""
        link, shared, flow = self.link, self.shared, self.flow
        if shared is not None and flow is not None and isinstance(profile, int) and link.client_random:
            agree(shared, flow.id, profile, link.client, link)

    def _finished(self, half: Half, time_ns: int) -> Outputs:
        half.finished = True
        link = self.link
        if all(other.finished for other in self.one.halves) and not link.done_ns:
            link.done_ns = time_ns
            if not self.one.phase_told and link.hello is not None:
                yield self._phase(time_ns, Outcome.ESTABLISHED)

    def _through(self, half: Half, time_ns: int) -> Outputs:
        """A side sends data, so it is through: its Finished is not in the capture.

        While rooms of other flows hold datagrams it may be among those, and this is settled at the end.
        """
        half.through_ns = half.through_ns or time_ns
        if not (self.one.hand.shared.recall(HOLDING, b"") or 0):
            yield from self._finished(half, time_ns)

    # --- the other contents ---

    def _change_cipher_spec(self, sender: Side, content: Piece, unit: Piece) -> Outputs:
        link = self.link
        fields: dict[str, core.Value] = {}
        text = "what this side sends from here on is protected"
        if link.ccs[sender]:
            self.one.retransmissions += 1
            fields["retransmission"] = True
            text = f"sent again: {text}"
        elif not link.done_ns:
            self.one.flights.add(sender, "change-cipher-spec", content.time_ns)
        link.ccs[sender] = True
        if sender is link.server and link.resumed is None and link.hello is not None and link.answer is not None:
            link.resumed = not link.server_hello_done
        yield Note("dtls.change-cipher-spec", text, arrived(content, unit), fields, sender=sender)

    def _alert(self, sender: Side, half: Half, content: Piece, unit: Piece) -> Outputs:
        reader = Reader(content)
        if reader.left < 2:
            raise Malformed("an alert of less than 2 bytes (RFC 9846 §6)")
        level, description = reader.uint("level", 1), reader.uint("description", 1)
        fields: dict[str, core.Value] = {
            "level": names.ALERT_LEVEL.named(level),
            "description": names.ALERT.named(description),
        }
        link, at = self.link, arrived(content, unit)
        note = Note("dtls.alert", messages.alert_words(level, description), at, fields, sender=sender)
        if description == messages.CLOSE_NOTIFY:
            half.closed = True
            yield note
            return
        fatal = (level == messages.FATAL or is_13(link.version)) and description != USER_CANCELED
        if fatal and half.alerted:
            fields["retransmission"] = True
            yield note
            return
        if fatal:
            half.alerted = True
            note.verdict = verdicts.alert_verdict(link, sender, description)
        yield note
        link.alerts.append((sender, level, description, at))
        if not fatal:
            return
        yield verdicts.on_alert(link, sender, level, description, at)
        if not self.one.failed:
            self.one.failed = True
            yield self._phase(at.time_ns, Outcome.FAILED)

    def _ack(self, sender: Side, content: Piece, unit: Piece) -> Outputs:
        self.one.halves[sender].acks += 1
        reader = Reader(content)
        size = reader.uint("record_numbers_length", 2)
        inner = reader.sub("record_numbers", size)
        found: list[core.Value] = []
        count = 0
        for index in inner.each("record_number"):
            epoch, sequence = inner.uint("epoch", 8), inner.uint("sequence_number", 8)
            count = index + 1
            if index < MAX_LISTED:
                found.append({"epoch": epoch, "sequence_number": sequence})
        shown = ", ".join(f"{one['epoch']}:{one['sequence_number']}" for one in found[:8])
        text = f"has the records {shown}{' and more' if count > 8 else ''}" if found else "has none of the records yet"
        fields: dict[str, core.Value] = {"record_numbers": found, "records": count}
        yield Note("dtls.ack", text, arrived(content, unit), fields, sender=sender)

    def _data(self, sender: Side, half: Half, content: Piece, record: Record) -> Outputs:
        size = len(content)
        half.data_bytes += size
        link = self.link
        early = record.unified and record.epoch == EARLY_EPOCH
        if record.epoch and not early and not half.finished:
            yield from self._through(half, content.time_ns)
        yield from self._count(sender, half, "dtls.application-data", size, content.place, True)
        if size:
            output = Pass(f"dtls:{link.alpn}" if link.alpn else "dtls", content, stream=False, sender=sender)
            output.context = link.client_random  # what is inside may go another way later, and is known by this
            yield output
            run = self.runs[sender]
            if run is not None:
                run.passed = output
                run.early = early

    # --- what stays closed ---

    def _closed(self, sender: Side, half: Half, record: Record, unit: Piece) -> Outputs:
        """A protected record that nobody can open: what it is, is told by its type, or its epoch and its place."""
        if self.link.hello is None:
            self.one.why(NO_HELLO)
        size = len(record.content)
        if record.unified:
            yield from self._closed13(sender, half, record, size, unit)
        elif record.kind == ALERT:
            yield from self._closed_alert(sender, half, unit)
        elif record.kind == HANDSHAKE or (record.kind == CONNECTION_ID and not half.finished):
            yield from self._count(sender, half, "dtls.encrypted-handshake", size, unit.place, False)
            yield from self._flush(sender)
            if not half.finished:
                yield from self._finished(half, unit.time_ns)
        elif record.kind in (APPLICATION_DATA, CONNECTION_ID):
            half.data_bytes += size
            if not half.finished:
                yield from self._through(half, unit.time_ns)
            yield from self._count(sender, half, "dtls.application-data", size, unit.place, False)
        else:
            text = f"an encrypted record of type {record.kind}, {size:,} bytes"
            yield Note(f"dtls.record-{record.kind}", text, unit, sender=sender)

    def _closed13(self, sender: Side, half: Half, record: Record, size: int, unit: Piece) -> Outputs:
        if record.epoch == HANDSHAKE_EPOCH:
            half.sealed_ns = unit.time_ns
            yield from self._count(sender, half, "dtls.encrypted-handshake", size, unit.place, False)
            return
        half.data_bytes += size
        client, server = self.one.halves[self.link.client], self.one.halves[self.link.server]
        if record.epoch != EARLY_EPOCH and client.sealed_ns and not self.link.done_ns:
            # Whoever goes on to the application's keys is through.  The client's Finished came last.
            server.finished = True
            yield from self._finished(client, client.sealed_ns)
        yield from self._count(sender, half, "dtls.application-data", size, unit.place, False)

    def _closed_alert(self, sender: Side, half: Half, unit: Piece) -> Outputs:
        yield from self._flush(sender)
        early = not self.link.done_ns and self.link.hello is not None
        text = "an encrypted alert" + (": this side refuses the handshake" if early else ", probably close_notify")
        half.closed = True
        yield Note("dtls.record-alert", text, unit, sender=sender)
        if early and not self.one.failed:
            self.one.failed = True
            yield self._phase(unit.time_ns, Outcome.FAILED)

    # --- waiting for secrets ---

    def _hold(self, sender: Side, unit: Piece, at: int) -> Outputs:
        """Keep a datagram, from its byte `at` on: what follows waits behind it, so that all stays in order."""
        shared = self.one.hand.shared
        size = len(unit) - at + HELD_BYTES
        if not self.held:
            shared.remember(HOLDING, b"", (shared.recall(HOLDING, b"") or 0) + 1)
        self.held.append((sender, unit, at))
        self.held_bytes += size
        shared.waiting_bytes += size
        limits = shared.limits
        if self.held_bytes > limits.waiting_bytes or shared.waiting_bytes > limits.waiting_total_bytes:
            yield from self._drain(late=True)
        elif not self.waiting:
            self.waiting = True
            yield Wait()

    def on_secrets(self, late: bool) -> Outputs:
        self.waiting = False
        return self._drain(late)

    def _drain(self, late: bool) -> Outputs:
        """Read what was held, as far as there are secrets for it, or all of it if it is `late`."""
        if late:
            self.patient = False
        shared = self.one.hand.shared
        held, self.held = self.held, []
        if held:
            shared.remember(HOLDING, b"", shared.recall(HOLDING, b"") - 1)
        shared.waiting_bytes -= self.held_bytes
        self.held_bytes = 0
        for sender, unit, at in held:
            if self.held:
                yield from self._hold(sender, unit, at)
                continue
            trace = unit.trace
            mark = 0 if trace is None else len(trace.fields)
            try:
                for output in self._read(sender, unit, at):
                    if trace is not None and isinstance(output, Note) and output.tree is None:
                        output.tree = trace.fields[mark:]
                        mark = len(trace.fields)
                    yield output
            except Malformed as why:
                yield Note("dtls.malformed", str(why), unit, sender=sender)

    # --- what is counted ---

    def _count(self, sender: Side, half: Half, kind: str, size: int, at: Place, opened: bool) -> Outputs:
        run = self.runs[sender]
        if run is None or run.kind != kind or run.opened is not opened or at.time_ns - run.last.time_ns > PAUSE_NS:
            yield from self._flush(sender)
            run = self.runs[sender] = Run(kind, at, opened)
        run.records += 1
        run.bytes += size
        run.last = at

    def _flush(self, sender: Side) -> Outputs:
        """Tell of the run of records that has ended."""
        run, self.runs[sender] = self.runs[sender], None
        if run is None or (run.passed is not None and run.passed.read):
            return
        many = f"{run.records:,} record{'' if run.records == 1 else 's'}, {run.bytes:,} bytes"
        fields: dict[str, core.Value] = {"records": run.records, "bytes": run.bytes, "decrypted": run.opened}
        if run.early:
            fields["early_data"] = True
        if run.kind == "dtls.encrypted-handshake":
            text = f"{verdicts.hidden(self.link, sender)}: {many}"
        else:
            text = f"{'early data, ' if run.early else ''}{many}{'' if run.opened else ', encrypted'}"
        spans = run.first.spans if run.first is run.last else (*run.first.spans, *run.last.spans)
        yield Note(run.kind, text, Place(spans, run.last.time_ns), fields, sender=sender)

    # --- the session ---

    def _hello_told(self) -> Outputs:
        link = self.link
        if self.told or link.hello is None:
            return
        self.told = True
        name, flow = link.hello.server_name, self.flow
        facts: dict[str, core.Value] = {"server_name": name}
        if link.hello.fields.get("ja4"):
            facts["ja3"] = link.hello.fields["ja3"]
            facts["ja4"] = link.hello.fields["ja4"]
        if link.hello.alpn:
            facts["alpn_offered"] = link.hello.alpn
        by_initiator = (link.client is Side.INITIATOR) is not self.turned
        target = "" if flow is None else str(flow.responder if by_initiator else flow.initiator)
        yield About(name or target or "DTLS", facts)

    def _phase(self, end_ns: int, outcome: Outcome) -> Phase:
        one = self.one
        one.phase_told = True
        firsts = [half.first.time_ns for half in one.halves if half.first is not None]
        hello_at = self.link.hello_at
        start_ns = hello_at.time_ns if hello_at is not None else min(firsts, default=end_ns)
        trips = verdicts.round_trips(one) if outcome is Outcome.ESTABLISHED else None
        return Phase("dtls", start_ns, max(end_ns, start_ns), outcome, trips)

    def on_end(self, last: Piece) -> Outputs:
        if self.held:
            yield from self._drain(late=True)
        one = self.one
        if not self.borrowed:
            for half in sorted(one.halves, key=lambda half: half.through_ns):
                if half.through_ns and not half.finished:
                    yield from self._finished(half, half.through_ns)
        for side in (self.link.client, self.link.server):
            for output in self._flush(side):
                if self.turned:
                    turn(output)
                yield output
        if not self.borrowed:
            if not one.phase_told:
                yield self._phase(last.time_ns, verdicts.outcome(one, self.end_ns))
            yield from verdicts.at_end(one, self.end_ns, self.flow)
            yield from troubles.at_end(one, self.end_ns)
            one.withdraw()
            if self.in_stun and self.first is not None:
                yield verdicts.in_stun(sum(self.sent), self.first)
        elif self.flow is not None:
            ends = (self.flow.initiator, self.flow.responder)
            yield from troubles.moved(one, (ends[1], ends[0]) if self.turned else ends, self.sent, self.first)
        yield About(None, verdicts.facts(one, self.turned))


def turn(output: Output) -> None:
    """Let it be the other side that said this."""
    if isinstance(output, Note | Pass) and output.sender is not None:
        output.sender = output.sender.other


def arrived(piece: Piece, unit: Piece) -> Place:
    """Where `piece` was complete: with the end of its datagram, of which IP may have made fragments."""
    if len(unit.runs) == 1 or unit.whole is not None:
        return piece.place
    place, whole = piece.place, unit.place
    last = max(span.frame for span in whole.spans)
    if not place.spans or last <= max(span.frame for span in place.spans):
        return place
    stop = max(span.stop for span in whole.spans if span.frame == last)
    return Place((*place.spans, Span(last, stop, stop)), whole.time_ns)


# --- recognising it ---------------------------------------------------------------------------------------------------


def probe(head: bytes) -> bool | None:
    """Tell whether a datagram begins with a record of DTLS; None for one of DTLS 1.3, which tells nothing.

    RFC 7983 §7 leaves the first bytes 20 to 63 to DTLS; the version, the epoch, the length and what a record in clear
    begins with must fit too.
    """
    if not head:
        return False
    kind = head[0]
    if kind & UNIFIED_MASK == UNIFIED:
        return True if is_13_whole(head) else None
    if not CHANGE_CIPHER_SPEC <= kind <= ACK or len(head) <= HEADER_BYTES:
        return False
    if head[1] << 8 | head[2] not in VERSIONS:
        return False
    epoch = head[3] << 8 | head[4]
    if kind == CONNECTION_ID:
        return 0 < epoch < MAX_PROBED_EPOCH
    size = head[11] << 8 | head[12]
    if not 0 < size <= MAX_FRAGMENT_BYTES or epoch >= MAX_PROBED_EPOCH:
        return False
    left = len(head) - HEADER_BYTES
    if epoch == 0 and kind == HANDSHAKE:
        return is_message(head[HEADER_BYTES : HEADER_BYTES + MESSAGE_HEADER_BYTES], size)
    if size > left:
        return False
    if epoch:
        return True
    if kind == ALERT:
        return size == 2
    if kind == CHANGE_CIPHER_SPEC:
        return size in (1, 3)  # 3: OpenSSL's before the RFC
    return kind == ACK and size % 16 == 2


def is_message(head: bytes, size: int) -> bool:
    """Whether a record of `size` bytes in clear begins with the header of a handshake message."""
    if len(head) < MESSAGE_HEADER_BYTES or size < MESSAGE_HEADER_BYTES:
        return False
    length = int.from_bytes(head[1:4], "big")
    start, part = int.from_bytes(head[6:9], "big"), int.from_bytes(head[9:12], "big")
    return (
        head[0] in HANDSHAKE_TYPES
        and length < MAX_PROBED_MESSAGE_BYTES
        and start + part <= length
        and part <= size - MESSAGE_HEADER_BYTES
    )


def is_13_whole(head: bytes) -> bool:
    """Whether a datagram is one record of DTLS 1.3 with its length, and without connection id: hardly by chance."""
    first = head[0]
    if first & WITH_CID or not first & WITH_LENGTH or not first & LONG_SEQUENCE:
        return False
    size = int.from_bytes(head[3:5], "big")
    return size >= MIN_SEALED_BYTES and len(head) == UNIFIED_BYTES + size and first & EPOCH_MASK != 1
