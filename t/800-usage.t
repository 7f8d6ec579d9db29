#!/usr/bin/env python3
"""Every mistake on the command line is answered in one line that tells what to do, with the right exit status (SPEC 8)."""
import os
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same
from world import QUICK, World, wait_for

world = World(QUICK + "g:a:run:test:test -e WORLD/yes\ng:b:maint:wait:while test ! -e WORLD/go; do sleep 0.02; done\n")
for program, *args in (["clinit", "a", "b", "c"], ["clinit", "-x"], ["clinit", "-t"], ["clinit", "-t", "soon", "g", "run"],
                       ["clinit", "-t", "-1", "g", "run"], ["clinit", "-k", "g", "run"], ["clinit", "--nope"],
                       ["clinit", "g", "a b"], ["clstat", "-g"], ["clstat", "-p", "-j"], ["clstat", "-w", "-p"],
                       ["clstat", "-a", "soon"], ["clstat", "-m", "a", "b"], ["clstat", "-z"],
                       ["clinitd", "x"], ["clinitd", "-c"], ["clinitd", "--wrong"]):
    code, out, err = world.run(program, *args)
    same((code, out, err.count("\n")), (2, "", 1), "%s: 2, and one line" % " ".join([program, *args]))
    like(err, program + ": ", "... which names the program")
for program in ("clinitd", "clinit", "clstat"):
    for option in ("-h", "--help"):
        code, out, err = world.run(program, option)
        same((code, err, "Usage:" in out), (0, "", True), "%s %s" % (program, option))
    code, out, err = world.run(program, "--version")
    same((code, err, out.split()[0]), (0, "", program), "%s --version" % program)

same(world.clinit("g", "run")[0], 7, "no clinitd answers: 7")
same(world.clstat()[0], 7, "no status: 7")
same(world.run("clinitd", "-c", world.cltab, "-s", "/proc/nope/s"),
     (1, "", "clinitd: cannot listen at /proc/nope/s: No such file or directory\n"), "clinitd could not start: 1")
world.start()
same(world.clinit("nope", "run"), (6, "", "clinit: no such group: nope\n"), "no such group: 6")
same(world.clinit("-w", "g", "run"), (1, "level transition started\n", "clinit: g run FAILED: g:a exited 1\n"), "failed: 1, and why")
same(world.clstat(), (1, "g run FAILED\n", ""), "clstat: 1")
code, out, err = world.clinit("-t", "0.5", "g", "maint")
same((code, err), (3, "clinit: not yet: the time given is over\n"), "not yet: 3")
wait_for(lambda: world.line("g").level == "maint", "the level, though nobody waits for it any more")
same(world.clstat("-g", "g"), (3, "maint STARTING\n", ""), "clstat: 3")
waiter = world.popen("clinit", *world.options, "-w", "g", "maint", stderr=-1)
wait_for(lambda: world.said.count("tell g maint") == 2, "somebody to wait")
same(world.clinit("g", "run")[0], 0, "somebody else tells it another level")
same((waiter.communicate()[1], waiter.returncode), ("clinit: another command took over: g goes to run\n", 5), "taken over: 5")
world.write("", "yes")
world.write("", "go")
same(world.clinit("-w", "g", "run")[:2], (0, "level transition started\ng run PASSED\n"), "PASSED: 0")
same(world.clinit("-w")[:2], (0, "nothing to do\ng run PASSED\n"), "clinit -w waits for all groups")

host = os.uname().nodename
code, out, err = world.clinit("run")
same((code, err), (6, "clinit: no such group: %s\n" % host.partition(".")[0]), "clinit LEVEL: the group named as the host")
world.write("%s:h:run:once:true\n" % host.partition(".")[0])
same(world.clinit("-w", "run")[:2], (0, "level transition started\n%s run DONE\n" % host.partition(".")[0]), "once there is one")
reader, writer = os.pipe()
os.close(reader)
with os.fdopen(writer, "w") as gone:
    done_ = world.popen("clstat", world.path("clstat"), stdout=gone, stderr=-1)
same(done_.communicate()[1], "", "a reader that is gone is no reason for words")
ok(world.stop() == 0, "halted")
like(world.read("log"), "(uid %d, pid " % os.getuid(), "every command was logged with who gave it")
done()
