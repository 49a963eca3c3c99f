"""DNS: names asked and answered, over datagrams and, behind a length of two bytes, over streams (RFC 1035).

Multicast DNS (RFC 6762) and LLMNR (RFC 4795) have the same messages; there nobody is obliged to answer.
"""

from __future__ import annotations

from typing import Final

from analyzer import core
from analyzer.core import Finding, Malformed, Note, Outcome, Phase, Piece, Reader, Severity, Side, Value

HEADER_BYTES: Final = 12  # §4.1.1
MAX_POINTERS: Final = 64  # of one name
MAX_NAME_BYTES: Final = 255  # §3.1
MAX_RECORDS: Final = 500  # of one message that are read
MAX_LISTED: Final = 50  # of them in a note
MAX_LOOKUPS: Final = 64  # answers with addresses that a flow keeps for the connections that they lead to
NETBIOS_NAME: Final = frozenset(b"ABCDEFGHIJKLMNOP")
MAX_PROBED_BYTES: Final = 16384
MAX_PROBED_QUESTIONS: Final = 64
MAX_WAITING: Final = 4096  # questions without an answer that are remembered
SLOW_NS: Final = 5_000_000_000  # a resolver's usual patience: after that nobody answered
MULTICAST_PORTS: Final = frozenset({5353, 5355})
MULTICAST_FIRST: Final = frozenset(str(octet) for octet in range(224, 240))  # RFC 1112 4

KINDS: Final = {
    "dns.query": core.Kind("§4.1.2", "A name is asked for.", "query"),
    "dns.response": core.Kind("§4.1.3", "The answer: addresses, another name, or why there is none.", "response"),
    "dns.malformed": core.Kind("§4.1", "A message that breaks its own lengths or pointers."),
}
FINDINGS: Final = {
    "dns.nxdomain-or-servfail": core.FindingKind(
        Severity.WARNING,
        "The name could not be resolved",
        "§4.1.1",
        cause="NXDOMAIN: the name does not exist (misspelt, or of another zone). SERVFAIL: the resolver failed, often "
        "because DNSSEC validation did or the zone's servers are down.",
        advice="Ask again with `dig NAME`; for SERVFAIL also with `dig +cd NAME`: if that answers, it is DNSSEC.",
    ),
    "dns.no-answer": core.FindingKind(
        Severity.WARNING,
        "The resolver did not answer",
        "§4.2.1",
        cause="The resolver is down or not reachable, UDP port 53 is filtered, or the answer was too large and lost as "
        "fragments.",
        advice="Ask the resolver directly, and once over TCP (`dig +tcp @RESOLVER NAME`); then look for filters.",
    ),
}

TYPES: Final = {
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    12: "PTR",
    13: "HINFO",
    15: "MX",
    16: "TXT",
    17: "RP",
    24: "SIG",
    25: "KEY",
    28: "AAAA",
    29: "LOC",
    33: "SRV",
    35: "NAPTR",
    37: "CERT",
    39: "DNAME",
    41: "OPT",
    43: "DS",
    44: "SSHFP",
    45: "IPSECKEY",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    49: "DHCID",
    50: "NSEC3",
    51: "NSEC3PARAM",
    52: "TLSA",
    53: "SMIMEA",
    55: "HIP",
    59: "CDS",
    60: "CDNSKEY",
    61: "OPENPGPKEY",
    62: "CSYNC",
    63: "ZONEMD",
    64: "SVCB",
    65: "HTTPS",
    99: "SPF",
    249: "TKEY",
    250: "TSIG",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    256: "URI",
    257: "CAA",
}
CLASSES: Final = {1: "IN", 3: "CH", 4: "HS", 254: "NONE", 255: "ANY"}
OPCODES: Final = {0: "QUERY", 1: "IQUERY", 2: "STATUS", 4: "NOTIFY", 5: "UPDATE", 6: "DSO"}
RCODES: Final = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
    11: "DSOTYPENI",
    16: "BADVERS",
}
WORDS: Final = {
    "NOERROR": core.Word(
        "rcode 0", "The question was answered; the answer may be that there is no such record.", "§4.1.1"
    ),
    "FORMERR": core.Word("rcode 1", "The server could not read the question.", "§4.1.1"),
    "SERVFAIL": core.Word("rcode 2", "The server failed: often DNSSEC validation, or the zone's servers.", "§4.1.1"),
    "NXDOMAIN": core.Word("rcode 3", "The name does not exist, for any type of record.", "§4.1.1"),
    "NOTIMP": core.Word("rcode 4", "The server cannot do this kind of question.", "§4.1.1"),
    "REFUSED": core.Word("rcode 5", "The server will not answer this client, or not about this zone.", "§4.1.1"),
    "TC": core.Word("truncated", "The answer did not fit into a datagram: ask again over TCP.", "§4.1.1"),
    "OPT": core.Word("EDNS", "A record that tells how large datagrams may be, and carries options.", "RFC 6891 6.1"),
}
SERVFAIL: Final = 2
NXDOMAIN: Final = 3
OPT: Final = 41
ADDRESSES: Final = frozenset({1, 28})  # A, AAAA


