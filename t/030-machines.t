#!/usr/bin/env python3
"""The three tables hold together: states are reached and left, actions exist, the unknown raises."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit import init, machines
from tap import done, ok, raises, same

for name, table, kind, first, end in (
        ("DAEMON", machines.DAEMON, init.Init, "RUNNING", set()),
        ("GROUP", machines.GROUP, init.Group, "CONFIGURED", set()),
        ("PROCESS", machines.PROCESS, init.Process, "IDLE", {"DONE"})):
    states = {state for state, _ in table}
    nexts = {row[0] for row in table.values()}
    same(nexts - states - end, set(), "%s: each next state has rows" % name)
    same(states - nexts - {first}, set(), "%s: each state is reached" % name)
    missing = {action for row in table.values() for action in row[1:] if not hasattr(kind, action)}
    same(missing, set(), "%s: each action is a method" % name)
    ok(all(isinstance(word, str) for row in table.values() for word in row), "%s: rows hold names alone" % name)

raises(machines.Unexpected, lambda: machines.step(machines.PROCESS, "IDLE", "gone"),
       "what has no row raises", "gone in state IDLE")
same(machines.step(machines.PROCESS, "IDLE", "start"), ("STARTING", "spawn"), "what has one is returned")
same({state for (state, event) in machines.GROUP if event == "halt"} | {"DUMPING", "CHECKING"},
     {state for state, _ in machines.GROUP}, "a halt is taken in every state that lasts")
same({state for (state, event) in machines.GROUP if event == "tell"} | {"DUMPING", "CHECKING"},
     {state for state, _ in machines.GROUP}, "so is a tell")
same({state for (state, event) in machines.PROCESS if event == "stop"}, {*machines.STOPPABLE, "IDLE"},
     "whatever may have members can be stopped")
done()
