"""How hellos and the like are put in words: short, the way people name things."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.protocols.tls import names
from analyzer.protocols.tls.messages import (
    COOKIE,
    EARLY_DATA,
    ECH,
    KEY_SHARE,
    PRE_SHARED_KEY,
    SERVER_NAME,
    SUPPORTED_GROUPS,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from analyzer.core import Value
    from analyzer.protocols.tls.certificates import Certificate
    from analyzer.protocols.tls.messages import ClientHello, ServerHello

MAX_LISTED = 8
MAX_NAME_CHARACTERS = 253  # of a host name, RFC 1035 §2.3.4


def versions(found: Iterable[int]) -> str:
    """As in "TLS 1.3, 1.2": the family is named once for those that follow each other."""
    words: list[str] = []
    family = ""
    for version in sorted(set(found), key=names.newness, reverse=True):
        name = names.version_name(version)
        before, _, number = name.partition(" ")
        words.append(number if before == family and number else name)
        family = before
    return ", ".join(words)


def listed(words: Sequence[str], most: int = MAX_LISTED) -> str:
    """As in "a, b, c and 12 more"."""
    if len(words) <= most:
        return ", ".join(words)
    return f"{', '.join(words[:most])} and {len(words) - most} more"


def named_suites(values: Iterable[int]) -> list[str]:
    return [names.suite_name(value) for value in values if not names.is_grease(value) and value not in (0x00FF, 0x5600)]


def named_groups(values: Iterable[int]) -> list[str]:
    return [names.group_words(value) for value in values if not names.is_grease(value)]


def named_schemes(values: Iterable[int]) -> list[str]:
    return [names.scheme_name(value) for value in values if not names.is_grease(value)]


def protocols(found: Iterable[str]) -> list[str]:
    return [name for name in found if name not in names.GREASE_PROTOCOLS]


def client_hello(hello: ClientHello) -> str:
    """As in "offers TLS 1.3, 1.2 for example.org, h2, http/1.1, resumes a session (PSK), sends early data"."""
    parts = [f"offers {versions(hello.versions)}"]
    name = hello.server_name
    if name:
        parts[0] += f" for {name[:MAX_NAME_CHARACTERS]}"
    wanted = protocols(hello.alpn)
    if wanted:
        parts.append(listed(wanted))
    if PRE_SHARED_KEY in hello.values:
        parts.append("resumes a session (PSK)")
    elif hello.ticket:
        parts.append("resumes a session (ticket)")
    if EARLY_DATA in hello.values:
        parts.append("sends early data")
    if "malformed" in hello.fields:
        parts.append(f"malformed: {hello.fields['malformed']}")
    return ", ".join(parts)


def hello_again(hello: ClientHello) -> str:
    """Of a ClientHello that a HelloRetryRequest asked for, as in "again, with a key share for P-256 and the cookie"."""
    shares = named_groups(hello.key_shares)
    given = [f"a key share for {listed(shares)}"] if shares else []
    if hello.cookie or COOKIE in hello.values:
        given.append("the cookie")
    return f"again{', with ' if given else ''}{' and '.join(given)}"


def client_hello_remark(hello: ClientHello, size: int) -> str:
    """What a reader should know of its size and of what it leaves out."""
    said: list[str] = []
    shares = hello.values.get(KEY_SHARE)
    if isinstance(shares, list):
        for share in shares:
            group, length = share["group"]["value"], share["key_exchange_bytes"]
            if length > 1000 and names.is_post_quantum(group):
                word = names.group_words(group)
                said.append(f"{length:,} of its {size:,} bytes are the key share for {word} (post-quantum).")
    if SERVER_NAME not in hello.values:
        said.append("It names no server (no server_name), so the server can only show its default certificate.")
    if ECH in hello.values:
        said.append(
            "It has an encrypted_client_hello: a real one, or GREASE that keeps servers used to it; from outside they "
            "look alike."
        )
    groups, with_share = hello.numbers(SUPPORTED_GROUPS), hello.key_shares
    if with_share and groups:
        said.append(f"Key shares: {listed(named_groups(with_share))}.")
    return " ".join(said)


def server_hello(hello: ServerHello, resumed: bool) -> str:
    """As in "TLS 1.3, TLS_AES_256_GCM_SHA384, X25519, PSK accepted"."""
    parts = [names.version_name(hello.version), names.suite_name(hello.suite)]
    if hello.group is not None:
        parts.append(names.group_words(hello.group))
    if PRE_SHARED_KEY in hello.values:
        parts.append("PSK accepted")
    elif resumed:
        parts.append("session resumed")
    return ", ".join(parts)


def chain_remark(chain: Sequence[Certificate]) -> str:
    """What a reader should know of a chain: whom it is for, for how long, what it is made of, and what follows it."""
    if not chain:
        return ""
    leaf = chain[0]
    said: list[str] = []
    if leaf.dns_names:
        said.append(f"For {listed(sorted(leaf.dns_names), 4)}.")
    begin, stop = leaf.fields.get("not_before"), leaf.fields.get("not_after")
    if begin and stop:
        said.append(f"Valid {str(begin)[:10]} to {str(stop)[:10]}.")
    key, signed = leaf.fields.get("public_key"), leaf.fields.get("signature_algorithm")
    if isinstance(key, dict) and signed:
        said.append(f"Key {key_words(key)}; signed with {signed}.")
    if len(chain) > 1:
        said.append(f"Behind it: {listed([one.subject_text for one in chain[1:]], 4)}.")
    return " ".join(said)


def key_words(key: Mapping[str, Value]) -> str:
    """As in "EC, 256 bits"."""
    return f"{key.get('type')}, {key['bits']:,} bits" if "bits" in key else str(key.get("type"))


def digits(number: int) -> str:
    """As in "1,234": formatting with a comma takes its time, and most numbers need none."""
    return str(number) if -1000 < number < 1000 else f"{number:,}"


def count(number: int, what: str) -> str:
    return f"{digits(number)} {what}{'' if number == 1 else 's'}"


def duration(nanoseconds: int) -> str:
    """As in "0.042 ms", "12.3 ms", "1,234 ms", "12.3 s"."""
    value = nanoseconds / 1e6
    if value >= 10_000:
        return f"{value / 1000:,.1f} s"
    if value < 1:
        return f"{value:.2g} ms" if value >= 0.001 else "under 0.001 ms"
    return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"