class Query:
    """A question that waits for its answer."""

    __slots__ = ("count", "name", "places", "type")

    def __init__(self, name: str, type_: int, place: core.Place) -> None:
        self.name = name
        self.type = type_
        self.places = [place]
        self.count = 1


class Dns(core.Dissector):
    """The messages of one flow, questions paired with their answers."""

    def __init__(self) -> None:
        self.framed = False  # on a stream, where each message has its length before it (§4.2.2)
        self.waiting: dict[tuple[int, Side], Query] = {}
        self.title = ""
        self.names: set[str] = set()
        self.answered = False  # whether the phase was told
        self.lookups: list[Value] = []

    @property
    def multicast(self) -> bool:
        """Whether the question goes to many, none of whom has to answer."""
        flow = self.flow
        if flow is None:
            return False
        address = flow.responder.address
        return (
            bool(MULTICAST_PORTS.intersection((flow.initiator.port, flow.responder.port)))
            or address == "255.255.255.255"
            or address.startswith("ff")
            or address.partition(".")[0] in MULTICAST_FIRST
        )

    def unit_size(self, sender: Side, head: bytes | bytearray) -> int | None:
        self.framed = True
        if len(head) < 2:
            return None
        size = int.from_bytes(head[:2], "big")
        if size < HEADER_BYTES:
            raise Malformed(f"a message of {size} bytes, at least {HEADER_BYTES} (§4.1.1)")
        return 2 + size

    def on_unit(self, sender: Side, unit: Piece) -> core.Outputs:
        reader = Reader(unit)
        if self.framed:
            reader.uint("length", 2)
        message_at = reader.at
        id_, flags = reader.uint("id", 2), reader.uint("flags", 2)
        counts = [reader.uint(name, 2) for name in ("qdcount", "ancount", "nscount", "arcount")]
        opcode = flags >> 11 & 15
        fields: dict[str, Value] = {
            "id": id_,
            "opcode": {"value": opcode, "name": OPCODES.get(opcode, f"opcode {opcode}")},
            "recursion_desired": bool(flags & 0x0100),
        }
        data = unit.data[unit.start + message_at : unit.stop]
        questions = read_questions(reader, data, message_at, counts[0])
        fields["questions"] = questions[:MAX_LISTED]
        first = questions[0] if questions else None
        if first is not None and len(self.names) < MAX_LISTED:
            self.names.add(first["name"])
        if not flags & 0x8000:
            fields["answers_known"] = counts[1]
            yield Note("dns.query", question_text(questions), unit, fields)
            if first is not None:
                self._asked(id_, sender, first, unit)
                yield from self._about(first)
            return
        broken: Malformed | None = None
        try:
            read_answers(reader, data, message_at, counts, fields)
        except Malformed as why:  # what stands before it is told all the same
            broken = why
        rcode = (fields.get("extended_rcode", 0) << 4) | flags & 15
        fields.update(
            rcode={"value": rcode, "name": RCODES.get(rcode, f"rcode {rcode}")},
            authoritative=bool(flags & 0x0400),
            truncated=bool(flags & 0x0200),
            recursion_available=bool(flags & 0x0080),
        )
        asked = self.waiting.pop((id_, sender.other), None) if not self.multicast else None
        place = unit.place
        if asked is not None:
            fields["latency_ns"] = max(place.time_ns - asked.places[0].time_ns, 0)
        yield Note("dns.response", response_text(first, fields), place, fields)
        if first is not None:
            yield from self._about(first)
        yield from self._looked_up(asked, first, fields["answers"], place)
        yield from self._judge(asked, rcode, first, place)
        if broken is not None:
            raise broken

    def _asked(self, id_: int, sender: Side, question: dict[str, Value], unit: Piece) -> None:
        key = (id_, sender)
        known = self.waiting.get(key)
        if known is not None and known.name == question["name"] and known.type == question["type"]["value"]:
            known.count += 1
            known.places = [known.places[0], unit.place]
        elif len(self.waiting) < MAX_WAITING:
            self.waiting[key] = Query(question["name"], question["type"]["value"], unit.place)

    def _about(self, question: dict[str, Value]) -> core.Outputs:
        if not self.title:
            self.title = f"{question['type']['name']} {question['name']}"
            yield core.About(self.title, {"name": question["name"], "type": question["type"]["name"]})

    def _looked_up(
        self, asked: Query | None, first: dict[str, Value] | None, answers: list[dict[str, Value]], place: core.Place
    ) -> core.Outputs:
        """Which addresses a name has, for whoever connects to them afterwards."""
        found = [answer for answer in answers if answer["type"]["value"] in ADDRESSES]
        if found and len(self.lookups) < MAX_LOOKUPS:
            self.lookups.append(
                {
                    "name": (first or found[0])["name"],
                    "addresses": [answer["data"] for answer in found],
                    "asked_ns": None if asked is None else asked.places[0].time_ns,
                    "answered_ns": place.time_ns,
                    "frame": place.frames[-1],
                }
            )
            yield core.About(None, {"lookups": self.lookups})

    def _judge(
        self, asked: Query | None, rcode: int, first: dict[str, Value] | None, place: core.Place
    ) -> core.Outputs:
        """The phase, at the first answer, and what is wrong with an answer."""
        if self.multicast:
            return
        if not self.answered:
            self.answered = True
            outcome = Outcome.FAILED if rcode else Outcome.ESTABLISHED
            begin = place.time_ns if asked is None else asked.places[0].time_ns
            yield core.About(None, {"rcode": RCODES.get(rcode, f"rcode {rcode}")})
            yield Phase(
                "dns", begin, place.time_ns, outcome if asked is not None else Outcome.PARTIAL, 1 if asked else None
            )
        if rcode in (NXDOMAIN, SERVFAIL):
            name = f"{first['type']['name']} {first['name']}" if first is not None else "the question"
            severity = Severity.WARNING if rcode == SERVFAIL else Severity.NOTICE
            text = f"{name}: the resolver answers {RCODES[rcode]}"
            places = [place] if asked is None else [asked.places[0], place]
            yield Finding("dns.nxdomain-or-servfail", text, places, severity=severity)

    def on_end(self, last: Piece) -> core.Outputs:
        if len(self.names) > 1:
            yield core.About(f"{self.title} and {len(self.names) - 1} more")
        if self.multicast:
            when = last.time_ns
            yield Phase("dns", when, when, Outcome.ESTABLISHED)
            return
        for query in self.waiting.values():
            began = query.places[0].time_ns
            waited = self.end_ns - began
            name = f"{TYPES.get(query.type, f'type {query.type}')} {query.name}"
            if query.count > 1:
                text = f"{name} was asked {query.count} times and never answered"
            elif waited > SLOW_NS:
                text = f"{name} got no answer in the {waited / 1e9:.1f} s that the capture goes on"
            else:
                continue
            limits = "An answer that took another way than this capture point would not be seen."
            yield Finding("dns.no-answer", text, query.places, limits=limits)
        if self.waiting and not self.answered:
            first = next(iter(self.waiting.values()))
            waited = self.end_ns - first.places[0].time_ns
            outcome = Outcome.UNANSWERED if first.count > 1 or waited > SLOW_NS else Outcome.OPEN
            yield Phase("dns", first.places[0].time_ns, first.places[-1].time_ns, outcome)


