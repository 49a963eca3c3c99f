"""What is wrong with the capture itself: said first, since it lowers what may be said of anything else."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, FindingKind, Place, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from analyzer.core import Capture, Flow, Problem, Story, TcpSummary

FINDINGS: Final[dict[str, FindingKind]] = {
    "capture.one-direction": FindingKind(
        Severity.NOTICE,
        "Connections of which only one direction was captured",
        "",
        cause="A mirror port that copies one direction, an asymmetric route past the capture point, or a "
        "capture filter "
        "that names one host as source only.",
        advice="Capture on one of the hosts, or mirror both directions.",
    ),
    "capture.started-late": FindingKind(
        Severity.NOTICE,
        "Connections that began before the capture",
        "",
        cause="The capture was started while they were open.",
        advice="Start the capture first, then reproduce: what was agreed at the beginning is not here.",
    ),
    "capture.drops": FindingKind(
        Severity.NOTICE,
        "The capture lost packets",
        "",
        cause="The capturing host was too slow, or its buffer too small; or a mirror port was overloaded.",
        advice="Use a larger buffer (dumpcap -B), a filter or a snapshot length; capture to a fast disk.",
    ),
    "capture.duplicates": FindingKind(
        Severity.INFO,
        "Packets were captured twice",
        "",
        cause='The capture is of all interfaces ("any"), or a mirror port copies both ends of the same path.',
        advice="Nothing: the copies are recognised and left out of the counts of retransmissions.",
    ),
    "capture.offload": FindingKind(
        Severity.INFO,
        "Segments larger than the network carries",
        "",
        cause="Captured on a host whose network card cuts and joins segments (TSO, GSO, GRO, LRO), or on a loopback.",
        advice="Nothing, unless packet sizes matter: then turn offloading off (ethtool -K) or capture on the wire.",
    ),
    "capture.truncated": FindingKind(
        Severity.NOTICE,
        "The capture is cut short",
        "",
        cause="A snapshot length shorter than the packets; or the disk was full, or the file is still being written.",
        advice="Capture with snapshot length 0 (tcpdump -s 0); copy the file after the capture has ended.",
    ),
    "capture.clock-step": FindingKind(
        Severity.NOTICE,
        "Time goes backwards in the capture",
        "",
        cause="The clock of the capturing host was set while it ran (NTP), or files of several hosts were put "
        "together.",
        advice="Don't trust intervals across that frame; reordercap puts packets in order where files were merged.",
    ),
    "ip.fragment-lost": FindingKind(
        Severity.NOTICE,
        "Fragments of IP datagrams are missing",
        "RFC 8900 3; RFC 791 3.2; RFC 8200 4.5",
        cause="Firewalls and NATs drop fragments; or one of them was lost, and with it the whole datagram.",
        advice="Send datagrams that fit the path's MTU; look for boxes on the way that drop fragments.",
    ),
}

EVIDENCE: Final = 20
FEW_PACKETS: Final = 5  # a flow of fewer tells nothing of directions
MOST: Final = 0.9
MANY_DUPLICATES: Final = 0.05


def capture_findings(capture: Capture, flows: Iterable[Flow], stories: Iterable[Story]) -> Iterator[Finding]:
    """Verdicts about the whole capture, in the order of the catalogue."""
    talks = [(flow, flow.tcp) for flow in flows if flow.tcp is not None]
    yield from one_direction(talks)
    yield from started_late(talks)
    yield from drops(capture, talks, stories)
    yield from duplicates(capture, talks)
    if capture.oversize_frames:
        number = capture.oversize_frames
        text = (
            f"{number:,} of {capture.frames:,} frames {'is' if number == 1 else 'are'} larger than any Ethernet packet."
        )
        yield Finding("capture.offload", text, nowhere(capture))
    yield from truncated(capture)
    if capture.clock_steps:
        text = (
            f"Time goes back {capture.clock_steps:,} time{'s' if capture.clock_steps > 1 else ''}, by up to "
            f"{capture.clock_step_ns / 1e9:.3f} s; first at frame {capture.clock_step_frame}."
        )
        yield Finding("capture.clock-step", text, at_frames([capture.clock_step_frame], capture.first_ns))
    yield from lost_fragments(capture)


def one_direction(talks: list[tuple[Flow, TcpSummary]]) -> Iterator[Finding]:
    spoken = [(flow, tcp) for flow, tcp in talks if sum(flow.packets) >= FEW_PACKETS]
    alone = [flow for flow, tcp in spoken if is_alone(flow, tcp)]
    if not alone:
        return
    text = f"Of {len(spoken):,} TCP connections with {FEW_PACKETS} packets or more, {len(alone):,} show one side only."
    yield Finding(
        "capture.one-direction",
        text,
        [first_frame(flow) for flow in alone[:EVIDENCE]],
        severity=Severity.WARNING if len(alone) >= MOST * len(spoken) else None,
    )


def is_alone(flow: Flow, tcp: TcpSummary) -> bool:
    """Whether the other side must have answered and yet is not there: a SYN without answer is not that."""
    if flow.packets[0] and flow.packets[1]:
        return False
    return not flow.packets[0] or flow.packets[0] > 1 + tcp.syn_retransmits


def started_late(talks: list[tuple[Flow, TcpSummary]]) -> Iterator[Finding]:
    late = [flow for flow, tcp in talks if tcp.syn is None and tcp.syn_ack is None and tcp.payload_bytes != (0, 0)]
    if late:
        text = f"{len(late):,} of {len(talks):,} TCP connections have no SYN in the capture."
        limits = "A capture filter that leaves out SYNs, or packets lost at the start, look the same."
        yield Finding("capture.started-late", text, [first_frame(flow) for flow in late[:EVIDENCE]], limits=limits)


def drops(capture: Capture, talks: list[tuple[Flow, TcpSummary]], stories: Iterable[Story]) -> Iterator[Finding]:
    dropped = sum(interface.dropped or 0 for interface in capture.interfaces)
    lossy = lost_by_flow(talks)
    if not dropped and not lossy:
        return
    said = []
    if dropped:
        said.append(f"the capturing host says that it lost {dropped:,} packet{'s' if dropped > 1 else ''}")
    if lossy:
        said.append(
            f"{sum(lossy.values()):,} bytes of {len(lossy):,} TCP connection{'s' if len(lossy) > 1 else ''} were "
            "acknowledged by their receiver and are not here"
        )
    text = "; ".join(said)
    gaps = (note.at for story in stories if story.flow.id in lossy for note in story.notes if note.kind == "tcp.gap")
    firsts = (first_frame(flow) for flow, _ in talks if flow.id in lossy)
    yield Finding(
        "capture.drops",
        f"{text[0].upper()}{text[1:]}.",
        list(islice(gaps, EVIDENCE)) or list(islice(firsts, EVIDENCE)) or nowhere(capture),
        severity=Severity.WARNING if dropped and lossy else None,
    )


def lost_by_flow(talks: list[tuple[Flow, TcpSummary]]) -> dict[int, int]:
    """Bytes that the capture lacks, by flow id, where both directions were captured."""
    lost = {flow.id: sum(tcp.lost_bytes) for flow, tcp in talks if flow.packets[0] and flow.packets[1]}
    return {flow: size for flow, size in lost.items() if size}


def duplicates(capture: Capture, talks: list[tuple[Flow, TcpSummary]]) -> Iterator[Finding]:
    twice = [flow for flow, tcp in talks if tcp.duplicates != (0, 0)]
    if twice:
        number = sum(sum(tcp.duplicates) for _, tcp in talks)
        text = f"{number:,} TCP segment{'s' if number > 1 else ''} of {capture.frames:,} frames came twice, unchanged."
        many = number >= MANY_DUPLICATES * capture.frames
        yield Finding(
            "capture.duplicates",
            text,
            [first_frame(flow) for flow in twice[:EVIDENCE]],
            severity=Severity.NOTICE if many else None,
        )


def truncated(capture: Capture) -> Iterator[Finding]:
    said = []
    if capture.cut_frames:
        number = capture.cut_frames
        said.append(f"{number:,} of {capture.frames:,} frames {'is' if number == 1 else 'are'} not there in full")
    ends = coded(capture, "capture.truncated")
    said += [problem.text for problem in ends[:3]]
    if said:
        text = "; ".join(said)
        frames = [problem.frame for problem in ends[:EVIDENCE] if problem.frame]
        yield Finding("capture.truncated", f"{text[0].upper()}{text[1:]}.", at_frames(frames, capture.last_ns))


def lost_fragments(capture: Capture) -> Iterator[Finding]:
    lost = coded(capture, "ip.fragment-lost")
    if lost:
        more = f" {len(lost) - 1:,} more are in the same case." if len(lost) > 1 else ""
        frames = [problem.frame for problem in lost[:EVIDENCE] if problem.frame]
        yield Finding("ip.fragment-lost", f"{lost[0].text}.{more}", at_frames(frames, capture.last_ns))


def coded(capture: Capture, code: str) -> list[Problem]:
    return [problem for problem in capture.problems if problem.code == code]


def first_frame(flow: Flow) -> Place:
    return at_frames([flow.first_frame], flow.first_ns)


def at_frames(frames: list[int], time_ns: int) -> Place:
    """Whole frames as evidence: no byte of them says more than the others."""
    return Place(tuple(Span(frame, 0, 0) for frame in frames), time_ns)


def nowhere(capture: Capture) -> Place:
    return Place((), capture.first_ns)
