#!/usr/bin/env python3
"""The three tables, explored: the states of small clinits, every event that the world can send, in every order.

What holds in each state is written at the head of lib/explore.py. And every row of the tables is used.
"""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import explore
from clinit import init
from tap import done, limit, note, ok, same

limit(600)

tables = {name: explore.Recorder(getattr(init, name)) for name in ("DAEMON", "GROUP", "PROCESS")}
for name, table in tables.items():
    setattr(init, name, table)
for name, (texts, commands) in explore.SCOPES.items():
    try:
        states = explore.explore(texts, commands)
    except explore.Fault as fault:
        states = 0
        note(fault)
    ok(states, "%s: %d states, and the rules hold in each%s" % (
        name, states, " (cut off there)" if states > explore.LIMIT else ""))
for name, table in tables.items():
    same(sorted(set(table) - table.used), [], "%s: each of its %d rows is used" % (name, len(table)))
done()
