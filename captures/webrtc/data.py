"""Data channels that the key log opens: one that is well, and SCTP that does not do what was signalled."""

import struct
from base64 import b64encode

from captures.datachannel import BINARY, STRING, Channels
from captures.maker import Capture, main, text
from captures.sctp import BEGINNING, ENDING, INIT, TAGS, TSNS, chunk, data, init
from captures.webrtc import HOSTS, PORTS, Call, Inside, description, own


def begun(*, sizes: tuple[int, int] = (262_144, 262_144), ports: tuple[int, int] = (5000, 5000), **lines: str) -> Call:
    """A call whose DTLS is open at 0.345; `lines` are attributes of the offer and of the answer."""
    call = Call()
    said = []
    for side, name in ((0, "offer"), (1, "answer")):
        more = [f"a={lines[name]}"] if name in lines else []
        default = (HOSTS[side], PORTS[side])
        one = description(side, candidates=own(side), default=default, sctp_port=ports[side], lines=more)
        said.append(one.replace("a=max-message-size:262144", f"a=max-message-size:{sizes[side]}"))
    call.offer(0.1, said[0])
    call.answer(0.15, said[1])
    call.ice()
    call.unlock()
    return call


def healthy_messages() -> Capture:
    """B opens a channel, and both say something."""
    call = begun()
    channels = Channels(Inside(call), 0.4)
    channels.open(0.5, 1, 0, "chat")
    channels.send(0.55, 0, 0, STRING, b"yoyo from A")
    channels.send(0.6, 1, 0, STRING, b"yoyo from B")
    return call.done()


def message_too_big() -> Capture:
    """A takes 1,000 bytes at a time; B sends 1,500."""
    call = begun(sizes=(1000, 262_144))
    channels = Channels(Inside(call), 0.4)
    channels.open(0.5, 1, 0, "files")
    channels.send(0.55, 1, 0, BINARY, text(1000), flags=BEGINNING)
    channels.send(0.551, 1, 0, BINARY, text(500), flags=ENDING)
    return call.done()


def port_mismatch() -> Capture:
    """B is at port 5001, and A takes 5000 for given: its INIT is sent again and again."""
    call = begun(ports=(5000, 5001))
    ends = Inside(call)
    for at_s in (0.4, 1.4, 3.4):
        ends.send(at_s, 0, init(0), tag=0)
    return call.done()


def ahead(side: int) -> str:
    """The INIT of a side for its description."""
    fixed = struct.pack(">IIHHI", TAGS[side], 131_072, 65535, 65535, TSNS[side])
    return f"sctp-init:{b64encode(chunk(INIT, fixed)).decode()}"


def snap() -> Capture:
    """Both signal their INIT, and the channel is opened as soon as DTLS is there."""
    call = begun(offer=ahead(0), answer=ahead(1))
    channels = Channels(Inside(call), shake=False)
    channels.open(0.35, 1, 0, "chat")
    channels.send(0.4, 0, 0, STRING, b"no handshake")
    return call.done()


def snap_broken() -> Capture:
    """B gives back what it does not understand, and asks for a handshake, as if A did not send data."""
    call = begun(offer=ahead(0), answer=ahead(0))
    ends = Inside(call)
    for at_s in (0.4, 1.4, 3.4):
        ends.send(at_s, 0, data(TSNS[0], b"is this open?", ppid=STRING))
        ends.send(at_s + 0.05, 1, init(1), tag=0)
    return call.done()


CASES = {
    "healthy_messages": healthy_messages,
    "message_too_big": message_too_big,
    "port_mismatch": port_mismatch,
    "snap": snap,
    "snap_broken": snap_broken,
}

if __name__ == "__main__":
    main(__file__, CASES)
