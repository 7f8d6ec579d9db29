#!/usr/bin/env python3
"""The floors hold: each imports only what is at or below its own; the lower two do no I/O (DESIGN)."""
import ast
import os
import re
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, ok, same

LIB = os.path.join(sys.path[0], "..", "..", "lib", "clinit")
FLOORS = {
    1: "errors machines rules cltab statusline protocol people record metrics collate",
    2: "init",
    3: "members cgroup watch spawn kernel loop server statusfile tail cltabfile recover handover log lock paths notify sdnotify",
    4: "__init__ cli asking ctl stat screen clinitd supervisor",
}
FLOOR = {name: floor for floor, names in FLOORS.items() for name in names.split()}
IO = {"os", "time", "socket", "_socket", "select", "subprocess", "fcntl", "sys", "io", "tempfile"}
HEAVY = {"socket", "json", "logging", "argparse", "subprocess", "enum", "dataclasses", "typing"}


def tree(name):
    with open(os.path.join(LIB, name + ".py")) as file:
        return ast.parse(file.read())


def imports(name, deep=True):
    """(modules outside, modules of clinit) that a file imports; not DEEP: at import time only."""
    outside, inside = set(), set()
    for node in ast.walk(tree(name)) if deep else tree(name).body:
        if isinstance(node, ast.Import):
            outside.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                outside.add(node.module.split(".")[0])
            elif node.module:
                inside.add(node.module)
            else:
                inside.update(alias.name if alias.name in FLOOR else "__init__" for alias in node.names)
    return outside - {"__future__"}, inside



def uses(name, module):
    """The attributes of MODULE that a file uses."""
    return {node.attr for node in ast.walk(tree(name))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == module}


same(sorted(FLOOR), sorted(name[:-3] for name in os.listdir(LIB) if name.endswith(".py")),
     "every file of lib/clinit stands on a floor")
with open(os.path.join(LIB, "..", "..", "README.md")) as file:
    rows = [row.split("|") for row in file.read().split("\n") if re.match(r"\| (knowing|deciding|doing|asking) ", row)]
in_readme = {name: 4 - floor for floor, row in enumerate(rows) for name in re.findall(r"`(\w+)\.py`", row[2])}
same(in_readme, {name: floor for name, floor in FLOOR.items() if name != "__init__"}, "README.md shows them there")
for name, floor in sorted(FLOOR.items(), key=lambda item: (item[1], item[0])):
    outside, inside = imports(name)
    above = {other for other in inside if FLOOR[other] > floor}
    same(above, set(), "%s (floor %d) imports nothing from above" % (name, floor))
    if floor <= 2:
        same(outside & IO, set(), "%s does no I/O" % name)

CLOCKS = {"monotonic", "time", "perf_counter", "clock_gettime"}
DAEMON_SIDE = [name for name, floor in FLOOR.items() if floor <= 3 or name in ("clinitd", "supervisor")]
same([name for name in DAEMON_SIDE if uses(name, "time") & CLOCKS], ["kernel"], "one module reads the clock")
same([name for name in DAEMON_SIDE if uses(name, "time") & {"strftime", "localtime"}], ["log"],
     "and one stamps lines for people")
same([name for name in DAEMON_SIDE if uses(name, "os") & {"waitpid", "wait", "waitid"}], ["spawn", "kernel"],
     "one module reaps; spawn only what never became a program")
same([name for name in DAEMON_SIDE if uses(name, "os") & {"fork", "posix_spawn", "forkpty"}], ["spawn"],
     "one module forks")
same([name for name in DAEMON_SIDE if "select" in uses(name, "select")], ["loop"],
     "there is one loop")
for name in ("__init__", "cli", "asking", "ctl", "stat"):
    same(imports(name, deep=False)[0] & HEAVY, set(), "%s imports nothing heavy at import time" % name)
ok({"PROCESS", "GROUP", "DAEMON"} <= {node.target.id for node in tree("machines").body
                                      if isinstance(node, ast.AnnAssign)}, "the three tables are in one file")
done()
