"""Bytes held back until there are enough of them, with where they were captured."""

from __future__ import annotations

from mypy_extensions import mypyc_attr

from analyzer.core import Piece, Place, Run, Span

#: (position, place): derived bytes from here on belong, all of them, to that place
Stretch = tuple[int, Place]


@mypyc_attr(acyclic=True)
class Pending:
    """Some bytes of one direction.  Clear ones keep their runs, derived ones the places that they were made of."""

    __slots__ = ("data", "places", "runs")

    def __init__(self) -> None:
        self.data = bytearray()
        self.runs: list[Run] = []
        self.places: list[Stretch] | None = None

    def add(self, piece: Piece, start: int, stop: int) -> None:
        """Append bytes `start` to `stop` of `piece.data`."""
        at = len(self.data)
        if piece.whole is not None or self.places is not None:
            self._add_place(at, Piece(piece.data, piece.runs, start, stop, piece.base, piece.whole).place)
        elif len(piece.runs) == 1:
            position, frame, offset, time_ns = piece.runs[0]
            self.runs.append((at, frame, offset + start + piece.base - position, time_ns))
        else:
            self._add_runs(at, piece, start + piece.base, stop + piece.base)
        if start == 0 and stop == len(piece.data):
            self.data += piece.data
        else:
            self.data += memoryview(piece.data)[start:stop]

    def _add_place(self, at: int, place: Place) -> None:
        if self.places is None:
            # Clear bytes before derived ones in one stream: from here on all of them are known by place alone.
            self.places = [(0, Piece(bytes(self.data), self.runs).place)] if at else []
            self.runs = []
        self.places.append((at, place))

    def _add_runs(self, at: int, piece: Piece, start: int, stop: int) -> None:
        runs = piece.runs
        for index, (position, frame, offset, time_ns) in enumerate(runs):
            end = runs[index + 1][0] if index + 1 < len(runs) else stop
            begin = max(position, start)
            if begin < min(end, stop):
                self.runs.append((at + begin - start, frame, offset + begin - position, time_ns))

    def add_rest(self, piece: Piece, places: list[Stretch] | None, start: int) -> None:
        """Append what follows `start` in `piece.data`, derived from `places` if these are given."""
        if places is None:
            self.add(piece, start, piece.stop)
            return
        self.places = []
        for index, (position, place) in enumerate(places):
            if index + 1 == len(places) or places[index + 1][0] > start:
                self.places.append((max(position - start, 0), place))
        self.data += memoryview(piece.data)[start : piece.stop]

    def take(self) -> tuple[Piece, list[Stretch] | None]:
        """All bytes as one piece, and their places if they are derived; nothing is held any more."""
        piece = Piece(bytes(self.data), self.runs)
        places = self.places
        self.clear()
        return piece, places

    def clear(self) -> None:
        self.data = bytearray()
        self.runs = []
        self.places = None

    def stretches(self) -> list[tuple[int, Piece]]:
        """(frame, piece) for each stretch that came in one frame or one place, in order; nothing is held any more."""
        piece, places = self.take()
        data, size = piece.data, len(piece.data)
        found: list[tuple[int, Piece]] = []
        if places is not None:
            for index, (start, place) in enumerate(places):
                stop = places[index + 1][0] if index + 1 < len(places) else size
                found.append((max(place.frames, default=0), Piece(data, [], start, stop, 0, place)))
            return found
        for index, (start, frame, _, _) in enumerate(piece.runs):
            stop = piece.runs[index + 1][0] if index + 1 < len(piece.runs) else size
            found.append((frame, Piece(data, piece.runs, start, stop)))
        return found


def place_of(places: list[Stretch], start: int, stop: int) -> Place:
    """The place of derived bytes `start` to `stop`: that of every stretch they touch."""
    low, high = 0, len(places)
    while high - low > 1:
        middle = (low + high) // 2
        if places[middle][0] <= start:
            low = middle
        else:
            high = middle
    place = places[low][1]
    if low + 1 == len(places) or places[low + 1][0] >= stop:
        return place
    spans: list[Span] = list(place.spans)
    time_ns = place.time_ns
    for at, further in places[low + 1 :]:
        if at >= stop:
            break
        spans.extend(span for span in further.spans if span not in spans[-4:])
        time_ns = max(time_ns, further.time_ns)
    return Place(tuple(spans), time_ns)
