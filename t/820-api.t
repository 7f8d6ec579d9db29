#!/usr/bin/env python3
"""The Python API: the original's calls and messages, and exceptions of one family (SPEC 11)."""
import os
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import world as worlds
from tap import cleanup, done, like, ok, raises, same
from world import QUICK, World, wait_for

import clinit

world = World(QUICK + "g:t:run,t:test:test -e WORLD/yes\ng:a:run,maint:respawn:sleep 1000\n0:w:0:wait:while test ! -e WORLD/go; do sleep 0.02; done\n")
paths = {"cltab": world.cltab, "socket": world.socket, "clstat": world.path("clstat")}
client = clinit.client(**paths)
raises(clinit.NoDaemon, lambda: client.tell("g", "run"), "no daemon", "no clinitd answers at " + world.socket)
raises(clinit.NoDaemon, client.status, "no status", "no status: " + world.path("clstat"))
script = "import sys; sys.path.insert(0, %r); import clinit; sys.exit(clinit.daemon(**%r))" % (os.path.join(worlds.ROOT, "lib"), paths)
daemon = subprocess.Popen([sys.executable, "-c", script], env=world.environ, stderr=open(world.path("log"), "w"))
world.daemons.append(daemon)
wait_for(lambda: world.line("clinitd"), "clinit.daemon() to run")
cleanup(daemon.wait)
cleanup(daemon.terminate)

same(client.tell("g", "maint"), "level transition started", "tell returns the message")
same(client.tell("g", "maint", wait=True), "g maint DONE", "and with wait how it went")
same(client.status(), "g maint DONE\n", "status")
same(client.status(group="g"), "maint DONE\n", "of a group")
same(client.status(level="maint"), "g DONE\n", "of a level")
same(client.status("g", "maint"), "DONE", "of both: one word")
same(client.status("x"), "", "of a group that was not told: nothing")
same(clinit.status(clstat=world.path("clstat")), "g maint DONE\n", "status without a client")
same(client.status(clstat=world.path("clstat")), "g maint DONE\n", "status of another file")
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
same(client.tell(":::ALL:::", ":::SHUTDOWN:::"), "all groups halting", "shutdown, in the original's words")
same(daemon.wait(30), 0, "clinit.daemon() returns")
heavy = subprocess.run([sys.executable, "-I", "-B", "-c", "import sys; sys.path.insert(0, %r); before = set(sys.modules); import clinit;"
                        "print(*sorted(set(sys.modules) - before))" % os.path.join(worlds.ROOT, "lib")],
                       capture_output=True, text=True).stdout.split()
same([name for name in heavy if not name.startswith("clinit")], ["__future__"], "import clinit imports nothing else")
like(clinit.__version__, ".", "it has a version")
done()
