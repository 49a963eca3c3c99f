"""The course of a handshake: each message becomes a note, and what it settles goes into the `Link`.

It gets whole messages and knows no records, so that what carries them may be TLS, DTLS or QUIC.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mypy_extensions import mypyc_attr

from analyzer.core import Malformed, Note, Pattern, Piece, Reader, Shared, Side, Value
from analyzer.protocols.tls import hellos, messages, names, wording
from analyzer.protocols.tls.certificates import Certificate, Recent, certificate, decompress, ocsp_response
from analyzer.protocols.tls.keys import Keys, suite
from analyzer.protocols.tls.messages import (
    ALPN,
    EARLY_DATA,
    ECH,
    ENCRYPT_THEN_MAC,
    PRE_SHARED_KEY,
    SERVER_NAME,
    TRUNCATED_HMAC,
    ClientHello,
    ServerHello,
    is_13,
)
from analyzer.protocols.tls.state import ACCEPTED, NOT_OFFERED, OFFERED, REJECTED, Link
from analyzer.protocols.tls.suites import forward_secrecy

if TYPE_CHECKING:
    from analyzer.protocols.tls.state import Where

HEADER_BYTES: Final = 4
DTLS_HEADER_BYTES: Final = 12
MAX_CERTIFICATES: Final = 64
#: Certificate messages that are kept, as servers send the same one again and again; bytes of one, and of about half.
MAX_CHAINS: Final = 512
MAX_CHAIN_BYTES: Final = 1 << 14
MAX_CHAINS_BYTES: Final = 2 << 20
#: A transcript is kept for private keys alone, and no longer than an ordinary handshake is.
MAX_TRANSCRIPT_BYTES: Final = 1 << 20

# Types of messages, RFC 9846 §4.
HELLO_REQUEST: Final = 0
CLIENT_HELLO: Final = 1
SERVER_HELLO: Final = 2
NEW_SESSION_TICKET: Final = 4
END_OF_EARLY_DATA: Final = 5
HELLO_RETRY_REQUEST: Final = 6
ENCRYPTED_EXTENSIONS: Final = 8
CERTIFICATE: Final = 11
SERVER_KEY_EXCHANGE: Final = 12
CERTIFICATE_REQUEST: Final = 13
SERVER_HELLO_DONE: Final = 14
CERTIFICATE_VERIFY: Final = 15
CLIENT_KEY_EXCHANGE: Final = 16
FINISHED: Final = 20
CERTIFICATE_STATUS: Final = 22
KEY_UPDATE: Final = 24
COMPRESSED_CERTIFICATE: Final = 25
NEXT_PROTOCOL: Final = 67


#: By message and whether it is one of TLS 1.3: certificates, what is said and remarked of them, and fields.
_chains: Final[Recent[tuple[list[Certificate], str, str, Pattern]]] = Recent(MAX_CHAINS, MAX_CHAINS_BYTES)


@mypyc_attr(acyclic=True)
class Handshake:
    """One connection's handshake, and those that follow it; `prefix` is what its notes are called by ("tls.").

    With `datagrams` messages have the header of DTLS: 12 bytes, that of a message in one fragment (RFC 9147 §5.2).
    """

    __slots__ = ("datagrams", "keys", "link", "prefix", "shared")

    def __init__(self, shared: Shared, prefix: str, datagrams: bool = False) -> None:
        self.datagrams = datagrams
        self.shared = shared
        self.prefix = prefix
        self.link = Link()
        self.keys = Keys(shared, self.link)

    def message(self, sender: Side, kind: int, message: Piece, at: Where) -> Note:
        """The note of a whole message (with its header), which was complete `at` the end of its record.

        What is malformed becomes a note too, of the same kind, with what could be read before.
        """
        reader = Reader(message)
        self._header(reader)
        if self.shared.secrets.private_keys and kind != HELLO_REQUEST:
            self._transcribe(kind, message)
        fields: dict[str, Value] = {}
        try:
            if kind == CLIENT_HELLO:
                return self._client_hello(sender, reader, len(message), at)
            if kind == SERVER_HELLO:
                return self._server_hello(sender, reader, at)
            if kind == CERTIFICATE:
                return self._certificate(sender, reader, at)
            event, text, fields = self._other(sender, kind, reader, at)
        except Malformed as why:
            event = names.handshake_name(kind)
            note = Note(self.prefix + event, f"malformed: {why}", at, {"malformed": str(why)}, sender=sender)
            note.verdict = "The message breaks its own structure: what follows in it is not read."
            return note
        if reader.left:
            if event.startswith("handshake-"):
                fields["bytes"] = reader.left
            reader.skip("rest", reader.left)
        return Note(self.prefix + event, text, at, fields, sender=sender)

    def _patterned(
        self, event: str, text: str, at: Where, fields: dict[str, Value], pattern: Pattern | None, sender: Side
    ) -> Note:
        note = Note(self.prefix + event, text, at, fields, sender=sender)
        if not self.datagrams:  # whose room has more to say of each message
            note.pattern = pattern
        return note

    def _header(self, reader: Reader) -> None:
        """What stands before every message says nothing that is not known by now: only a trace tells of it."""
        if reader.trace is None:
            reader.skip("header", DTLS_HEADER_BYTES if self.datagrams else HEADER_BYTES)
            return
        reader.uint("msg_type", 1)
        reader.uint("length", 3)
        if self.datagrams:
            reader.uint("message_seq", 2)
            reader.uint("fragment_offset", 3)
            reader.uint("fragment_length", 3)

    def _transcribe(self, kind: int, message: Piece) -> None:
        link = self.link
        if kind == CLIENT_HELLO:
            link.transcript = bytearray()
        if not link.encrypted_premaster and len(link.transcript) + len(message) <= MAX_TRANSCRIPT_BYTES:
            link.transcript += bytes(message)

    def _other(self, sender: Side, kind: int, reader: Reader, at: Where) -> tuple[str, str, dict[str, Value]]:
        """Event, text and fields of any message but a hello."""
        link = self.link
        event = names.handshake_name(kind)
        if kind == COMPRESSED_CERTIFICATE:
            return self._compressed(sender, reader)
        if kind == ENCRYPTED_EXTENSIONS:
            return self._encrypted_extensions(reader)
        if kind == SERVER_KEY_EXCHANGE:
            return self._server_key_exchange(reader)
        if kind == CLIENT_KEY_EXCHANGE:
            exchange = "" if link.suite is None else link.suite.key_exchange
            fields, encrypted = messages.client_key_exchange(reader, exchange, link.version)
            link.encrypted_premaster = encrypted
            what = "the premaster secret, encrypted for the server's key" if exchange == "RSA" else "the client's share"
            return event, f"{what}, {wording.count(fields['bytes'], 'byte')}", fields
        if kind == CERTIFICATE_VERIFY:
            fields = messages.certificate_verify(reader, link.version)
            scheme = fields.get("algorithm")
            if scheme is not None and sender is link.server:
                link.scheme = scheme["value"]
            by = "" if scheme is None else f" with {names.scheme_name(scheme['value'])}"
            return event, f"signs the handshake so far{by}: the certificate's key is its own", fields
        if kind == CERTIFICATE_REQUEST:
            link.certificate_requested = True
            link.request_at = at
            fields = messages.certificate_request(reader, link.version)
            return event, "asks the client for a certificate", fields
        if kind == NEW_SESSION_TICKET:
            return self._ticket(reader)
        if kind == CERTIFICATE_STATUS:
            return self._status(reader)
        if kind == FINISHED:
            fields = {"verify_data": reader.rest("verify_data")[:64].hex()}
            return event, "proves that it knows the keys, and that nobody changed the handshake", fields
        if kind == KEY_UPDATE:
            wanted = reader.uint("request_update", 1)
            text = "new keys from here on" + ("; wants the other side to do the same" if wanted else "")
            return event, text, {"request_update": wanted}
        if kind == HELLO_RETRY_REQUEST:
            return self._draft_retry(reader, at)
        if kind == NEXT_PROTOCOL:
            fields = messages.next_protocol(reader)
            link.alpn = fields["selected_protocol"]
            return event, f"chooses {link.alpn}", fields
        return event, _PLAIN.get(kind) or f"{reader.left:,} bytes", {}

    # --- hellos ---

    def _client_hello(self, sender: Side, reader: Reader, size: int, at: Where) -> Note:
        link, secrets = self.link, self.shared.secrets
        whole = reader.unit if secrets.given or secrets.expected else None
        hello = hellos.client_hello(reader, self.datagrams, size)
        if whole is not None and ECH in hello.values and not link.hellos and not self.datagrams:
            link.outer = bytes(whole.cut(HEADER_BYTES))
        self.offer(sender, hello, at, size)
        text = hello.text
        if link.renegotiations:
            text = f"renegotiates: {text}"
        elif link.retries and link.answer is None:
            text = wording.hello_again(hello)
        note = self._patterned("client-hello", text, at, hello.fields, hello.pattern, sender)
        if hello.pattern is not None:
            hello.fields = hello.pattern.fields  # all that is asked of them later is what they have in common
        note.remark = hello.remark if link.hellos == 1 else ""
        return note

    def offer(self, sender: Side, hello: ClientHello, place: Where, size: int) -> None:
        """Take what a ClientHello offers; one after a finished handshake begins another (renegotiation)."""
        link = self.link
        if link.done_ns and not is_13(link.version):
            link.renegotiations += 1
            link.ccs = [False, False]
            link.done_ns = 0
            link.answer = None
            link.resumed = None
            link.server_hello_done = False
            link.encrypted_premaster = b""
            self.keys.renew()
        link.client = sender
        link.hellos += 1
        link.hello = hello
        link.offered_version = hello.version
        if link.hello_at is None:
            link.hello_at = place
            link.hello_bytes = size
        if EARLY_DATA in hello.values:
            link.early = OFFERED
        elif link.early == OFFERED:
            link.early = REJECTED  # a second hello takes it back, §4.2.2

    def _server_hello(self, sender: Side, reader: Reader, at: Where) -> Note:
        hello = hellos.server_hello(reader)
        self.answer(sender, hello, at)
        fields = hello.fields
        if hello.retry:
            text = self._retry_text(hello.group)
            note = Note(f"{self.prefix}hello-retry-request", text, at, fields, sender=sender)
            note.spec = "RFC 9846 4.2.4"
            return note
        text = wording.server_hello(hello, True) if self.link.resumed else hello.text
        if hello.pattern is not None:
            hello.fields = hello.pattern.fields
        note = self._patterned("server-hello", text, at, fields, hello.pattern, sender)
        if self.link.resumed:
            note.remark = RESUMED
        elif self.link.suite is not None and not forward_secrecy(self.link.suite):
            note.remark = NO_FORWARD_SECRECY
        return note

    def answer(self, sender: Side, hello: ServerHello, place: Where) -> None:
        """Take what a ServerHello (or HelloRetryRequest) settles."""
        link = self.link
        if link.hello is None:
            link.client = sender.other
        link.version = hello.version
        link.suite_value = hello.suite
        link.suite = suite(hello.suite)
        link.compression = hello.compression
        if hello.group is not None:
            link.group = hello.group
        if hello.retry:
            link.retries += 1
            link.retry_at = place
            if link.early == OFFERED:
                link.early = REJECTED
            return
        link.answer = hello
        if link.server_at is None:
            link.server_at = place
        link.session_id = hello.session_id
        link.encrypt_then_mac = (
            ENCRYPT_THEN_MAC in hello.values and link.suite is not None and link.suite.kind == "block"
        )
        link.truncated_hmac = TRUNCATED_HMAC in hello.values
        chosen = hello.values.get(ALPN)
        if isinstance(chosen, list) and chosen:
            link.alpn = str(chosen[0])
        if is_13(hello.version):
            link.resumed = PRE_SHARED_KEY in hello.values

    def _retry_text(self, group: int | None) -> str:
        if group is None:
            return "send the hello again with this cookie"
        hello = self.link.hello
        sent = wording.listed(wording.named_groups(hello.key_shares)) if hello is not None else ""
        return f"wants a key share for {names.group_words(group)}" + (f", the client sent {sent}" if sent else "")

    def _draft_retry(self, reader: Reader, at: Where) -> tuple[str, str, dict[str, Value]]:
        link = self.link
        link.version, fields = messages.draft_retry(reader)
        link.retries += 1
        link.retry_at = at
        share = fields.get("key_shares")
        group = share.get("selected_group") or share.get("group") if isinstance(share, dict) else None
        return "hello-retry-request", self._retry_text(group["value"] if isinstance(group, dict) else None), fields

    def _encrypted_extensions(self, reader: Reader) -> tuple[str, str, dict[str, Value]]:
        link = self.link
        types: list[int] = []
        values: dict[int, Value] = {}
        messages.read_extensions(reader, "encrypted-extensions", types, values)
        fields: dict[str, Value] = {}
        messages.add_extensions(fields, types, values)
        chosen = values.get(ALPN)
        if isinstance(chosen, list) and chosen:
            link.alpn = str(chosen[0])
        said = [link.alpn] if link.alpn else []
        if link.early == OFFERED:
            link.early = ACCEPTED if EARLY_DATA in values else REJECTED
        if link.early == ACCEPTED:
            said.append("early data accepted")
        elif link.early == REJECTED:
            said.append("early data rejected")
        if SERVER_NAME in values:
            said.append("server_name used")
        words = wording.count(len(types), "extension") if types else "no extensions"
        return "encrypted-extensions", ", ".join(said) or words, fields

    # --- certificates ---

    def _certificate(self, sender: Side, reader: Reader, at: Where) -> Note:
        """Servers send the same one again and again."""
        version13 = is_13(self.link.version)
        data = b"" if reader.trace is not None or reader.left > MAX_CHAIN_BYTES else reader.peek(reader.left)
        known = _chains.get((data, version13), len(data)) if data else None
        if known is None:
            chain, fields, first = messages.certificate_list(reader, version13)
            found, text = _described(chain, first, fields)
            known = found, text, wording.chain_remark(found), Pattern(fields)
            if data:
                _chains.put((data, version13), known, len(data))
        found, text, remark, pattern = known
        if reader.left:
            reader.skip("rest", reader.left)
        self._take_chain(sender, found, pattern.fields)
        note = self._patterned("certificate", text, at, pattern.fields.copy(), pattern, sender)
        note.remark = remark
        return note

    def _take_chain(self, sender: Side, chain: list[Certificate], fields: dict[str, Value]) -> None:
        link = self.link
        by_server = sender is link.server
        link.chains = (link.chains[0], chain) if by_server else (chain, link.chains[1])
        if by_server and link.resumed is None:
            link.resumed = False
        staple = fields.get("status_request")
        if by_server and isinstance(staple, dict):
            link.ocsp = staple.get("ocsp_response")

    def certificates(self, sender: Side, chain: list[bytes], first: dict[int, Value], fields: dict[str, Value]) -> str:
        """Take a chain; gives what is said of it."""
        found, text = _described(chain, first, fields)
        self._take_chain(sender, found, fields)
        return text

    def _compressed(self, sender: Side, reader: Reader) -> tuple[str, str, dict[str, Value]]:
        algorithm, size, data = messages.compressed_certificate(reader)
        fields: dict[str, Value] = {
            "algorithm": names.COMPRESSION.named(algorithm),
            "uncompressed_length": size,
            "compressed_bytes": len(data),
        }
        plain = decompress(algorithm, data, size)
        inner = Reader(reader.unit.derived(plain))
        chain, _, first = messages.certificate_list(inner, True)
        text = self.certificates(sender, chain, first, fields)
        name = names.COMPRESSION.name(algorithm) or f"algorithm {algorithm}"
        return "compressed-certificate", f"{text}, {name} made {len(data):,} of {size:,}", fields

    def _status(self, reader: Reader) -> tuple[str, str, dict[str, Value]]:
        fields, response = messages.certificate_status(reader)
        if not response:
            return "certificate-status", "a stapled status", fields
        status = ocsp_response(response)
        self.link.ocsp = status
        fields["ocsp_response"] = status
        return (
            "certificate-status",
            f"stapled OCSP: {status.get('certificate_status') or status.get('response_status')}",
            fields,
        )

    # --- keys and tickets ---

    def _server_key_exchange(self, reader: Reader) -> tuple[str, str, dict[str, Value]]:
        link = self.link
        exchange = "" if link.suite is None else link.suite.key_exchange
        fields, group = messages.server_key_exchange(reader, exchange, link.version)
        said = "the server's share"
        if group is not None:
            link.group = group
            said += f" for {names.group_words(group)}"
        bits = fields.get("dh_bits")
        if isinstance(bits, int):
            link.key_bits = bits
            said += f" for a group of {bits:,} bits"
        scheme = fields.get("signature_algorithm")
        if isinstance(scheme, dict):
            link.scheme = scheme["value"]
            said += f", signed with {names.scheme_name(scheme['value'])}"
        return "server-key-exchange", said, fields

    def _ticket(self, reader: Reader) -> tuple[str, str, dict[str, Value]]:
        link = self.link
        fields, ticket = messages.new_session_ticket(reader, link.version)
        link.tickets += 1
        if self.shared.secrets.private_keys and ticket:
            self.keys.remember(ticket)
        seconds = fields["ticket_lifetime"]
        early = fields.get("early_data")
        text = f"the session may be resumed for {wording.count(seconds, 'second')}"
        if isinstance(early, dict) and early.get("max_early_data_size"):
            text += f", with up to {early['max_early_data_size']:,} bytes of early data"
        return "new-session-ticket", text, fields

    def early_is_over(self) -> None:
        """Nothing more is expected under the early keys."""
        if self.link.early == OFFERED:
            self.link.early = NOT_OFFERED


RESUMED: Final = "The session is resumed: no certificate follows, and no signature."
NO_FORWARD_SECRECY: Final = (
    "Without forward secrecy: who gets the server's private key (or the pre-shared key) later can read a recording."
)

_PLAIN: Final = {
    HELLO_REQUEST: "asks the client to begin a new handshake",
    END_OF_EARLY_DATA: "the early data is complete; what follows is under the handshake's keys",
    SERVER_HELLO_DONE: "the server has said all; the client's turn",
}


def _described(chain: list[bytes], first: dict[int, Value], fields: dict[str, Value]) -> tuple[list[Certificate], str]:
    """The certificates of a chain, and what is said of it; `fields` are filled in."""
    found = [certificate(der) for der in chain[:MAX_CERTIFICATES]]
    fields["certificates"] = [one.fields for one in found]
    for kind, value in first.items():
        if value is not None:
            fields[messages.field_name(kind)] = value
    if not found:
        return found, "no certificate"
    size = sum([len(der) for der in chain])
    leaf = found[0]
    what = f"{leaf.subject_text}, by {leaf.issuer_text}"
    return found, f"{what}; {wording.count(len(chain), 'certificate')}, {wording.digits(size)} bytes"


def message_size(head: bytes) -> int:
    """Bytes of the handshake message that starts with these 4 (with its header)."""
    return HEADER_BYTES + (head[1] << 16 | head[2] << 8 | head[3])
