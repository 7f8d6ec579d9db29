"""The status as metrics: OpenMetrics text that a node exporter's textfile collector takes, too. No I/O.

That one parses Prometheus' older text format: it knows no types info and stateset, so a state is a gauge of 0 or 1
for each word; it takes no time stamps; and it shows the counter, whose name ends otherwise there, as untyped.
"""
from __future__ import annotations

import signal

from . import machines
from .statusline import DAEMON, GROUP, PROCESS, Line, number, plain

Labels = dict[str, str]
Sample = tuple[str, float, Labels]

# name: (type, what it is)
FAMILIES = {
    "clinit_up": ("gauge", "Whether there is a status file whose clinitd lives."),
    "clinit_status_timestamp_seconds": ("gauge", "When clinitd has written its status, in seconds since 1970."),
    "clinit_group_state": ("gauge", "1 for the state that the group is in, 0 for the others."),
    "clinit_group_level": ("gauge", "1, with the level where the group is, and the one where it is to be."),
    "clinit_group_state_seconds": ("gauge", "For how long the group has been in its state."),
    "clinit_group_entries": ("gauge", "How many entries of the group's level count."),
    "clinit_group_entries_up": ("gauge", "How many of those run, or are done or passed."),
    "clinit_process_state": ("gauge", "1 for the state that the process is in, 0 for the others."),
    "clinit_process_up": ("gauge", "Whether it runs, and is ready where that is asked for, or is done or passed."),
    "clinit_process_state_seconds": ("gauge", "For how long the process has been in its state."),
    "clinit_process_restarts": ("counter", "How often it was started again."),
    "clinit_process_last_exit_status": ("gauge", "Its last exit status; 128 and the number of a signal."),
}


def _states(table: machines.Table) -> list[str]:
    return sorted({state for state, _ in table} | {row[0] for row in table.values()})


GROUP_STATES = _states(machines.GROUP)
PROCESS_STATES = [*_states(machines.PROCESS), "OFF"]


def metrics(lines: list[Line], lives: bool, now: float) -> list[str]:
    """The metrics of LINES, in text; LIVES: whether their clinitd does; NOW: seconds since 1970."""
    samples: list[Sample] = [("clinit_up", lives, {})]
    for line in lines:
        samples += {DAEMON: _of_daemon, GROUP: _of_group, PROCESS: _of_process}[line.kind](line, now)
    texts: dict[str, list[str]] = {name: [] for name in FAMILIES}
    for name, value, labels in samples:
        texts[name].append("%s%s%s %.15g" % (name, "_total" * (FAMILIES[name][0] == "counter"), _labels(labels), value))
    rows = []
    for name, (kind, what) in FAMILIES.items():
        if texts[name]:
            rows += ["# HELP %s %s" % (name, what), "# TYPE %s %s" % (name, kind), *texts[name]]
    return [*rows, "# EOF"]


def _of_daemon(line: Line, now: float) -> list[Sample]:
    return [("clinit_status_timestamp_seconds", number(line.more, "time"), {})]


def _of_group(line: Line, now: float) -> list[Sample]:
    of = {"group": line.name}
    up, _, entries = line.more.get("up", "").partition("/")
    return [
        *(("clinit_group_state", state == line.state, {**of, "state": state}) for state in GROUP_STATES),
        ("clinit_group_level", 1, {**of, "level": line.level, "want": plain(line.more.get("want", "-"))}),
        ("clinit_group_state_seconds", _seconds(line, now), of),
        ("clinit_group_entries", number({"": entries}, ""), of),
        ("clinit_group_entries_up", number({"": up}, ""), of)]


def _of_process(line: Line, now: float) -> list[Sample]:
    group, _, tag = line.name.partition(":")
    of = {"group": group, "tag": tag}
    found: list[Sample] = [
        *(("clinit_process_state", state == line.state, {**of, "state": state}) for state in PROCESS_STATES),
        ("clinit_process_state_seconds", _seconds(line, now), of),
        ("clinit_process_restarts", number(line.more, "restarts"), of)]
    if line.state != "OFF":
        well = line.state in ("RUNNING", "DONE", "PASSED") and line.more.get("ready") != "no"
        found.append(("clinit_process_up", well, of))
    status = _exit_status(line.more.get("last", ""))
    if status is not None:
        found.append(("clinit_process_last_exit_status", status, of))
    return found


def _seconds(line: Line, now: float) -> int:
    """For how long it has been in its state."""
    return max(0, int(now) - number(line.more, "since", int(now)))


def _labels(labels: Labels) -> str:
    pairs = ['%s="%s"' % (key, value.replace("\\", r"\\").replace('"', r"\""))
             for key, value in labels.items()]
    return "{%s}" % ",".join(pairs) if pairs else ""


def _exit_status(last: str) -> int | None:
    """An exit as a shell's $? has it; None where it is not known."""
    kind, _, what = last.partition(":")
    if kind == "exit" and what.isdecimal() and len(what) < 4:
        return int(what)
    named = getattr(signal, "SIG" + what, None) if kind == "signal" and what.isalnum() else None
    return 128 + named if isinstance(named, int) else None
