#!/usr/bin/env python3
"""Why is it down: clstat -p answers it, in the table and by the last lines of its output (SPEC 9)."""
import os
import subprocess
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, note, ok, raises, same
from world import QUICK, ROOT, World
from clinit import tail

world = World(QUICK + "g:t:run:test:exit 3;\ng:a:run:respawn:sleep 1000\ng:o:run:off:x\n"
              "p:r:run:respawn:WORLD/nope\np:q:run:respawn:echo bad weather; exit 2\np:q::respawn:1 1 60\np:q::output:out\n")
world.start()
world.clinit("-w", "g", "run")
world.clinit("p", "run")
world.await_state("p:r", "PAUSED")
world.await_state("p:q", "PAUSED")
world.clinit("-w", "g", "run")
code, out, err = world.clstat("-p")
rows = out.split("\n")


def below(name, rows):
    """What stands below the row of a process; "" where that is another row."""
    at = next(i for i, row in enumerate(rows) if row.startswith(name + " "))
    return rows[at + 1].strip() if rows[at + 1].startswith("    ") else ""


same((code, err), (1, ""), "a real clinitd's: 1")
same(below("g:t", rows), "the test exited 3", "a failed test")
same(below("g:a", rows), "not started: g:t has failed", "what comes after it")
same(below("g:o", rows), "switched off in the cltab", "what is switched off")
like(below("p:r", rows), "cannot execute %s: No such file or directory, " % world.path("nope"), "what cannot be executed")
like(below("p:q", rows), "respawning too rapidly, ", "what exits too often")
ok(0 < int(below("p:q", rows).split(" s left")[0].split()[-1]) <= 60, "with the seconds left, which are at most 60")
same(out.partition("\n\n")[2], "p:q, the end of out/p:q.log:\n    bad weather\n    bad weather\n", "and the end of its output")
abroad = subprocess.run([*world.program, os.path.join(ROOT, "bin", "clstat"), "-p", world.path("clstat")], cwd="/", capture_output=True, text=True)
like(abroad.stdout, "the end of out/p:q.log:\n    bad weather\n", "a folder below the daemon's is found from everywhere")
code, out, err = world.clinit("-w")
same((code, err.count("respawning too rapidly (exited 2)"), err.count("cannot execute")), (1, 1, 1), "clinit -w says why, too") or note(err)
ok(max(len(row) for row in rows[:rows.index("")] if row[0] != " ") <= 80, "the table fits a terminal")
same(world.clinit("-w", "g", "nolevel")[0], 0, "a level that no entry has")
same(below("g", world.clstat("-p", "-g", "g")[1].split("\n")), "no entry is in level nolevel", "is pointed out")
world.stop()

# What a clinitd says, line by line
here = "Cluster::Init::Daemon clinitd - RUNNING host=%s" % os.uname().nodename
now = int(time.time())


def shown(*lines, name="file", head=here, options=("-p",)):
    world.write("\n".join([head, *("Cluster::Init::" + line for line in lines), ""]), name)
    return world.run("clstat", *options, world.path(name))


for what, line, want in (
        ("not executable", "PAUSED last=exit:127 why=cannot%%20execute%%20/x:%%20No%%20such%%20file%%20or%%20directory until=%d" % (now + 1000),
         "cannot execute /x: No such file or directory, "),
        ("paused", "PAUSED last=exit:1 why=respawning%%20too%%20rapidly until=%d" % (now + 1000), "respawning too rapidly, "),
        ("paused long ago", "PAUSED last=exit:1 until=7", "paused, 0 s left"),
        ("not ready", "FAILED why=not%20ready%20after%2060%20s", "not ready after 60 s"),
        ("over its limit", "DONE mode=wait last=signal:TERM why=over%20its%20limit%20of%205%20s", "over its limit of 5 s"),
        ("would not die", "STUCK pid=7", "would not die, not even of KILL"),
        ("not ready yet", "STARTING pid=7 ready=no text=loading", "not ready yet, it says: loading"),
        ("not ready yet, by its ready command", "STARTING pid=7 ready=no why=exited%201", "not ready yet: exited 1"),
        ("not ready, and would not die", "STUCK pid=7 why=not%20ready%20after%202%20s", "would not die, not even of KILL: not ready after 2 s"),
        ("ready, with words", "RUNNING pid=7 ready=yes text=9%20clients", "it says: 9 clients"),
        ("words that a terminal could be fooled by", "RUNNING text=%1B[2J%0Aweb:x", "it says: ?[2J?web:x"),
        ("a reason likewise", "FAILED why=%1B[2J", "?[2J")):
    out = shown("Group g 1 DONE up=1/1", "Process g:a 1 " + line)[1]
    like(below("g:a", out.split("\n")), want, what)
