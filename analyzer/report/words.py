"""How the readable reports put things into words: durations, frames, what a capture covers, what a session took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Outcome, Severity, Side
from analyzer.report import ink

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from analyzer import core

#: Worst first.
SEVERITIES: Final = (Severity.ERROR, Severity.WARNING, Severity.NOTICE, Severity.INFO)
#: Phases that are no part of the set-up: the use of a session, and its end.
AFTER_SET_UP: Final = frozenset({"open", "close"})
RANK: Final = {severity: rank for rank, severity in enumerate(SEVERITIES)}
#: Letters of a history that one side writes when nobody answers.
ALONE: Final = frozenset("srt")
SHOWN: Final = frozenset({Severity.ERROR, Severity.WARNING})
SEVERITY_STYLE: Final = {
    Severity.ERROR: ink.BAD,
    Severity.WARNING: ink.DOUBTFUL,
    Severity.NOTICE: ink.TOLD,
    Severity.INFO: ink.FAINT,
}
OUTCOME_STYLE: Final = {
    Outcome.ESTABLISHED: ink.GOOD,
    Outcome.FAILED: ink.BAD,
    Outcome.UNANSWERED: ink.BAD,
    Outcome.PARTIAL: ink.DOUBTFUL,
    Outcome.OPEN: ink.TOLD,
}


def duration(ns: int) -> str:
    """Three digits or so, in the unit that a person would choose: `0.042 ms`, `19.5 ms`, `3.02 s`, `2 min 5 s`."""
    if ns < 0:
        return "-" + duration(-ns)
    seconds = ns / 1e9
    if ns < 999_500_000:
        return f"{digits(ns / 1e6)} ms"
    if seconds < 119.5:
        return f"{digits(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def digits(number: float) -> str:
    if number == 0:
        return "0"
    places = 3 if number < 0.0995 else 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{places}f}"


def count(number: int, one: str, many: str = "") -> str:
    """`1 frame`, `1,204 frames`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def frames(numbers: Sequence[int]) -> str:
    """`frame 4`, `frames 4 and 6`, `frames 26 to 267`; nothing where there are none."""
    if not numbers:
        return ""
    if len(numbers) == 1:
        return f"frame {numbers[0]}"
    if len(numbers) <= 3:
        return f"frames {listed([str(number) for number in numbers])}"
    return f"frames {numbers[0]} to {numbers[-1]}"


def number_of(session: int) -> int:
    """The number by which people call a session: tables count from 1, as frames do; `id` in JSON from 0."""
    return session + 1


def place(finding: core.Verdict) -> str:
    """Where the evidence is: `session 1, frames 4 and 6`."""
    whose = "the capture" if finding.session is None else f"session {number_of(finding.session)}"
    return ", ".join(word for word in (whose, frames(finding.frames)) if word)


def ordered(findings: Iterable[core.Verdict]) -> list[core.Verdict]:
    """Worst first, then as they happened."""
    return sorted(findings, key=lambda finding: (RANK[finding.severity], finding.id))


def counted(findings: Iterable[core.Verdict]) -> dict[Severity, int]:
    sums = dict.fromkeys(SEVERITIES, 0)
    for finding in findings:
        sums[finding.severity] += 1
    return sums


def names_of_files(capture: core.Capture) -> str:
    names = [file.name for file in capture.files]
    return names[0] if len(names) == 1 else count(len(names), "file") if names else "no file"


def header(report: core.Report) -> list[str]:
    """What was captured, and how much of it: the parts of the first line."""
    capture = report.capture
    parts = [names_of_files(capture), count(capture.frames, "frame")]
    if capture.frames:
        parts.append(duration(capture.last_ns - capture.first_ns))
    parts += [", ".join(covered(report))] if covered(report) else []
    return parts


def covered(report: core.Report) -> list[str]:
    """What the capture has of its TCP connections, and what it lacks: what may be concluded from it depends on that."""
    said = []
    flows = [flow for flow in report.flows if flow.tcp is not None]
    if flows:
        mute = sum(1 for flow in flows if not all(flow.packets))
        deaf = sum(1 for flow in flows if flow.tcp is not None and not all(flow.packets) and spoke(flow.tcp))
        late = sum(1 for flow in flows if flow.tcp is not None and flow.tcp.syn is None)
        lost = sum(sum(flow.tcp.lost_bytes) for flow in flows if flow.tcp is not None)
        connections = count(len(flows), "TCP connection")
        if deaf:
            said.append(
                f"one direction only in {deaf:,} of {connections}" if deaf < len(flows) else "one direction only"
            )
        elif mute < len(flows):
            said.append("both directions")
        if late:
            whose = f"{late:,}" if deaf and deaf < len(flows) else f"{late:,} of {connections}"
            said.append(f"{whose} without the beginning" if late < len(flows) else "no beginning")
        else:
            said.append("from the first SYN")
        said.append(f"{count(lost, 'byte')} missing" if lost else "nothing lost")
    dropped = sum(interface.dropped or 0 for interface in report.capture.interfaces)
    if dropped:
        said.append(f"{count(dropped, 'packet')} dropped while capturing")
    if report.capture.cut_frames:
        said.append(f"{count(report.capture.cut_frames, 'frame')} cut short")
    if report.capture.undecoded_frames:
        said.append(f"{count(report.capture.undecoded_frames, 'frame')} not decoded")
    return said


