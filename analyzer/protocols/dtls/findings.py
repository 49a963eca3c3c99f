"""The lines and the verdicts of DTLS: what each means, why it is probably so, and what to do."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from analyzer.core import FindingKind, Kind, Severity
from analyzer.protocols.dtls.verdicts import code_of
from analyzer.protocols.tls.findings import ALERT_CODES, OTHER_ALERT
from analyzer.protocols.tls.findings import FINDINGS as TLS_FINDINGS
from analyzer.protocols.tls.findings import KINDS as TLS_KINDS

#: Lines that only TLS has.
_NOT_HERE: Final = frozenset(("tls.malformed",))


def _reference(spec: str) -> str:
    """A section of TLS, written out for a room whose own RFC is another."""
    return f"RFC 9846 {spec[1:]}" if spec.startswith("§") else spec


KINDS: Final[dict[str, Kind]] = {
    "dtls.hello-verify-request": Kind(
        "RFC 6347 4.2.1",
        "The server has the client send its hello again with a cookie, before it spends anything on it.",
        "HelloVerifyRequest",
    ),
    "dtls.ack": Kind("§7", "Says which records arrived, so that the others alone are sent again.", "ACK"),
    "dtls.request-connection-id": Kind("§9", "Asks the other side for more connection ids.", "RequestConnectionId"),
    "dtls.new-connection-id": Kind("§9", "Gives the other side connection ids to write to.", "NewConnectionId"),
    **{
        f"dtls.{name.removeprefix('tls.')}": Kind(_reference(kind.spec), kind.meaning, kind.label)
        for name, kind in TLS_KINDS.items()
        if name not in _NOT_HERE and not name.startswith("tls.ssl2")
    },
    "dtls.change-cipher-spec": Kind(
        "RFC 5246 7.1", "Up to DTLS 1.2: from here on this side encrypts.", "ChangeCipherSpec"
    ),
    "dtls.malformed": Kind("§4", "Bytes that break DTLS."),
}

_ALERTS: Final[dict[str, FindingKind]] = {
    code_of(code): replace(TLS_FINDINGS[code], spec=_reference(TLS_FINDINGS[code].spec))
    for code in (*ALERT_CODES.values(), OTHER_ALERT)
}

FINDINGS: Final[dict[str, FindingKind]] = {
    **_ALERTS,
    "dtls.no-answer": FindingKind(
        Severity.ERROR,
        "Nobody answered the ClientHello",
        "RFC 6347 4.2.4; RFC 9147 5.8",
        cause="The other side is not ready for DTLS, takes itself for the client too and waits, hands these datagrams "
        "to something else, or the path lets nothing through one way.",
        advice="Capture on the other side: did the ClientHello arrive? In WebRTC compare a=setup of both sides, and "
        "look whether ICE had a working pair before.",
    ),
    "dtls.first-flight-lost": FindingKind(
        Severity.NOTICE,
        "The first ClientHello was lost, and a repetition answered",
        "RFC 6347 4.2.4.1; RFC 9147 5.8.2",
        cause="The other side was not ready when it came (in WebRTC: it had no answer yet, or its checks had not "
        "succeeded), or the datagram was lost on the way.",
        advice="Let the side that waits keep early datagrams until it is ready. A shorter first timer helps too.",
    ),
    "dtls.role-conflict": FindingKind(
        Severity.ERROR,
        "Both ends take themselves for the client",
        "RFC 8842 5; RFC 4145 4",
        cause="a=setup was handled wrongly: both ended up active. An offer says actpass, the answer active or passive.",
        advice="Compare a=setup in offer and answer with who sent the ClientHello.",
    ),
    "dtls.hello-verify-loop": FindingKind(
        Severity.WARNING,
        "The server asks for a cookie again and again",
        "RFC 6347 4.2.1",
        cause="The cookie that came back does not fit: the client's address changes between its hellos (a NAT), its "
        "hellos reach different servers (a load balancer), or the client does not send the cookie back as it was.",
        advice="Compare the cookies and the client's address as the server sees it; bind clients to one server.",
    ),
    "dtls.no-srtp-profile": FindingKind(
        Severity.WARNING,
        "No profile of SRTP was agreed on",
        "RFC 5764 4.1",
        cause="The two sides have no profile in common, or the server does no SRTP: no media can follow.",
        advice="Compare the profiles that were offered with those of the server's configuration.",
    ),
    "dtls.restart-unexpected": FindingKind(
        Severity.NOTICE,
        "A new handshake begins where a connection was at work",
        "RFC 8842 3",
        cause="The peer was restarted, or lost its state; or signalling agreed on a new association (a=tls-id).",
        advice="Look in the signalling whether tls-id or fingerprint changed; if not, look why the peer began anew.",
    ),
    "dtls.13-ack-missing": FindingKind(
        Severity.WARNING,
        "The client's Finished is not acknowledged",
        "§7",
        cause="The server's ACK is lost, or the server does not send one, as it must in DTLS 1.3.",
        advice="Look for records of the server at that time: if it sends data, the ACK alone is missing.",
    ),
    "dtls.fragment-missing": FindingKind(
        Severity.WARNING,
        "A piece of a handshake message never arrives",
        "RFC 6347 4.2.3; RFC 9147 5.5",
        cause="The datagrams with this piece are lost each time: they are too large for the path, or filtered.",
        advice="Lower the MTU that DTLS uses, or make the flight smaller: an ECDSA certificate, a shorter chain.",
    ),
    "dtls.flight-too-big": FindingKind(
        Severity.WARNING,
        "Large datagrams of a flight do not get through",
        "RFC 6347 4.1.1.1; RFC 9147 4.4",
        cause="The path takes no datagrams of this size (a tunnel, a VPN, a small MTU), or drops IP fragments.",
        advice="Lower the MTU that DTLS uses; use an ECDSA certificate, a shorter chain, or no post-quantum share.",
    ),
    "dtls.silent-discard": FindingKind(
        Severity.WARNING,
        "One side sends its flight again and again, and the other is silent",
        "RFC 6347 4.1.2.7; RFC 9147 4.5.2",
        cause="DTLS drops without a word what it can't verify: records of other keys or another epoch, repetitions. Or "
        "the other side has gone, or its answers are lost.",
        advice="Look into the logs of the silent side; capture there: do the records arrive? With its keys they open.",
    ),
    "dtls.cid-needed": FindingKind(
        Severity.WARNING,
        "The client's port changed, and its records are not recognised",
        "RFC 9146 1",
        cause="A NAT on the way forgot the mapping and made another. Without a connection id the server can't tell "
        "whose records these are.",
        advice="Use connection ids (RFC 9146), send something often enough to keep the mapping, or begin anew.",
    ),
    "dtls.in-stun": FindingKind(
        Severity.INFO,
        "The handshake is carried in connectivity checks",
        "draft-hancke-webrtc-sped",
        cause="By design (SPED): DTLS begins with the first check, and need not wait until a pair of candidates works.",
        advice="Nothing is to be done. It saves up to two round trips; a peer that does not know it does the handshake "
        "after the checks, as ever.",
    ),
    "dtls.version-old": FindingKind(
        Severity.WARNING,
        "DTLS 1.0 was negotiated, which must not be used any more",
        "RFC 8996; RFC 8827 6.5",
        cause="One side knows nothing newer, or has DTLS 1.2 turned off.",
        advice="Update that side, or allow DTLS 1.2 there.",
    ),
}
