"""Regular expressions as servers take them, those of .NET, in the syntax of the package `regex` (its version 1).

The two have most in common. What differs is rewritten, and what only `regex` knows is refused, as it is by .NET.
"""

from __future__ import annotations

import re

MAX_LENGTH = 4096
MAX_LITERAL = 250
MAX_DEPTH = 100
MAX_REPEATED = 100_000
"""The maximum length of a pattern: in all, in characters without an operator between them, in nested groups, and with
everything that is repeated a certain number of times counted so many times. Longer ones take `regex` seconds, or
gigabytes, before they are used."""

_QUANTIFIER = re.compile(r"[*+?]|\{(\d+)(?:,(\d*))?\}")
_GROUP = re.compile(r"\((?:\?(?:[:=!>]|<[=!]|(?=\(\?<?[=!])))?")
_NAMED_GROUP = re.compile(r"\(\?(?:<(\w+)>|'(\w+)')")
_CONDITION = re.compile(r"\(\?\(\w+\)")
_OPTIONS = re.compile(r"\(\?([imns]*)(?:-([imns]+))?([:)])")
_COMMENT = re.compile(r"\(\?#[^)]*\)")
_REFERENCE = re.compile(r"\\k(?:<(\w+)>|'(\w+)')")
_PROPERTY = re.compile(r"\\([pP])\{(?:([A-Z][a-z]?)|Is([\w-]+))\}")
_CODE = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|0[0-7]{0,2})")
_CONTROL = re.compile(r"\\c([A-Za-z@\[\\\]^_])")
_KEPT_ESCAPE = re.compile(r"\\(?:[AbBdDsSwWGafnrtv1-9]|[^0-9A-Za-z_])", re.DOTALL)
_KEPT_IN_SET = re.compile(r"\\(?:[dDsSwWafnrtv]|[^0-9A-Za-z_])", re.DOTALL)

_ANCHORS = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\e": r"\x1B"}
_IN_SET = {r"\b": r"\x08", r"\e": r"\x1B"}
_BLOCKS = {
    "Greek": "GreekandCoptic",
    "CombiningMarksforSymbols": "CombiningDiacriticalMarksforSymbols",
    "PrivateUse": "PrivateUseArea",
}
"""The blocks of Unicode that .NET calls by other names."""


class PatternRefused(Exception):
    """The pattern is none of .NET's, uses something that is not supported here, or is too large."""


def translated(pattern: str) -> str:
    """The pattern for `regex`. Raises PatternRefused; what `regex` itself refuses is left to it."""
    if len(pattern) > MAX_LENGTH:
        raise PatternRefused(f"it has {len(pattern)} characters, and may have {MAX_LENGTH}")
    return f"(?-f){_Translator(pattern).run()}"  # version 1 would compare `ß` and `ss` as equal where case is ignored


