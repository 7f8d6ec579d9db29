"""The status: the lines of the file, read, written, filtered and judged (SPEC 9). No I/O.

A line is four words, as the original's, then `key=value` pairs:
    Cluster::Init::Process web:httpd run RUNNING pid=812 restarts=0 last=exit:1
"""
from __future__ import annotations

from . import errors, rules

DAEMON = "Cluster::Init::Daemon"
GROUP = "Cluster::Init::Group"
PROCESS = "Cluster::Init::Process"


class Line:
    """One line of the status.

    kind: DAEMON, GROUP or PROCESS; name, level, state: its words; more: {key: value}, all text.
    """
    __slots__ = ("kind", "name", "level", "state", "more")

    def __init__(self, kind: str, name: str, level: str, state: str, more: dict[str, str]) -> None:
        self.kind = kind
        self.name = name
        self.level = level
        self.state = state
        self.more = more

    def __str__(self) -> str:
        pairs = ["%s=%s" % (key, _quote(value)) for key, value in self.more.items() if value != ""]
        return " ".join([self.kind, self.name, self.level, self.state, *pairs])


def _quote(value: str) -> str:
    """VALUE without what would end a word or a line: blanks, controls and % become %XX, byte by byte."""
    if value.isalnum():     # the usual case, at once
        return value
    return "".join(char if char > " " and char != "%" and char.isprintable()
                   else "".join("%%%02X" % byte for byte in char.encode("utf-8", "surrogateescape"))
                   for char in value)


def _unquote(value: str) -> str:
    if "%" not in value:
        return value
    head, *parts = value.split("%")
    data = head.encode()
    for part in parts:
        try:
            data += bytes([int(part[:2], 16)]) + part[2:].encode()
        except ValueError:
            data += b"%" + part.encode()
    return data.decode("utf-8", "surrogateescape")


def plain(text: str) -> str:
    """TEXT without what a terminal could be fooled by; nobody but a forger has such."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def number(more: dict[str, str], key: str, default: int = 0, digits: int = 11) -> int:
    """The number that MORE, the pairs of a line, has for KEY; DEFAULT where it has none of so many DIGITS at most."""
    value = more.get(key, "")
    return int(value) if value.isdecimal() and len(value) <= digits else default


def parse(text: str) -> list[Line]:
    """The lines of TEXT that are clinit's; what a reader does not know it passes over."""
    lines = []
    for row in text.split("\n"):
        words = row.split(" ")
        if len(words) >= 4 and words[0] in (DAEMON, GROUP, PROCESS):
            pairs = (word.partition("=") for word in words[4:])
            lines.append(Line(words[0], plain(words[1]), plain(words[2]), plain(words[3]),
                              {key: _unquote(value) for key, equals, value in pairs if equals}))
    return lines


def of_group(line: Line) -> str:
    """The group that LINE, of a group or a process, belongs to."""
    return line.name.partition(":")[0]


def select(lines: list[Line], group: str | None = None, level: str | None = None) -> list[Line]:
    """The group and process lines of GROUP (of all where None), and those at LEVEL."""
    return [line for line in lines
            if line.kind != DAEMON
            and (group is None or of_group(line) == group)
            and (level is None or line.level == level)]


def words(lines: list[Line], group: str | None = None, level: str | None = None) -> list[str]:
    """A line a group, `web run DONE`; what was asked for is left out: the name, the level, or both."""
    return [" ".join(word for word, asked in ((line.name, group), (line.level, level), (line.state, None))
                     if asked is None)
            for line in select(lines, group, level) if line.kind == GROUP]


def verdict(lines: list[Line]) -> tuple[int, str]:
    """The exit code for the group and process LINES, and why it is not DONE, or "".

    DONE: all at rest, well. FAILED: a group failed, or a process is paused. NOT_YET: in transition.
    STUCK: something would not die.
    """
    found = [judge(line) for line in lines]
    code = errors.first([code for code, _ in found])
    return code, "; ".join(why for of, why in found if of == code and why)


def judge(line: Line) -> tuple[int, str]:
    """verdict() of one line."""
    if line.kind == GROUP:
        if line.state in ("DONE", "PASSED"):
            return errors.DONE, ""
        if line.state == "FAILED":
            return errors.FAILED, ""        # its failed process says why
        if line.state == "CONFIGURED":
            return errors.NO_GROUP, "%s has not been told its level" % line.name
        return errors.NOT_YET, "%s is %s, on its way to %s" % (
            line.name, line.state, plain(line.more.get("want", "a level")))
    if line.state == "STUCK":
        return errors.STUCK, "%s pid %s would not die" % (line.name, plain(line.more.get("pid", "unknown")))
    last, why = plain(line.more.get("last", "")), plain(line.more.get("why", ""))
    if line.state == "PAUSED":
        return errors.FAILED, "%s is paused%s%s" % (line.name, why and ": " + why, last and _exit(last))
    if line.state == "FAILED":
        return errors.FAILED, line.name + (": " + why + (last and _exit(last)) if why else " " + rules.describe(last))
    return errors.DONE, ""


def _exit(last: str) -> str:
    return " (%s)" % rules.describe(last)
