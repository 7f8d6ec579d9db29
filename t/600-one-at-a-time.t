#!/usr/bin/env python3
"""One clinitd at a time: the lock decides, not the socket file (SPEC 5, 7).

In the original a second daemon stole the first one's socket, and both ran everything.
"""
import os
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, wait_for

world = World(QUICK + "g:a:run:respawn:sleep 1000\n")
first = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "one is up")
pid = world.pid("g:a")
same(world.run("clinitd", *world.options),
     (1, "", "clinitd: another clinitd (pid %d) has %s\n" % (first.pid, world.socket)), "a second one is refused")
same(world.clinit("g", "run")[0], 0, "the first answers as before")
same((first.poll(), world.pid("g:a")), (None, pid), "and is unharmed")
os.unlink(world.socket)
same(world.run("clinitd", *world.options)[0], 1, "refused, too, when somebody has deleted the socket")
same(world.clinit("g", "run")[0], 7, "which nobody can use then")
os.unlink(world.path("clstat"))
first.send_signal(signal.SIGUSR1)
wait_for(lambda: os.path.exists(world.socket) and world.line("g"), "USR1 to make socket and status anew")
same((world.clinit("g", "run")[0], world.pid("g:a")), (0, pid), "USR1 makes both anew, and nothing else")
same(os.stat(world.socket).st_mode & 0o777, 0o600, "the socket's mode is 0600")
same(os.stat(world.path("clinit.s.lock")).st_mode & 0o777, 0o600, "the lock's too")
same(world.read("clinit.s.lock"), "%-15d\n%s\n" % (first.pid, world.path("clstat")), "and it names its holder, and the status file")
same(world.stop(first), 0, "the first ends")

# A stale socket, as a killed daemon leaves it
first = world.start()
world.stop(first, signal.SIGKILL)
ok(os.path.exists(world.socket), "a killed daemon leaves its socket")
code, out, err = world.clstat("-g", "g")
same((world.clinit("g", "run")[0], world.clstat()[0]), (7, 7), "nobody answers there, and its status is stale: 7")
like(world.clstat()[2], "is stale: clinitd (pid %d) is dead" % first.pid, "as clstat says")
second = world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a stale socket is replaced")

# A start of several at the same moment
world.stop(second)
many = [world.start(ready=False) for _ in range(6)]
wait_for(lambda: sum(one.poll() is None for one in many) == 1 and world.line("clinitd"), "five of six to give up")
winner = next(one for one in many if one.poll() is None)
same([one.wait() for one in many if one is not winner], [1] * 5, "of six that start at once, one wins")
wait_for(lambda: world.clinit("g", "run")[0] == 0, "the winner to answer")
same(world.line("clinitd").more["pid"], str(winner.pid), "and that one answers")
world.stop(winner)

world.write("precious", "clinit.s")
code, out, err = world.run("clinitd", *world.options)
same((code, world.read("clinit.s")), (1, "precious"), "a file that is no socket is not replaced")
like(err, "clinitd: cannot listen at %s: it exists, and is not a socket\n" % world.socket, "and it says so")
long = world.path("x" * 108)
like(world.run("clinitd", "-c", world.cltab, "-s", long)[2], "the path of a socket is at most 107 bytes", "a path that is too long")
same(world.run("clinitd", "-c", world.cltab, "-s", "/dev/null/x/s")[0], 1, "a folder that cannot be made: 1")
os.unlink(world.socket)
done()
