#!/usr/bin/env python3
"""clinit -u: clinitd becomes the one on disk; nobody notices but for the version, and a broken one changes nothing (SPEC 5)."""
import os
import shutil
import signal
import socket
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, same
from world import QUICK, ROOT, World, wait_for

import clinit


class OwnCopy(World):
    """A world whose clinitd is run from a copy of the program, which can be changed."""

    def __init__(self, text=""):
        super().__init__(text)
        for folder in ("bin", "lib"):
            shutil.copytree(os.path.join(ROOT, folder), self.path(folder), ignore=shutil.ignore_patterns("__pycache__"))
        self.environ["PYTHONDONTWRITEBYTECODE"] = "1"

    def popen(self, program, *args, **more):
        folder = self.dir if program == "clinitd" else ROOT
        return subprocess.Popen([*self.program, os.path.join(folder, "bin", program), *args],
                                env=self.environ, cwd=self.dir, text=True, **more)

    def change(self, name, old, new):
        """Put NEW in the place of OLD in a file of the library."""
        with open(os.path.join(ROOT, "lib", "clinit", name)) as file:
            text = file.read()
        assert old in text
        self.write(text.replace(old, new), "lib/clinit/" + name)


def talk(world):
    """A connection to the socket of WORLD, as a file to write to and read from."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(world.socket)
    connection.settimeout(30)
    return connection


def read_lines(connection, number):
    data = b""
    while data.count(b"\n") < number:
        part = connection.recv(65536)
        if not part:
            break
        data += part
    return data.decode().splitlines()


LOAD = QUICK + """
web:w:run:wait:true
web:t:run:test:true
web:r:run:respawn:sleep 1000
web:s:run:respawn:setsid sleep 1001 & sleep 1002
web:slow:two:wait:until test -e WORLD/go; do sleep 0.02; done
p:p:1:respawn:false
p:::respawn:0 1 600
f:f:1:test:false
""" + "".join("many:n%d:run:respawn:sleep 1000\n" % number for number in range(60))


def facts(world, *names):
    return [(line.state, line.level, line.more.get("pid"), line.more.get("restarts"), line.more.get("last"),
             line.more.get("since"), line.more.get("want")) for line in map(world.line, names)]


world = OwnCopy(LOAD)
daemon = world.start()
for group, level in (("web", "run"), ("many", "run")):
    same(world.clinit("-w", group, level)[0], 0, "%s is up" % group)
same(world.clinit("p", "1")[0], 0, "one is told")
world.await_state("p:p", "PAUSED")
same(world.clinit("-w", "f", "1")[0], 1, "one has failed")
names = ["web", "web:w", "web:t", "web:r", "web:s", "p", "p:p", "f", "f:f", *("many:n%d" % number for number in range(60))]
before = facts(world, *names)
same(world.clinit("-u"), (0, "clinitd is replaced\n", ""), "clinit -u")
same(facts(world, *names), before, "pids, states, levels, counts are what they were")
same(daemon.poll(), None, "it is the same process")
like(world.said, "pid %d goes on as clinitd %s" % (daemon.pid, clinit.__version__), "the log says it")
old = world.pid("web:r")
world.kill("web:r")
wait_for(lambda: world.pid("web:r") not in (0, old), "a respawn")
same(world.line("web:r").more["last"], "signal:KILL", "children are children still: their exit status is known")

# Clients of all kinds are under way
waiter = world.popen("clinit", *world.options, "-w", "web", "two", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
same(waiter.stdout.readline(), "level transition started\n", "one waits for a level")
half = talk(world)
half.sendall(b"clinit/1 te")
silent = talk(world)
several = talk(world)
several.sendall(b"clinit/1 wait web two\nclinit/1 tell many run\n")
together = [world.popen("clinit", *world.options, "-u", stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)]
tellers = [world.popen("clinit", *world.options, "many", "run", stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(6)]
said = sorted((one.communicate(timeout=60), one.returncode) for one in together)
same(said, [(("clinitd is replaced\n", ""), 0)] * 4, "four ask for it at once: each is answered")
said = [(one.communicate(timeout=60), one.returncode) for one in tellers]
same(said, [(("level transition started\n", ""), 0)] * 6, "those who tell meanwhile are answered")
half.sendall(b"ll f 1\n")
same(read_lines(half, 1), ["ok level transition started"], "a half request is completed afterwards")
silent.sendall(b"clinit/1 tell f 0\n")
same(read_lines(silent, 1), ["ok level transition started"], "who had said nothing is heard")
same(waiter.poll(), None, "who waits still waits")
world.write("", "go")
same((waiter.communicate(timeout=30), waiter.returncode), (("web two DONE\n", ""), 0), "and is told in the end")
same(read_lines(several, 2), ["ok web two DONE", "ok level transition started"], "with what was asked after it")
pids = [world.pid("many:n%d" % number) for number in range(60)]
same(pids, [int(fact[2]) for fact in before[-60:]], "nothing was restarted")

# In the middle of a stop, and of a halt
world.write(QUICK.replace("2", "1") + "d:d:1:respawn:trap '' TERM; echo > WORLD/d; while :; do sleep 0.02; done\n" + LOAD)
same(world.clinit("-w", "-t", "30", "d", "1")[0], 0, "one that is deaf to TERM")
world.await_file("d")
same(world.clinit("d", "0")[0], 0, "is stopped")
same(world.clinit("-u")[0], 0, "and meanwhile clinitd replaced")
same(world.clinit("-w", "-t", "30", "d", "0")[0], 0, "the stop goes on to its end")

# New ones that are broken, each in its way
BROKEN = (("a syntax error", "init.py", "class Init:", "class Init", "SyntaxError"),
          ("it cannot go on from the state", "init.py", "def on_restore(self, lines", "def on_restored(self, lines", "on_restore"),
          ("it knows no such state", "handover.py", "VERSION = 2", "VERSION = 3", "not known"),
          ("it is no clinitd at all", "clinitd.py", "def main() -> None:\n", "def main() -> None:\n    return\n", "exited 0"),
          ("it hangs", "clinitd.py", "def rehearse(table: tables.Cltab, state: State) -> int:\n",
           "def rehearse(table: tables.Cltab, state: State) -> int:\n    import time; time.sleep(1000)\n", "killed by KILL"))


def command_of(pid):
    with open("/proc/%s/cmdline" % pid) as file:
        return file.read()


def trials():
    """The children of clinitd that are clinitds on trial."""
    with open("/proc/%d/task/%d/children" % (daemon.pid, daemon.pid)) as file:
        return [int(pid) for pid in file.read().split() if "bin/clinitd" in command_of(pid)]


for what, name, good, bad, why in BROKEN:
    world.change(name, good, bad)
    asked = world.popen("clinit", *world.options, "-u", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if what == "it hangs":      # it would be ended by clinitd in its time
        pid, = wait_for(trials, "the trial")
        same(world.clinit("f", "0")[0], 0, "while a trial hangs clinitd answers")
        os.kill(pid, signal.SIGKILL)
    out, err = asked.communicate(timeout=60)
    same((asked.returncode, out), (1, ""), "%s: clinit -u fails" % what)
    like(err, "clinit: clinitd is not replaced: ", "and says so")
    like(err, why, "and why")
    same(len(err.splitlines()), 1, "in one line")
    world.change(name, good, good)
same((daemon.poll(), [world.pid("many:n%d" % number) for number in range(60)]), (None, pids), "the old one goes on")
same(world.clinit("-w", "web", "run")[0], 0, "and works")
os.rename(world.path("bin/clinitd"), world.path("bin/away"))
code, out, err = world.clinit("-u")
same((code, out), (1, ""), "the program is gone: it is not replaced")
os.rename(world.path("bin/away"), world.path("bin/clinitd"))

# A fault of its own: it begins anew from what is known
world.change("init.py", "    def on_wait(self, client: object, group: str, level: str) -> None:\n",
             "    def on_wait(self, client: object, group: str, level: str) -> None:\n        {}['no such key']\n")
same(world.clinit("-u")[0], 0, "replaced by one with a fault")
world.change("init.py", "class Init:", "class Init:")
code, out, err = world.clinit("-w", "web", "run")
same((code, "internal error" in err), (1, True), "it shows: who asked is told")
wait_for(lambda: "goes on as" in world.said.partition("KeyError")[2], "it to begin anew")
same(world.clinit("-w", "-t", "30", "web", "run")[0], 0, "by itself it has become the mended one on disk")
same([world.pid("many:n%d" % number) for number in range(60)], pids, "and nothing was restarted")
same(world.said.count("KeyError"), 1, "it has said so once")
world.write(world.said.replace("internal error", "a fault, made here"), "log")
same(world.stop(daemon), 0, "halted")
done()
