"""Runs the commands shown in README.md and docs/guide.md and writes their outputs below them.

Only commands whose captures are in the project are run; `python docs/make_examples.py` brings the pages up to date.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = (ROOT / "README.md", ROOT / "docs" / "guide.md")
BLOCK = re.compile(r"^```console\n\$ analyzer (?P<rest>[^\n]*)\n(?P<output>(?:(?!```|\$ ).*\n)*)```$", re.MULTILINE)


def shown(page: str) -> str:
    """The page with the outputs as they are now."""
    return BLOCK.sub(lambda block: f"```console\n$ analyzer {block['rest']}\n{output(block)}```", page)


def output(block: re.Match[str]) -> str:
    arguments = block["rest"].split("#")[0].split()
    if not arguments or not (arguments[0] == "explain" or any((ROOT / word).is_file() for word in arguments)):
        return block["output"]
    environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "analyzer", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()) + "\n"


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(shown(path.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"wrote {path}", file=sys.stderr)
