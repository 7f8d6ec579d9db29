"""The status as records of text and numbers, for JSON and API: etc/clstat.schema.json says what they hold. No I/O."""
from __future__ import annotations

from . import errors, rules, statusline
from .statusline import GROUP, Line

TYPE_CHECKING = False   # for type checkers it is True; typing itself costs too much to import
if TYPE_CHECKING:
    from typing import Any
    Record = dict[str, Any]
else:
    Record = dict

# The pairs that are numbers, of whatever line
NUMBERS = ("pid", "start", "uid", "restarts", "quick", "since", "until", "seq", "time", "ticks", "lines")


def record(head: Line | None, lines: list[Line]) -> Record:
    """The daemon, by its line HEAD, and the groups and processes of LINES."""
    code, why = statusline.verdict(lines)
    return {
        "verdict": {"status": code, "why": why},
        "daemon": {"state": head.state, **_pairs(head)} if head else None,
        "groups": [_group(line) for line in lines if line.kind == GROUP],
        "processes": [_process(line) for line in lines if line.kind != GROUP]}


def groups(lines: list[Line]) -> list[Record]:
    """The groups of LINES, each with its processes as `processes`; for the API."""
    found = record(None, lines)
    return [{**group, "processes": [process for process in found["processes"] if process["group"] == group["group"]]}
            for group in found["groups"]]


def _group(line: Line) -> Record:
    return {"group": line.name, "level": line.level, "state": line.state, **_pairs(line)}


def _process(line: Line) -> Record:
    group, _, tag = line.name.partition(":")
    code = statusline.judge(line)[0]
    return {"group": group, "tag": tag, "level": line.level, "state": line.state,
            "well": code == errors.DONE, **_pairs(line)}


def _pairs(line: Line) -> Record:
    """What follows the four words of LINE; where a number should be and is none, nothing."""
    found: Record = {}
    for key, value in line.more.items():
        if key in NUMBERS:
            if statusline.number(line.more, key, -1, digits=15) >= 0:
                found[key] = int(value)
        elif key == "up":
            up, _, entries = value.partition("/")
            if up.isdecimal() and entries.isdecimal() and len(value) < 20:
                found["up"], found["entries"] = int(up), int(entries)
        elif key == "last":
            found["last"] = _last(value)
        elif key == "ready":
            found["ready"] = value == "yes"
        elif key == "strays":
            found["strays"] = [int(pid) for pid in value.split(",") if pid.isdecimal() and len(pid) < 12]
        elif key not in ("group", "tag", "level", "state", "well"):
            found[key] = value
    return found


def _last(value: str) -> Record:
    """A last exit; that of which the status is not known has neither a status nor a signal."""
    kind, _, what = value.partition(":")
    return {"exit": int(what) if kind == "exit" and what.isdecimal() and len(what) < 4 else None,
            "signal": what if kind == "signal" else None, "words": rules.describe(value)}
