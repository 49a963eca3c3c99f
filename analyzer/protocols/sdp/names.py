"""Words of SDP as WebRTC uses it: lines, attributes, candidate types (RFC 8866, RFC 8839, RFC 9429)."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

#: Candidate types, RFC 8839 §5.1, RFC 8445 §5.1.1.
TYPES: Final[dict[str, str]] = {
    "host": "An address of the host itself: works where both are in the same network, or public.",
    "srflx": "Server reflexive: how the host looks from outside its NAT, as a STUN server told it.",
    "prflx": "Peer reflexive: how the host looks to its peer, learnt from a check; never in a first offer.",
    "relay": "An address on a TURN server that passes everything on: works nearly always, at the price of a detour.",
}

#: Values of a=setup.
SETUPS: Final[dict[str, str]] = {
    "actpass": "In an offer: the answer says who begins the DTLS handshake. Every WebRTC offer has it.",
    "active": "This side sends the ClientHello. Usual in an answer.",
    "passive": "This side waits for the ClientHello.",
    "holdconn": "No connection for now.",
}

_ATTRIBUTES: Final[dict[str, tuple[str, str]]] = {
    "setup": (
        "Who begins the DTLS handshake: actpass lets the answerer choose, active begins, passive waits.",
        "RFC 8842 5; RFC 4145 4",
    ),
    "fingerprint": (
        "The hash of the certificate that this side will show in DTLS; it ties the keys to the signalling.",
        "RFC 8122 5",
    ),
    "ice-ufrag": ("The name of this side in connectivity checks; it changes with an ICE restart.", "RFC 8839 5.4"),
    "ice-pwd": ("What checks to this side are authenticated with.", "RFC 8839 5.4"),
    "ice-options": ("What this side can do: trickle (candidates later), renomination, ice2.", "RFC 8839 5.6"),
    "ice-lite": ("This side answers checks and sends none, as servers with a public address do.", "RFC 8839 5.3"),
    "candidate": ("An address that this side may be reached at.", "RFC 8839 5.1"),
    "end-of-candidates": ("No more candidates will follow.", "RFC 8838 8.2; RFC 8840 4.4"),
    "group": ("BUNDLE: the media that share one transport, by their mid.", "RFC 9143 4"),
    "mid": ("What a medium is called in this session.", "RFC 5888 4"),
    "rtcp-mux": ("RTP and RTCP share a port.", "RFC 5761 5"),
    "rtpmap": ("Which codec a payload type stands for, its clock rate and channels.", "RFC 8866 6.6"),
    "fmtp": ("Parameters of a codec.", "RFC 8866 6.15"),
    "rtcp-fb": ("Which feedback is wanted: nack, pli, transport-cc, goog-remb.", "RFC 4585 4.2"),
    "extmap": ("Which header extension an id stands for.", "RFC 8285 5"),
    "ssrc": ("A source of RTP, and what belongs to it (cname, msid).", "RFC 5576 4.1"),
    "rid": ("A stream of a simulcast.", "RFC 8851 4"),
    "simulcast": ("Which streams of the same source are sent or wanted at once.", "RFC 8853 5.1"),
    "msid": ("Which MediaStream and track a medium belongs to.", "RFC 8830 2"),
    "sctp-port": ("The port of SCTP inside DTLS, usually 5000.", "RFC 8841 5"),
    "max-message-size": ("The largest message that this side takes on a data channel; 0: any.", "RFC 8841 6"),
    "sctp-init": ("An SCTP INIT sent ahead in the signalling, which saves two round trips.", "draft-hancke-tsvwg-snap"),
    "tls-id": ("Names a DTLS association: another one means a new handshake.", "RFC 8842 4"),
    "sendrecv": ("Media go both ways.", "RFC 8866 6.7"),
    "sendonly": ("This side sends and wants nothing back.", "RFC 8866 6.7"),
    "recvonly": ("This side only receives.", "RFC 8866 6.7"),
    "inactive": ("No media, for now.", "RFC 8866 6.7"),
    "extmap-allow-mixed": ("Header extensions of one and of two bytes may be mixed.", "RFC 8285 6"),
}
_LINES: Final[dict[str, str]] = {
    "v=": "The version of SDP: 0.",
    "o=": "Who made the session, its id and its version, which grows with each renegotiation.",
    "s=": "A name for the session; WebRTC has '-'.",
    "t=": "When the session is; '0 0' is always.",
    "c=": "The default address; 0.0.0.0 (and port 9) where candidates say it later.",
    "m=": "A medium: its kind, port (0: refused), transport and formats.",
    "b=": "A limit for the bit rate.",
}

WORDS: Final[dict[str, Word]] = {
    **{f"a={name}": Word(f"SDP a={name}", said, spec) for name, (said, spec) in _ATTRIBUTES.items()},
    **{line: Word(f"SDP {line}", said, "RFC 8866 5") for line, said in _LINES.items()},
    **{f"candidate {name}": Word(f"candidate of type {name}", said, "RFC 8445 5.1.1") for name, said in TYPES.items()},
    **{
        f"setup:{name}": Word(f"SDP a=setup:{name}", said, "RFC 8842 5.2; RFC 4145 4.1")
        for name, said in SETUPS.items()
    },
    "SNAP": Word(
        "SCTP Negotiation Acceleration Protocol",
        "Both sides signal their INIT (a=sctp-init), and data follow DTLS at once: no handshake of SCTP is seen.",
        "draft-hancke-tsvwg-snap",
    ),
    "BUNDLE": Word(
        "BUNDLE",
        "All media of a call share one transport (a=group:BUNDLE): one pair of ICE, one handshake of DTLS.",
        "RFC 9143 4",
    ),
    "offer": Word(
        "offer", "What one side wants to send and receive; nothing holds until it is answered.", "RFC 3264 5"
    ),
    "answer": Word("answer", "What the other side takes of an offer, medium by medium.", "RFC 3264 6"),
    "mDNS candidate": Word(
        "candidate with a .local name",
        "The browser hides its address behind a random name, which only hosts in the same network can resolve by "
        "multicast DNS. Elsewhere this candidate is of no use.",
        "draft-ietf-mmusic-mdns-ice-candidates",
    ),
    "THIS_IS_SDPARTA": Word("mozilla...THIS_IS_SDPARTA", "The user name in the o= line of Firefox.", "RFC 8866 5.2"),
}
