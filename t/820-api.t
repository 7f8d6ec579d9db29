#!/usr/bin/env python3
"""The Python API: the original's calls and messages, and exceptions of one family (SPEC 11)."""
import inspect
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
import world as worlds
from tap import cleanup, done, like, note, ok, raises, same
from world import QUICK, World, wait_for

import clinit

world = World(QUICK + "g:t:run,t:test:test -e WORLD/yes\ng:a:run,maint:respawn:sleep 1000\n0:w:0:wait:while test ! -e WORLD/go; do sleep 0.02; done\n")
paths = {"cltab": world.cltab, "socket": world.socket, "clstat": world.path("clstat")}


def parameters(function):
    """The parameters of FUNCTION, as a SYNOPSIS has them."""
    return [str(one.replace(annotation=one.empty)) for one in inspect.signature(function).parameters.values()]


class Noting:
    """A client that notes which of its calls were made."""

    def __init__(self, client):
        self.client, self.calls = client, set()

    def __getattr__(self, name):
        self.calls.add(name)
        return getattr(self.client, name)


client = Noting(clinit.client(**paths))
raises(clinit.NoDaemon, lambda: client.tell("g", "run"), "no daemon", "no clinitd answers at " + world.socket)
raises(clinit.NoDaemon, client.status, "no status", "no status: " + world.path("clstat"))
raises(clinit.NoDaemon, client.groups, "nor groups", "no status: " + world.path("clstat"))
raises(clinit.NoDaemon, client.shutdown, "nothing to shut down", "no clinitd answers at " + world.socket)
script = "import sys; sys.path.insert(0, %r); import clinit; sys.exit(clinit.daemon(**%r))" % (os.path.join(worlds.ROOT, "lib"), paths)
daemon = subprocess.Popen([sys.executable, "-c", script], env=world.environ, stderr=open(world.path("log"), "w"))
world.daemons.append(daemon)
wait_for(lambda: world.line("clinitd"), "clinit.daemon() to run")
cleanup(daemon.wait)
cleanup(daemon.terminate)

same(client.groups(), [], "no group was told")
same(client.plan("g", "maint"), "start g:a", "what tell would do")
same((client.plan(), client.plan(halt=True)), ("nothing to do", "nothing to do"), "reread, and shutdown")
same(client.tell("g", "maint"), "level transition started", "tell returns the message")
same(client.tell("g", "maint", wait=True), "g maint DONE", "and with wait how it went")
same(client.status(), "g maint DONE\n", "status")
same(client.status(group="g"), "maint DONE\n", "of a group")
same(client.status(level="maint"), "g DONE\n", "of a level")
same(client.status("g", "maint"), "DONE", "of both: one word")
same(client.status("x"), "", "of a group that was not told: nothing")
same(clinit.status(clstat=world.path("clstat")), "g maint DONE\n", "status without a client")
same(client.status(clstat=world.path("clstat")), "g maint DONE\n", "status of another file")
same(client.wait(), "g maint DONE", "wait, for all groups")
same(client.wait("g", "maint", timeout=30), "g maint DONE", "and for one at a level")
same((client.plan("g", "0"), client.plan(halt=True)), ("stop g:a pid %d" % world.pid("g:a"),) * 2, "plan: what would be stopped")
found = client.groups()
same([(group["group"], group["level"], group["state"], group["want"], group["up"], group["entries"]) for group in found],
     [("g", "maint", "DONE", "maint", 1, 1)], "groups")
same([(one["group"], one["tag"], one["state"], one["well"], one["pid"]) for one in found[0]["processes"]],
     [("g", "a", "RUNNING", True, world.pid("g:a"))], "with their processes")
shown = json.loads(world.clstat("-j")[1])
same([{name: value for name, value in group.items() if name != "processes"} for group in found], shown["groups"],
     "they are what clstat -j shows ...")
