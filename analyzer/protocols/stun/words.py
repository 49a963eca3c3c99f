"""What `analyzer explain` knows of STUN and TURN: methods, attributes, error codes, and the words of ICE.

Titles end in a category and a number ("error 401", "attribute 0x0020"), by which a number is found too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.core import Word
from analyzer.protocols.stun import registries

#: error code -> what its sender means; what to look at.
ERRORS: Final = {
    300: "Another server is to be asked: ALTERNATE-SERVER names it.",
    400: "The request makes no sense to the server; in ICE, often a check for credentials that it does not know.",
    401: "The request has no credentials, or wrong ones. To the first request of a TURN client it is the usual answer.",
    403: "The request is understood and forbidden: mostly a peer's address that the relay's rules deny.",
    405: "The relay does not allow mobility for this client.",
    420: "An attribute that must be understood is not; UNKNOWN-ATTRIBUTES lists it.",
    430: "Old: the shared secret has expired.",
    431: "Old: the integrity check failed.",
    432: "Old: the user name is missing.",
    433: "Old: the shared secret must be asked for over TLS.",
    437: "The request does not fit the allocation of this address and port: there is one already, or none any more.",
    438: "The nonce has expired; the same request is to be sent again with the new one. Once in a while by design.",
    440: "The relay has no address of the IP version that was asked for.",
    441: "The credentials are not those with which the allocation was made.",
    442: "The transport between relay and peer is not offered.",
    443: "The peer's address is not of the relayed address's IP version.",
    446: "There is a connection to this peer already (TCP relaying).",
    447: "The relay could not connect to the peer, or not in time (TCP relaying).",
    486: "The user has as many allocations as are allowed.",
    487: "Both agents have the same role: one of them must switch.",
    500: "The server failed for a while; the request may be sent again.",
    508: "The relay has no ports or no bandwidth left.",
    600: "Old: the server will not answer.",
}
#: attribute -> what it says.
ATTRIBUTES: Final = {
    0x0001: "The address that the request came from, in clear. Some NATs rewrite it, so XOR-MAPPED-ADDRESS took over.",
    0x0002: "Old: where the answer is to be sent; a way to misuse servers, and gone.",
    0x0003: "Asks that the answer come from another address or port of the server: to find out how a NAT filters.",
    0x0004: "Old: the address that the server answered from.",
    0x0005: "Old: the server's other address and port, to test NATs with.",
    0x0006: "Who asks. In ICE: the receiver's ice-ufrag, a colon, the sender's.",
    0x0007: "Old: a password that the server made.",
    0x0008: "A keyed hash (HMAC-SHA1) of the message up to here: its sender knows the password.",
    0x0009: "Why the request is refused.",
    0x000A: "Attributes that the server had to understand and does not.",
    0x000B: "Old: who had asked for this answer.",
    0x000C: "The number that stands for a peer in ChannelData.",
    0x000D: "For how many seconds the relay keeps the allocation; 0 gives it up.",
    0x000E: "Microsoft: another server, to be asked in place of this one.",
    0x000F: "Microsoft: always 72C64BC6, the mark of TURN messages of before the RFC.",
    0x0010: "Old: how much bandwidth the client means to use.",
    0x0011: "Old: the peer for which the data is.",
    0x0012: "The peer that is meant, as the relay sees it.",
    0x0013: "The datagram that is carried.",
    0x0014: "For which realm the credentials are.",
    0x0015: "A value of the server that the next request must repeat, against replays.",
    0x0016: "The address at the relay at which others reach the client.",
    0x0017: "Whether the relayed address is to be IPv4 or IPv6.",
    0x0018: "Asks for an even port number, and whether the next higher one is to be kept for another allocation.",
    0x0019: "What the relay is to speak with peers: 17 is UDP, 6 is TCP.",
    0x001A: "The relay is to send this to the peer with the DF bit set, and not to let it be cut into IP fragments.",
    0x001B: "A token of an authorization server, in place of a password.",
    0x001C: "Like MESSAGE-INTEGRITY, with HMAC-SHA256.",
    0x001D: "Which hash made the key of these credentials: MD5 or SHA-256.",
    0x001E: "A hash of user name and realm, so that the name is not readable.",
    0x0020: "The address that the request came from, as the server sees it: behind a NAT, that of the NAT.",
    0x0021: "Draft: how long an answer is to be put off, to measure how long a NAT keeps a mapping.",
    0x0022: "Stands for the next higher port, which the relay keeps for another allocation.",
    0x0024: "The priority that a candidate would have which is learnt from this check.",
    0x0025: "The controlling agent wants this pair to be used.",
    0x0026: "Bytes without meaning, to test how large datagrams fare.",
    0x0027: "The port to which the answer is to be sent.",
    0x0028: "Old: who had asked for this answer, xored.",
    0x002A: "Which of the relay's TCP connections with peers is meant.",
    0x0030: "Old: an ICMP error that the relay had from the way to the peer.",
    0x8000: "Asks for a relayed address of the other IP version as well.",
    0x8001: "Why there is no relayed address of one of the two IP versions.",
    0x8002: "The hashes that the server takes for keys, the best first.",
    0x8003: "The name of the server in ALTERNATE-SERVER, for its certificate.",
    0x8004: "An ICMP error that the relay had from the way to the peer.",
    0x8008: "Microsoft: the version of its TURN that the sender speaks.",
    0x8020: "Microsoft: XOR-MAPPED-ADDRESS in its TURN.",
    0x8022: "What the sender runs.",
    0x8023: "The server to ask in place of this one.",
    0x8025: "How often the request had been sent when this one was, and how often the answer: tells which way "
    "packets are lost.",
    0x8027: "Old: for how many seconds the server remembers the client.",
    0x8028: "A CRC of the message, to tell STUN from other protocols on the same port.",
    0x8029: "The sender is the controlled agent; the number decides where both claim that.",
    0x802A: "The sender is the controlling agent; the number decides where both claim that.",
    0x802B: "The address and port that the server answered from.",
    0x802C: "The server's other address and port, to test NATs with.",
    0x802D: "Whether marks of congestion (ECN) pass on this path.",
    0x802E: "The server takes tokens of this authorization server.",
    0x8030: "A ticket that moves the allocation to another address of the client.",
    0x8032: "Microsoft: the name of the server in ALTERNATE-SERVER.",
    0x8037: "Microsoft: which application asks.",
    0x8039: "Microsoft: a tag by which the server knows the client's session.",
    0x8050: "Microsoft: counts the messages of a connection, against replays.",
    0x8054: "Microsoft: to which candidate the check belongs (its foundation).",
    0x8055: "Microsoft: whether the stream is audio, video or something else, and needs reliable delivery.",
    0x8070: "Microsoft: the version of its ICE.",
    0x8090: "Microsoft: the relayed address of IPv6.",
    0x8095: "Microsoft: which of the sessions on one port is meant.",
    0xC000: "Cisco: what flow the sender will send, for boxes on the way.",
    0xC001: "In checks of browsers, NOMINATION: a number by which the controlling agent chooses a pair, the highest "
    "wins (draft-thatcher-ice-renomination). In the registry the number has another owner.",
    0xC057: "Chrome: which of its networks the sender uses, and what that costs it.",
    0xC058: "Chrome: which check of the other side was the last to arrive here.",
    0xC059: "Chrome: which extensions of its own the sender knows, such as the short form of checks.",
    0xC05A: "Chrome: no longer used.",
    0xC05B: "Chrome: which connection is meant.",
    0xC05C: "Chrome: a change of the connections' state.",
    0xC05D: "Chrome: says that GOOG-DELTA has come.",
    0xC05E: "Chrome: asks for all changes of state again.",
    0xC060: "Chrome: the first four bytes of MESSAGE-INTEGRITY, for its short form of checks.",
    0xC070: "A packet of DTLS's handshake, carried in a check to save round trips.",
    0xC071: "Which packets of DTLS in STUN have arrived.",
    0xFF04: "Google: asks a server for the addresses of several ports.",
    0xFF05: "Google: a name under which the server logs this.",
}
METHODS: Final = {
    0x001: "Asks how one is seen from outside, checks a path in ICE, and keeps it open.",
    0x002: "Old: asks for a user name and a password.",
    0x003: "Asks a relay for an address.",
    0x004: "Keeps an allocation for longer, or gives it up.",
    0x006: "Carries a datagram from the client to the relay, for a peer.",
    0x007: "Carries a datagram from a peer, from the relay to the client.",
    0x008: "Lets peers send through the relay, for five minutes.",
    0x009: "Gives a peer a channel number, for ten minutes.",
    0x00A: "Asks the relay to open a TCP connection to a peer.",
    0x00B: "Ties a new connection of the client to one that the relay has with a peer.",
    0x00C: "Tells the client that a peer has connected.",
    0x080: "WebRTC's short form of a check.",
}
MORE: Final = {
    "STUN": Word(
        "Session Traversal Utilities for NAT",
        "Questions to a server how one is seen from outside, and checks between peers whether a path works.",
        "§2",
    ),
    "TURN": Word(
        "Traversal Using Relays around NAT",
        "A server lends the client an address and passes on what comes there: for those who cannot reach each other "
        "directly.",
        "RFC 8656 3",
    ),
    "ICE": Word("connectivity establishment", "Finds a path between two peers by trying all.", "RFC 8445 2"),
    "ICE-lite": Word(
        "a server's part of ICE", "Sends no checks of its own, and answers those that come.", "RFC 8445 2.5"
    ),
    "host": Word("host candidate", "An address of the machine itself.", "RFC 8445 5.1.1.1"),
    "srflx": Word(
        "server reflexive candidate", "An address of the NAT, learnt from a STUN server.", "RFC 8445 5.1.1.2"
    ),
    "prflx": Word(
        "peer reflexive candidate", "An address of the NAT, learnt from a peer's check.", "RFC 8445 7.2.5.3.1"
    ),
    "relay": Word("relay candidate", "An address at a TURN server.", "RFC 8445 5.1.1.2"),
    "candidate pair": Word(
        "an address of each side",
        "What a check tries. It is frozen, waiting, in progress, succeeded or failed.",
        "RFC 8445 6.1.2.6",
    ),
    "connectivity check": Word(
        "a Binding request between peers",
        "Its answer proves that packets pass both ways, and that the other side knows the password.",
        "RFC 8445 7",
    ),
    "triggered check": Word(
        "a check in answer to a check", "What comes the other way is tried at once, out of turn.", "RFC 8445 7.3.1.4"
    ),
    "nomination": Word(
        "the choice of a pair",
        "The controlling agent says which working pair is to be used, by USE-CANDIDATE in another check of it. "
        "Regular: once, after checks. Aggressive (RFC 5245): in every check, so that the best pair that works wins. "
        "Renomination: by a number, and again whenever a better pair is found.",
        "RFC 8445 8.1.1",
    ),
    "aggressive nomination": Word(
        "USE-CANDIDATE in every check",
        "Saves a round trip, and may change the pair in the beginning. RFC 8445 has done away with it; browsers still "
        "do so.",
        "RFC 5245 8.1.1.2",
    ),
    "renomination": Word(
        "nomination by a number",
        "The controlling agent may choose another pair at any time; the highest number counts. Only where both sides "
        "say so (a=ice-options:renomination).",
        "draft-thatcher-ice-renomination",
    ),
    "controlling": Word("agent's role", "Decides which pair is used; mostly who made the offer.", "RFC 8445 6.1.1"),
    "controlled": Word("agent's role", "Follows the nomination of the other side.", "RFC 8445 6.1.1"),
    "tie-breaker": Word(
        "number in ICE-CONTROLLING and ICE-CONTROLLED",
        "Where both claim the same role, the one with the larger number is controlling.",
        "RFC 8445 7.3.1.1",
    ),
    "consent": Word("consent freshness", "Who sends must hear an answer to a check every 30 s.", "RFC 7675 5.1"),
    "ICE restart": Word(
        "new ice-ufrag and ice-pwd", "All is gathered and checked anew; DTLS and media go on.", "RFC 8445 9"
    ),
    "allocation": Word(
        "an address at a relay", "Lent for some minutes (LIFETIME), and longer by Refresh.", "RFC 8656 5, 7"
    ),
    "permission": Word(
        "leave for a peer's address to send through a relay",
        "Holds 300 s and must be renewed. What comes from others, or goes to them, the relay drops without a word.",
        "RFC 8656 9",
    ),
    "channel": Word(
        "a number in place of a peer's address",
        "0x4000 to 0x4FFF. Holds 600 s and must be bound again. Saves 32 bytes in each datagram.",
        "RFC 8656 12",
    ),
    "ChannelData": Word(
        "datagram of a channel", "A datagram behind four bytes: channel number and length.", "RFC 8656 12.4"
    ),
    "long-term credential": Word(
        "user name, realm and password",
        "The first request is answered 401 with realm and nonce; the next is signed with MD5 or SHA-256 of all three.",
        "§9.2",
    ),
    "short-term credential": Word(
        "user name and password of one session", "In ICE: ice-ufrag and ice-pwd of the descriptions.", "§9.1"
    ),
}


class Words(Mapping[str, Word]):
    """Words by name, put together when somebody asks."""

    def __init__(self) -> None:
        self._words: dict[str, Word] | None = None

    def _all(self) -> dict[str, Word]:
        words = self._words
        if words is None:
            words = self._words = made()
        return words

    def __getitem__(self, name: str) -> Word:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def made() -> dict[str, Word]:
    words = dict(MORE)
    for number, name in registries.METHODS.items():
        spec = registries.METHODS_DEFINED.get(number, "")
        words[name] = Word(f"STUN method 0x{number:03x}", METHODS.get(number, ""), spec)
    for number, name in registries.ATTRIBUTES.items():
        spec = registries.ATTRIBUTES_DEFINED.get(number, "")
        optional = "may be ignored by who does not know it" if number & 0x8000 else "must be understood"
        meaning = ATTRIBUTES.get(number) or f"An attribute that {optional}."
        words.setdefault(name, Word(f"STUN attribute 0x{number:04x}", meaning, spec))
    for number, name in registries.ERROR_CODES.items():
        spec = registries.ERROR_CODES_DEFINED.get(number, "")
        words.setdefault(name, Word(f"STUN error {number}", ERRORS.get(number, ""), spec))
    return words


WORDS: Final = Words()
