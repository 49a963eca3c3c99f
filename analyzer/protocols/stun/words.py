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
    0x0006: "Who asks. In ICE: the receiver's ice-ufrag, a colon, the sender's.",
    0x0008: "A keyed hash (HMAC-SHA1) of the message up to here: its sender knows the password.",
    0x0009: "Why the request is refused.",
    0x000A: "Attributes that the server had to understand and does not.",
    0x000C: "The number that stands for a peer in ChannelData.",
    0x000D: "For how many seconds the relay keeps the allocation; 0 gives it up.",
    0x0012: "The peer that is meant, as the relay sees it.",
    0x0013: "The datagram that is carried.",
    0x0014: "For which realm the credentials are.",
    0x0015: "A value of the server that the next request must repeat, against replays.",
    0x0016: "The address at the relay at which others reach the client.",
    0x0019: "What the relay is to speak with peers: 17 is UDP, 6 is TCP.",
    0x001C: "Like MESSAGE-INTEGRITY, with HMAC-SHA256.",
    0x0020: "The address that the request came from, as the server sees it: behind a NAT, that of the NAT.",
    0x0022: "Stands for the next higher port, which the relay keeps for another allocation.",
    0x0024: "The priority that a candidate would have which is learnt from this check.",
    0x0025: "The controlling agent wants this pair to be used.",
    0x8022: "What the sender runs.",
    0x8023: "The server to ask in place of this one.",
    0x8028: "A CRC of the message, to tell STUN from other protocols on the same port.",
    0x8029: "The sender is the controlled agent; the number decides where both claim that.",
    0x802A: "The sender is the controlling agent; the number decides where both claim that.",
    0xC057: "Chrome: which of its networks the sender uses, and what that costs it.",
    0xC070: "A packet of DTLS's handshake, carried in a check to save round trips.",
    0xC071: "Which packets of DTLS in STUN have arrived.",
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
    "ICE": Word("connectivity establishment", "Finds a path between two peers by trying all.", "RFC 8445 2"),
    "host candidate": Word("candidate", "An address of the machine itself.", "RFC 8445 5.1.1.1"),
    "srflx": Word(
        "server reflexive candidate", "An address of the NAT, learnt from a STUN server.", "RFC 8445 5.1.1.2"
    ),
    "prflx": Word(
        "peer reflexive candidate", "An address of the NAT, learnt from a peer's check.", "RFC 8445 7.2.5.3.1"
    ),
    "relay candidate": Word("candidate", "An address at a TURN server.", "RFC 8445 5.1.1.2"),
    "consent": Word("consent freshness", "Who sends must hear an answer to a check every 30 s.", "RFC 7675 5.1"),
    "ChannelData": Word("TURN", "A datagram behind four bytes: channel number and length.", "RFC 8656 12.4"),
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
