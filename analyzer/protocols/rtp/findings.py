"""The lines and the verdicts of RTP and RTCP: what each means, why it is probably so, and what to do."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity

KINDS: Final[dict[str, Kind]] = {
    "rtp.stream": Kind(
        "§5.1",
        "All packets that one sender sent with one SSRC, told where the first of them was captured: how many, how many "
        "are missing by their sequence numbers, and how evenly they came.",
        "RTP",
    ),
    "rtp.payload-type": Kind(
        "§5.1",
        "Within a stream, packets of another payload type, told at the first: another codec, comfort noise, key tones.",
        "RTP",
    ),
    "rtcp.sender-report": Kind(
        "§6.4.1", "What a sender has sent so far, its clock, and what it received from others.", "RTCP SR"
    ),
    "rtcp.receiver-report": Kind("§6.4.2", "What a receiver has got: loss since the last report, jitter.", "RTCP RR"),
    "rtcp.source-description": Kind("§6.5", "Who is behind an SSRC: a name that stays when the SSRC changes.", "SDES"),
    "rtcp.bye": Kind("§6.6", "These sources leave.", "RTCP BYE"),
    "rtcp.app": Kind("§6.7", "Defined by an application.", "RTCP APP"),
    "rtcp.nack": Kind("RFC 4585 6.2.1", "These packets have not come; send them again.", "NACK"),
    "rtcp.tmmbr": Kind("RFC 5104 4.2.1", "Asks to send at most so fast.", "TMMBR"),
    "rtcp.tmmbn": Kind("RFC 5104 4.2.2", "Says which limit of the rate holds.", "TMMBN"),
    "rtcp.twcc": Kind(
        "draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "Which packets came and when, for the sender to find out how fast it may send.",
        "TWCC",
    ),
    "rtcp.ccfb": Kind("RFC 8888 3.1", "Which packets came and when, with ECN marks.", "CCFB"),
    "rtcp.pli": Kind(
        "RFC 4585 6.3.1", "The receiver can't decode what it has: it asks for a whole picture (key frame).", "PLI"
    ),
    "rtcp.sli": Kind("RFC 4585 6.3.2", "Parts of a picture are lost.", "SLI"),
    "rtcp.rpsi": Kind("RFC 4585 6.3.3", "Names a picture that the receiver has.", "RPSI"),
    "rtcp.fir": Kind("RFC 5104 4.3.1", "Commands a whole picture (key frame), as for somebody who joins.", "FIR"),
    "rtcp.remb": Kind("draft-alvestrand-rmcat-remb-03", "The rate that the receiver thinks the path can take.", "REMB"),
    "rtcp.application-feedback": Kind("RFC 4585 6.4", "Feedback defined by an application.", "AFB"),
    "rtcp.extended-report": Kind("RFC 3611 2", "More measurements than the reports have room for.", "RTCP XR"),
    "rtcp.encrypted": Kind(
        "RFC 3711 3.4", "SRTCP without keys: only the head of the first packet of each is in clear.", "SRTCP"
    ),
    "srtp.opened": Kind(
        "RFC 3711 3.3", "Packets of this sender prove authentic with the keys of the DTLS handshake (RFC 5764).", "SRTP"
    ),
}

FINDINGS: Final[dict[str, FindingKind]] = {
    "rtp.loss": FindingKind(
        Severity.NOTICE,
        "Many packets of a stream are missing",
        "§A.3",
        cause="They were lost between sender and capture, or the capture itself dropped them.",
        advice="Compare with the receiver's reports and a capture at the sender; look at drops of the capture.",
    ),
    "rtp.gap": FindingKind(
        Severity.NOTICE,
        "A stream lacks many packets in a row",
        "§A.1",
        cause="The path was down for a while, a handover or a route change, or the capture paused.",
        advice="Look at what else is missing in the same seconds: if all is, it was the capture.",
    ),
    "rtp.one-way": FindingKind(
        Severity.NOTICE,
        "Media in one direction only",
        "RFC 6263 3",
        cause="A firewall or NAT lets nothing back, the address in the signalling is wrong, or one side only listens.",
        advice="Is the other side meant to send (a=sendrecv)? Then compare where it was told to send with this flow.",
    ),
    "rtp.none-after-dtls": FindingKind(
        Severity.NOTICE,
        "DTLS-SRTP is up, and one side sends no media",
        "RFC 8834 4.1",
        cause="It has no track or only receives; or its media are dropped, or take another path.",
        advice="Look at the direction in the SDP (sendrecv, recvonly), and at tracks muted or never added.",
    ),
    "rtp.ssrc-collision": FindingKind(
        Severity.WARNING,
        "Both sides send with the same SSRC",
        "§8.2",
        cause="Packets are looped back to where they came from, or both have picked the same number.",
        advice="Same payload, too? Then it is a loop: look for a mixer or a reflector. Else one side must change it.",
    ),
    "rtcp.no-feedback": FindingKind(
        Severity.NOTICE,
        "The receiver of media reports nothing",
        "RFC 5761 5",
        cause="Its reports go to another port (rtcp-mux was not agreed on by both), are dropped, or it sends none.",
        advice="Compare a=rtcp-mux in offer and answer; look for RTCP on the next higher port.",
    ),
    "rtcp.reported-loss": FindingKind(
        Severity.NOTICE,
        "A receiver reports that it loses packets",
        "§6.4.1",
        cause="The path to the receiver is congested or bad: behind this capture, if nothing is missing here.",
        advice="Compare with what is missing here; a lower bit rate, or what repairs (NACK, FEC) may help.",
    ),
    "srtp.auth-fail": FindingKind(
        Severity.ERROR,
        "SRTP packets do not fit the keys of the handshake",
        "RFC 3711 3.3",
        cause="The keys are of another handshake, rollover counters differ, or packets were changed on the way.",
        advice="Is there a later DTLS handshake on this path, or a middlebox that changes RTP? Receivers drop these.",
    ),
}
