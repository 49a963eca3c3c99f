"""Writes the tables of protocols/tls and protocols/stun from docs/registries: `python docs/make_registries.py`.

Each NAME.csv begins with comments (registry, source, date), then names its columns; those of STUN are in a folder of
their own.  `registries.py` gets what every run needs, numbers and names; `references.py` gets the rest, for those who
ask to have a name explained.
"""

import csv
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REGISTRIES = HERE / "registries"
ROOM = HERE.parent / "analyzer" / "protocols" / "tls"
NAMES = ROOM / "registries.py"
REFERENCES = ROOM / "references.py"
STUN_NAMES = ROOM.parent / "stun" / "registries.py"

#: Values that are text.
TEXTUAL = {"alpn"}
#: Registries whose numbers are customarily written in hexadecimal, and with how many digits.
HEXADECIMAL = {
    "cipher_suites": 4,
    "signature_schemes": 4,
    "versions": 4,
    "hpke_kems": 4,
    "quic_versions": 8,
    "quic_transport_parameters": 2,
    "ssl2_ciphers": 6,
    "methods": 3,
    "attributes": 4,
}
#: Those that someone may ask about by name: their references are kept.
EXPLAINED = {
    "cipher_suites", "extensions", "supported_groups", "signature_schemes", "alerts", "versions", "alpn",
    "handshake_types", "content_types", "certificate_compression", "psk_modes", "quic_transport_parameters",
}  # fmt: skip


class Registry:
    """A table of docs/registries: what it is, and its rows by column."""

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        lines = path.read_text(encoding="utf-8").splitlines()
        about = [line[2:].partition(": ") for line in lines if line.startswith("# ")]
        self.about = {key: text for key, _, text in about}
        self.rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))

    @property
    def table(self) -> str:
        return self.name.upper()

    def key(self, value: str) -> str:
        """How `value` is written as a key."""
        if self.name in TEXTUAL:
            return f'"{value}"'
        number = int(value, 0)
        digits = HEXADECIMAL.get(self.name)
        return str(number) if digits is None else f"0x{number:0{digits}X}"


def registries(folder: str = ".") -> list[Registry]:
    return [Registry(path) for path in sorted((REGISTRIES / folder).glob("*.csv"))]


def names_module(folder: str = ".") -> str:
    """registries.py: for each registry of `folder` a dict of number -> name."""
    out = [
        '"""Numbers and their names, by registry.  Made by docs/make_registries.py; do not edit."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
    ]
    for registry in registries(folder):
        kind = "str" if registry.name in TEXTUAL else "int"
        out += ["", f"#: {registry.about['registry']}.", f"#: Source: {registry.about['source']}."]
        out.append(f"{registry.table}: Final[dict[{kind}, str]] = {{")
        out += [f'    {registry.key(row["value"])}: "{row["name"]}",' for row in registry.rows]
        out.append("}")
        if "post_quantum" in (registry.rows[0] if registry.rows else {}):
            out += ["", "#: Groups that keep a secret from a quantum computer."]
            out += ["POST_QUANTUM_GROUPS: Final = frozenset(", "    {"]
            out += [f"        {registry.key(row['value'])}," for row in registry.rows if row["post_quantum"] == "Y"]
            out += ["    }", ")"]
        if "form" in (registry.rows[0] if registry.rows else {}):
            out += ["", "#: What each value is: a number, nothing, bytes, text, addresses or versions."]
            out.append("QUIC_TRANSPORT_PARAMETER_FORMS: Final[dict[int, str]] = {")
            out += [f'    {registry.key(row["value"])}: "{row["form"]}",' for row in registry.rows]
            out.append("}")
    return "\n".join(out) + "\n"


def references_module() -> str:
    """references.py: for each registry that is explained, number -> (recommended, reference)."""
    out = [
        '"""What IANA says of numbers besides their names.  Made by docs/make_registries.py; do not edit.',
        "",
        "Each value is (recommended, reference): Y, N, D (discouraged) or nothing where it is not registered.",
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
    ]
    for registry in registries():
        if registry.name not in EXPLAINED:
            continue
        kind = "str" if registry.name in TEXTUAL else "int"
        out += ["", f"#: {registry.about['registry']}, {registry.about['date']}."]
        out.append(f"{registry.table}: Final[dict[{kind}, tuple[str, str]]] = {{")
        out += [
            f'    {registry.key(row["value"])}: ("{row.get("recommended") or ""}", "{row["reference"] or ""}"),'
            for row in registry.rows
        ]
        out.append("}")
        if "dtls_ok" in registry.rows[0]:
            out += ["", "#: Suites that must not be used with DTLS.", "NOT_FOR_DTLS: Final = frozenset(", "    {"]
            out += [f"        {registry.key(row['value'])}," for row in registry.rows if row["dtls_ok"] == "N"]
            out += ["    }", ")"]
    return "\n".join(out) + "\n"


def stun_module() -> str:
    """registries.py of STUN: names, and for attributes and error codes where they are defined."""
    out = [names_module("stun")]
    for registry in registries("stun"):
        if registry.name not in ("attributes", "error_codes", "methods"):
            continue
        out += ["", f"#: {registry.about['registry']}: where they are defined."]
        out.append(f"{registry.table}_DEFINED: Final[dict[int, str]] = {{")
        out += [f'    {registry.key(row["value"])}: "{row["reference"]}",' for row in registry.rows if row["reference"]]
        out.append("}")
    return "\n".join(out).replace("\n\n\n#", "\n\n#") + "\n"


if __name__ == "__main__":
    NAMES.write_text(names_module(), encoding="utf-8")
    REFERENCES.write_text(references_module(), encoding="utf-8")
    STUN_NAMES.write_text(stun_module(), encoding="utf-8")
    print(f"wrote {NAMES}, {REFERENCES} and {STUN_NAMES}", file=sys.stderr)
