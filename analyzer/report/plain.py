"""Notes in JSON; flows, sessions and findings as arguments for the report's types: each may be there a million times.

Compiled this takes a third of the time, and the types themselves can't be.  Notes, which are by far the most, are not
made objects of such a type first: the parts of their JSON that are always the same are at hand.
"""

from __future__ import annotations

from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, Final

import msgspec

from analyzer import core

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def notes(found: Sequence[core.Note], encode: Callable[[Any], bytes]) -> bytes:
    """The notes in JSON, with commas between them; `encode` makes JSON of their fields."""
    return ",".join([note(one, encode) for one in found]).encode()


#: By kind, by path and by section: the parts of a note in JSON that are always the same.
_begins: Final[dict[str, str]] = {}
_middles: Final[dict[tuple[str, ...], tuple[str, ...]]] = {}
_ends: Final[dict[str, str]] = {}
#: No capture of this world has as many.
MOST_PARTS: Final = 4096


def clean(text: str) -> str:
    """`text` without lone surrogates, which JSON can't hold (names of files may have them)."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


#: Up to so many characters, the encoder of the standard library is faster than msgspec's and the detour through bytes.
SHORT: Final = 32
_encoded: Final = msgspec.json.Encoder().encode


def quoted(text: str) -> str:
    """`text` as a string of JSON."""
    return encode_basestring(clean(text)) if len(text) <= SHORT else _encoded(clean(text)).decode()


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


def _middle(path: tuple[str, ...]) -> tuple[str, ...]:
    """From the sender of a note to its text: for the initiator, the responder, and none of them."""
    if len(_middles) >= MOST_PARTS:
        _middles.clear()
    told = f',"path":[{",".join([quoted(name) for name in path])}],"text":'
    found = (f',"sender":"initiator"{told}', f',"sender":"responder"{told}', f',"sender":null{told}')
    _middles[path] = found
    return found


def fields(found: core.Note, encode: Callable[[Any], bytes]) -> str:
    """The fields of a note in JSON."""
    pattern = found.pattern
    if pattern is None:
        values = found.fields
        return encode(values).decode() if values else "{}"
    parts = pattern.parts
    if not parts:
        pattern.parts = parts = _parts(pattern, encode)
    told = found.values
    if told is None:
        values = found.fields
        told = tuple([values[name] for name in pattern.changing])
    text = [parts[0]]
    for index, value in enumerate(told):
        if isinstance(value, str):
            text.append(quoted(value))
        elif type(value) is int:
            text.append(str(value))
        else:
            text.append(encode(value).decode())
        text.append(parts[index + 1])
    return "".join(text)


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


def flow(found: core.Flow, make: Callable[..., Any], make_tcp: Callable[..., Any], make_end: Callable[..., Any]) -> Any:
    tcp = found.tcp
    address, port = found.initiator
    other_address, other_port = found.responder
    return make(
        found.id,
        found.transport,
        make_end(address, port),
        make_end(other_address, other_port),
        found.community_id,
        found.first_frame,
        found.last_frame,
        found.first_ns,
        found.last_ns,
        found.packets,
        found.bytes,
        None
        if tcp is None
        else make_tcp(
            tcp.syn,
            tcp.syn_ack,
            tcp.ack,
            tcp.syn_retransmits,
            tcp.syn_ack_retransmits,
            tcp.initial_rtt_ns,
            tcp.end if tcp.end in ("fin", "rst") else None,
            tcp.retransmits,
            tcp.out_of_order,
            tcp.duplicates,
            tcp.lost_bytes,
            tcp.payload_bytes,
            tcp.history,
        ),
    )


def head(found: core.Session, title: str, make: Callable[..., Any], make_phase: Callable[..., Any]) -> Any:
    return make(
        found.id,
        found.kind,
        title,
        found.outcome,
        found.flows,
        found.start_ns,
        found.end_ns,
        [
            make_phase(phase.name, phase.start_ns, phase.end_ns, phase.round_trips, phase.outcome)
            for phase in found.phases
        ],
        found.facts,
    )


def finding(found: core.Verdict, make: Callable[..., Any]) -> Any:
    return make(
        found.id,
        found.code,
        found.severity,
        found.title,
        found.text,
        found.cause,
        found.advice,
        found.limits,
        found.spec,
        found.session,
        found.frames,
        found.spans,
        found.time_ns,
    )