# --- reading messages -------------------------------------------------------------------------------------------------


def read_name(reader: Reader, data: bytes, message_at: int, name: str = "name") -> str:
    """The next name, with what its compression pointers point at in the message `data` (§4.1.4)."""
    at = reader.at - message_at
    text, used = name_at(data, at)
    reader.skip(name, used)
    return text


def name_at(data: bytes, start: int) -> tuple[str, int]:
    """The name at `start` and how many bytes of it stand there."""
    labels: list[str] = []
    at, used, size, pointers = start, 0, 0, 0
    limit = len(data)
    for _ in range(MAX_NAME_BYTES):
        if at >= limit:
            raise Malformed("a name goes past the end of the message (§4.1.4)")
        length = data[at]
        if length == 0:
            return ".".join(labels) or ".", used or at + 1 - start
        if length >= 0xC0:
            if at + 1 >= limit:
                raise Malformed("a compression pointer is cut (§4.1.4)")
            target = (length & 0x3F) << 8 | data[at + 1]
            used = used or at + 2 - start
            pointers += 1
            if target >= at or pointers > MAX_POINTERS:
                raise Malformed("a compression pointer does not point back (§4.1.4)")
            at = target
        elif length > 63:
            raise Malformed(f"label type 0x{length & 0xC0:02x} (§4.1.4)")
        else:
            size += length + 1
            if size > MAX_NAME_BYTES or at + 1 + length > limit:
                raise Malformed(f"a name of more than {MAX_NAME_BYTES} bytes, or cut (§3.1)")
            labels.append(printable(data[at + 1 : at + 1 + length]))
            at += 1 + length
    raise Malformed("a name of too many labels (§3.1)")


