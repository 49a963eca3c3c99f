"""SDP as signalling carries it: offers, answers, candidates (RFC 8866, RFC 8839, RFC 9429)."""

from __future__ import annotations

from analyzer import core
from analyzer.protocols.sdp.carriers import probe
from analyzer.protocols.sdp.dissector import Sdp
from analyzer.protocols.sdp.names import WORDS

KINDS = {
    "sdp.offer": core.Kind("RFC 9429 4.1.8", "One side says what it wants to send and receive, and how.", "offer"),
    "sdp.answer": core.Kind("RFC 9429 4.1.8", "The other side says what it takes of that.", "answer"),
    "sdp.pranswer": core.Kind("RFC 9429 4.1.10.1", "An answer that another one will replace.", "provisional answer"),
    "sdp.candidate": core.Kind("RFC 8838 4", "One more address that this side may be reached at.", "candidate"),
    "sdp.malformed": core.Kind("§5", "A description that can't be read."),
}

PROTOCOL = core.Protocol(
    "sdp",
    "SDP",
    "RFC 8866",
    ("websocket", "http", "sip"),
    KINDS,
    {},
    probe,
    Sdp,
    words=WORDS,
)
