#!/usr/bin/env python3
"""clinitd speaks sd_notify(3) to who started it: here a socket that a service manager would have (SPEC 7)."""
import os
import socket
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, ok, same
from world import PATIENCE, QUICK, World

CLTAB = QUICK + "g:i:run:initdefault:\ng:env:run:wait:env > WORLD/env\ng:r:run:respawn:sleep 1000\n"
USEC = 200000       # the manager's patience: a sign of life each 0.1 s


class Manager:
    """The receiving end, at ADDRESS."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(PATIENCE)
        cleanup(self.socket.close)

    def hear(self):
        return self.socket.recv(4096).decode()

    def hear_but(self, word):
        """The next message that is not WORD."""
        while True:
            text = self.hear()
            if text != word:
                return text

    def waiting(self):
        """What has come already."""
        self.socket.setblocking(False)
        texts = []
        try:
            while True:
                texts.append(self.hear())
        except BlockingIOError:
            self.socket.settimeout(PATIENCE)
            return texts


world = World(CLTAB)
manager = Manager(world.path("notify"))
world.environ.update(NOTIFY_SOCKET=world.path("notify"), WATCHDOG_USEC=str(USEC))
began = time.monotonic()
daemon = world.start()
same(manager.hear(), "READY=1", "it is ready when it answers")
same([manager.hear() for _ in range(10)], ["WATCHDOG=1"] * 10, "signs of life")
# Late is a busy machine, early would be wrong
ok(time.monotonic() - began > 9 * USEC / 2e6, "... at half of WATCHDOG_USEC, not more often")
world.await_state("g", "DONE")
same([line for line in world.read("env").split("\n") if line.startswith(("NOTIFY_SOCKET", "WATCHDOG"))], [],
     "its processes know nothing of that")
before = world.pid("g:r")
same(world.clinit("-u")[0], 0, "clinit -u")
same(manager.hear_but("WATCHDOG=1"), "READY=1", "the next clinitd says that it is ready, to the same manager")
same(manager.hear(), "WATCHDOG=1", "... and gives signs of life")
same(world.pid("g:r"), before, "nothing was restarted")
same(world.clinit("-k", "-w")[0], 0, "clinit -k")
same(manager.hear_but("WATCHDOG=1"), "STOPPING=1", "it says that it stops")
same(daemon.wait(PATIENCE), 0, "... and does")

world = World(CLTAB)
name = "clinit-t-%d" % os.getpid()
manager = Manager("\0" + name)
world.environ.update(NOTIFY_SOCKET="@" + name, WATCHDOG_USEC=str(USEC), WATCHDOG_PID="1")
daemon = world.start()
same(manager.hear(), "READY=1", "a socket in the abstract namespace")
same(world.stop(), 0, "TERM")
same(manager.waiting(), ["STOPPING=1"], "the signs of life were wanted of somebody else: none came")

world = World(CLTAB)
deaf = Manager(world.path("notify"))
deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
world.environ.update(NOTIFY_SOCKET=world.path("notify"), WATCHDOG_USEC="1")
world.start()
same(world.clinit("-w", "g", "run")[0], 0, "a manager that does not read does not keep it waiting; nor one who wants a million signs a second")
same(world.stop(), 0, "... nor from its end")

for address, usec in ((world.path("none"), str(USEC)), ("relative", "0"), ("/" + "x" * 200, "9" * 20), ("@", "often")):
    world = World(CLTAB)
    world.environ.update(NOTIFY_SOCKET=address, WATCHDOG_USEC=usec)
    world.start()
    same(world.clinit("-w", "g", "run")[0], 0, "no manager at %.10s, WATCHDOG_USEC=%s: it serves" % (address, usec))
    same(world.stop(), 0, "... and ends")
done()