def printable(label: bytes) -> str:
    text = label.decode("utf-8", "backslashreplace").replace(".", "\\.")
    return "".join(character if character.isprintable() else f"\\{ord(character):03d}" for character in text)


def named(value: int, names: dict[int, str], word: str) -> dict[str, Value]:
    return {"value": value, "name": names.get(value, f"{word} {value}")}


def read_questions(reader: Reader, data: bytes, message_at: int, count: int) -> list[dict[str, Value]]:
    questions: list[dict[str, Value]] = []
    for _ in range(min(count, MAX_RECORDS)):
        with reader.group("question"):
            name = read_name(reader, data, message_at, "qname")
            type_, class_ = reader.uint("qtype", 2), reader.uint("qclass", 2)
        # RFC 6762 5.4: the top bit of the class asks for a unicast answer
        question = {
            "name": name,
            "type": named(type_, TYPES, "type"),
            "class": CLASSES.get(class_ & 0x7FFF, str(class_)),
        }
        questions.append(question)
    return questions


def read_answers(reader: Reader, data: bytes, message_at: int, counts: list[int], fields: dict[str, Value]) -> None:
    """The three sections of records into `fields`."""
    left = MAX_RECORDS
    for section, count in zip(("answers", "authority", "additional"), counts[1:], strict=True):
        records: list[dict[str, Value]] = []
        fields[section] = records
        for _ in range(min(count, left)):
            with reader.group("record"):
                record = read_record(reader, data, message_at, fields)
            if record is not None and len(records) < MAX_LISTED:
                records.append(record)
        left -= min(count, left)


def read_record(reader: Reader, data: bytes, message_at: int, fields: dict[str, Value]) -> dict[str, Value] | None:
    name = read_name(reader, data, message_at)
    type_, class_, ttl = reader.uint("type", 2), reader.uint("class", 2), reader.uint("ttl", 4)
    size = reader.uint("rdlength", 2)
    at = reader.at - message_at
    rdata = reader.raw("rdata", size)
    if type_ == OPT:  # RFC 6891 6.1.3
        fields["udp_payload_size"] = class_
        fields["extended_rcode"] = ttl >> 24
        fields["dnssec_ok"] = bool(ttl & 0x8000)
        return None
    return {"name": name, "type": named(type_, TYPES, "type"), "ttl": ttl, "data": rdata_text(type_, rdata, data, at)}


def rdata_text(type_: int, rdata: bytes, data: bytes, at: int) -> str:
    kind = TYPES.get(type_)
    if kind == "A" and len(rdata) == 4:
        return ".".join(map(str, rdata))
    if kind == "AAAA" and len(rdata) == 16:
        return address6(rdata)
    if kind in ("CNAME", "NS", "PTR", "DNAME"):
        return name_at(data, at)[0]
    if kind == "MX" and len(rdata) > 2:
        return f"{int.from_bytes(rdata[:2], 'big')} {name_at(data, at + 2)[0]}"
    if kind == "SRV" and len(rdata) > 6:
        priority, weight, port = (int.from_bytes(rdata[index : index + 2], "big") for index in (0, 2, 4))
        return f"{priority} {weight} {port} {name_at(data, at + 6)[0]}"
    if kind in ("TXT", "SPF"):
        return texts(rdata)
    if kind == "SOA":
        return name_at(data, at)[0]
    if kind in ("HTTPS", "SVCB") and len(rdata) > 2:  # RFC 9460 2.2
        return f"{int.from_bytes(rdata[:2], 'big')} {name_at(data, at + 2)[0]}"
    return rdata[:64].hex()


