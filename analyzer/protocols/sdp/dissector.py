"""Offers, answers and candidates of one signalling channel, matched with each other (RFC 3264, RFC 9429)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from analyzer import core
from analyzer.core import About, Note, Piece, Side, Value
from analyzer.protocols.rtp.names import codec
from analyzer.protocols.sdp.carriers import Found, find

if TYPE_CHECKING:
    from analyzer.core import Outputs

MAX_REMEMBERED: Final = 64  # descriptions of one side
MAX_OPEN: Final = 15  # offers of one call that wait for their answers, beside the latest
MAX_CODECS: Final = 4  # in a line of words


class Offer:
    """An offer that waits for its answer."""

    __slots__ = ("frame", "media", "sender", "time_ns", "ufrags")

    def __init__(self, sender: Side, time_ns: int, frame: int, fields: dict[str, Value]) -> None:
        self.sender = sender
        self.time_ns = time_ns
        self.frame = frame
        self.media = [medium["media"] for medium in fields["media"]]
        self.ufrags = ufrags_of(fields)


class Sdp(core.Dissector):
    """Reads each message by itself; remembers who offered what."""

    def __init__(self) -> None:
        #: By call, where the carrier tells them apart: what was offered and not answered yet, in order.
        self.offers: dict[str, list[Offer]] = {}
        self.ufrags: dict[tuple[Side, str], None] = {}
        self.versions: dict[tuple[Side, str], str] = {}
        self.counts = {"offers": 0, "answers": 0, "candidates": 0}

    def on_unit(self, sender: Side, unit: Piece) -> Outputs:
        found = find(bytes(unit).decode("utf-8", "backslashreplace"))
        if not found:
            return
        for one in found:
            if one.kind == "candidate":
                self.counts["candidates"] += 1
                yield Note("sdp.candidate", candidate_text(one.fields), unit, one.fields)
            else:
                yield self._description(sender, one, unit)
        yield About(None, {"sdp": dict(self.counts)})

    def _description(self, sender: Side, found: Found, unit: Piece) -> Note:
        fields, now = found.fields, unit.time_ns
        given: Any = self.context  # of a carrier that knows: what it is, and which call it is of
        known, call = given if isinstance(given, tuple) else ("", "")
        waiting = self.offers.setdefault(call, []) if call in self.offers or len(self.offers) < MAX_REMEMBERED else []
        kind = found.kind or known or kind_by(sender, fields, waiting)
        is_offer = kind == "offer"
        self.counts["offers" if is_offer else "answers"] += 1
        said = [description_text(fields)]
        remarks = []
        if not found.kind and not known:
            remarks.append("The message does not say whether it is an offer or an answer; this is concluded from it.")
        if is_offer:
            made = Offer(sender, now, unit.place.frames[-1], fields)
            waiting[:] = [one for one in waiting if one.ufrags != made.ufrags or one.sender is not sender][-MAX_OPEN:]
            waiting.append(made)
        else:
            offer = answered(waiting, sender, fields)
            if offer is not None:
                said.append(f"answers frame {offer.frame} after {took_text(now - offer.time_ns)}")
                if kind == "answer":
                    waiting.remove(offer)
        remarks.extend(self._changes(sender, fields))
        if fields.get("broken_lines"):
            remarks.append(f"{fields['broken_lines']:,} of its lines are no SDP (RFC 8866 5).")
        note = Note(f"sdp.{kind}", "; ".join(said), unit, fields)
        note.remark = " ".join(remarks)
        return note

    def _changes(self, sender: Side, fields: dict[str, Value]) -> list[str]:
        """Renegotiation and ICE restarts, as against what the same side said before.  RFC 8839 §4.4"""
        said = []
        origin = fields.get("origin") or {}
        key = (sender, str(origin.get("sess_id", "")))
        version = str(origin.get("sess_version", ""))
        again = key in self.versions
        if again and self.versions[key] != version:
            said.append(f"It renegotiates: version {version} after {self.versions[key]}.")
        if len(self.versions) < MAX_REMEMBERED:
            self.versions[key] = version
        new = [ufrag for ufrag in ufrags_of(fields) if (sender, ufrag) not in self.ufrags]
        if again and new:
            said.append(f"Its ICE ufrag is new ({', '.join(new[:4])}): ICE starts again.")
        for ufrag in new:
            if len(self.ufrags) < MAX_REMEMBERED:
                self.ufrags[sender, ufrag] = None
        return said


def answered(waiting: list[Offer], sender: Side, fields: dict[str, Value]) -> Offer | None:
    """The offer that this is the answer to: it has the same media, in the same order (RFC 3264 §6)."""
    media = [medium["media"] for medium in fields["media"]]
    theirs = [one for one in waiting if one.sender is not sender]
    fitting = next((one for one in theirs if one.media == media), None)
    return fitting or (theirs[-1] if theirs else None)


def kind_by(sender: Side, fields: dict[str, Value], waiting: list[Offer]) -> str:
    """Offer or answer, where nobody says: an answer has decided on its DTLS role (RFC 8842 §5.3)."""
    setups = {part.get("setup") for part in (fields, *fields["media"])} - {None}
    if "actpass" in setups:
        return "offer"
    if setups & {"active", "passive"}:
        return "answer"
    return "answer" if any(one.sender is not sender for one in waiting) else "offer"


# --- wording ----------------------------------------------------------------------------------------------------------


def ufrags_of(fields: dict[str, Value]) -> list[str]:
    """The ICE ufrags of a description, each once."""
    parts = (fields, *fields["media"])
    return list(dict.fromkeys(part["ice_ufrag"] for part in parts if part.get("ice_ufrag")))


def description_text(fields: dict[str, Value]) -> str:
    """What is offered: "audio (opus), data channel; ICE ufrag 4ZcD, setup actpass, 3 candidates (2 host, 1 srflx)"."""
    media = [medium_text(medium) for medium in fields["media"]]
    said = [", ".join(dict.fromkeys(media)) or "no media"]
    ice = []
    ufrags = ufrags_of(fields)
    if ufrags:
        ice.append(f"ICE ufrag {', '.join(ufrags[:3])}")
    parts = (fields, *fields["media"])
    if any(part.get("ice_lite") for part in parts):
        ice.append("ICE lite")
    setups = list(dict.fromkeys(part["setup"] for part in parts if part.get("setup")))
    if setups:
        ice.append(f"setup {', '.join(setups[:3])}")
    kinds = Counter(one["type"] for part in parts for one in part.get("candidates", ()))
    if kinds:
        total = sum(kinds.values())
        listed = ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())
        ice.append(f"{total} candidate{'' if total == 1 else 's'} ({listed})")
    if ice:
        said.append(", ".join(ice))
    return "; ".join(said)


def took_text(ns: int) -> str:
    return f"{ns / 1e9:.2f} s" if ns >= 1_000_000_000 else f"{ns / 1e6:.3g} ms"


def medium_text(medium: dict[str, Value]) -> str:
    kind = medium["media"]
    if kind == "application" and "SCTP" in medium["proto"].upper():
        kind = "data channel"
    codecs = list(dict.fromkeys(one["encoding"] for one in medium.get("rtpmap", ())))
    if "RTP/" in medium["proto"].upper() and not codecs:
        codecs = [codec(int(one)) or one if one.isdecimal() else one for one in medium["fmt"][: MAX_CODECS + 1]]
    elif kind == "image":
        codecs = medium["fmt"][: MAX_CODECS + 1]
    shown = ", ".join(codecs[:MAX_CODECS]) + (", ..." if len(codecs) > MAX_CODECS else "")
    text = f"{kind} ({shown})" if shown else kind
    if not medium["port"] and not medium.get("bundle_only"):
        return f"{text} refused"
    direction = medium.get("direction", "sendrecv")
    return text if direction == "sendrecv" else f"{text} {direction}"


def candidate_text(fields: dict[str, Value]) -> str:
    """Type, address and transport ("host 10.0.0.1:5000 udp"), or that no more will follow."""
    candidate = fields.get("candidate")
    if candidate is None:
        return "no more candidates"
    address = f"[{candidate['address']}]" if ":" in candidate["address"] else candidate["address"]
    text = f"{candidate['type']} {address}:{candidate['port']} {candidate['transport']}"
    if candidate.get("tcp_type"):
        text += f" {candidate['tcp_type']}"
    if candidate.get("related_port"):
        text += f", of {candidate.get('related_address')}:{candidate['related_port']}"
    return text
