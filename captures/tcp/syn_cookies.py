"""Under load the server answers one of two SYNs with SYN cookies, which leave the options out."""

from captures.maker import Capture, Talk, main


def build() -> Capture:
    first = Talk(client_port=50_010)
    first.open()
    second = Talk(first.capture, client_port=50_011)
    second.open(0.1, answer=(("MSS", 1460),))
    first.close(0.2)
    second.close(0.3)
    return first.capture


if __name__ == "__main__":
    main(__file__, build)
