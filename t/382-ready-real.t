#!/usr/bin/env python3
"""Readiness for real: sd_notify clients, strangers, a server that takes a while to listen, crashes and clinit -u meanwhile (SPEC 6)."""
import array
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, ok, same, skip
from world import QUICK, World, lives, wait_for

# said WORDS...: send each to NOTIFY_SOCKET, "-" waits for a file WORLD/go; then sleep
SAY = """
import os, socket, sys, time
for words in sys.argv[1:]:
    while words == "-" and not os.path.exists("WORLD/go"):
        time.sleep(0.01)
    if words != "-":
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(words.encode(), os.environ["NOTIFY_SOCKET"])
os.execvp("sleep", ["sleep", "1000"])
"""
SERVER = """
import http.server, os, sys, time
while not os.path.exists("WORLD/listen"):
    time.sleep(0.01)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
PYTHON = sys.executable
NOTIFIED = QUICK + """
g:say:run:respawn:%s WORLD/say STATUS=warming - READY=1 STATUS=fine
g:say::ready@60:notify
g:after:run:respawn:sleep 1000
""" % PYTHON


def go(world):
    world.write("", "go")


def more(world, name, key):
    line = world.line(name)
    return line and line.more.get(key)


# A notification from Python; from a stranger it is not heard; a crash and clinit -u do not lose it
world = World(NOTIFIED)
world.write(SAY, "say")
world.start()
world.clinit("g", "run")
wait_for(lambda: more(world, "g:say", "text") == "warming", "its STATUS")
path = world.socket + ".notify"
stranger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
stranger.sendto(b"READY=1\nSTATUS=I am it", path)
reader, writer = os.pipe()
stranger.sendmsg([b"BARRIER=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writer]))], 0, path)
same((more(world, "g:say", "ready"), world.state("g:say"), world.state("g"), world.pid("g:after")), ("no", "STARTING", "STARTING", 0),
     "it is not ready: the status shows it, and nothing follows")
same(world.clinit("-n", "g", "run")[1], "keep g:say pid %d\nstart g:after\n" % world.pid("g:say"), "the plan: what is there is kept, the rest follows")
pid = world.pid("g:say")
same(world.clinit("-u")[0], 0, "clinit -u in the middle")
world.stop(number=signal.SIGKILL)
world.start()
same((world.pid("g:say"), world.state("g:say"), more(world, "g:say", "text")), (pid, "STARTING", "warming"), "and a crash: it gets ready still")
go(world)
same(world.clinit("-w", "g", "run")[::2], (0, ""), "it says so, and what follows is started")
same((more(world, "g:say", "ready"), world.state("g:after"), world.pid("g:say")), ("yes", "RUNNING", pid), "it is ready, in the status, too")
wait_for(lambda: more(world, "g:say", "text") == "fine", "its next STATUS")
like(world.clstat("-p")[1], "fine", "clstat -p shows its words")
os.close(writer)
same(os.read(reader, 1), b"", "what is sent along is closed")
os.unlink(world.path("go"))
world.kill("g:say")
wait_for(lambda: world.pid("g:say") != pid and world.state("g") == "STARTING", "its group to show that it must get ready again")
go(world)
world.await_state("g", "DONE")
same(world.clinit("-k", "-w")[0], 0, "halted")
same(os.path.exists(path), False, "the socket is removed")
world.end()

# systemd-notify, which is another process than the main one, and gone at once
if shutil.which("systemd-notify"):
    world = World(QUICK + "g:sh:run:respawn:systemd-notify --ready --status='up and well'; exec sleep 1000\ng:sh::ready:notify\n")
    world.start()
    same(world.clinit("-w", "-t", "20", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "systemd-notify is heard")
    same(more(world, "g:sh", "text"), "up and well", "its STATUS, too")
    world.end()
else:
    skip("systemd-notify", "it is not there")

# A command that asks a server
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
world = World(QUICK + """
g:server:run:respawn:%s WORLD/server %d
g:server::ready:%s -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:%d')"
g:::output:WORLD/out
g:after:run:wait:echo "at level $CLINIT_LEVEL" > WORLD/after
""" % (PYTHON, port, PYTHON, port))
world.write(SERVER, "server")
world.start()
world.clinit("g", "run")
wait_for(lambda: more(world, "g:server", "why"), "the server not to answer")
same((more(world, "g:server", "why"), world.state("g"), os.path.exists(world.path("after"))),
     ("its ready command exited 1", "STARTING", False), "it does not listen: not ready, with the reason")
like(world.clstat("-p")[1], "not ready yet", "clstat -p says so")
world.write("", "listen")
same(world.clinit("-w", "g", "run")[0], 0, "it listens: ready")
like(world.read("after"), "at level run", "what follows is run")
like(world.read("out/g:server.log"), "Connection refused", "the command's words are in the output of the entry")
world.end()

# Not ready in time; the probe that hangs goes too
world = World(QUICK + "g:never:run:respawn:sleep 1000\ng:never::ready@0.5:sleep 1001\ng:after:run:respawn:sleep 1002\n")
world.start()
code, out, err = world.clinit("-w", "g", "run")
same((code, out), (1, "level transition started\n"), "not ready in time: FAILED")
like(err, "g run FAILED: g:never: not ready after 0.5 s", "with the entry and the reason")
same((world.state("g:never"), world.state("g:after")), ("FAILED", "IDLE"), "what follows is not started")
wait_for(lambda: not set(world.processes()) - {world.daemons[-1].pid}, "the processes and the ready command to be gone")
ok(True, "nothing is left of it, nor of its ready command")
world.end()

# limit, -r, -S and stop:reverse
world = World(QUICK + """
g:slow:run:wait:sleep 1000
g:slow::limit:0.3
g:a:run:respawn:trap 'echo a >> WORLD/order; exit' TERM; trap 'echo hup >> WORLD/hup' HUP; while :; do sleep 0.05; done
g:b:run:respawn:trap 'echo b >> WORLD/order; exit' TERM; while :; do sleep 0.05; done
g:c:run:respawn:trap 'echo c >> WORLD/order; exit' TERM; while :; do sleep 0.05; done
g:::stop:reverse
t:gate:run:test:sleep 1003
t:gate::limit:0.3
""")
world.start()
same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "a wait over its limit: the start goes on")
same((more(world, "g:slow", "why"), world.state("g:slow")), ("over its limit of 0.3 s", "DONE"), "and the status tells")
code, out, err = world.clinit("-w", "t", "run")
like((code, err)[1], "t run FAILED: t:gate: over its limit of 0.3 s", "a test over its limit has failed")
pids = {tag: world.pid("g:" + tag) for tag in "abc"}
same(world.clinit("-w", "-r", "g:b")[:2], (0, "restart started\ng run DONE\n"), "-w -r")
ok(not lives(pids["b"]) and world.pid("g:b") not in (0, pids["b"]), "it is another process now")
same([world.pid("g:" + tag) for tag in "ac"], [pids["a"], pids["c"]], "the others are the same")
same(more(world, "g:b", "quick"), None, "it does not count as quick")
same(world.clinit("-S", "SIGHUP", "g:a")[:2], (0, "HUP sent to g:a\n"), "-S")
world.await_file("hup", "hup")
same(world.clinit("-S", "HUP", "t"), (1, "", "clinit: no process of t runs\n"), "-S, and nothing runs")
same(world.clinit("-S", "DANCE", "g"), (2, "", "clinit: unknown signal: DANCE\n"), "-S, no such signal")
same(world.clinit("-r", "g:slow"), (1, "", "clinit: g:slow is DONE: nothing to restart\n"), "-r of what does not run")
same(world.clinit("-r", "g")[0], 6, "-r of a group")
same(world.clinit("-n", "-r", "g:a"), (2, "", "clinit: -n goes with a level, with -k, or alone\n"), "-n -r")
plan = "".join("stop g:%s pid %d\n" % (tag, world.pid("g:" + tag)) for tag in "abc")
same([world.clinit(*words)[:2] for words in (("-n", "g", "0"), ("-n", "-k"))], [(0, plan)] * 2, "-n g 0, and -n -k")
same(world.clinit("-n")[:2], (0, "".join("keep g:%s pid %d\n" % (tag, world.pid("g:" + tag)) for tag in "abc")), "-n alone")
os.unlink(world.path("order"))
same(world.clinit("-w", "g", "0")[0], 0, "stopped")
same(world.read("order"), "c\nb\na\n", "in reverse order")
world.write("nonsense")
same(world.clinit("-n", "g", "run")[0], 6, "-n with a bad cltab: 6")
world.end()

# A socket whose path leaves no room for another beside it: the log says so
world = World()
world.socket = world.path("s" * (106 - len(world.dir)))
world.options[3] = world.socket
world.write(NOTIFIED.replace("ready@60", "ready@0.3"))
world.start()
world.await_said("cannot listen at %s.notify: its path is over 107 bytes" % world.socket)
same(world.clinit("-w", "g", "run")[0], 1, "who could not say that it is ready is not")
world.end()

# The socket for notifications is made anew when somebody has deleted it, and has a client that does not read it all
world = World(NOTIFIED)
world.write(SAY, "say")
daemon = world.start()
path = world.socket + ".notify"
os.unlink(path)
daemon.send_signal(signal.SIGUSR1)
wait_for(lambda: os.path.exists(path), "the socket to be made anew")
flood = subprocess.Popen([PYTHON, "-c", "import socket,sys\ns=socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                          "while True: s.sendto(b'READY=1', sys.argv[1])", path], stderr=subprocess.DEVNULL)
cleanup(flood.wait)
cleanup(flood.kill)
go(world)
same(world.clinit("-w", "-t", "25", "g", "run")[0], 0, "a stranger that floods it harms nobody")
world.end()
done()
