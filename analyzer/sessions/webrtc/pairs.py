"""The candidate pairs of a call, and what the checks on each came to: read from notes (RFC 8445 §6, §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Endpoint, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from analyzer.core import Flow, Note, Place, Value

MAX_TRANSACTIONS: Final = 4096  # that wait for their answers; the oldest is forgotten first
MAX_PAIRS: Final = 256  # told apart; checks of others are left out
MAX_PLACES: Final = 8  # of anything that is kept as evidence
MAX_GAPS: Final = 4096  # times between checks that are kept
#: A pair without an answer for so long, after several checks, has failed: after 0.5 and 1.5 s a request is sent again.
PATIENCE_NS: Final = 1_500_000_000

REQUEST: Final = "stun.binding-request"
SUCCESS: Final = "stun.binding-success"
ERROR: Final = "stun.binding-error"
INDICATION: Final = "stun.binding-indication"
ROLE_CONFLICT: Final = 487

# How a pair is nominated: RFC 8445 §8.1.1, RFC 5245 §8.1.1.2, draft-thatcher-ice-renomination.
REGULAR: Final = "regular"
AGGRESSIVE: Final = "aggressive"
RENOMINATION: Final = "renomination"

NO_ENDPOINT: Final = Endpoint("", 0)


class Way:
    """The checks that one end of a pair sent, and their answers."""

    __slots__ = (
        "answered",
        "conflicts",
        "errors",
        "first",
        "first_answer",
        "fresh",
        "how",
        "last",
        "last_answer_ns",
        "longest_ns",
        "nominated",
        "nominated_ns",
        "refusals",
        "requests",
        "role",
        "rtt_ns",
        "sent",
        "silent",
        "silent_first",
        "wanted_ns",
    )

    def __init__(self) -> None:
        self.sent = 0  # requests with what was sent again
        self.requests = 0  # transactions
        self.answered = 0  # those with a success response
        self.errors: dict[int, int] = {}  # error code -> how often
        self.refusals: list[Place] = []
        self.conflicts: list[Place] = []
        self.first: Place | None = None
        self.last: Place | None = None
        self.first_answer: Place | None = None
        self.last_answer_ns = 0
        self.silent = 0  # requests since the last answer
        self.silent_first: Place | None = None
        self.role = ""  # "controlling" or "controlled", as last said
        self.wanted_ns = 0  # the first request that nominates
        self.how = ""  # it does: REGULAR, AGGRESSIVE or RENOMINATION
        self.nominated: Place | None = None  # the first success response to one
        self.nominated_ns = 0  # when the last one that was answered had been sent
        self.rtt_ns = 0  # the shortest
        self.fresh: list[int] = []  # times between its checks once the pair was nominated
        self.longest_ns = 0  # between two answers, since then

    def waited(self, end_ns: int) -> bool:
        """Whether it had its time: that there is no answer then means that there is none."""
        return self.first is not None and end_ns - self.first.time_ns >= PATIENCE_NS


class Pair:
    """Two transport addresses, that of A first, and what happened between them."""

    __slots__ = (
        "data",
        "dtls",
        "ends",
        "flows",
        "generation",
        "icmp",
        "indications",
        "protocol",
        "relayed",
        "types",
        "volume",
        "ways",
    )

    def __init__(self, ends: tuple[Endpoint, Endpoint], protocol: str) -> None:
        self.ends = ends
        self.protocol = protocol  # "udp" or "tcp"
        self.ways = (Way(), Way())  # checks of A, checks of B
        self.flows: dict[int, None] = {}
        self.relayed = False  # seen inside of TURN
        self.data = [0, 0]  # when A and B last sent anything but STUN here
        self.volume = 0  # bytes of it, roughly
        self.generation = 0  # 0 for the first ice-ufrags of both sides; restarts count on
        self.dtls = 0  # when its first record came here
        self.types = ["", ""]  # of the candidates
        self.icmp = ""
        self.indications = 0  # Binding indications, which keep a mapping alive

    @property
    def nominated_ns(self) -> int:
        return max(way.nominated_ns for way in self.ways)

    @property
    def works(self) -> bool:
        return any(way.answered for way in self.ways)

    @property
    def family(self) -> str:
        return "IPv6" if ":" in self.ends[0].address or ":" in self.ends[1].address else "IPv4"

    @property
    def checked(self) -> bool:
        return any(way.sent for way in self.ways)

    @property
    def first_ns(self) -> int:
        return min((way.first.time_ns for way in self.ways if way.first is not None), default=self.dtls)

    def kept_alive(self) -> dict[str, Value]:
        """What was sent to keep it alive and to have consent (RFC 7675): pairs of numbers are those of A, then of B."""
        gaps = [sorted(way.fresh) for way in self.ways]
        if not any(gaps) and not self.indications:
            return {}
        return {
            "checks": [len(one) for one in gaps],
            "every_ms": [round(one[len(one) // 2] / 1e6) if one else None for one in gaps],
            "longest_without_answer_ms": [round(way.longest_ns / 1e6) if way.longest_ns else None for way in self.ways],
            "indications": self.indications,
        }

    def state(self, end_ns: int) -> str:
        """Succeeded, failed, in progress, or (no check was seen) unchecked: RFC 8445 §6.1.2.6."""
        if self.works:
            return "succeeded"
        if not self.checked:
            return "unchecked"
        if any(way.errors for way in self.ways) or all(way.waited(end_ns) for way in self.ways if way.sent):
            return "failed"
        return "in progress"


class Transaction:
    """A check that was sent, for the answer that may come."""

    __slots__ = ("answered", "flow", "nominates", "pair", "place", "side")

    def __init__(self, pair: Pair, side: int, flow: int, place: Place, nominates: bool) -> None:
        self.pair = pair
        self.side = side
        self.flow = flow
        self.place = place
        self.nominates = nominates
        self.answered = False


class Checks:
    """Sorts the notes of a call into pairs.

    `side_of` tells 0 for an ice-ufrag of A, 1 for one of B, -1 for one of neither.
    """

    def __init__(
        self,
        flows: Mapping[int, Flow],
        relays: dict[int, Endpoint],
        side_of: Callable[[str], int],
        initiators: Mapping[int, int],
    ) -> None:
        self.initiators = initiators  # flow -> which side its initiator is, where that is known without checks
        self.flows = flows
        self.relays = relays  # flow to a TURN server -> the relayed address
        self.side_of = side_of
        self.pairs: dict[frozenset[Endpoint], Pair] = {}
        self.waiting: dict[str, Transaction] = {}
        self.elsewhere: list[tuple[Pair, Pair, Place, Place]] = []  # asked on one pair, answered on another
        self.nominations: list[tuple[int, Pair, Place]] = []  # when the pair was nominated with success
        self.turned: dict[tuple[int, Endpoint], bool] = {}  # whether the initiator of a path is B
        self.ufrags: tuple[dict[str, int], dict[str, int]] = ({}, {})  # of A and of B -> which of them, from 0
        self.first_peers: dict[int, Endpoint] = {}  # flow to a TURN server -> the peer that was first checked
        self.dropped = 0  # pairs beyond `MAX_PAIRS`

    def read(self, notes: Iterable[Note]) -> None:
        for note in notes:
            kind = note.kind
            if kind == REQUEST:
                self._request(note)
            elif kind in (SUCCESS, ERROR):
                self._answer(note)
            elif kind == INDICATION:
                found = self.pair_of(note, peer_of(note.fields))
                if found is not None:
                    found[0].indications += 1
            elif not kind.startswith(("stun.", "turn.", "tcp.", "sdp.", "dns.", "icmp.")):
                self._data(note)

    # --- which pair ---

    def pair_of(self, note: Note, peer: Endpoint, own: int = -1) -> tuple[Pair, int] | None:
        """The pair that a message belongs to, and who sent it (0: A); `own` is the sender, where that is known."""
        flow = self.flows.get(note.flow)
        if flow is None or note.sender is None:
            return None
        left, right = flow.initiator, flow.responder
        if peer.port:  # the server stands for an address that it gave before the capture
            left, right = self.relays.setdefault(note.flow, flow.responder), peer
        key = (note.flow, peer)
        turned = self.turned.get(key)
        if turned is None or own >= 0:
            first = own if note.sender is Side.INITIATOR else 1 - own
            if own < 0:
                known = self.pairs.get(frozenset((left, right)))
                first = self.initiators.get(note.flow, 0)
                if known is not None:
                    first = 0 if known.ends[0] == left else 1
            turned = self.turned.setdefault(key, first == 1)
        ends = (right, left) if turned else (left, right)
        found = self.pairs.get(frozenset(ends))
        if found is None:
            if len(self.pairs) >= MAX_PAIRS:
                self.dropped += 1
                return None
            protocol = "tcp" if flow.transport == "tcp" and not peer.port else "udp"
            found = self.pairs[frozenset(ends)] = Pair(ends, protocol)
        found.flows[note.flow] = None
        if peer.port:
            found.relayed = True
            self.first_peers.setdefault(note.flow, peer)
        side = int(note.sender) ^ int(turned)
        return found, side

    # --- checks ---

    def _request(self, note: Note) -> None:
        fields = note.fields
        user = fields.get("username")
        if not is_check(fields):
            return
        own, ours, theirs = -1, "", ""
        if isinstance(user, str) and ":" in user:
            theirs, _, ours = user.partition(":")
            own = self.side_of(ours)
            if own < 0 or theirs == ours:
                other = self.side_of(theirs)
                own = 1 - other if other >= 0 and theirs != ours else -1
        found = self.pair_of(note, peer_of(fields), own)
        if found is None:
            return
        pair, side = found
        if ours:
            for who, ufrag in ((side, ours), (1 - side, theirs)):
                known_names = self.ufrags[who]
                if len(known_names) < MAX_PAIRS:
                    known_names.setdefault(ufrag, len(known_names))
                pair.generation = max(pair.generation, known_names.get(ufrag, 0))
        way, place = pair.ways[side], note.at
        known = self.waiting.get(fields.get("transaction_id", ""))
        if known is not None and known.pair is pair and known.side == side:
            if known.flow == note.flow:  # else it is the same one at another place of its way
                way.sent += 1
                way.last = place
            return
        way.sent += 1
        way.requests += 1
        way.silent += 1
        if way.silent == 1:
            way.silent_first = place
        if way.first is None:
            way.first = place
        if way.last is not None and 0 < pair.nominated_ns < place.time_ns and len(way.fresh) < MAX_GAPS:
            way.fresh.append(max(place.time_ns - way.last.time_ns, 0))
        way.last = place
        way.role = "controlling" if "ice_controlling" in fields else "controlled" if "ice_controlled" in fields else ""
        again = "nomination" in fields
        nominates = again or "use_candidate" in fields
        if nominates and not way.wanted_ns:
            way.wanted_ns = place.time_ns
            way.how = RENOMINATION if again else AGGRESSIVE if way.requests == 1 else REGULAR
        if len(self.waiting) >= MAX_TRANSACTIONS:
            del self.waiting[next(iter(self.waiting))]
        self.waiting[fields.get("transaction_id", "")] = Transaction(pair, side, note.flow, place, nominates)

    def _answer(self, note: Note) -> None:
        fields = note.fields
        asked = self.waiting.get(fields.get("transaction_id", ""))
        if asked is None or asked.answered or note.sender is None:
            return
        way, place = asked.pair.ways[asked.side], note.at
        if note.flow not in asked.pair.flows:
            found = self.pair_of(note, peer_of(fields), 1 - asked.side)
            if found is not None and found[0] is not asked.pair and len(self.elsewhere) < MAX_PLACES:
                self.elsewhere.append((asked.pair, found[0], asked.place, place))
            return
        asked.answered = True
        way.silent = 0
        if note.kind == ERROR:
            error = fields.get("error_code")
            code = error.get("value", 0) if isinstance(error, dict) else 0
            way.errors[code] = way.errors.get(code, 0) + 1
            kept = way.conflicts if code == ROLE_CONFLICT else way.refusals
            if len(kept) < MAX_PLACES:
                kept += [asked.place, place]
            return
        way.answered += 1
        if way.last_answer_ns and 0 < asked.pair.nominated_ns < place.time_ns:
            way.longest_ns = max(way.longest_ns, place.time_ns - way.last_answer_ns)
        way.last_answer_ns = place.time_ns
        if way.first_answer is None:
            way.first_answer = place
        rtt_ns = max(place.time_ns - asked.place.time_ns, 0)
        way.rtt_ns = min(way.rtt_ns, rtt_ns) if way.rtt_ns else rtt_ns
        if asked.nominates:
            way.nominated_ns = asked.place.time_ns
            if way.nominated is None:
                way.nominated = place
                self.nominations.append((place.time_ns, asked.pair, place))

    # --- what else is sent ---

    def _data(self, note: Note) -> None:
        peer = peer_of(note.fields)
        if not peer.port and note.flow in self.relays:
            # What comes through a relay and does not say from whom: the peer with which that path was set up.
            peer = self.first_peers.get(note.flow, NO_ENDPOINT)
        found = self.pair_of(note, peer)
        if found is None:
            return
        pair, side = found
        pair.data[side] = max(pair.data[side], note.time_ns)
        size = note.fields.get("bytes")
        pair.volume += size if isinstance(size, int) else sum(span.stop - span.start for span in note.spans)
        if note.kind.startswith("dtls.") and not pair.dtls:
            pair.dtls = note.time_ns


def is_check(fields: Mapping[str, Value]) -> bool:
    """Whether a Binding request is a connectivity check of ICE (RFC 8445 §7.1)."""
    return "priority" in fields or "ice_controlling" in fields or "ice_controlled" in fields


def peer_of(fields: Mapping[str, Value]) -> Endpoint:
    """The peer beyond a relay that a message came from or went to; without an address where there was no relay."""
    return endpoint_of(fields.get("relayed_peer"))


def endpoint_of(value: Value) -> Endpoint:
    """An address and a port as rooms put them into fields, or as text ("192.0.2.1:80", "[2001:db8::1]:80")."""
    if isinstance(value, dict):
        address, port = value.get("address"), value.get("port")
        return Endpoint(address, port) if isinstance(address, str) and isinstance(port, int) else NO_ENDPOINT
    if isinstance(value, str):
        host, colon, number = value.rpartition(":")
        if colon and number.isascii() and number.isdigit() and len(number) <= 5:
            return Endpoint(host.removeprefix("[").removesuffix("]"), int(number))
    return NO_ENDPOINT
