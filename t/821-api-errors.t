#!/usr/bin/env python3
"""Each exception of clinit(3), raised by what a clinitd, or the system, really says; Stuck by a stand-in's answer."""
import os
import re
import socket
import sys
import threading

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, ROOT, World, wait_for

import clinit
from clinit import protocol

NOBODY = 65534
world = World(QUICK + "g:t:run:test:exit 3;\ng:a:run,maint:respawn:sleep 1000\nw:w:run:wait:while test ! -e WORLD/go; do sleep 0.02; done\n")
daemon = world.start()
client = clinit.client(cltab=world.cltab, socket=world.socket)
raised = set()


def fails(kind, call, part, what, code):
    """CALL raises just KIND, saying PART, with the exit status CODE."""
    try:
        call()
    except clinit.Error as error:
        raised.add(type(error).__name__)
        same((type(error), error.code), (kind, code), what)
        like(str(error), part, "... and says why")
    else:
        ok(False, what + " (nothing was raised)")


fails(clinit.NoSuchGroup, lambda: client.tell("x", "run"), "no such group: x", "tell, without such a group", 6)
fails(clinit.NoSuchGroup, lambda: client.plan("x", "run"), "no such group: x", "plan", 6)
fails(clinit.NoSuchGroup, lambda: client.signal("HUP", "x"), "no such group: x", "signal", 6)
fails(clinit.NoSuchGroup, lambda: client.restart("g:x"), "g:x", "restart", 6)
fails(clinit.NoSuchGroup, lambda: client.wait("g"), "g has not been told its level", "wait, for who was not told", 6)
for call, what in ((lambda: client.tell("(", "run"), "tell"), (lambda: client.plan("g", "("), "plan"),
                   (lambda: client.restart("g:("), "restart"), (lambda: client.signal("HUP", "("), "signal")):
    fails(clinit.UsageError, call, "bad name: (", "%s: a bad name" % what, 2)
fails(clinit.UsageError, lambda: client.signal("LOUD", "g"), "LOUD", "no such signal", 2)
fails(clinit.TransitionFailed, lambda: client.tell("g", "run", wait=True), "g run FAILED: g:t exited 3", "a test fails", 1)
fails(clinit.TransitionFailed, lambda: client.restart("g:t"), "nothing to restart", "what does not run is not restarted", 1)
fails(clinit.TransitionFailed, lambda: client.signal("HUP", "g:t"), "no process of g:t runs", "nor signalled", 1)
fails(clinit.NotYet, lambda: client.tell("w", "run", wait=True, timeout=0.05), "not yet", "the timeout is over", 3)
fails(clinit.NotYet, lambda: client.wait(timeout=0.05), "not yet", "of wait, too", 3)

errors = []


def waiting():
    try:
        clinit.client(cltab=world.cltab, socket=world.socket).wait("w", "run", timeout=30)
    except clinit.Error as error:
        errors.append(error)


# Whichever of the two clinitd hears first, the answer is the same
thread = threading.Thread(target=waiting)
thread.start()
client.tell("w", "0")
thread.join(30)
same([type(error) for error in errors], [clinit.TakenOver], "another command took over")
like(str(errors[0]), "another command took over: w goes to 0", "... and says where it goes")
same(errors[0].code, 5, "5")
raised.add(type(errors[0]).__name__)

text = world.read("cltab")
world.write("bad\nworse\n")
for call, what in ((client.reread, "reread"), (client.plan, "plan")):
    fails(clinit.CltabError, call, "%s:1: 1 field, not the five" % world.cltab, "%s: a bad cltab" % what, 6)
try:
    client.reread()
except clinit.CltabError as error:
    same([line.partition(": ")[0] for line in error.lines[:2]], ["%s:1" % world.cltab, "%s:2" % world.cltab], "lines has every error")
world.write(text)


def as_nobody(call):
    """The name, code and text of the Error that CALL raises as another user."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            call()
        except clinit.Error as error:
            os.write(theirs, ("%s %d %s" % (type(error).__name__, error.code, error)).encode())
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours) as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    return said


if os.getuid() == 0:
    same(as_nobody(lambda: client.tell("g", "0")), "Denied 4 %s: not permitted" % world.socket, "the socket is root's")
    os.chmod(world.socket, 0o666)
    same(as_nobody(lambda: client.tell("g", "0")), "Denied 4 not permitted to uid 65534", "and clinitd answers nobody else")
    raised.add("Denied")
else:
    os.chmod(world.socket, 0)
    fails(clinit.Denied, lambda: client.tell("g", "0"), "not permitted", "a socket that is not ours", 4)
    os.chmod(world.socket, 0o600)


def answering(text):
    """A client of a stand-in for clinitd, which answers TEXT to the first who asks."""
    listener = socket.socket(socket.AF_UNIX)
    path = world.path("stand-in")
    listener.bind(path)
    listener.listen()

    def serve():
        with listener, listener.accept()[0] as other:
            other.recv(protocol.MAX_REQUEST)
            other.sendall(text.encode())
        os.unlink(path)
    threading.Thread(target=serve, daemon=True).start()
    return clinit.client(cltab=world.path("none"), socket=path)


fails(clinit.Stuck, lambda: answering("error 8 g run STOPPING: g:a pid 7 would not die\n").wait("g"), "g:a pid 7 would not die", "what would not die", 8)
wait_for(lambda: not os.path.exists(world.path("stand-in")), "the stand-in to end")
fails(clinit.Error, lambda: answering("error 99 of a later version\n").wait("g"), "of a later version", "an unknown code", 1)
wait_for(lambda: not os.path.exists(world.path("stand-in")), "the stand-in to end")
fails(clinit.NoDaemon, lambda: answering("warning half an answer\n").reread(), "clinitd went away", "half an answer", 7)

fails(clinit.Error, lambda: clinit.daemon(world.cltab, world.socket, world.path("clstat")), "another clinitd", "clinit.daemon, beside another", 1)
same(client.replace(timeout=60), "clinitd is replaced", "replace raises nothing where it is done")
client.shutdown(wait=True, timeout=60)
same(daemon.wait(30), 0, "halted")
for call, part, what in ((lambda: client.tell("g", "run"), "no clinitd answers at " + world.socket, "tell"),
                         (client.status, "no status", "status"), (client.groups, "no status", "groups"),
                         (client.replace, "no clinitd answers", "replace"), (client.shutdown, "no clinitd answers", "shutdown")):
    fails(clinit.NoDaemon, call, part, "%s without a clinitd" % what, 7)
world.write("bad\n")
fails(clinit.CltabError, lambda: clinit.daemon(world.cltab, world.socket), "not the five", "clinit.daemon, of a bad cltab", 6)

with open(os.path.join(ROOT, "man", "clinit.3")) as file:
    listed = set(re.findall(r"^\.It Vt (\w+)$", file.read(), re.M))
same(listed, {name for name in clinit.__all__ if name[0].isupper()}, "clinit(3) has all exceptions")
same(raised, listed, "and each was raised")
done()