like(shown("Process g:a 1 STARTING ready=no")[1], "READY", "there is a column for readiness")
ok("READY" not in shown("Process g:a 1 RUNNING")[1], "where it is asked for")
rows = shown("Group g 1 STARTING want=1 up=1/3", "Process g:p 1 PAUSED mode=respawn", "Process g:x 1 RUNNING", "Process g:w 1 RUNNING mode=wait", "Process g:a 1 IDLE mode=respawn",
             "Process g:b 1 IDLE")[1].split("\n")
same([below(name, rows) for name in ("g:w", "g:a", "g:b")], ["", "waits for g:w", "waits for g:w"], "what is waited for")
rows = shown("Group g 1 STARTING want=1 up=1/3", "Process g:p 1 PAUSED mode=respawn", "Process g:a 1 IDLE")[1].split("\n")
same(below("g:a", rows), "waits for g:p", "also one that has not got ready")
rows = shown("Group g 1 STOPPING want=2", "Process g:w 1 STOPPING mode=wait", "Process g:a 1 IDLE")[1].split("\n")
same(below("g:a", rows), "", "in a stop nothing is waited for")
rows = shown("Group g 1 DONE", "Process g:a 1 RUNNING since=%d" % now, "Process g:b 1 RUNNING since=%d" % (now - 200000))[1].split("\n")
same([row.split()[4].count(":") for row in rows[1:3]], [2, 0], "since when: the time, and for older ones the date")
same(time.strftime("%Y-%m-%d", time.localtime(now - 200000)), rows[2].split()[4], "of then")

# Its last lines
log = world.path("log of g")


def ending(path=log, state="FAILED", head=here):
    out = shown("Group g 1 FAILED", "Process g:a 1 %s output=%s" % (state, path.replace(" ", "%20")), head=head)[1]
    return out.partition("\n\n")[2]


world.write("".join("line %d\n" % number for number in range(9)), "log of g")
same(ending(), "g:a, the end of %s:\n    line 4\n    line 5\n    line 6\n    line 7\n    line 8\n" % log, "the last five lines")
same(ending(state="PAUSED"), ending(), "of what is paused, too")
same(ending(state="RUNNING"), "", "and not of what runs")
same(ending(head=here.rpartition("=")[0] + "=elsewhere"), "", "nor of another host's")
with open(log, "wb") as file:
    file.write(b"x" * 100000 + b"\ta\n\x1b[2J\xff\n\n")
end = ending()
ok(len(end) < 5000, "of long lines only the end is read")
ok("\x1b" not in end and end.endswith("    ?[2J\N{REPLACEMENT CHARACTER}\n"), "and no control character is shown")
world.write("", "log of g")
same(ending(), "g:a, the end of %s: it is empty\n" % log, "nothing in it")
same(ending(world.path("none")), "g:a, the end of %s: No such file or directory\n" % world.path("none"), "no such file")
os.mkfifo(world.path("pipe"))
same(ending(world.path("pipe")), "g:a, the end of %s: not a regular file\n" % world.path("pipe"), "a pipe is not waited for")
same(ending("/x%00y"), "g:a, the end of /x?y: no name of a file\n", "nor a name that is none")
same(ending("/dev/zero"), "g:a, the end of /dev/zero: not a regular file\n", "nor a device read")
if os.getuid() == 0:
    os.chmod(log, 0o600)
    os.seteuid(65534)
    raises(PermissionError, lambda: tail.last_lines(log, 5), "it is read with the rights of who asks")
    os.seteuid(0)
done()
