#!/usr/bin/env python3
"""Several hosts' status files in one folder: what does not go together is said, and told by the exit status (SPEC 9)."""
import os
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, note, ok, same
from world import QUICK, World
from clinit import statusfile

world = World(QUICK + "web:a:run:respawn:sleep 1000\n")
os.mkdir(world.path("all"))
now = int(time.time())


def node(name, *lines, age=0, sum="11112222", **more):
    """Write the file of host NAME; returns its path."""
    pairs = " ".join("%s=%s" % pair for pair in {"host": name, "pid": 700, "sum": sum, "time": now - age, **more}.items())
    return world.write("\n".join(["Cluster::Init::Daemon clinitd - RUNNING " + pairs, *("Cluster::Init::" + line for line in lines), ""]),
                       "all/" + name)


def group(name, level="run", state="DONE", up="1/1"):
    return ["Group %s %s %s want=%s up=%s" % (name, level, state, level, up)]


def clstat(*args):
    code, out, err = world.run("clstat", *args)
    return code, out, err.replace("clstat: ", "").splitlines()


one = node("one", *group("web"), "Process web:a run RUNNING pid=5 mode=respawn restarts=0")
two = node("two", *group("db"), *group("web", "0", up="0/0"))
three = node("three", *group("mail", "maint"))
same(clstat(one, two, three), (0, "one web run DONE\ntwo db run DONE\ntwo web 0 DONE\nthree mail maint DONE\n", []), "each line begins with its host")
same(clstat("-g", "web", one, two), (0, "one run DONE\ntwo 0 DONE\n", []), "-g leaves out the group")
same(clstat("-l", "run", one, two), (0, "one web DONE\ntwo db DONE\n", []), "-l the level")
same(clstat("-g", "db", "-l", "run", one, two), (0, "two DONE\n", []), "both")
same(clstat("-g", "nope", one, two), (6, "", ["no such group, or it has not been told its level: nope"]), "a group of none: 6")
same(clstat("-g", "web", "-l", "maint", one, two)[0], 3, "a level of none: 3")
same(clstat(one), (0, "web run DONE\n", []), "a single file is as ever")

node("two", *group("web"))
same(clstat(one, two)[::2], (1, ["group web runs on 2 hosts: one (run), two (run)"]), "a group on two hosts: 1")
node("two", *group("web", "maint", "FAILED", "0/2"), "Process web:a maint STOPPING pid=7")
same(clstat(one, two)[::2], (1, ["group web runs on 2 hosts: one (run), two (maint)"]), "a process is enough")
same(clstat("-g", "db", one, two)[2][1:], [], "it is not said to who asks for another group")
node("two", *group("web"), age=1000)
same(clstat(one, two)[::2], (7, ["%s is stale: two has written it 16 minutes ago" % two,
                                 "group web runs on 2 hosts: one (run), two (run, by a stale file)"]), "a stale node: 7")
same(clstat("-a", "2000", one, two)[0], 1, "-a says how old is too old")
node("two", age=90)
like("".join(clstat(two)[2]), "%s is stale: two has written it 9" % two, "without -a, 90 seconds")
node("two", age=-500)
same(clstat(two)[::2], (7, ["%s is stale: two has written it 8 minutes ahead of our clock" % two]), "a clock that is wrong")
node("two", *group("db"), sum="33334444")
same(clstat(one, two, three)[::2], (1, ["the cltab of two (33334444) differs from that of one, three (11112222)"]), "a cltab that differs: 1")
many = [node("n%d" % number) for number in range(9)]
same(clstat(two, *many)[2], ["the cltab of two (33334444) differs from that of n0, n1, n2 and 6 others (11112222)"], "from that of many")
same(clstat(one, world.path("all/nope"), three),
     (7, "one web run DONE\nthree mail maint DONE\n", ["no status: %s: No such file or directory" % world.path("all/nope")]), "one is missing: 7")
code, out, err = clstat("-p", one, three)
same([row.split()[:3] for row in out.splitlines()],
     [["HOST", "PROCESS", "LEVEL"], ["one", "web:a", "run"], ["three", "mail", "maint"], ["no", "entry", "is"]], "-p has a column for the host")
same(clstat("-a", "soon", one)[::2], (2, ["-a: soon is not a number of seconds"]), "a bad -a: 2")

# This host's: dead or not is seen, and age only warns
here = statusfile.here()
daemon = world.start()
world.clinit("-w", "web", "run")
mine = world.read("clstat")
os.makedirs(world.path("copied"))
node("three", *group("mail", "maint"), sum=world.line("clinitd").more["sum"])
same(clstat(world.path("clstat"), three), (0, "%s web run DONE\nthree mail maint DONE\n" % here["host"], []), "this host's, which lives")
line = world.line("clinitd").more
old = world.write(mine.replace("time=" + line["time"], "time=%d" % (now - 300)), "copied/old")
same(clstat(old)[::2], (0, ["%s was written 5 minutes ago: clinitd (pid %d) does not renew it" % (old, daemon.pid)]), "of this host's age only warns")
world.stop()
dead = world.write(mine, "copied/dead")
same(clstat(dead, three)[::2], (7, ["%s is stale: clinitd (pid %d) is dead" % (dead, daemon.pid)]), "a dead one: 7")

# Many
for number in range(100):
    lines = [line for name in range(50) for line in (
        *group("g%d.%d" % (number, name), up="3/3"),
        *("Process g%d.%d:p%d run RUNNING pid=%d start=88123 run=0123456789abcdef.12 uid=0 mode=respawn sum=01234567 restarts=0 since=%d last=exit:1"
          % (number, name, process, process, now) for process in range(3)))]
    node("m%02d" % number, *lines, boot="3fe76a2b", pidns="4026531836", cltab="/etc/cltab", socket="/run/clinit/clinit.s", seq=4, ticks=5)
files = [world.path("all/m%02d" % number) for number in range(100)]
began = time.monotonic()
code, out, err = clstat(*files)
note("100 nodes of 50 groups of 3 processes: %.2f s" % (time.monotonic() - began))
same((code, out.count("\n"), err), (0, 5000, []), "a hundred nodes of fifty groups")
ok(len({line.split()[0] for line in out.splitlines()}) == 100, "each by its name")
done()
