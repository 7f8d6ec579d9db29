"""The rules: facts in, events out. What an exit means, how often to respawn, who is in a level.

Pure functions; times are in seconds.
"""
from __future__ import annotations

# The kill ladder, a tuple of rungs: the name of a signal, and the seconds until the next rung. The last is KILL.
KILL_PATIENCE = 5.0     # what is alive so long after KILL is STUCK; KILL is sent again as often
LADDER = (("INT", 5.0), ("TERM", 5.0), ("KILL", KILL_PATIENCE))    # SPEC 3
Ladder = tuple[tuple[str, float], ...]

# The pace of respawning: how many quick exits are borne; below how many seconds one is quick; seconds of pause.
PACE = (5, 1.0, 60.0)                                              # SPEC 4
Pace = tuple[int, float, float]

# When a respawn entry is ready: seconds that it has for it, and the command that exits 0 then, "" for a notification.
Ready = tuple[float, str]                                          # SPEC 6
READY_WITHIN = 60.0
PROBE, PROBE_MOST = 0.05, 1.0   # seconds between two runs of that command: at first, and at most

RETRY = 1.0             # what the system refused is tried again after this: a fork, a write
HEARTBEAT = 40.0        # the status file is renewed at least so often; SPEC 9 says 30 to 45
SETTLED = 2.0           # and so soon when something was started: as whom it runs is told by then

MODES = ("wait", "once", "respawn", "test", "off", "initdefault")
BLOCKING = ("wait", "test")     # the entries after it wait for its exit


def in_level(field: str, level: str) -> bool:
    """Whether an entry with the runlevel FIELD is in LEVEL (SPEC 1): `long3,` is one level, `12` is three."""
    if "," in field:
        return level in field.split(",")
    return level == field or (len(level) == 1 and level in field)


def outcome(mode: str, last: str) -> str:
    """What the exit of a process that is not respawned means: finished, passed or failed.

    LAST is `exit:N`, `signal:NAME` or `unknown`, which is never taken for success.
    """
    if mode == "test":
        return "passed" if last == "exit:0" else "failed"
    return "finished"


def pace(quick: int, ran: float, limits: Pace) -> tuple[int, str]:
    """Whether a process that ran RAN seconds, after QUICK quick exits, starts again at once (SPEC 4).

    Returns the new count and `again` or `too_rapid`. The count is kept through a pause, so that the next
    quick exit pauses it again; each run longer than the window takes one off.
    """
    most, window, _ = limits
    if ran > window:
        return max(0, quick - 1), "again"
    if quick >= most:
        return most, "too_rapid"
    return quick + 1, "again"


def describe(last: str) -> str:
    """An exit in words: `exited 1`, `killed by KILL`, `ended, its exit status is unknown`."""
    kind, _, what = last.partition(":")
    return {"exit": "exited " + what, "signal": "killed by " + what}.get(
        kind, "ended, its exit status is unknown")


def extent(groups: int, processes: int) -> str:
    """How much a clinitd has, as people say it: 1 group, 12 processes."""
    return "%d group%s, %d process%s" % (groups, "s"[groups == 1:], processes, "es"[2 * (processes == 1):])


def seconds(number: float) -> str:
    """Seconds as people write them: 5, 0.5."""
    return "%g" % number
