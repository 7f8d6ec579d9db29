"""What people read of the status: a row for each process, and in words why it is not well (SPEC 9). No I/O.

`clstat -p` prints the rows as they are, `clstat -w` what is wrong first.
"""
from __future__ import annotations

from collections.abc import Callable

from . import errors, machines, rules
from .statusline import GROUP, PROCESS, Line, judge, number, of_group, plain

HEADINGS = ("HOST", "PROCESS", "LEVEL", "PID", "STATE", "READY", "SINCE", "RESTARTS", "LAST EXIT")
SELDOM = ("HOST", "READY")      # columns that are left out where no row has a word for them
URGENCY = (errors.STUCK, errors.FAILED, errors.NOT_YET)


class Row:
    """cells: its words, as HEADINGS; remark: what is below it, or ""; code: how it is, as judge() says."""
    __slots__ = ("cells", "remark", "code")

    def __init__(self, cells: tuple[str, ...], remark: str, code: int) -> None:
        self.cells = cells
        self.remark = remark
        self.code = code


def rows(lines: list[Line], host: str, when: Callable[[int], str], now: int, groups: bool = False) -> list[Row]:
    """The rows of LINES: of the processes, and of groups whose level has none; with GROUPS of all groups.

    host: the word for the first column; when: seconds since 1970 as text; now: such seconds.
    """
    found = []
    states: dict[str, str] = {}         # of each group
    blockers: dict[str, Line] = {}      # of each group, what keeps its later entries from being started
    peopled = {of_group(line) for line in lines if line.kind == PROCESS}
    for line in lines:
        group = of_group(line)
        if line.kind == GROUP:
            states[group] = line.state
            if groups or group not in peopled:
                found.append(Row(_cells(line, host, when), _of_group(line, group in peopled), judge(line)[0]))
        elif line.kind == PROCESS:
            blocker = blockers.get(group) if states.get(group) in ("STARTING", "FAILED") else None
            found.append(Row(_cells(line, host, when), remark(line, now, blocker), judge(line)[0]))
            # One that is paused holds the others only where it is to get ready, which the status does not tell
            if _blocks(line) and (group not in blockers or blockers[group].state == "PAUSED"):
                blockers[group] = line
    return found


def strays(daemon: dict[str, str], host: str) -> list[Row]:
    """Rows for the strays of a daemon, by the pairs of its line."""
    pids = plain(daemon["strays"]).split(",") if "strays" in daemon else []
    return [Row((host or "-", "(a stray)", "-", pid, "-", "-", "-", "-", "-"), "", errors.DONE) for pid in pids]


def _cells(line: Line, host: str, when: Callable[[int], str]) -> tuple[str, ...]:
    more = line.more
    last = rules.describe(more["last"]) if more.get("last") else "-"
    cells = (host or "-", line.name, line.level, more.get("pid", "-"), line.state, more.get("ready", "-"),
             when(number(more, "since")), more.get("restarts", "-" if line.kind == GROUP else "0"),
             more.get("up", "-") + " up" if line.kind == GROUP else last)
    return tuple(map(plain, cells))


def _of_group(line: Line, peopled: bool) -> str:
    """What is to be said of a group."""
    if judge(line)[0] == errors.NOT_YET:
        return "on its way to %s" % plain(line.more.get("want", "a level"))
    if line.state == "CONFIGURED":
        return "not told its level, or halted"
    return "" if peopled else "no entry is in level %s" % line.level


def remark(line: Line, now: int, blocker: Line | None = None) -> str:
    """Why the process of LINE is not well, and its own words; "" where the table says it all.

    blocker: an entry that has to be done before this one is started.
    """
    why = plain(line.more.get("why", ""))
    own = _reason(line, blocker)
    more = why if line.state in ("STARTING", "STUCK") else ""      # as the last answer of its ready command
    words = [": ".join(filter(None, [own, more])) if more else why or own]
    if line.state == "PAUSED" and "until" in line.more:
        words.append("%d s left" % max(0, number(line.more, "until") - now))
    if line.more.get("text"):
        words.append("it says: " + plain(line.more["text"]))
    return ", ".join(filter(None, words))


def _reason(line: Line, blocker: Line | None) -> str:
    """The reason that the daemon had no need to give."""
    if line.state == "FAILED":
        what = "the test" if line.more.get("mode") == "test" else "it"
        return "%s %s" % (what, rules.describe(plain(line.more.get("last", ""))))
    if line.state == "IDLE" and blocker is not None:
        return ("not started: %s has failed" if blocker.state == "FAILED" else "waits for %s") % blocker.name
    if line.more.get("ready") == "no" and line.state == "STARTING":
        return "not ready yet"
    return {"PAUSED": "paused", "OFF": "switched off in the cltab",
            "STUCK": "would not die, not even of KILL"}.get(line.state, "")


def _blocks(line: Line) -> bool:
    """Whether the entries after LINE have to wait for it."""
    return line.state in ("STARTING", "PAUSED", "FAILED") or "after" in line.more or (
        line.more.get("mode") in rules.BLOCKING and line.state in machines.ALIVE)


def urgent(found: list[Row]) -> int:
    """How urgent the most urgent of some rows is: 0 most; for sorting."""
    return min((URGENCY.index(row.code) for row in found if row.code in URGENCY), default=len(URGENCY))


def table(found: list[Row], heading: str = "PROCESS") -> list[tuple[str, int]]:
    """The rows as lines, each with the code of its row, below the headings; remarks are below their rows, indented."""
    headings = tuple(heading if word == "PROCESS" else word for word in HEADINGS)
    columns = list(zip(headings, *(row.cells for row in found)))
    columns = [column for column in columns if column[0] not in SELDOM or set(column[1:]) - {"-"}]
    widths = [max(map(len, column)) for column in columns]
    texts = ["  ".join(map(str.ljust, cells, widths)).rstrip() for cells in zip(*columns)]
    lines = [(texts[0], errors.DONE)]
    for row, text in zip(found, texts[1:]):
        lines.append((text, row.code))
        if row.remark:
            lines.append(("    " + row.remark, row.code))
    return lines
