"""What `analyzer explain` knows of RTP and RTCP: payload types, packet types, feedback, and words of reports."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word
from analyzer.protocols.rtp import names

#: packet type -> what it says, and where.
PACKETS: Final = {
    192: ("Old: asks for a whole picture (H.261). FIR of RFC 5104 has taken its place.", "RFC 2032 5.2.1"),
    193: ("Old: blocks of a picture are missing (H.261). NACK of RFC 4585 has taken its place.", "RFC 2032 5.2.2"),
    195: ("Jitter as it was before the network: how evenly packets were sent.", "RFC 5450"),
    200: (
        "What a sender has sent, the time of its clock beside its timestamps, and what it received.",
        "RFC 3550 6.4.1",
    ),
    201: ("What a receiver has got of each source: share lost, highest number, jitter.", "RFC 3550 6.4.2"),
    202: ("Who is behind an SSRC: CNAME and the like.", "RFC 3550 6.5"),
    203: ("A source leaves.", "RFC 3550 6.6"),
    204: ("Defined by an application; four letters say by which.", "RFC 3550 6.7"),
    205: ("Feedback on packets: NACK, transport-wide congestion control and others by its format.", "RFC 4585 6.2"),
    206: ("Feedback on pictures: PLI, FIR, REMB and others by its format.", "RFC 4585 6.3"),
    207: ("Measurements beyond the reports: loss packet by packet, VoIP metrics.", "RFC 3611"),
    208: ("Of audio and video bridging.", "IEEE 1733"),
    209: ("A summary of what many receivers reported.", "RFC 5760"),
    210: ("A token for the port of a multicast receiver.", "RFC 6284"),
    211: ("Times at which receivers present media, for keeping them in step.", "RFC 7272"),
    212: ("Groups sources whose reports are the same.", "RFC 8861"),
    213: ("Of retransmissions for multicast.", "RFC 7509"),
}
FORMATS: Final = {
    "NACK": ("Generic negative acknowledgement: these packets have not come.", "RFC 4585 6.2.1"),
    "TMMBR": ("Temporary maximum media bit rate: asks to send at most so fast.", "RFC 5104 4.2.1"),
    "TMMBN": ("Tells which limits of the bit rate hold.", "RFC 5104 4.2.2"),
    "TWCC": (
        "Transport-wide congestion control: which packets came when, by a number in a header extension.",
        "draft-holmer-rmcat-transport-wide-cc-extensions-01",
    ),
    "CCFB": ("Congestion control feedback: which packets came when, with ECN marks.", "RFC 8888 3.1"),
    "PLI": ("Picture loss indication: the receiver can't decode and asks for a whole picture.", "RFC 4585 6.3.1"),
    "SLI": ("Slice loss indication: parts of a picture are missing.", "RFC 4585 6.3.2"),
    "RPSI": ("Reference picture selection: a picture that the receiver has.", "RFC 4585 6.3.3"),
    "FIR": ("Full intra request: a whole picture now, as for somebody who joins.", "RFC 5104 4.3.1"),
    "REMB": (
        "Receiver estimated maximum bitrate: what the receiver thinks the path takes.",
        "draft-alvestrand-rmcat-remb-03",
    ),
}
TERMS: Final = {
    "SSRC": ("A 32-bit number, drawn at random, for one source of media: one run of sequence numbers.", "RFC 3550 3"),
    "CSRC": ("An SSRC whose media a mixer has put into this packet.", "RFC 3550 3"),
    "CNAME": (
        "A name that stays when an SSRC changes, and ties audio and video of one sender together.",
        "RFC 3550 6.5.1",
    ),
    "jitter": (
        "How unevenly packets come: a running mean of how much their spacing differs from the sender's, in its clock.",
        "RFC 3550 6.4.1",
    ),
    "rtcp-mux": ("RTP and RTCP on one port, told apart by the second byte.", "RFC 5761 4"),
    "RTX": ("Lost packets sent again, in a stream of their own with its own SSRC and payload type.", "RFC 4588"),
    "simulcast": ("The same picture sent in several sizes at once, as streams of their own.", "RFC 8853"),
    "SRTP": ("RTP encrypted and authenticated; headers stay in clear.", "RFC 3711 3.1"),
    "opus": ("Voice and music, 6 to 510 kbit/s; every WebRTC endpoint has it.", "RFC 6716; RFC 7587"),
    "VP8": ("Video; every WebRTC browser has it.", "RFC 6386; RFC 7741"),
    "VP9": ("Video, with layers that a server can leave out.", "RFC 9628"),
    "H264": ("Video (AVC); every WebRTC browser has it.", "RFC 6184"),
    "AV1": ("Video.", "RTP Payload Format For AV1"),
    "telephone-event": ("Keys that were pressed (DTMF), as events in place of tones.", "RFC 4733 2"),
    "CN": ("Comfort noise: how loud the background is while nobody speaks.", "RFC 3389"),
    "red": ("Redundancy: a packet carries the one before it once more, or FEC.", "RFC 2198"),
    "ulpfec": ("Forward error correction: from these packets lost ones can be worked out.", "RFC 5109"),
    "flexfec-03": ("Forward error correction in a stream of its own.", "RFC 8627"),
    "DTLS-SRTP": ("Keys for SRTP from a DTLS handshake on the same path.", "RFC 5764 4.2"),
}


def _words() -> dict[str, Word]:
    found: dict[str, Word] = {}
    for kind, (name, rate, medium) in names.STATIC.items():
        meaning = f"Static payload type of {medium}, timestamps at {rate:,} Hz."
        found[f"payload type {kind}"] = Word(f"{name}: RTP payload type {kind}", meaning, "RFC 3551 6")
    found["payload type 96"] = Word(
        "dynamic: RTP payload types 96 to 127",
        "Signalling (a=rtpmap of SDP) says what they stand for; since all are in use by some, also 35 to 63.",
        "RFC 3551 3",
    )
    for kind, (meaning, spec) in PACKETS.items():
        name = names.PACKETS[kind][0]
        found[f"RTCP {name}"] = Word(f"{name}: RTCP packet type {kind}", meaning, spec)
    for name, (meaning, spec) in FORMATS.items():
        found[name] = Word(f"{name}: RTCP feedback", meaning, spec)
    for name, (meaning, spec) in TERMS.items():
        found[name] = Word(name, meaning, spec)
    return found


WORDS: Final = _words()
