"""Passwords of users of relays that were given: who signed a message, and whether it was with them (RFC 8489 §9.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.protocols.stun.integrity import fits, long_term_key, signed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analyzer.protocols.stun.messages import Message

MAX_PASSWORDS: Final = 64  # that are tried
SHA_256: Final = 2  # of PASSWORD-ALGORITHM, §18.5

VALID: Final = "valid"
INVALID: Final = "invalid"


class Passwords:
    """What is known of the users of one relay; `result` is "valid", "invalid" or, while nothing was signed, empty."""

    __slots__ = ("known", "realm", "result")

    def __init__(self, known: Sequence[tuple[str, str]]) -> None:
        self.known = known[:MAX_PASSWORDS]
        self.realm = ""
        self.result = ""

    def verify(self, message: Message, asked: Message | None, data: bytes, start: int) -> None:
        """Note in the fields of `message`, which begins at `start` of `data`, whether its integrity is right.

        An answer is signed with the key of its request (§9.2.4).  Nothing is said where no password of its user was
        given.
        """
        of = message if asked is None else asked
        user, realm = of.fields.get("username"), of.fields.get("realm")
        if isinstance(realm, str):
            self.realm = realm
        sha_256 = (of.fields.get("password_algorithm") or {}).get("value") == SHA_256
        hashed = user is None and "userhash" in of.fields
        mine = [password for name, password in self.known if name == user]
        keys = [long_term_key(str(user), self.realm, password, sha_256) for password in mine]
        if hashed:
            keys = [long_term_key(name, self.realm, password, sha_256) for name, password in self.known]
        if not keys:
            return
        covered, found = signed(data, start, message.integrity_at)
        valid = any(fits(message.integrity, covered, found, key) for key in keys)
        if hashed and not valid:
            return
        for name in ("message_integrity", "message_integrity_sha256"):
            if isinstance(message.fields.get(name), dict):
                message.fields[name]["valid"] = valid
                break
        if asked is None:
            self.result = VALID if valid else INVALID


def is_valid(message: Message | None) -> bool | None:
    """Whether the integrity of a message was found right; None where nobody could say."""
    if message is None:
        return None
    for name in ("message_integrity", "message_integrity_sha256"):
        found = message.fields.get(name)
        if isinstance(found, dict) and "valid" in found:
            valid: bool = found["valid"]
            return valid
    return None
