#!/usr/bin/env python3
"""The world fails in earnest: no process to be had, a full disk, a read-only one, folders that are gone, no descriptors,
a storm of signals, a clock that jumps by years, a clinitd that is stopped (SPEC 5). Said once, outlived, recovered from."""
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, limit, ok, same, skip
from world import QUICK, ROOT, World, lives, wait_for

import clinit

limit(280)
MINE = "CLINIT_T_MOUNTS"        # set where the mounts are our own
if os.getuid() == 0 and MINE not in os.environ and subprocess.run(["unshare", "-m", "true"], stderr=subprocess.DEVNULL).returncode == 0:
    os.environ[MINE] = "1"
    os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
mounts = MINE in os.environ

PLAIN = QUICK + "g:a:run:respawn:sleep 1000\n"


class Hard(World):
    """A world of one clinitd for one kind of failure."""

    def begin(self, program=None):
        """Start it, with group g at level run."""
        self.program = program or [sys.executable]
        daemon = self.start()
        self.program = [sys.executable]
        same(self.clinit("-w", "g", "run")[0], 0, "up")
        return daemon

    def audit(self, failure):
        """All is well again after FAILURE: it runs, obeys, runs each process once, and ends."""
        daemon = self.daemons[-1]
        same(daemon.poll(), None, "after %s clinitd runs" % failure)
        same(self.clinit("-w", "g", "run")[0], 0, "... its group is at its level")
        same(sorted(self.leaders()), sorted(re.findall("^g:(.*):run:respawn:", self.read("cltab"), re.M)), "... each process runs once")
        old = self.pid("g:a")
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: self.state("g:a") == "RUNNING" and self.pid("g:a") != old, "a respawn")
        same(self.stop(), 0, "... a death is dealt with, and TERM ends it")

    def leaders(self):
        """The tags of the first processes of all sessions."""
        found = []
        for pid in self.processes():
            try:
                with open("/proc/%d/environ" % pid, "rb") as file:
                    tag = re.search(rb"CLINIT_TAG=([^\0]*)", file.read())
                if tag and os.getsid(pid) == pid:
                    found.append(tag.group(1).decode())
            except OSError:
                pass
        return found

    def said_once(self, part):
        self.await_said(part)
        return same(self.said.count(part), 1, "the log says once: %s" % part)


def let_pass(seconds):
    """Give clinitd the TIME to do wrong: to try again too often, to say it again."""
    until = time.monotonic() + seconds
    wait_for(lambda: time.monotonic() > until, "some time")


def respawned(world, name, old):
    wait_for(lambda: world.state(name) == "RUNNING" and world.pid(name) not in (0, old), "%s to be started again" % name)


def limited(daemon, what, soft, user=()):
    """Set the soft limit WHAT of DAEMON, which belongs to USER, to SOFT; returns the one before."""
    call = "import resource as r; p, w, s = %d, %d, %d; b = r.prlimit(p, w); r.prlimit(p, w, (s, b[1])); print(b[0])"
    return int(subprocess.check_output([*user, sys.executable, "-c", call % (daemon.pid, what, soft)]))


def mount(world, size):
    """A disk of SIZE for WORLD, in its folder `disk`; returns its path."""
    disk = world.path("disk")
    os.mkdir(disk)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755,size=" + size, "tmpfs", disk], check=True)
    cleanup(lambda: subprocess.run(["umount", "-l", disk]))
    return disk


