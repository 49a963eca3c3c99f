"""Two calls of the same ends at the same time, over the same signalling: both are offered before either is answered."""

from captures.maker import Capture, main
from captures.webrtc import HOSTS, Call, candidate, description


def build() -> Capture:
    call = Call()
    paths = [((HOSTS[0], 50_000 + number), (HOSTS[1], 60_000 + number)) for number in (0, 1)]
    names = [(f"aaa{number}", f"bbb{number}") for number in (0, 1)]
    for side, say in ((0, call.offer), (1, call.answer)):
        for number, (ends, ufrags) in enumerate(zip(paths, names, strict=True)):
            found = [candidate(*ends[side])]
            told = description(side, candidates=found, ufrag=ufrags[side], default=ends[side])
            # Browsers draw another session id for each connection.
            say(0.1 + side / 10 + number / 100, told.replace("o=- 4611", f"o=- {5 + number}611"))
    for number, (ends, ufrags) in enumerate(zip(paths, names, strict=True)):
        call.check(0.3 + number / 100, 0, ends=ends, ufrags=ufrags)
        call.check(0.4 + number / 100, 1, ends=ends, ufrags=ufrags)
        call.check(0.5 + number / 100, 0, nominate=True, ends=ends, ufrags=ufrags)
    return call.done()


if __name__ == "__main__":
    main(__file__, build)
