"""Hellos, and what was seen of them before: of one client, or one server, they differ in a few places only.

What a hello says is remembered together with all of its bytes but those of its random, its keys and the like.  Another
one of the same length, with the same bytes in all other places, has the same structure and says the same: only those
places are looked at again.  Where a hello is malformed, or traced, or unlike all others, it is read as a whole.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from analyzer.core import Pattern, Reader, Value
from analyzer.protocols.tls import extensions, fingerprints, messages, wording
from analyzer.protocols.tls.messages import (
    ECH,
    KEY_SHARE,
    PADDING,
    PRE_SHARED_KEY,
    RETRY_RANDOM,
    SERVER_NAME,
    SESSION_TICKET,
    ClientHello,
    ServerHello,
)

#: Of a hello that is remembered.
MAX_BYTES: Final = 2048
#: What is remembered of hellos of one kind: when it is full, all is forgotten.
MAX_KNOWN: Final = 512
#: Layouts that are tried for a hello: a client that shuffles its extensions has as many as hellos.
MAX_LAYOUTS: Final = 4

RANDOM_AT: Final = 2
SESSION_ID_AT: Final = 35  # behind its length
#: Extensions that are read again where their bytes are others.
READ_AGAIN: Final = frozenset((SERVER_NAME, PRE_SHARED_KEY, ECH))
#: Fields that are others in each hello.
ALWAYS: Final = ("random", "session_id")

#: A range of bytes of a hello.
Range = tuple[int, int]


class Known:
    """What all hellos have in common that differ in `changing` only; `again` are extensions with their ranges."""

    __slots__ = ("again", "changing", "read", "ticket")

    def __init__(self) -> None:
        self.changing: list[Range] = []  # in order of place
        self.again: list[tuple[int, Range]] = []
        self.read: list[bytes] = []  # what each of `again` had
        self.ticket: Range = (0, 0)


T = TypeVar("T", bound=Known)


class Layout(Generic[T]):
    """Hellos of one length whose changing bytes are in the same places."""

    __slots__ = ("changing", "fixed", "known")

    def __init__(self, changing: list[Range], size: int) -> None:
        self.changing = changing
        self.known: dict[bytes, T] = {}
        self.fixed: list[Range] = []
        at = 0
        for start, stop in [*changing, (size, size)]:
            if at < start:
                self.fixed.append((at, start))
            at = stop

    def key(self, hello: bytes) -> bytes:
        return b"".join([hello[start:stop] for start, stop in self.fixed])


class Memory(Generic[T]):
    """What is known of hellos, by their length, their layout, and the bytes that don't change."""

    __slots__ = ("_count", "_layouts")

    def __init__(self) -> None:
        self._count = 0
        self._layouts: dict[int, list[Layout[T]]] = {}

    def __len__(self) -> int:
        return self._count

    def forget(self) -> None:
        self._layouts.clear()
        self._count = 0

    def find(self, hello: bytes) -> T | None:
        for layout in self._layouts.get(len(hello), ()):
            found = layout.known.get(layout.key(hello))
            if found is not None:
                return found
        return None

    def keep(self, hello: bytes, known: T) -> None:
        if self._count >= MAX_KNOWN:
            self.forget()
        layouts = self._layouts.setdefault(len(hello), [])
        for layout in layouts:
            if layout.changing == known.changing:
                break
        else:
            layout = Layout(known.changing, len(hello))
            layouts.append(layout)
            if len(layouts) > MAX_LAYOUTS:
                self._count -= len(layouts.pop(0).known)
        layout.known[layout.key(hello)] = known
        self._count += 1


class KnownClient(Known):
    __slots__ = ("hello",)

    def __init__(self, hello: ClientHello) -> None:
        super().__init__()
        self.hello = hello


class KnownServer(Known):
    __slots__ = ("hello",)

    def __init__(self, hello: ServerHello) -> None:
        super().__init__()
        self.hello = hello


_clients: Final[Memory[KnownClient]] = Memory()
_servers: Final[Memory[KnownServer]] = Memory()


# --- ClientHello ------------------------------------------------------------------------------------------------------


def client_hello(reader: Reader, datagrams: bool, size: int) -> ClientHello:
    """Read a ClientHello, the rest of its message, with its fingerprints and words; `size` is that of the message."""
    data = b""
    if reader.trace is None and not datagrams and SESSION_ID_AT < reader.left <= MAX_BYTES:
        data = reader.peek(reader.left)
        known = _clients.find(data)
        if known is not None:
            hello = _client_again(known, data, reader)
            if hello is not None:
                reader.skip("hello", reader.left)
                return hello
    hello = messages.client_hello(reader, datagrams)
    if reader.left:
        reader.skip("rest", reader.left)
    hello.fields["ja3"], hello.fields["ja4"] = fingerprints_of(hello, "d" if datagrams else "t")
    hello.text = wording.client_hello(hello)
    hello.remark = wording.client_hello_remark(hello, size)
    if data and "malformed" not in hello.fields:
        found = KnownClient(hello)
        if _places(found, data, hello.types, hello.values, hello.fields):
            hello.pattern = Pattern(hello.fields, [*ALWAYS, *(messages.field_name(kind) for kind, _ in found.again)])
            _clients.keep(data, found)
    return hello