def fill(folder):
    """Use up the disk that FOLDER is on."""
    with open(os.path.join(folder, "fill"), "wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


# No process to be had
LIMITED = ["setpriv", "--reuid=64873", "--regid=64873", "--clear-groups",     # a uid that nobody has: all its processes count
           "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]        # which may read this checkout all the same
if os.getuid() == 0 and shutil.which("setpriv") and subprocess.run([*LIMITED, "true"], stderr=subprocess.DEVNULL).returncode == 0:
    world = Hard(PLAIN + "g:b:run:respawn:sleep 1001\nh:c:run:once:echo c >>WORLD/runs\n")
    daemon = world.begin([*LIMITED, sys.executable])
    old = world.pid("g:a")
    before = limited(daemon, resource.RLIMIT_NPROC, 1, LIMITED)
    os.kill(old, signal.SIGKILL)
    wait_for(lambda: world.state("g:a") == "PAUSED", "the fork to be refused")
    same(world.clinit("h", "run")[:2], (0, "level transition started\n"), "fork refused: a command is answered")
    let_pass(2.5)
    for name in ("g:a", "h:c"):
        world.said_once("%s: cannot start a process: Resource temporarily unavailable" % name)
    same(world.state("g:b"), "RUNNING", "what runs is left alone")
    same(world.read("runs"), "", "what was refused has not run")
    limited(daemon, resource.RLIMIT_NPROC, before, LIMITED)
    respawned(world, "g:a", old)
    world.await_state("h", "DONE")
    same(world.await_file("runs", "\n"), "c\n", "there is room again: what was refused is started by itself, once")
    world.audit("fork was refused")
else:
    skip("fork refused", "needs root and setpriv")

# A full disk, a read-only one
if mounts:
    world = Hard(PLAIN + "g:b:run:respawn:sleep 1001\ng:b::output:WORLD/disk/out\n:::clstat:WORLD/disk/run/clstat\n")
    disk = mount(world, "64k")
    world.status = "disk/run/clstat"
    daemon = world.start(ready=False)
    wait_for(lambda: world.line("clinitd"), "clinitd to start")
    world.options[-1] = world.path(world.status)
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    fill(disk)
    for _ in range(5):
        same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "the status file's disk is full: commands are answered")
    old = world.pid("g:a")
    os.kill(old, signal.SIGKILL)
    world.await_said("g:a: pid %d killed by KILL, respawning" % old)
    let_pass(2.5)
    world.said_once("cannot write %s: No space left on device" % world.path(world.status))
    same(world.pid("g:a"), old, "the file there is whole, of before")
    os.unlink(world.path("disk/fill"))
    respawned(world, "g:a", old)
    ok(True, "there is room again: it tells how things are")
    ok(not os.path.exists(world.path(world.status + ".new")), "and no half of a file is left")

    world.audit("a full disk")

    # Read-only, before an output file is open: what is written to keeps a disk from being remounted
    shutil.rmtree(world.path("disk/out"))
    daemon = world.start(ready=False)
    wait_for(lambda: world.line("clinitd"), "clinitd to start")
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "a read-only disk: started all the same")
    let_pass(2.5)
    same(world.said.count("cannot write %s: Read-only file system" % world.path(world.status)), 1, "the log says so once of the status file")
    same(world.said.count("g:b: cannot open %s/disk/out" % world.dir), 1, "and once of the output file")
    subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
    world.await_state("g", "DONE")
    os.kill(world.pid("g:b"), signal.SIGKILL)
    wait_for(lambda: os.path.exists(world.path("disk/out/g:b.log")), "its output at the next start")
    world.audit("a read-only disk")

    # The log's disk
    world = Hard(PLAIN + ":::log:WORLD/disk/log\n")
    disk = mount(world, "32k")
    world.begin()
    fill(disk)
    client, sizes = clinit.client(world.cltab, world.socket, world.options[-1]), []
    while len(sizes) < 2 or sizes[-1] > sizes[-2]:      # a page of a file is there already, and takes some more
        for _ in range(20):
            client.tell("g", "run")
        sizes.append(os.path.getsize(world.path("disk/log")))
    ok(True, "the log's disk is full: %d commands are answered" % (20 * len(sizes)))
    os.unlink(world.path("disk/fill"))
    world.audit("a full log")
    lines = world.read("disk/log").splitlines()
    ok("exiting" in lines[-1], "there is room again: it is logged to")
    same([line for line in lines if not re.match(r"\d{4}-\d\d-\d\d [\d:]{8} clinitd: ", line)], [], "and every line is whole")
else:
    skip("a full disk, a read-only one", "needs root and mount namespaces")

# Folders that are gone
world = Hard(PLAIN + ":::log:WORLD/logs/log\ng:a::output:WORLD/out\n")
os.mkdir(world.path("logs"))
world.begin()
shutil.rmtree(world.path("logs"))
shutil.rmtree(world.path("out"))
for _ in range(3):
    same(world.clinit("-w", "g", "run")[0], 0, "the folders of log and output are removed: a command is obeyed")
old = world.pid("g:a")
os.kill(old, signal.SIGKILL)
respawned(world, "g:a", old)
ok(os.path.exists(world.path("out/g:a.log")), "that of the output is made anew at the next start")
os.makedirs(world.path("logs"), exist_ok=True)
world.audit("folders were removed")
ok("exiting" in world.read("logs/log"), "and the log goes on, once its folder is there")

