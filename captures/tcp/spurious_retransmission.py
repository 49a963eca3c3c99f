"""A delayed ACK makes the server send a segment again; the client says by D-SACK that it had it."""

from captures.maker import Capture, Talk, main, text


def build() -> Capture:
    talk = Talk(ttl=(50, 64))
    talk.open(rtt_s=0.00002)
    talk.client(0.05, "PA", text(300))
    talk.server(0.05002)
    talk.server(0.06, "PA", text(640))
    talk.server(0.27, "PA", text(640), seq=1)
    talk.client(0.272, ack=641)
    sack = (talk.isn[1] + 1, talk.isn[1] + 641)
    talk.client(0.29, ack=641, options=(("NOP", None), ("NOP", None), ("SAck", sack)))
    talk.close(0.5)
    return talk.capture


if __name__ == "__main__":
    main(__file__, build)
