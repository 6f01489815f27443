"""Regular expressions of blueprints, matched in bounded time even if they are malicious.

A pattern such as ``(a+)+$`` takes longer than the world lasts on a text that it nearly matches, and Python
cannot be interrupted while it tries. So what could take long is tried in a process of its own, which is
ended when the time is over.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from dataclasses import dataclass

#: How long all matches that one request needs may take together (seconds).
SECONDS = 2.0
#: How many steps a match may need at most to be tried in this process.
MOST_STEPS = 1_000_000

# Python alone, without its site: it is there at once, and can do nothing but match.
_PROGRAM = """\
import json, re, sys
pattern, text = json.load(sys.stdin)
sys.stdout.write("yes" if re.match(pattern, text) else "no")
"""
_REPEATED_GROUP = re.compile(r"\)\s*[*+{]")
# Spaces and comments, which such a pattern may have, can hide what is repeated.
_VERBOSE = re.compile(r"\(\?[a-zA-Z-]*x")


class PatternTooSlow(Exception):
    """The time was over before it was known whether the text matches."""


@dataclass(slots=True)
class Patience:
    """The time (seconds) that is left for the matches of one request."""

    left: float = SECONDS

    def matches(self, pattern: str, text: str) -> bool:
        """Return whether ``text`` begins with what ``pattern``, which is valid, describes. Raises
        PatternTooSlow.
        """
        if self.left <= 0:
            raise PatternTooSlow
        began = time.monotonic()
        try:
            if most_steps(pattern, len(text)) <= MOST_STEPS:
                return re.match(pattern, text) is not None
            return _matches_elsewhere(pattern, text, self.left)
        finally:
            self.left -= time.monotonic() - began


def _matches_elsewhere(pattern: str, text: str, seconds: float) -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", _PROGRAM],
            input=json.dumps([pattern, text]),
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
        )
    except subprocess.TimeoutExpired as error:
        raise PatternTooSlow from error
    return done.stdout == "yes"


def most_steps(pattern: str, length: int) -> float:
    """No match of ``pattern`` on a text of ``length`` characters takes more steps than this; infinite if that
    cannot be seen from the pattern.

    Where no group is repeated, a quantifier has at most ``length + 1`` choices, ``?`` and ``|`` have two, and
    nothing else has any.
    """
    if _REPEATED_GROUP.search(pattern) or _VERBOSE.search(pattern):
        return float("inf")
    many = sum(pattern.count(character) for character in "*+{")
    few = sum(pattern.count(character) for character in "?|")
    if many + few > 20:
        return float("inf")
    return float((length + 1) ** many << few) * (length + len(pattern))