# No more descriptors, of a clinitd that runs
world = Hard(PLAIN + "g:b:run:respawn:sleep 1001\n")
daemon = world.begin()
old = world.pid("g:a")
before = limited(daemon, resource.RLIMIT_NOFILE, 3)
os.kill(old, signal.SIGKILL)
waiter = world.popen("clinit", *world.options, "-w", "g", "run", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
world.await_said("g:a: pid %d killed by KILL" % old)
let_pass(2.5)
world.said_once("g:a: cannot start a process: Too many open files")
ok(world.said.count("Too many open files") <= 3, "no more descriptors: it is said once of each")
limited(daemon, resource.RLIMIT_NOFILE, before)
respawned(world, "g:a", old)
out, err = waiter.communicate(timeout=30)
same((waiter.returncode, out, err), (0, "level transition started\ng run DONE\n", ""), "who asked meanwhile is answered then")
world.audit("the descriptors were used up")

# A storm of signals
world = Hard(PLAIN + "g:b:run:respawn:sleep 1001\n")
daemon = world.begin()
senders = []
for mix in ("HUP CHLD USR1", "CHLD USR1 HUP", "USR1 HUP CHLD"):
    numbers = [int(getattr(signal, "SIG" + name)) for name in mix.split()]
    senders.append(subprocess.Popen([sys.executable, "-c", "import os\nfor n in range(3334): os.kill(%d, %s[n %% 3])" % (daemon.pid, numbers)]))
    cleanup(senders[-1].wait)
    cleanup(senders[-1].kill)
answered, old = 0, world.pid("g:a")
os.kill(old, signal.SIGKILL)
while any(sender.poll() is None for sender in senders) or answered < 3:
    answered += 1
    if not same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run DONE\n"), "10000 signals: command %d" % answered):
        break
same([sender.wait() for sender in senders], [0, 0, 0], "all were sent")
respawned(world, "g:a", old)
same(world.said.count("g:a: pid %d killed" % old), 1, "a death in the storm is dealt with once")
wait_for(lambda: os.path.exists(world.socket), "the socket")
same(world.said.count("started"), 3, "and nothing was started but that")
world.audit("the storm")

# A wall clock that jumps by years: both ways, in the middle of a kill ladder and of a pause
SCRIPT = """
import sys, time
sys.path.insert(0, %r)
real = time.time
def jumped():
    with open(%%r) as file:
        return real() + float(file.read() or 0)
time.time = jumped
from clinit import clinitd
clinitd.main()
""" % os.path.join(ROOT, "lib")
YEAR = 365 * 86400
world = Hard(":::kill:TERM 1 KILL\n:::respawn:0 1 1\ng:a:run:respawn:sleep 1000\n"
             "g:deaf:run:respawn:trap '' TERM; echo >WORLD/deaf; while :; do sleep 0.1; done\nh:quick:run:respawn:echo x >>WORLD/quick\n")


def jump(years):
    world.write(str(years * YEAR), "clock.new")
    os.rename(world.path("clock.new"), world.path("clock"))


for years in (5, -40):
    jump(0)
    with open(world.path("log"), "a") as log:
        daemon = subprocess.Popen([sys.executable, "-c", SCRIPT % world.path("clock"), *world.options], env=world.environ, cwd=world.dir,
                                  stdin=subprocess.DEVNULL, stderr=log)
    world.daemons.append(daemon)
    wait_for(lambda: "pid=%d " % daemon.pid in world.read("clstat"), "clinitd to start")
    same(world.clinit("-w", "g", "run")[0], 0, "up")
    world.await_file("deaf", "\n")
    deaf, old = world.pid("g:deaf"), world.pid("g:a")
    same(world.clinit("g", "0")[0], 0, "a stop begins")
    jump(years)
    began = time.monotonic()
    same(world.clinit("-w", "g", "0")[0], 0, "the clock jumps by %d years: the ladder goes on" % years)
    ok(0.5 < time.monotonic() - began < 10, "at its pace")
    same((lives(deaf), lives(old)), (False, False), "to the end")
    same(world.clinit("h", "run")[0], 0, "a process that always exits")
    world.await_state("h:quick", "PAUSED")
    count = len(world.read("quick"))
    jump(-years)
    began = time.monotonic()
    wait_for(lambda: len(world.read("quick")) > count, "the end of its pause")
    ok(time.monotonic() - began < 10, "is paused as long as ever when the clock jumps by %d years" % (-2 * years))
    same(world.clinit("h", "0")[0], 0, "stopped")
    same(world.clinit("-w", "g", "run")[0], 0, "up again")
    shown = int(world.line("clinitd").more["time"])
    ok(abs(shown - (time.time() - years * YEAR)) < 60, "the status shows the time that the clock shows")
    code, out, err = world.clstat("-p")
    ok(code in (0, 2), "clstat reads it (%d)" % code)     # 2: where it knows no -p yet
    os.unlink(world.path("deaf"))
    world.audit("a clock that jumps by %d years" % years)

# Stopped for longer than a kill ladder
world = Hard(":::kill:TERM 1 KILL\ng:a:run:respawn:sleep 1000\n"
             "h:deaf:run:respawn:trap '' TERM; echo >WORLD/deaf; while :; do sleep 0.1; done\nh:once:run:once:echo x >>WORLD/runs\n")
daemon = world.begin()
same(world.clinit("-w", "h", "run")[0], 0, "h too")
world.await_file("deaf", "\n")
deaf, old = world.pid("h:deaf"), world.pid("g:a")
same(world.clinit("h", "0")[0], 0, "a stop begins")
world.await_said("tell h 0")
daemon.send_signal(signal.SIGSTOP)
os.kill(old, signal.SIGKILL)
let_pass(2.5)
ok(lives(deaf), "stopped itself, clinitd kills nobody")
daemon.send_signal(signal.SIGCONT)
same(world.clinit("-w", "h", "0")[:2], (0, "level transition started\nh 0 DONE\n"), "continued, it ends the stop")
ok(not lives(deaf) and "would not die" not in world.said, "by the next rung of the ladder, and calls nobody stuck")
respawned(world, "g:a", old)
same((world.read("runs"), world.said.count("g:a: pid %d killed" % old)), ("x\n", 1), "what died meanwhile is started again, once")
world.write(PLAIN)
world.audit("a stop of clinitd's own")
done()
