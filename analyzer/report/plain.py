"""Notes, flows, sessions and findings as JSON, as the types of `model` have them: each may be there a million times.

Making an object of such a type first, and JSON of that, would take twice the time.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

from analyzer import core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def notes(found: Sequence[core.Note], encode: Callable[[Any], bytes]) -> bytes:
    """The notes in JSON, with commas between them; `encode` makes JSON of their fields."""
    return ",".join([note(one, encode) for one in found]).encode()


#: By kind, by path and by section: the parts of a note in JSON that are always the same.
_begins: Final[dict[str, str]] = {}
_middles: Final[dict[tuple[str, ...], tuple[str, str, str]]] = {}
_ends: Final[dict[str, str]] = {}
#: No capture of this world has as many.
MOST_PARTS: Final = 4096


def clean(text: str) -> str:
    """`text` without lone surrogates, which JSON can't hold (names of files may have them)."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def quoted(text: str) -> str:
    return encode_basestring(clean(text))


def note(found: core.Note, encode: Callable[[Any], bytes], tag: str = "", more: str = "") -> str:
    """The note in JSON; `tag` is what the object begins with, `more` what it ends with."""
    where, sender, path, kind, spec = found.where, found.sender, found.path, found.kind, found.spec
    if isinstance(where, core.Spot) and where.whole is None:
        frames = str(where.frame)
        spans = f"[{frames},{where.start},{where.stop}]"
    else:
        at = found.at
        spans = ",".join([f"[{span[0]},{span[1]},{span[2]}]" for span in at.spans])
        frames = ",".join([str(frame) for frame in at.frames])
    begin = _begins.get(kind)
    if begin is None:
        begin = _kept(_begins, kind, f'"kind":{quoted(kind)},"time_ns":')
    middles = _middles.get(path)
    if middles is None:
        middles = _middle(path)
    end = _ends.get(spec)
    if end is None:
        end = _kept(_ends, spec, f',"spec":{quoted(spec)}')
    verdict = "null" if found.verdict is None else quoted(found.verdict)
    remark = f',"remark":{quoted(found.remark)}' if found.remark else ""
    middle = middles[2 if sender is None else sender]
    return (
        f'{{{tag}{begin}{where.time_ns},"frames":[{frames}],"spans":[{spans}],"flow":{found.flow}{middle}'
        f'{quoted(found.text)},"fields":{fields(found, encode)},"verdict":{verdict}{end}{remark}{more}}}'
    )


def _kept(texts: dict[str, str], key: str, text: str) -> str:
    if len(texts) >= MOST_PARTS:
        texts.clear()
    texts[key] = text
    return text


def _middle(path: tuple[str, ...]) -> tuple[str, str, str]:
    """From the sender of a note to its text: for the initiator, the responder, and none of them."""
    if len(_middles) >= MOST_PARTS:
        _middles.clear()
    told = f',"path":[{",".join([quoted(name) for name in path])}],"text":'
    found = (f',"sender":"initiator"{told}', f',"sender":"responder"{told}', f',"sender":null{told}')
    _middles[path] = found
    return found


def fields(found: core.Note, encode: Callable[[Any], bytes]) -> str:
    """The fields of a note in JSON."""
    values, pattern = found.fields, found.pattern
    if pattern is None:
        return encode(values).decode() if values else "{}"
    parts = pattern.parts
    if not parts:
        pattern.parts = parts = _parts(pattern, encode)
    text = parts[0]
    for index, name in enumerate(pattern.changing):
        text += encode(values[name]).decode() + parts[index + 1]
    return text


def _parts(pattern: core.Pattern, encode: Callable[[Any], bytes]) -> tuple[str, ...]:
    parts: list[str] = []
    text, comma = "{", ""
    for name, value in pattern.fields.items():
        text += f"{comma}{quoted(name)}:"
        comma = ","
        if name in pattern.changing:
            parts.append(text)
            text = ""
        else:
            text += encode(value).decode()
    return (*parts, text + "}")


def flow(found: core.Flow, tag: str = "") -> str:
    """The flow in JSON; `tag` is what the object begins with."""
    tcp = found.tcp
    told = "null"
    if tcp is not None:
        end = tcp.end if tcp.end in ("fin", "rst") else None
        told = (
            f'{{"syn":{number(tcp.syn)},"syn_ack":{number(tcp.syn_ack)},"ack":{number(tcp.ack)},'
            f'"syn_retransmits":{tcp.syn_retransmits},"syn_ack_retransmits":{tcp.syn_ack_retransmits},'
            f'"initial_rtt_ns":{number(tcp.initial_rtt_ns)},"end":{"null" if end is None else quoted(end)},'
            f'"retransmits":{pair(tcp.retransmits)},"out_of_order":{pair(tcp.out_of_order)},'
            f'"duplicates":{pair(tcp.duplicates)},"lost_bytes":{pair(tcp.lost_bytes)},'
            f'"payload_bytes":{pair(tcp.payload_bytes)},"history":{quoted(tcp.history)}}}'
        )
    return (
        f'{{{tag}"id":{found.id},"transport":{quoted(found.transport)},"initiator":{endpoint(found.initiator)},'
        f'"responder":{endpoint(found.responder)},"community_id":{quoted(found.community_id)},'
        f'"first_frame":{found.first_frame},"last_frame":{found.last_frame},"first_ns":{found.first_ns},'
        f'"last_ns":{found.last_ns},"packets":{pair(found.packets)},"bytes":{pair(found.bytes)},"tcp":{told}}}'
    )


def number(value: int | None) -> str:
    return "null" if value is None else str(value)


def pair(values: tuple[int, int]) -> str:
    return f"[{values[0]},{values[1]}]"


def endpoint(end: core.Endpoint) -> str:
    return f'{{"address":{quoted(end[0])},"port":{end[1]}}}'


def head(found: core.Session, encode: Callable[[Any], bytes], tag: str = "") -> str:
    """A session in JSON without its notes and findings, and without the brace that ends it."""
    phases = [
        f'{{"name":{quoted(phase.name)},"start_ns":{phase.start_ns},"end_ns":{phase.end_ns},'
        f'"round_trips":{number(phase.round_trips)},"outcome":{quoted(phase.outcome)}}}'
        for phase in found.phases
    ]
    facts = encode(found.facts).decode()
    return (
        f'{{{tag}"id":{found.id},"kind":{quoted(found.kind)},"title":{quoted(found.title)},'
        f'"outcome":{quoted(found.outcome)},"flows":[{",".join([str(one) for one in found.flows])}],'
        f'"start_ns":{found.start_ns},"end_ns":{found.end_ns},"phases":[{",".join(phases)}],"facts":{facts}'
    )


def finding(found: core.Verdict, tag: str = "") -> str:
    """The finding in JSON; `tag` is what the object begins with."""
    spans = ",".join([f"[{span[0]},{span[1]},{span[2]}]" for span in found.spans])
    return (
        f'{{{tag}"id":{found.id},"code":{quoted(found.code)},"severity":{quoted(found.severity)},'
        f'"title":{quoted(found.title)},"text":{quoted(found.text)},"cause":{quoted(found.cause)},'
        f'"advice":{quoted(found.advice)},"limits":{quoted(found.limits)},"spec":{quoted(found.spec)},'
        f'"session":{number(found.session)},"frames":[{",".join([str(frame) for frame in found.frames])}],'
        f'"spans":[{spans}],"time_ns":{found.time_ns}}}'
    )
