"""`analyzer crosscheck`: our reading beside Wireshark's, message by message.

Two independent readers that agree are seldom both wrong; where they differ is where to look.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from analyzer.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from analyzer.core import Report
    from analyzer.report.ink import Line

#: The handshake's ACK carries no flag of its own: it is looked for among the segments that could be it.
DISPLAY_FILTER: Final = (
    "tcp.flags.syn == 1 || (tcp.flags.ack == 1 && tcp.seq == 1 && tcp.ack == 1) || "
    "http.request || http.response || dns || mdns || llmnr"
)
#: A message head counts in the frame where it is complete, whenever its body ends.
PREFERENCES: Final = {"http.desegment_body": "FALSE"}
#: What Wireshark calls DNS on its several ports; the fields are "dns." in all of them.
DNS: Final = ("dns", "mdns", "llmnr")
#: Heads of HTTP/1 that another room tells of.
HEADS: Final = {
    "proxy.connect": "http.request",
    "websocket.upgrade": "http.request",
    "websocket.accept": "http.response",
    "websocket.refuse": "http.response",
}
LISTED: Final = 50

AGREE: Final = "agree"
DIFFER: Final = "differ"
OURS: Final = "only ours"
THEIRS: Final = "only Wireshark"
VERDICTS: Final = (AGREE, DIFFER, OURS, THEIRS)


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A message by where it is: frame, kind, and which of that kind in the frame."""

    frame: int
    kind: str
    index: int = 0


Reading = dict[Key, str]


def add(reading: Reading, frame: int, kind: str, detail: str) -> None:
    index = 0
    while Key(frame, kind, index) in reading:
        index += 1
    reading[Key(frame, kind, index)] = detail


def our_reading(report: Report) -> Reading:
    """TCP handshakes, HTTP heads and DNS messages as we read them."""
    reading: Reading = {}
    for flow in report.flows:
        if flow.tcp is not None and flow.tcp.syn is not None:
            ends = f"{flow.initiator} > {flow.responder}"
            for kind, frame in (("syn", flow.tcp.syn), ("syn-ack", flow.tcp.syn_ack), ("ack", flow.tcp.ack)):
                if frame is not None:
                    add(reading, frame, f"tcp.{kind}", ends)
    for session in report.sessions:
        for note in session.notes:
            kind = HEADS.get(note.kind, note.kind) if "http1" in note.path else note.kind
            detail = _our_detail(kind, note.fields or {})
            if detail is not None:
                add(reading, note.frames[-1], kind, detail)
    return reading


def _our_detail(kind: str, fields: dict[str, Any]) -> str | None:
    if kind == "http.request":
        return f"{fields.get('method', '')} {fields.get('target', '')}".strip()
    if kind == "http.response":
        return str(_number(fields.get("status", fields.get("status_code", ""))))
    if kind in ("dns.query", "dns.response"):
        return f"id {_number(fields.get('id', ''))}"
    return None


def _number(value: Any) -> Any:
    return value.get("value") if isinstance(value, dict) else value


def their_reading(path: str) -> Reading:
    """The same as Wireshark reads it."""
    from analyzer.capture.pyshark_adapter import packets

    reading: Reading = {}
    opened: dict[str, Opening] = {}
    for packet in packets(path, DISPLAY_FILTER, PREFERENCES):
        frame = int(packet.number)
        if "tcp" in packet:
            _their_handshake(reading, opened, frame, packet)
        for layer in packet.layers:
            if layer.layer_name == "http":
                if hasattr(layer, "request_method"):
                    target = layer.get("request_uri", "")
                    add(reading, frame, "http.request", f"{layer.request_method} {target}".strip())
                elif hasattr(layer, "response_code"):
                    add(reading, frame, "http.response", str(layer.response_code))
            elif layer.layer_name in DNS:
                fields = {str(name): str(layer.get_field_value(name)) for name in ("dns.flags.response", "dns.id")}
                answer = fields["dns.flags.response"].lower() in ("1", "true")
                add(reading, frame, "dns.response" if answer else "dns.query", f"id {int(fields['dns.id'], 0)}")
    return reading


@dataclass(slots=True)
class Opening:
    """How far Wireshark's stream has been opened."""

    ends: str
    client: tuple[str, str]
    answered: bool = False
    open: bool = False