def address6(rdata: bytes) -> str:
    from ipaddress import IPv6Address

    return str(IPv6Address(rdata))


def texts(rdata: bytes) -> str:
    """Character strings (§3.3.14), one after the other."""
    parts: list[str] = []
    at = 0
    for _ in range(len(rdata)):
        if at >= len(rdata) or len(parts) == 16:
            break
        size = rdata[at]
        parts.append(rdata[at + 1 : at + 1 + size].decode("utf-8", "backslashreplace"))
        at += 1 + size
    return " ".join(f'"{part}"' for part in parts)


def question_text(questions: list[dict[str, Value]]) -> str:
    if not questions:
        return "no question"
    text = f"{questions[0]['type']['name']} {questions[0]['name']}"
    return f"{text} and {len(questions) - 1} more" if len(questions) > 1 else text


def response_text(question: dict[str, Value] | None, fields: dict[str, Value]) -> str:
    answers: list[dict[str, Value]] = fields["answers"]
    subject = f"{question['type']['name']} {question['name']}: " if question is not None else ""
    if fields["rcode"]["value"]:
        text = f"{subject}{fields['rcode']['name']}"
    elif not answers:
        text = f"{subject}no such record" if question is not None else "an empty answer"
    else:
        text = subject + ", ".join(answer_text(answer, question) for answer in answers[:4])
        if len(answers) > 4:
            text += f" and {len(answers) - 4} more"
    if fields["truncated"]:
        text += ", truncated"
    return f"{text} (after {fields['latency_ns'] / 1e6:.3g} ms)" if "latency_ns" in fields else text


def answer_text(answer: dict[str, Value], question: dict[str, Value] | None) -> str:
    if question is not None and answer["type"] == question["type"]:
        return str(answer["data"])
    return f"{answer['type']['name']} {answer['data']}"


# --- recognising it ---------------------------------------------------------------------------------------------------


def probe(head: bytes) -> bool | None:
    """Tell whether a datagram, or behind a length of two bytes a stream, is DNS; None asks for more bytes."""
    bare = plausible(head)
    if bare or len(head) < 2:
        return bare
    size = int.from_bytes(head[:2], "big")
    framed = plausible(head[2 : 2 + size]) if HEADER_BYTES <= size <= MAX_PROBED_BYTES else False
    if framed is None and len(head) >= 2 + size:
        framed = False
    return True if framed else None if bare is None or framed is None else False


def plausible(message: bytes) -> bool | None:
    """Whether a message begins with a header whose counts fit, and a first name, type and class that exist.

    None where it ends too early to tell.
    """
    size = len(message)
    if size < HEADER_BYTES:
        wrong = size >= 4 and (message[2] >> 3 & 15 not in OPCODES or message[3] & 0x40)
        return False if wrong else None
    response = message[2] & 0x80
    questions, answers = message[4] << 8 | message[5], message[6] << 8 | message[7]
    others = (message[8] << 8 | message[9]) + (message[10] << 8 | message[11])
    if (
        message[2] >> 3 & 15 not in OPCODES
        or message[3] & 0x40  # Z, RFC 6895 2.1
        or (not response and message[3] & 15)
        or questions > MAX_PROBED_QUESTIONS
        or (questions == 0 and not (response and answers))
        or HEADER_BYTES + 5 * questions + 11 * (answers + others) > MAX_PROBED_BYTES
    ):
        return False
    at = HEADER_BYTES
    for _ in range(MAX_NAME_BYTES):
        if at >= size:
            return None
        length = message[at]
        if length > 63 or at > HEADER_BYTES + MAX_NAME_BYTES:
            return False  # nothing stands before the first name that it could point at
        at += 1 + length
        if length == 0:
            break
    if at + 4 > size:
        return None
    type_, class_ = message[at] << 8 | message[at + 1], message[at + 2] << 8 | message[at + 3]
    if message[HEADER_BYTES] == 32 and NETBIOS_NAME.issuperset(message[HEADER_BYTES + 1 : HEADER_BYTES + 33]):
        return False  # NetBIOS has the same messages, and names of its own (RFC 1002 4.1)
    return 0 < type_ < 0x8000 and class_ & 0x7FFF in CLASSES


PROTOCOL = core.Protocol(
    "dns",
    "DNS",
    "RFC 1035",
    ("udp", "tcp"),
    KINDS,
    FINDINGS,
    probe,
    Dns,
    session="dns",
    ports=frozenset({53, 5353, 5355}),
    words=WORDS,
)