class _Translator:
    """Goes through a pattern once. `_sizes` are those of the groups that are open, counted as `MAX_REPEATED` does."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        self._out: list[str] = []
        self._sizes = [0]
        self._last = 0
        self._literal = 0

    def run(self) -> str:
        while self._at < len(self._pattern):
            self._step()
        return "".join(self._out)

    def _step(self) -> None:
        head = self._pattern[self._at]
        if head == "\\":
            self._atom(self._escape())
        elif head == "[":
            self._atom(self._set())
        elif head == "(":
            self._open()
        elif head == ")":
            self._close()
        elif found := self._take(_QUANTIFIER):
            self._repeat(found)
        elif head in "|^$":
            self._literal = self._last = 0
            self._out.append(self._next())
        else:
            self._atom(_escaped(self._next(), "{}]"))

    def _atom(self, text: str) -> None:
        self._out.append(text)
        self._literal += 1
        self._count(1)
        if self._literal > MAX_LITERAL:
            raise PatternRefused(f"more than {MAX_LITERAL} characters follow on each other without an operator")

    def _count(self, size: int) -> None:
        self._last = size
        self._sizes[-1] += size
        if self._sizes[-1] > MAX_REPEATED:
            raise PatternRefused(f"it repeats more than {MAX_REPEATED} times")

    def _repeat(self, found: re.Match[str]) -> None:
        lazy = self._next() if self._pattern[self._at : self._at + 1] == "?" else ""
        if _QUANTIFIER.match(self._pattern, self._at):
            raise PatternRefused(f"nested quantifier at {self._at}")
        self._out.append(found[0] + lazy)
        self._literal = 0
        times = int(found[2] or found[1]) if found[1] else 1
        self._count(self._last * max(times - 1, 0))

    def _open(self) -> None:
        self._literal = 0
        if self._take(_COMMENT):
            return
        if found := self._take(_OPTIONS):
            self._options(found)
            return
        if found := self._take(_NAMED_GROUP):
            self._enter(f"(?<{found[1] or found[2]}>")
        elif found := self._take(_CONDITION) or self._take(_GROUP):
            self._enter(found[0])
        if self._pattern[self._at : self._at + 1] == "?":
            raise PatternRefused(f"unrecognized grouping construct at {self._at}")

    def _options(self, found: re.Match[str]) -> None:
        """Without `n`, which makes no difference to whether something matches."""
        on, off = found[1].replace("n", ""), (found[2] or "").replace("n", "")
        flags = f"{on}-{off}" if off else on
        if found[3] == ":":
            self._enter(f"(?{flags}:")
        elif flags:
            self._out.append(f"(?{flags})")

    def _enter(self, text: str) -> None:
        self._out.append(text)
        self._sizes.append(0)
        if len(self._sizes) > MAX_DEPTH:
            raise PatternRefused(f"more than {MAX_DEPTH} groups lie within each other")

    def _close(self) -> None:
        if len(self._sizes) == 1:
            raise PatternRefused(f"too many closing parentheses, at {self._at}")
        self._out.append(self._next())
        self._literal = 0
        self._count(max(self._sizes.pop(), 1))

    def _escape(self) -> str:
        if found := self._take(_REFERENCE):
            return rf"\g<{found[1] or found[2]}>"
        return self._plain_escape(_ANCHORS, _KEPT_ESCAPE)

    def _plain_escape(self, rewritten: dict[str, str], kept: re.Pattern[str]) -> str:
        pair = self._pattern[self._at : self._at + 2]
        if pair in rewritten:
            self._at += 2
            return rewritten[pair]
        if found := self._take(_PROPERTY):
            return rf"\{found[1]}{{{found[2] or 'In' + _BLOCKS.get(found[3], found[3])}}}"
        if found := self._take(_CONTROL):
            return rf"\x{ord(found[1].upper()) - 64:02x}"
        if found := self._take(_CODE) or self._take(kept):
            return found[0]
        raise PatternRefused(f"unrecognized escape sequence {pair} at {self._at}")

    def _set(self) -> str:
        """A set, perhaps with another one subtracted at its end, which takes a set around both in version 1."""
        self._next()
        content = "^" if self._pattern[self._at : self._at + 1] == "^" else ""
        self._at += len(content)
        first = self._at
        while not (self._peek() == "]" and self._at > first):
            if self._pattern.startswith("-[", self._at) and self._at > first:
                self._next()
                return f"[[{content}]--{self._subtracted()}]"
            content += self._range()
        self._next()
        return f"[{content}]"

    def _subtracted(self) -> str:
        subtracted = self._set()
        if self._peek() != "]":
            raise PatternRefused(f"a subtraction must be the last thing in a set, at {self._at}")
        self._next()
        return subtracted

    def _range(self) -> str:
        low = self._member()
        if self._peek() != "-" or self._pattern[self._at + 1 : self._at + 2] in ("]", "[", ""):
            return low
        self._next()
        return f"{low}-{self._member()}"

    def _member(self) -> str:
        if self._peek() == "\\":
            return self._plain_escape(_IN_SET, _KEPT_IN_SET)
        return _escaped(self._next(), "[]^-&|~")

    def _peek(self) -> str:
        if self._at >= len(self._pattern):
            raise PatternRefused("a set has no end")
        return self._pattern[self._at]

    def _next(self) -> str:
        self._at += 1
        return self._pattern[self._at - 1]

    def _take(self, expected: re.Pattern[str]) -> re.Match[str] | None:
        found = expected.match(self._pattern, self._at)
        self._at = found.end() if found else self._at
        return found


def _escaped(character: str, special: str) -> str:
    return f"\\{character}" if character in special else character
