"""The three state machines, as tables: what follows when something happens.

A row is `(state, event): (next state, action, ...)`. An action is the name of a method of the machine's
object in init.py; the state has changed already when it is called. A pair that has no row cannot happen:
step() raises, so that neither a test nor the daemon ever goes on from a state that nobody thought of.

Nothing here knows of processes, time or files; to understand clinit, read these three tables first.
"""
from __future__ import annotations

Row = tuple[str, ...]                   # next state, action, ...
Table = dict[tuple[str, str], Row]      # by state and event

# The daemon takes commands until it is told to halt; it is HALTED when the last group is.
DAEMON: Table = {
    # state       event        next state   actions
    ("RUNNING",  "tell"):    ("RUNNING",   "tell_group"),
    ("RUNNING",  "reread"):  ("RUNNING",   "adopt_all"),
    ("RUNNING",  "halt"):    ("HALTING",   "halt_groups"),
    ("HALTING",  "tell"):    ("HALTING",   "refuse"),
    ("HALTING",  "reread"):  ("HALTING",   "refuse"),
    ("HALTING",  "halt"):    ("HALTING",),
    ("HALTING",  "halted"):  ("HALTED",    "leave"),
    ("HALTED",   "tell"):    ("HALTED",    "refuse"),
    ("HALTED",   "reread"):  ("HALTED",    "refuse"),
    ("HALTED",   "halt"):    ("HALTED",),
}

# A group. Whatever it is told, its way is the same: stop what must go, forget it, start what is missing,
# look at the result. A stop without anything to stop passes STOPPING and DUMPING in the same moment.
#   tell     it is to be at `want`, by the entries that it has now
#   halt     it is to have no process
#   cleared  no process is left of those that must go
#   dumped   they are forgotten, the entries of the level are in their place
#   moved    one of its processes changed its state
#   opened   one of them, which was started, is on its way again: those after it wait for it
#   complete, failed   how far the start got
GROUP: Table = {
    # state         event         next state    actions
    ("CONFIGURED", "tell"):     ("STOPPING",   "clear"),
    ("STARTING",   "tell"):     ("STOPPING",   "clear"),
    ("STOPPING",   "tell"):     ("STOPPING",   "clear"),
    ("HALTING",    "tell"):     ("STOPPING",   "clear"),
    ("DONE",       "tell"):     ("STOPPING",   "clear"),
    ("PASSED",     "tell"):     ("STOPPING",   "clear"),
    ("FAILED",     "tell"):     ("STOPPING",   "clear"),

    ("STOPPING",   "cleared"):  ("DUMPING",    "dump"),
    ("DUMPING",    "dumped"):   ("STARTING",   "advance"),
    ("STARTING",   "moved"):    ("STARTING",   "advance"),
    ("STARTING",   "opened"):   ("STARTING",),
    ("STARTING",   "failed"):   ("FAILED",),
    ("STARTING",   "complete"): ("CHECKING",   "check"),
    ("CHECKING",   "passed"):   ("PASSED",),
    ("CHECKING",   "done"):     ("DONE",),

    ("CONFIGURED", "halt"):     ("HALTING",    "clear"),
    ("STARTING",   "halt"):     ("HALTING",    "clear"),
    ("STOPPING",   "halt"):     ("HALTING",    "clear"),
    ("HALTING",    "halt"):     ("HALTING",),
    ("DONE",       "halt"):     ("HALTING",    "clear"),
    ("PASSED",     "halt"):     ("HALTING",    "clear"),
    ("FAILED",     "halt"):     ("HALTING",    "clear"),
    ("HALTING",    "cleared"):  ("CONFIGURED", "retire"),

    ("DONE",       "opened"):   ("STARTING",),

    ("STOPPING",   "moved"):    ("STOPPING",),
    ("STOPPING",   "opened"):   ("STOPPING",),
    ("HALTING",    "moved"):    ("HALTING",),
    ("HALTING",    "opened"):   ("HALTING",),
    ("DONE",       "moved"):    ("DONE",),
    ("FAILED",     "moved"):    ("FAILED",),
    ("FAILED",     "opened"):   ("FAILED",),
}

