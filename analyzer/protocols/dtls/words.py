"""What `analyzer explain` knows of DTLS beyond its messages, which are those of TLS."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

WORDS: Final = {
    "DTLS": Word(
        "Datagram Transport Layer Security",
        "TLS over datagrams: records have numbers of their own, messages of the handshake are cut to fit and sent "
        "again when they are lost.",
        "§3",
    ),
    "DTLS-SRTP": Word(
        "keys of media from a handshake of DTLS",
        "Both sides agree on a profile (use_srtp) and derive the keys of SRTP from the handshake.",
        "RFC 5764 4",
    ),
    "HelloVerifyRequest": Word(
        "cookie exchange up to DTLS 1.2",
        "The client has to send its hello again with the server's cookie, and so prove that it is where it says. Costs "
        "a round trip; in WebRTC nobody does it, since ICE has proved that. In DTLS 1.3 HelloRetryRequest does this.",
        "RFC 6347 4.2.1",
    ),
    "flight": Word(
        "messages of one side in a row",
        "What a side says before it waits for the other. It is sent again as a whole (DTLS 1.2) or in the parts that "
        "were not acknowledged (DTLS 1.3), after 1 s at first (browsers: 50 ms) and twice as long each time.",
        "RFC 9147 5.7, 5.8; RFC 6347 4.2.4",
    ),
    "message_seq": Word(
        "number of a handshake message", "Starts at 0 and stays the same when the message is sent again.", "§5.2"
    ),
    "fragment_offset": Word(
        "where a piece of a handshake message begins", "A message larger than a datagram comes in several.", "§5.5"
    ),
    "epoch": Word(
        "which keys a record has",
        "0: none. Up to DTLS 1.2 each ChangeCipherSpec counts on. DTLS 1.3: 1 early data, 2 the handshake, 3 and above "
        "data, one more with each update of keys.",
        "§6.1",
    ),
    "unified header": Word(
        "header of encrypted records in DTLS 1.3",
        "Two bits of the epoch, 8 or 16 of a record number that is encrypted itself; length and connection id may be "
        "left out.",
        "§4",
    ),
    "connection id": Word(
        "CID",
        "A name for the connection in each record, so that it goes on when a NAT gives the client another port.",
        "RFC 9146; RFC 9147 9",
    ),
    "SPED": Word(
        "DTLS in STUN",
        "The handshake begins in the connectivity checks (META-DTLS-IN-STUN), before ICE has found a pair.",
        "draft-hancke-webrtc-sped",
    ),
}
