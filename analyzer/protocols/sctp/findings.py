"""Lines and verdicts of SCTP."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity
from analyzer.protocols.sctp.names import CHUNKS

KINDS: Final[dict[str, Kind]] = {
    **{f"sctp.{name}": Kind(spec, said, name.upper()) for name, said, spec in CHUNKS.values()},
    "sctp.chunk": Kind("§3.2", "A chunk of a type that has no name here."),
    "sctp.malformed": Kind("§3.2", "A packet or chunk that breaks SCTP."),
}

FINDINGS: Final[dict[str, FindingKind]] = {
    "sctp.init-unanswered": FindingKind(
        Severity.ERROR,
        "Nobody answers the request for an SCTP association",
        "§5.1, 16",
        cause="The other side has not started SCTP, has it on another port, or awaits it in the signalling (SNAP).",
        advice="Compare a=sctp-port on both sides; see whether the other side had finished DTLS.",
    ),
    "sctp.stale-cookie": FindingKind(
        Severity.WARNING,
        "The cookie came back too late",
        "§3.3.10.3, 5.2.6, 16",
        cause="The COOKIE ECHO took longer than the cookie lives, 60 s by default; or a clock jumped.",
        advice="Look for what held it up: loss, a path that died, a host that slept.",
    ),
    "sctp.abort": FindingKind(
        Severity.ERROR,
        "One side aborted the association",
        "§3.3.7, 3.3.10, 9.1",
        cause="The cause in the chunk says what it did not like; without one it could not go on.",
        advice="Look at the chunk right before it from the other side, and at the log of the side that aborted.",
    ),
    "sctp.user-abort": FindingKind(
        Severity.INFO,
        "The application closed the association",
        "§3.3.10.12",
        cause="By design: close() of a peer connection ends SCTP by an ABORT with this cause.",
        advice="Nothing, if the application meant to close.",
    ),
    "sctp.bad-checksum": FindingKind(
        Severity.WARNING,
        "The checksum of an SCTP packet is wrong",
        "§6.8; RFC 9653 5",
        cause="Checksums left to the network card, on the host that sends; a zero checksum that was not agreed on; or "
        "bytes changed on the way.",
        advice="Capture at the receiver: it drops such packets. For zero checksums both sides have to offer them.",
    ),
    "sctp.bad-vtag": FindingKind(
        Severity.WARNING,
        "A packet has a verification tag of another association",
        "§8.5",
        cause="A peer that has restarted, or packets of an association that is gone.",
        advice="See whether one side began anew; the receiver drops such packets.",
    ),
    "sctp.init-collision": FindingKind(
        Severity.INFO,
        "Both sides asked for the association",
        "§5.2.1; RFC 8841 9.3",
        cause="By design: in WebRTC both sides may send an INIT, and one association comes of it.",
        advice="Nothing.",
    ),
    "sctp.peer-failed": FindingKind(
        Severity.ERROR,
        "Data was sent again and again, and never acknowledged",
        "§8.1, 6.3.3",
        cause="The path died, or the other side is gone.",
        advice="Look at what happened right before the first of them: a change of network, an ICE consent that ended.",
    ),
    "sctp.rwnd-zero": FindingKind(
        Severity.NOTICE,
        "The receiver has no room for more data",
        "§6.2.1",
        cause="Its application reads more slowly than the other side sends.",
        advice="Send less at once: look at bufferedAmount before send().",
    ),
    "sctp.stream-out-of-range": FindingKind(
        Severity.ERROR,
        "Data was sent on a stream that does not exist",
        "§3.3.10.1",
        cause="More data channels than streams were agreed on.",
        advice="Open fewer channels, or negotiate more streams.",
    ),
    "sctp.unsupported-chunk": FindingKind(
        Severity.WARNING,
        "The other side does not know a type of chunk",
        "§3.3.10.6",
        cause="An extension (FORWARD-TSN, I-DATA, RE-CONFIG) is used though the other side did not offer it.",
        advice="Compare supported_extensions of INIT and INIT ACK.",
    ),
}