def spoke(tcp: core.TcpSummary) -> bool:
    """Whether there was more than a SYN or RST: a SYN without an answer has one direction, and nothing is missing."""
    return tcp.syn is None or not set(tcp.history.lower()) <= ALONE


def problem(found: core.Problem) -> str:
    """What is wrong with the capture, and where."""
    where = [found.file or ""]
    if found.offset is not None:
        where.append(f"byte {found.offset:,}")
    if found.frame is not None:
        where.append(f"frame {found.frame}")
    spot = ", ".join(word for word in where if word and word not in found.text)
    return f"{found.text} ({spot})" if spot else found.text


def main_flow(session: core.Session, flows: Mapping[int, core.Flow]) -> core.Flow | None:
    """The flow that shows what the session is about: its first TCP connection, or else what its flows led to."""
    own = [flows[flow] for flow in session.flows if flow in flows]
    return next((flow for flow in own if flow.tcp is not None), own[-1] if own else None)


def set_up(session: core.Session) -> list[core.Phase]:
    """The phases until the session could be used, by their beginning; those of its use and its end are left out."""
    phases = [phase for phase in session.phases if phase.name not in AFTER_SET_UP]
    return sorted(phases, key=lambda phase: phase.start_ns)


def set_up_ns(session: core.Session) -> int | None:
    """From the beginning of the first phase to the end of the last; None where there was none or it did not succeed."""
    phases = set_up(session)
    if not phases or any(phase.outcome != Outcome.ESTABLISHED for phase in phases):
        return None
    return max(phase.end_ns for phase in phases) - phases[0].start_ns


def round_trips(session: core.Session) -> int | None:
    known = [phase.round_trips for phase in set_up(session) if phase.round_trips is not None]
    return sum(known) if known else None


def breakdown(session: core.Session, flow: core.Flow | None) -> list[str]:
    """Sentences on where the time of the set-up went; none where there is only one phase to tell of."""
    total, phases = set_up_ns(session), set_up(session)
    if total is None or len(phases) < 2:
        return []
    covered_ns, reached = 0, 0
    parts = []
    for phase in phases:
        covered_ns += max(0, phase.end_ns - max(phase.start_ns, reached))
        reached = max(reached, phase.end_ns)
        parts.append(f"{phase.name} {duration(phase.end_ns - phase.start_ns)}")
    if total - covered_ns > total // 100:
        parts.append(f"between them {duration(total - covered_ns)}")
    name = f"session {number_of(session.id)} ({session.kind})"
    said = [f"Set-up of {name}, {duration(total)}:  {' · '.join(parts)}"]
    trips = round_trips(session)
    tcp = flow.tcp if flow is not None else None
    if trips and tcp is not None and tcp.initial_rtt_ns:
        network = min(trips * tcp.initial_rtt_ns, total)
        sentence = (
            f"The network took {duration(network)} of it "
            f"({count(trips, 'round trip')} of {duration(tcp.initial_rtt_ns)})"
        )
        said.append(sentence + thinking(session, tcp) + ".")
    return said


def thinking(session: core.Session, tcp: core.TcpSummary) -> str:
    """How long each end took to go on, the network's share taken off: what the handshake shows between the same two.

    The capture point may be anywhere: from SYN to SYN-ACK is the way to the server and back, from there to the ACK the
    way to the client and back.
    """
    if tcp.syn_ns is None or tcp.syn_ack_ns is None or tcp.ack_ns is None:
        return ""
    ways = {Side.RESPONDER: tcp.syn_ack_ns - tcp.syn_ns, Side.INITIATOR: tcp.ack_ns - tcp.syn_ack_ns}
    stop = max(phase.end_ns for phase in set_up(session))
    waits: dict[Side, list[tuple[int, core.Note]]] = {Side.RESPONDER: [], Side.INITIATOR: []}
    before: core.Note | None = None
    for note in session.notes:
        if note.sender is None or note.time_ns <= tcp.ack_ns:
            continue
        if note.time_ns > stop:
            break
        if before is not None and before.sender is not note.sender:
            waits[note.sender].append((max(0, note.time_ns - before.time_ns - ways[note.sender]), note))
        before = note
    said = ""
    for side, name in ((Side.RESPONDER, "server"), (Side.INITIATOR, "client")):
        total = sum(wait for wait, _ in waits[side])
        if total >= 100_000:
            longest, note = max(waits[side], key=lambda one: one[0])
            part = "most of that " if len(waits[side]) > 1 else ""
            where = f", {part}before frame {note.frames[-1]}" if longest * 2 > total else ""
            said += f"; the {name} thought for {duration(total)}{where}"
    return said