same([process for group in found for process in group["processes"]], shown["processes"], "... and so are their processes")
same(client.signal("CONT", "g:a"), "CONT sent to g:a", "signal, to a process")
same(client.signal("CONT", "g"), "CONT sent to g:a", "and to a group")
before = world.pid("g:a")
same(client.restart("g:a"), "restart started", "restart returns the message")
same(client.restart("g:a", wait=True), "g maint DONE", "and with wait how it went")
ok(world.pid("g:a") != before, "it is another process now")
raises(clinit.Error, client.replace, "replace: this one is part of another program", "clinitd is not replaced: it was not started as the program clinitd")
raises(clinit.NoSuchGroup, lambda: client.tell("x", "run"), "no such group", "no such group: x")
raises(clinit.UsageError, lambda: client.tell("g", "("), "a bad name", "bad name: (")
raises(clinit.TransitionFailed, lambda: client.tell("g", "run", wait=True), "a failed group", "g run FAILED: g:t exited 1")
raises(clinit.NotYet, lambda: client.tell("0", "0", wait=True, timeout=0.05), "the time is over", "not yet")
world.write("", "yes")
world.write("", "go")
same(client.tell("g", "t", wait=True), "g t PASSED", "passed")
same(client.reread(), "nothing to do", "reread")
same(client.tell(":::ALL:::", ":::REREAD:::"), "nothing to do", "in the original's words")
world.write("bad\n")
raises(clinit.CltabError, client.reread, "a bad cltab", "1 field, not the five")
try:
    client.reread()
except clinit.CltabError as error:
    same(error.lines[0], "%s:1: 1 field, not the five of group:tag:runlevels:mode:command" % world.cltab, "with its lines")
same((client.tell("g", "maint"), client.warnings[0][:len(world.cltab)]), ("level transition started", world.cltab),
     "a tell is carried out, with a warning")
ok(all(issubclass(getattr(clinit, name), clinit.Error) for name in clinit.__all__ if name[0].isupper()), "one family of errors")
lines = world.read("clstat").replace("boot=", "boot=another")
world.write(lines, "old")
raises(clinit.NoDaemon, lambda: client.groups(clstat=world.path("old")), "the groups of a dead clinitd are not shown", "old is stale: clinitd (pid %d) is dead" % daemon.pid)
same(client.status(clstat=world.path("old")), client.status(), "its status is, as ever")
host = " host=%s " % os.uname().nodename
world.write(lines.replace(host, " host=elsewhere "), "fresh")
same([group["group"] for group in client.groups(clstat=world.path("fresh"))], [group["group"] for group in client.groups()],
     "the groups of another host")
world.write(re.sub(" time=[0-9]+", " time=%d" % (time.time() - 90), lines.replace(host, " host=elsewhere ")), "fresh")
raises(clinit.NoDaemon, lambda: client.groups(clstat=world.path("fresh")), "not old ones", "fresh is stale: elsewhere has written it 90 s ago")
same(client.tell(":::ALL:::", ":::SHUTDOWN:::", wait=True), "all groups halting", "shutdown, in the original's words")
same(daemon.wait(30), 0, "clinit.daemon() returns")
with open(os.path.join(worlds.ROOT, "man", "clinit.3")) as file:
    page = re.search(r"\.Bd -literal\n(.*?)\n\.Ed", file.read(), re.S).group(1)
public = {name for name in dir(client.client) if name[0] != "_"} - {"paths"}
same(set(re.findall(r"^c\.(\w+)", page, re.M)), public, "clinit(3) has what a client has")
same(client.calls & public, public, "and this test has called it all")
for call in re.findall(r"^c\.(\w+\(.*\))$", page, re.M):
    name, _, words = call.partition("(")
    same(words[:-1], ", ".join(str(one).replace("'", '"') for one in parameters(getattr(client.client, name))), "%s() as in clinit(3)" % name)
heavy = subprocess.run([sys.executable, "-I", "-B", "-c", "import sys; sys.path.insert(0, %r); before = set(sys.modules); import clinit;"
                        "print(*sorted(set(sys.modules) - before))" % os.path.join(worlds.ROOT, "lib")],
                       capture_output=True, text=True).stdout.split()
same([name for name in heavy if not name.startswith("clinit")], ["__future__"], "import clinit imports nothing else")
COST = 5000     # microseconds
costs = []
for _ in range(7):
    said = subprocess.run([sys.executable, "-X", "importtime", "-c", "import clinit"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": os.path.join(worlds.ROOT, "lib")}).stderr
    costs.append(int(re.search(r"\| +(\d+) \| clinit$", said, re.M).group(1)))
ok(min(costs) < COST, "import clinit costs less than 5 ms: %d us at best" % min(costs)) or note(costs)
like(clinit.__version__, ".", "it has a version")
done()
