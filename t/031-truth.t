#!/usr/bin/env python3
"""The three tables as one reads them, row by row: whoever changes a cell says so here, too.

lib/explore.py holds the rules that the tables must obey; what it cannot see, such as an event that does
nothing, or a log line, this table holds.
"""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit import machines
from tap import done, same

TRUTH = """
DAEMON
    state      event         next       actions
    RUNNING    tell       -> RUNNING    tell_group
    RUNNING    reread     -> RUNNING    adopt_all
    RUNNING    halt       -> HALTING    halt_groups
    HALTING    tell       -> HALTING    refuse
    HALTING    reread     -> HALTING    refuse
    HALTING    halt       -> HALTING
    HALTING    halted     -> HALTED     leave
    HALTED     tell       -> HALTED     refuse
    HALTED     reread     -> HALTED     refuse
    HALTED     halt       -> HALTED

GROUP
    CONFIGURED tell       -> STOPPING   clear
    STARTING   tell       -> STOPPING   clear
    STOPPING   tell       -> STOPPING   clear
    HALTING    tell       -> STOPPING   clear
    DONE       tell       -> STOPPING   clear
    PASSED     tell       -> STOPPING   clear
    FAILED     tell       -> STOPPING   clear
    STOPPING   cleared    -> DUMPING    dump
    DUMPING    dumped     -> STARTING   advance
    STARTING   moved      -> STARTING   advance
    STARTING   opened     -> STARTING
    STARTING   failed     -> FAILED
    STARTING   complete   -> CHECKING   check
    CHECKING   passed     -> PASSED
    CHECKING   done       -> DONE
    CONFIGURED halt       -> HALTING    clear
    STARTING   halt       -> HALTING    clear
    STOPPING   halt       -> HALTING    clear
    HALTING    halt       -> HALTING
    DONE       halt       -> HALTING    clear
    PASSED     halt       -> HALTING    clear
    FAILED     halt       -> HALTING    clear
    HALTING    cleared    -> CONFIGURED retire
    DONE       opened     -> STARTING
    STOPPING   moved      -> STOPPING
    STOPPING   opened     -> STOPPING
    HALTING    moved      -> HALTING
    HALTING    opened     -> HALTING
    DONE       moved      -> DONE
    FAILED     moved      -> FAILED
    FAILED     opened     -> FAILED

PROCESS
    IDLE       start      -> STARTING   spawn
    IDLE       stop       -> STOPPING   await_end climb
    STARTING   started    -> RUNNING    tell_moved
    STARTING   executed   -> STARTING   get_ready
    STARTING   ready      -> RUNNING    tell_moved
    STARTING   again      -> STARTING   spawn
    STARTING   too_rapid  -> PAUSED     pause tell_moved
    STARTING   refused    -> PAUSED     retry
    STARTING   finished   -> DONE       tell_moved
    STARTING   failed     -> FAILED     tell_moved
    STARTING   sweep      -> STOPPING   climb
    STARTING   overdue    -> STOPPING   climb
    STARTING   restart    -> STOPPING   climb tell_opened
    STARTING   stop       -> STOPPING   climb
    RUNNING    again      -> STARTING   spawn
    RUNNING    too_rapid  -> PAUSED     pause
    RUNNING    finished   -> DONE       tell_moved
    RUNNING    passed     -> PASSED     tell_moved
    RUNNING    failed     -> FAILED     tell_moved
    RUNNING    sweep      -> STOPPING   climb
    RUNNING    overdue    -> STOPPING   climb
    RUNNING    restart    -> STOPPING   climb tell_opened
    RUNNING    stop       -> STOPPING   climb
    STOPPING   started    -> STOPPING
    STOPPING   stop       -> STOPPING   widen
    STOPPING   escalate   -> STOPPING   climb
    STOPPING   survived   -> STUCK      insist
    STOPPING   gone       -> IDLE       calm tell_left
    STOPPING   again      -> STARTING   calm spawn
    STOPPING   too_rapid  -> PAUSED     calm pause tell_moved
    STOPPING   finished   -> DONE       calm tell_moved
    STOPPING   failed     -> FAILED     calm tell_moved
    STOPPING   renew      -> STARTING   calm spawn
    STUCK      started    -> STUCK
    STUCK      stop       -> STUCK      widen
    STUCK      survived   -> STUCK      insist
    STUCK      gone       -> IDLE       calm tell_left
    STUCK      again      -> STARTING   calm spawn
    STUCK      too_rapid  -> PAUSED     calm pause tell_moved
    STUCK      finished   -> DONE       calm tell_moved
    STUCK      failed     -> FAILED     calm tell_moved
    STUCK      renew      -> STARTING   calm spawn
    PAUSED     resume     -> STARTING   spawn
    PAUSED     restart    -> STARTING   unpause spawn
    PAUSED     reset      -> IDLE       unpause
    PAUSED     stop       -> STOPPING   unpause await_end climb
    PASSED     reset      -> IDLE
    FAILED     reset      -> IDLE
"""


def rows(text):
    """{table: {(state, event): (next, action, ...)}}"""
    tables = {}
    for words in map(str.split, text.strip().split("\n")):
        if len(words) == 1:
            table = tables[words[0]] = {}
        elif "->" in words:
            table[words[0], words[1]] = tuple(words[3:])
    return tables


for name, truth in rows(TRUTH).items():
    table = getattr(machines, name)
    same(sorted(set(table) ^ set(truth)), [], "%s has these rows and no others" % name)
    for (state, event), row in truth.items():
        same(table.get((state, event)), row, "%s: %s in %s" % (name, event, state))
done()
