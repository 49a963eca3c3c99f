"""A proxy wants a login: one client comes back with it, another one does not."""

from captures.maker import CLIENT, SERVER, Capture, Talk, main

ASK = b"CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n"
WANTS = b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"
OPEN = b"HTTP/1.1 200 Connection established\r\n\r\n"


def helped() -> Capture:
    talk = Talk(server_port=3128)
    talk.open()
    talk.client(0.03, "PA", ASK + b"\r\n")
    talk.server(0.06, "PA", WANTS)
    talk.client(0.09, "PA", ASK + b"Proxy-Authorization: Basic bm8gc2VjcmV0\r\n\r\n")
    talk.server(0.12, "PA", OPEN)
    talk.client(0.15, "PA", b"SSH-2.0-OpenSSH_9.2\r\n")
    talk.server(0.18, "PA", b"SSH-2.0-OpenSSH_9.2\r\n")
    talk.close(0.3)
    return talk.capture


def refused() -> Capture:
    talk = Talk(server_port=3128)
    talk.open()
    talk.client(0.03, "PA", ASK + b"\r\n")
    talk.server(0.06, "PA", WANTS)
    talk.close(0.3)
    return talk.capture


def came_back() -> Capture:
    """The proxy closes the first connection; the client comes back with another one."""
    capture = Capture()
    first = Talk(capture, client=CLIENT, server=SERVER, client_port=50_000, server_port=3128)
    first.open()
    first.client(0.03, "PA", ASK + b"\r\n")
    first.server(0.06, "PA", WANTS.replace(b"Content-Length: 0", b"Content-Length: 0\r\nConnection: close"))
    first.close(0.1)
    second = Talk(capture, client=CLIENT, server=SERVER, client_port=50_001, server_port=3128)
    second.open(0.2)
    second.client(0.23, "PA", ASK + b"Proxy-Authorization: Basic bm8gc2VjcmV0\r\n\r\n")
    second.server(0.26, "PA", OPEN)
    second.client(0.3, "PA", b"SSH-2.0-OpenSSH_9.2\r\n")
    second.server(0.33, "PA", b"SSH-2.0-OpenSSH_9.2\r\n")
    second.close(0.4)
    capture.sort()
    return capture


CASES = {
    "healthy_proxy_login": helped,
    "healthy_proxy_login_again": came_back,
    "proxy_login_missing": refused,
}

if __name__ == "__main__":
    main(__file__, CASES)
