#!/usr/bin/env python3
"""The main job on real processes: every mode, up, to another level, to 0, an edit, down (SPEC 1, 2, 8)."""
import os
import signal
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, lives, wait_for

CLTAB = QUICK + """
foo:prepare:run,maint:wait:mkdir -p WORLD/www
foo:gate:run:test:test -d WORLD/www
foo:note:run:once:echo $CLINIT_GROUP $CLINIT_LEVEL > WORLD/note
foo:old:run:off:touch WORLD/off
foo:both:run,maint:respawn:sleep 1000
foo:serve:run:respawn:echo up >> WORLD/ups; exec sleep 1001
foo:sorry:maint:respawn:sleep 1002
0:0:0:respawn:sleep 1003
"""
world = World(CLTAB)
daemon = world.start()
same(world.read("clstat").count("\n"), 1, "the status file is there before anything is told: the daemon's line alone")
same(world.clstat(), (0, "", ""), "clstat has nothing to say yet")
same(world.clstat("-g", "foo"), (6, "", "clstat: no such group, or it has not been told its level: foo\n"), "nor of a group: 6")

same(world.clinit("foo", "run"), (0, "level transition started\n", ""), "clinit foo run")
same(world.clinit("-w", "foo", "run"), (0, "level transition started\nfoo run DONE\n", ""), "clinit -w waits for it")
same(world.clstat("-g", "foo"), (0, "run DONE\n", ""), "clstat -g foo")
same(world.clstat("-g", "foo", "-l", "run"), (0, "DONE\n", ""), "clstat -g foo -l run")
same(world.clstat("-g", "foo", "-l", "maint"), (3, "", ""), "clstat -g foo -l maint: not there")
same([world.state("foo:" + tag) for tag in ("prepare", "gate", "old", "both", "serve")],
     ["DONE", "PASSED", "OFF", "RUNNING", "RUNNING"], "each by its mode")
world.await_file("note", "foo run")
ok(not os.path.exists(world.path("off")), "what is off has not run, and has not held up its group")
line = world.line("foo")
same((line.more["want"], line.more["up"]), ("run", "5/5"), "want= and up= in the group's line")
line = world.line("foo:serve")
with open("/proc/%d/environ" % world.pid("foo:serve"), "rb") as file:
    ok(("CLINIT_RUN=" + line.more["run"]).encode() in file.read().split(b"\0"), "the mark is in the status and in the process")
with open("/proc/%d/stat" % world.pid("foo:serve")) as file:
    same(file.read().rpartition(")")[2].split()[19], line.more["start"], "so is its start time")
code, out, err = world.clstat("-p")
like(out, "PROCESS", "clstat -p: a table")
like(" ".join(next(row for row in out.split("\n") if "foo:serve" in row).split()),
     "foo:serve run %d RUNNING" % world.pid("foo:serve"), "with pids and states")

victim, both = world.pid("foo:serve"), world.pid("foo:both")
os.kill(victim, signal.SIGKILL)
wait_for(lambda: world.pid("foo:serve") not in (0, victim), "its replacement")
world.await_state("foo:serve", "RUNNING")
same(world.line("foo:serve").more["restarts"], "1", "killed, it is respawned")
same(world.line("foo:serve").more["last"], "signal:KILL", "and its last exit is shown")
like(world.said, "clinitd: foo:serve: pid %d killed by KILL, respawning\n" % victim, "and logged")
world.await_file("ups", "up\nup\n")

same(world.clinit("-w", "0", "0"), (0, "level transition started\n0 0 DONE\n", ""), "group 0 at level 0")
same(world.clstat("-g", "0", "-l", "0"), (0, "DONE\n", ""), "and clstat shows it")
same(world.clstat(), (0, "foo run DONE\n0 0 DONE\n", ""), "clstat: a line a group")

same(world.clinit("-w", "foo", "maint")[0], 0, "clinit foo maint")
same(world.pid("foo:both"), both, "what is in both levels keeps its pid")
same(world.state("foo:sorry"), "RUNNING", "the other level's runs")
same(world.line("foo:serve"), None, "and that of the old one is gone")

same(world.clinit(), (0, "nothing to do\n", ""), "clinit, nothing to do")
pid, other = world.pid("foo:sorry"), world.pid("0:0")
world.write(CLTAB.replace("sleep 1002", "sleep 2002").replace("0:0:0:respawn:sleep 1003\n", ""))
same(world.clinit(), (0, "restart foo:sorry pid %d\nstop 0:0 pid %d\n" % (pid, other), ""), "an edit, and clinit")
same(world.clinit("-w", "foo", "maint")[0], 0, "it is carried out")
ok(world.pid("foo:sorry") not in (0, pid), "the changed one is another process")
same(world.pid("foo:both"), both, "the unchanged one is not")
wait_for(lambda: world.line("0") is None, "the group that is gone to be forgotten")
like(world.said, "clinitd: 0:0: pid", "the group that is gone was stopped")

same(world.clinit("-w", "foo", "0"), (0, "level transition started\nfoo 0 DONE\n", ""), "clinit foo 0 stops everything")
ok(not lives(both), "and nothing of it lives")
same(world.clinit("-v", "foo", "0"), (0, "level transition started\nfoo 0 DONE\n", ""), "clinit -v prints the status after it")
same(world.clinit("-w", "foo", "run")[0], 0, "up again")
same(world.clinit("-k", "-w"), (0, "all groups halting\n", ""), "clinit -k -w")
same(daemon.poll(), 0, "clinitd has exited when it returns, with 0")
same((os.path.exists(world.path("clstat")),
      os.path.exists(world.socket)), (False, False), "the status file and the socket are gone")
code, out, err = world.clinit("foo", "run")
same(code, 7, "clinit, and no clinitd: 7")
like(err, "clinit: no clinitd answers at %s: " % world.socket, "and it says so")
same(world.clstat()[0], 7, "clstat, and no status: 7")
done()