# A process: one entry of the cltab, brought to life.
#   start      its group wants it          stop       its group wants it gone, with all its members
#   started    its exec succeeded          reset      what it did is forgotten, it may start again
#   executed   likewise, and it is to get ready           ready      it is
#   again      it exited, start it anew    too_rapid  it exited, but too often; or it could not be executed
#   refused    the system has no room for it now
#   finished, passed, failed               it exited, and that was all (wait and once; test; test)
#   overdue    it was not ready, or had not exited, in the time that it has for that: it is stopped
#   restart    somebody wants it stopped and started anew; renew: now it may be
#   sweep      its main process exited, others of its process group are left and go before it starts anew
#   escalate   the time of a rung of the kill ladder is over
#   survived   something outlives even KILL
#   gone       no member of it is left
#   resume     its pause is over
PROCESS: Table = {
    # state        event          next state    actions
    ("IDLE",      "start"):     ("STARTING",   "spawn"),
    ("IDLE",      "stop"):      ("STOPPING",   "await_end", "climb"),
    ("STARTING",  "started"):   ("RUNNING",    "tell_moved"),
    ("STARTING",  "executed"):  ("STARTING",   "get_ready"),
    ("STARTING",  "ready"):     ("RUNNING",    "tell_moved"),
    ("STARTING",  "again"):     ("STARTING",   "spawn"),
    ("STARTING",  "too_rapid"): ("PAUSED",     "pause", "tell_moved"),
    ("STARTING",  "refused"):   ("PAUSED",     "retry"),
    ("STARTING",  "finished"):  ("DONE",       "tell_moved"),
    ("STARTING",  "failed"):    ("FAILED",     "tell_moved"),
    ("STARTING",  "sweep"):     ("STOPPING",   "climb"),
    ("STARTING",  "overdue"):   ("STOPPING",   "climb"),
    ("STARTING",  "restart"):   ("STOPPING",   "climb", "tell_opened"),
    ("STARTING",  "stop"):      ("STOPPING",   "climb"),

    ("RUNNING",   "again"):     ("STARTING",   "spawn"),
    ("RUNNING",   "too_rapid"): ("PAUSED",     "pause"),
    ("RUNNING",   "finished"):  ("DONE",       "tell_moved"),
    ("RUNNING",   "passed"):    ("PASSED",     "tell_moved"),
    ("RUNNING",   "failed"):    ("FAILED",     "tell_moved"),
    ("RUNNING",   "sweep"):     ("STOPPING",   "climb"),
    ("RUNNING",   "overdue"):   ("STOPPING",   "climb"),
    ("RUNNING",   "restart"):   ("STOPPING",   "climb", "tell_opened"),
    ("RUNNING",   "stop"):      ("STOPPING",   "climb"),

    ("STOPPING",  "started"):   ("STOPPING",),
    ("STOPPING",  "stop"):      ("STOPPING",   "widen"),
    ("STOPPING",  "escalate"):  ("STOPPING",   "climb"),
    ("STOPPING",  "survived"):  ("STUCK",      "insist"),
    ("STOPPING",  "gone"):      ("IDLE",       "calm", "tell_left"),
    ("STOPPING",  "again"):     ("STARTING",   "calm", "spawn"),
    ("STOPPING",  "too_rapid"): ("PAUSED",     "calm", "pause", "tell_moved"),
    ("STOPPING",  "finished"):  ("DONE",       "calm", "tell_moved"),
    ("STOPPING",  "failed"):    ("FAILED",     "calm", "tell_moved"),
    ("STOPPING",  "renew"):     ("STARTING",   "calm", "spawn"),

    ("STUCK",     "started"):   ("STUCK",),
    ("STUCK",     "stop"):      ("STUCK",      "widen"),
    ("STUCK",     "survived"):  ("STUCK",      "insist"),
    ("STUCK",     "gone"):      ("IDLE",       "calm", "tell_left"),
    ("STUCK",     "again"):     ("STARTING",   "calm", "spawn"),
    ("STUCK",     "too_rapid"): ("PAUSED",     "calm", "pause", "tell_moved"),
    ("STUCK",     "finished"):  ("DONE",       "calm", "tell_moved"),
    ("STUCK",     "failed"):    ("FAILED",     "calm", "tell_moved"),
    ("STUCK",     "renew"):     ("STARTING",   "calm", "spawn"),

    ("PAUSED",    "resume"):    ("STARTING",   "spawn"),
    ("PAUSED",    "restart"):   ("STARTING",   "unpause", "spawn"),
    ("PAUSED",    "reset"):     ("IDLE",       "unpause"),
    ("PAUSED",    "stop"):      ("STOPPING",   "unpause", "await_end", "climb"),
    ("PASSED",    "reset"):     ("IDLE",),
    ("FAILED",    "reset"):     ("IDLE",),
}

BEING_STOPPED = ("STOPPING", "STUCK")                          # a process of which all must go
RESTING = ("CONFIGURED", "DONE", "PASSED", "FAILED")          # a group's states that only a command leaves
ALIVE = ("STARTING", "RUNNING", "STOPPING", "STUCK")          # a process that is there, or what is left of it
STOPPABLE = (*ALIVE, "PAUSED")                                 # one that runs, or will by itself


class Unexpected(Exception):
    """An event that the table has no row for."""


def step(table: Table, state: str, event: str) -> Row:
    """The row for EVENT in STATE: (next state, action, ...).

    Raises Unexpected when the table does not know the pair.
    """
    try:
        return table[state, event]
    except KeyError:
        raise Unexpected("%s in state %s" % (event, state)) from None