def _their_handshake(reading: Reading, opened: dict[str, Opening], frame: int, packet: Any) -> None:
    tcp = packet.tcp
    flags = int(str(tcp.flags), 16)
    network = [layer for layer in packet.layers if layer.layer_name in ("ip", "ipv6")][-1]  # the innermost
    source, target = (str(network.src), str(tcp.srcport)), (str(network.dst), str(tcp.dstport))
    stream = str(tcp.stream)
    opening = opened.get(stream)
    if flags & 0x12 == 0x02 and opening is None:
        opened[stream] = Opening(f"{_end(*source)} > {_end(*target)}", source)
        add(reading, frame, "tcp.syn", opened[stream].ends)
    elif opening is None:
        return
    elif flags & 0x12 == 0x12 and not opening.answered:
        opening.answered = True
        add(reading, frame, "tcp.syn-ack", opening.ends)
    elif flags & 0x12 == 0x10 and opening.answered and not opening.open and source == opening.client:
        opening.open = True
        add(reading, frame, "tcp.ack", opening.ends)


def _end(address: str, port: str) -> str:
    from analyzer.core import Endpoint

    return str(Endpoint(address, int(port)))


def compared(ours: Reading, theirs: Reading) -> Iterator[tuple[Key, str, str, str]]:
    """Each message in order of frames: its key, the verdict, our detail and theirs."""
    for key in sorted({*ours, *theirs}):
        mine, other = ours.get(key), theirs.get(key)
        if mine is None or other is None:
            yield key, THEIRS if mine is None else OURS, mine or "", other or ""
        else:
            yield key, AGREE if mine == other else DIFFER, mine, other


def lines(name: str, ours: Reading, theirs: Reading, width: int, everything: bool) -> Iterator[Line]:
    """The messages that differ (or all), then how many of each kind agree."""
    from analyzer.report import ink
    from analyzer.report.ink import Line

    styles = {AGREE: ink.GOOD, DIFFER: ink.BAD, OURS: ink.DOUBTFUL, THEIRS: ink.DOUBTFUL}
    sums: dict[str, Counter[str]] = {}
    listed = 0
    yield Line(ink.cut_middle(name, width), ink.STRONG)
    for key, verdict, mine, other in compared(ours, theirs):
        sums.setdefault(key.kind, Counter())[verdict] += 1
        if verdict == AGREE and not everything:
            continue
        listed += 1
        if listed > LISTED and not everything:
            continue
        line = Line().right(str(key.frame), 8, ink.FAINT).to(10).add(key.kind).to(26).add(verdict, styles[verdict])
        yield line.to(42).add(ink.cut(mine or other, max(width - 42, 16)))
        if verdict == DIFFER:
            yield Line().to(31).add("Wireshark: ", ink.FAINT).add(ink.cut(other, max(width - 42, 16)))
    if listed > LISTED and not everything:
        yield Line(f"  and {listed - LISTED:,} more (--all lists every one)", ink.FAINT)
    if not sums:
        yield Line("  neither reads a TCP handshake, an HTTP head or a DNS message in it")
        return
    heading = Line("  message", ink.FAINT).to(18)
    for verdict in VERDICTS:
        heading.right(verdict, heading.at + 16, ink.FAINT)
    yield heading
    for kind, counts in sorted(sums.items()):
        line = Line(f"  {kind}").to(18)
        for verdict in VERDICTS:
            line.right(f"{counts[verdict]:,}", line.at + 16, styles[verdict] if counts[verdict] else ink.FAINT)
        yield line


@click.command("crosscheck")
@options.reading(options.ALL)
def command(captures: tuple[str, ...], **given: Any) -> int:
    """Our reading beside Wireshark's, message by message: TCP handshakes, HTTP heads, DNS messages.

    CAPTURE is a file; each is compared by itself. Needs tshark.
    """
    from analyzer.cli.report import status
    from analyzer.cli.run import analyse

    wanted = options.Options(**given)
    for capture in captures:
        if capture == "-" or not Path(capture).is_file():
            raise click.UsageError(f"{capture} is no file: what is compared has to be read twice")
    worst = 0
    with wanted.text_output() as (out, paper):
        for capture in captures:
            result = analyse((capture,), wanted, trace=False)
            told = lines(capture, our_reading(result.report), their_reading(capture), paper.width, wanted.everything)
            out.writelines(line.painted(paper) + "\n" for line in told)
            worst = max(worst, status(result.report, wanted, result.interrupted))
    return worst
