#!/usr/bin/env python3
"""clstat -w: a full screen that changes with the status, what is wrong first; in tmux, and without a terminal (SPEC 9)."""
import itertools
import os
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, note, ok, same, skip
from world import QUICK, ROOT, World, lives, wait_for

IDLE = 2        # seconds for which nothing changes
numbers = itertools.count()
world = World(QUICK + "ok:a:run:respawn:sleep 1000\nbad:b:run:respawn:sleep 1001\nbad:t:run,bad:test:test -e WORLD/yes\n")
world.start()
world.clinit("-w", "ok", "run")
world.write("", "yes")
world.clinit("-w", "bad", "run")

# In a pipe: what has changed
lines = []
watcher = world.popen("clstat", "-w", world.path("clstat"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
cleanup(lambda: (watcher.kill(), watcher.wait()))
same([watcher.stdout.readline() for _ in "12"], ["ok run DONE\n", "bad run DONE\n"], "in a pipe: the groups")
os.unlink(world.path("yes"))
world.clinit("-w", "bad", "bad")
last = [watcher.stdout.readline()]
while last[-1] != "bad bad FAILED\n":
    last.append(watcher.stdout.readline())
ok(all(line.startswith("bad ") for line in last), "then what changes")
watcher.stdout.close()
same((watcher.wait(30), watcher.stderr.read()), (128 + signal.SIGHUP, ""), "it ends when its reader is gone, without a change")
watcher = world.popen("clstat", "-w", world.path("nope"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
same(watcher.stderr.readline(), "clstat: no status: %s: No such file or directory\n" % world.path("nope"), "no status: it says so")
watcher.terminate()
same(watcher.wait(30), 128 + signal.SIGTERM, "and waits for one, until it is ended")
watcher.stderr.close()


class Terminal:
    """A tmux of its own, with clstat -w in it, started by a shell that then says how it ended."""

    def __init__(self, environ="-u NO_COLOR"):
        self.name = "tmux%d" % next(numbers)
        self.socket = world.path(self.name)
        clstat = "echo $$ >WORLD/%s.pid; exec env %s %s %s/bin/clstat -w WORLD/clstat" % (self.name, environ, sys.executable, ROOT)
        script = world.write("trap : INT\nsh -c '%s'\necho ended $?\nstty -a | grep -o -e '-*icanon'\nexec sleep 1002\n" % clstat,
                             self.name + ".sh")
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "90", "-y", "20", "sh", script)
        self.processes = self.tmux("display-message", "-p", "#{pid} #{pane_pid}").split()
        cleanup(self.end)

    def end(self):
        """End it, and see its processes gone: the folder goes next."""
        self.tmux("kill-server")
        self.processes += world.read(self.name + ".pid").split()
        wait_for(lambda: not any(lives(int(pid)) for pid in self.processes), "tmux and what runs in it to be gone")

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.socket, *args], capture_output=True, text=True, timeout=30,
                              env={**world.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8"}).stdout

    def text(self, *args):
        return self.tmux("capture-pane", "-p", *args)

    def await_text(self, *parts):
        def seen():
            text = self.text()
            return all(part in text for part in parts) and text
        try:
            return wait_for(seen, " and ".join(parts))
        except TimeoutError:
            note(self.text())
            raise

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def pid(self):
        """The pid of the clstat in it."""
        return int(world.read(self.name + ".pid"))


def spent(pid):
    """The CPU time of a process, in clock ticks; and how often it was switched to."""
    with open("/proc/%d/stat" % pid) as file:
        ticks = sum(map(int, file.read().rpartition(")")[2].split()[11:13]))
    with open("/proc/%d/status" % pid) as file:
        return ticks, int(file.read().partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def idle(pid):
    """What a process has spent in IDLE seconds; None where clinitd has written its status meanwhile."""
    written, before = world.read("clstat"), spent(pid)
    time.sleep(IDLE)
    after = spent(pid)
    return tuple(now - then for now, then in zip(after, before)) if world.read("clstat") == written else None


def screen():
    terminal = Terminal()
    text = terminal.await_text("bad:t", "ok:a")
    rows = [row.split()[0] for row in text.splitlines() if row.strip() and not row.startswith(" ")]
    same(rows[1:], ["GROUP,", "bad", "bad:t", "ok", "ok:a"], "all groups and processes, what is wrong first")
    like(text, "the test exited 1", "and why it is wrong")
    like(text.splitlines()[0], "2 groups, 2 processes", "the heading")
    like(terminal.text("-e"), "\033[31mbad ", "in colour")
    world.write("", "yes")
    world.clinit("-w", "bad", "run")
    text = terminal.await_text("bad:b", "PASSED")
    rows = [row.split()[0] for row in text.splitlines() if row.strip()]
    same(rows[2:], ["ok", "ok:a", "bad", "bad:b", "bad:t"], "it changes when that does")
    ok("\033[31m" not in terminal.text("-e"), "and is not red any more")
    victim = world.kill("ok:a")
    wait_for(lambda: world.pid("ok:a") not in (0, victim), "the respawn")
    terminal.await_text(" %d " % world.pid("ok:a"), "killed by KILL")
    ok(True, "a respawn is seen at once")

    pid = terminal.pid()
    ticks, woken = wait_for(lambda: idle(pid), "%d s in which nothing changes" % IDLE)
    ok(ticks <= 1, "while nothing changes it takes no time: %d ticks in %d s" % (ticks, IDLE))
    ok(woken <= 2, "it is not even woken: %d times" % woken)
    ok(not any(os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith("socket:") for fd in os.listdir("/proc/%d/fd" % pid)),
       "it has no socket: no daemon is asked")

    terminal.tmux("resize-window", "-x", "40", "-y", "5")
    text = terminal.await_text("... 4 more lines")
    same([row[:6].strip() for row in text.splitlines()[2:]], ["GROUP,", "ok", "... 4"], "a small window: what is wrong, and that there is more")
    terminal.tmux("resize-window", "-x", "100", "-y", "30")
    terminal.await_text("bad:t", "LAST EXIT")
    ok(True, "a large one again")
    os.kill(pid, signal.SIGTSTP)
    wait_for(lambda: open("/proc/%d/stat" % pid).read().rpartition(")")[2].split()[0] == "T", "it to be stopped")
    ok("bad:t" not in terminal.text(), "suspended, it gives the terminal back")
    os.kill(pid, signal.SIGCONT)
    terminal.await_text("bad:t", "LAST EXIT")
    ok(True, "and goes on when it is continued")
    os.unlink(world.path("clstat"))
    terminal.await_text("no status: " + world.path("clstat"))
    ok(True, "a status file that is gone is told")
    world.daemons[0].send_signal(signal.SIGUSR1)
    terminal.await_text("bad:t")
    terminal.keys("q")
    text = terminal.await_text("ended 0", "icanon")
    ok("bad:t" not in text and "\nicanon" in text, "q ends it, and the terminal is as before")
    for number in (signal.SIGTERM, signal.SIGINT):
        terminal = Terminal(environ="NO_COLOR=1")
        terminal.await_text("bad:t")
        os.kill(terminal.pid(), number)
        text = terminal.await_text("ended %d" % (128 + number), "icanon")
        ok("bad:t" not in text and "\nicanon" in text, "so does signal %d" % number)
    os.unlink(world.path("yes"))
    world.clinit("-w", "bad", "bad")
    terminal = Terminal(environ="NO_COLOR=1")
    terminal.await_text("bad:t", "FAILED")
    ok("\033[31m" not in terminal.text("-e"), "NO_COLOR: no colours")
    terminal = Terminal(environ="TERM=dumb")
    text = terminal.await_text("ok run DONE", "bad bad FAILED")
    ok("PROCESS" not in text, "TERM=dumb: lines")
    terminal.keys("C-c")
    terminal.await_text("ended 130")
    daemon = world.daemons[0]
    terminal = Terminal()
    terminal.await_text("bad:t", "FAILED")
    daemon.kill()
    daemon.wait()
    terminal.await_text("is stale: clinitd (pid %d) is dead" % daemon.pid)
    ok(True, "that clinitd has died is seen, too")
    world.start()


if shutil.which("tmux"):
    screen()
else:
    skip("full screen", "there is no tmux here")
done()