def _client_again(known: KnownClient, data: bytes, reader: Reader) -> ClientHello | None:
    """A hello like `known`, as `data` has it; None where what may differ is malformed."""
    like = known.hello
    hello = ClientHello()
    hello.version, hello.suites, hello.compression = like.version, like.suites, like.compression
    hello.types, hello.values = like.types, like.values
    hello.text, hello.remark, hello.pattern = like.text, like.remark, like.pattern
    hello.random = data[RANDOM_AT : RANDOM_AT + 32]
    hello.session_id = data[SESSION_ID_AT : SESSION_ID_AT + len(like.session_id)]
    start, stop = known.ticket
    if stop:
        hello.ticket = data[start:stop]
    fields = like.fields.copy()
    fields["random"] = hello.random.hex()
    fields["session_id"] = hello.session_id.hex()
    hello.fields = fields
    for index, (kind, (start, stop)) in enumerate(known.again):
        if data[start:stop] == known.read[index]:
            continue
        at = reader.at
        value = extensions.decoded(kind, Reader(reader.unit.cut(at + start, at + stop)), extensions.CLIENT_HELLO)
        if not _plain(value):
            return None
        if hello.values is like.values:
            hello.values = like.values.copy()
        hello.values[kind] = fields[messages.field_name(kind)] = value
        if kind == SERVER_NAME:
            hello.text = wording.client_hello(hello)
    return hello


def fingerprints_of(hello: ClientHello, transport: str) -> tuple[str, str]:
    """JA3 and JA4 of a ClientHello."""
    groups, formats = hello.numbers(messages.SUPPORTED_GROUPS), hello.numbers(messages.EC_POINT_FORMATS)
    first = hello.alpn[0] if hello.alpn else None
    return (
        fingerprints.ja3(hello.version, hello.suites, hello.types, groups, formats),
        fingerprints.ja4(
            transport,
            hello.version,
            hello.numbers(messages.SUPPORTED_VERSIONS),
            hello.suites,
            hello.types,
            hello.numbers(messages.SIGNATURE_ALGORITHMS),
            None if first is None else extensions.identifier_bytes(first),
        ),
    )


# --- ServerHello ------------------------------------------------------------------------------------------------------


def server_hello(reader: Reader) -> ServerHello:
    """Read a ServerHello or a HelloRetryRequest, the rest of its message, with its fingerprint and words."""
    data = b""
    if reader.trace is None and SESSION_ID_AT < reader.left <= MAX_BYTES:
        data = reader.peek(reader.left)
        if data[RANDOM_AT : RANDOM_AT + 32] == RETRY_RANDOM:
            data = b""
        else:
            known = _servers.find(data)
            if known is not None:
                reader.skip("hello", reader.left)
                return _server_again(known, data)
    hello = messages.server_hello(reader)
    if reader.left:
        reader.skip("rest", reader.left)
    hello.fields["ja3s"] = fingerprints.ja3s(hello.legacy_version, hello.suite, hello.types)
    hello.text = wording.server_hello(hello, False)
    if data and "malformed" not in hello.fields and not messages.has_no_session_id(hello.legacy_version):
        found = KnownServer(hello)
        if _places(found, data, hello.types, hello.values, None):
            hello.pattern = Pattern(hello.fields, ALWAYS)
            _servers.keep(data, found)
    return hello


def _server_again(known: KnownServer, data: bytes) -> ServerHello:
    like = known.hello
    hello = ServerHello()
    hello.legacy_version, hello.version = like.legacy_version, like.version
    hello.suite, hello.compression = like.suite, like.compression
    hello.types, hello.values, hello.text, hello.pattern = like.types, like.values, like.text, like.pattern
    hello.random = data[RANDOM_AT : RANDOM_AT + 32]
    hello.session_id = data[SESSION_ID_AT : SESSION_ID_AT + len(like.session_id)]
    fields = like.fields.copy()
    fields["random"] = hello.random.hex()
    fields["session_id"] = hello.session_id.hex()
    hello.fields = fields
    return hello


# --- what changes from one hello to the next --------------------------------------------------------------------------


def _places(
    known: Known, data: bytes, types: list[int], values: dict[int, Value], fields: dict[str, Value] | None
) -> bool:
    """Find what may change in a hello (with `fields` of a client), which was read without a fault.

    Tells whether that can be said: whatever is unusual is read anew each time.
    """
    if len(values) != len(types):
        return False  # an extension stands twice
    at = SESSION_ID_AT + data[SESSION_ID_AT - 1]
    known.changing = [(RANDOM_AT, RANDOM_AT + 32), (SESSION_ID_AT, at)]
    if fields is None:
        at += 3  # suite, compression
    else:
        at += 2 + _uint16(data, at)
        at += 1 + data[at]
    at += 2
    for kind in types:
        size = _uint16(data, at + 2)
        at += 4
        value = values[kind]
        if kind == KEY_SHARE:
            if not _key_places(known, at if fields is None else at + 2, value):
                return False
        elif kind == PADDING or (kind == SESSION_TICKET and size):
            known.changing.append((at, at + size))
            if kind == SESSION_TICKET:
                known.ticket = (at, at + size)
        elif kind in READ_AGAIN and fields is not None:
            if not _plain(value) or fields.get(messages.field_name(kind)) is not value:
                return False
            known.changing.append((at, at + size))
            known.again.append((kind, (at, at + size)))
            known.read.append(data[at : at + size])
        at += size
    return True


def _key_places(known: Known, at: int, value: Value) -> bool:
    """The keys of a key_share whose first entry is `at`; each has its group and its length before it."""
    for share in value if isinstance(value, list) else [value]:
        if "key_exchange_bytes" not in share:
            return False
        size = share["key_exchange_bytes"]
        known.changing.append((at + 4, at + 4 + size))
        at += 4 + size
    return True


def _plain(value: Value) -> bool:
    """Whether an extension says something, and is not malformed."""
    return value is not None and not (isinstance(value, dict) and "malformed" in value)


def _uint16(data: bytes, at: int) -> int:
    return data[at] << 8 | data[at + 1]
