#!/usr/bin/env python3
"""What etc/ has for those who watch over clinit: check_clinit, logrotate's file, the unit for the node exporter."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, ok, same, skip
from world import QUICK, ROOT, World, wait_for

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
CLTAB = QUICK + """:::log:WORLD/clinit.log
:::output:WORLD/out
w:a:run:respawn:while echo line; do sleep 0.01; done
w:b:run:wait:true
f:gate:run:test:false
p:c:run:respawn:sleep 1000
p:d:run:respawn:/nowhere/program
m:e:run:wait:sleep 1000
"""
world = World(CLTAB)
os.mkdir(world.path("bin"))
os.mkdir(world.path("out"))
os.chmod(world.write("#!/bin/sh\nexec %s %s/bin/clstat \"$@\"\n" % (sys.executable, ROOT), "bin/clstat"), 0o755)
world.environ["PATH"] = world.path("bin") + ":" + os.environ["PATH"]


def etc(name):
    """The text of a file of etc/."""
    with open(os.path.join(ROOT, "etc", name)) as file:
        return file.read()


def check(*args):
    """(exit status, the one line) of check_clinit."""
    seen = subprocess.run([os.path.join(ROOT, "etc", "check_clinit"), *args], env=world.environ, capture_output=True, text=True)
    ok(seen.stdout.count("\n") == 1 and not seen.stderr, "one line")
    return seen.returncode, seen.stdout.strip()


def checks(state, word, part, *args):
    code, line = check("-c", world.cltab, *args, world.path("clstat"))
    same((code, line.split()[:2]), (state, ["CLINIT", word + ":"]), "%s: %s" % (" ".join(args) or "all", word))
    like(line, part, "which says why")
    return line


checks(CRITICAL, "CRITICAL", "no status")
world.start()
checks(OK, "OK", "groups=0")
checks(CRITICAL, "CRITICAL", "no such group", "-g", "w")
same(world.clinit("-w", "w", "run")[0], 0, "a group is up")
line = checks(OK, "OK", "all groups are at rest")
same(line.partition("|")[2].strip(), "groups=1 failed=0 processes=2 paused=0 restarts=0c", "its data")
for word in line.partition("|")[2].split():
    ok(re.fullmatch(r"\w+=\d+c?", word), "as the plugins' guidelines have it: " + word)
world.kill("w:a")
wait_for(lambda: world.line("w:a").more.get("restarts") == "1", "a respawn")
like(checks(OK, "OK", "groups=1", "-g", "w", "-l", "run"), "restarts=1c", "a restart is counted")
checks(CRITICAL, "CRITICAL", "not at the level", "-g", "w", "-l", "maint")
world.clinit("-w", "p", "run")
like(checks(WARNING, "WARNING", "p:d is PAUSED"), "paused=1", "it is counted")
world.clinit("m", "run")
checks(WARNING, "WARNING", "in transition: run STARTING", "-g", "m")
world.clinit("-w", "f", "run")
like(checks(CRITICAL, "CRITICAL", "f:gate is FAILED"), "groups=4 failed=1", "it is counted")
checks(CRITICAL, "CRITICAL", "f:gate is FAILED", "-g", "f")
same(check("-x")[0], UNKNOWN, "wrong usage")
same(check("-h")[0], UNKNOWN, "and a question of how")

if shutil.which("logrotate"):
    rules = etc("clinit.logrotate").replace("/var/log/clinit.log", world.path("clinit.log")).replace("/var/log/clinit", world.path("out"))
    os.chmod(world.write(rules, "rules"), 0o644)
    same(subprocess.run(["logrotate", "--force", "--state", world.path("rotated"), world.path("rules")], capture_output=True,
                        text=True, cwd=world.dir).stderr, "", "logrotate has no complaint")
    world.clinit("w", "run")
    wait_for(lambda: "tell w run" in world.read("clinit.log"), "the log to go on in a new file")
    like(world.read("clinit.log.1"), "tell f run", "the old one is kept")
    ok("tell f run" not in world.read("clinit.log"), "and is the old one")
    size = wait_for(lambda: len(world.read("out/w:a.log")), "the output to go on in its file")
    ok(os.path.exists(world.path("out/w:a.log.1.gz")) and world.read("out/w:a.log").startswith("line"), "which was emptied, %d bytes ago" % size)
else:
    skip("logrotate", "it is not there")

unit = etc("clinit-metrics.service")
cron = re.search(r"^#   \* \* \* \* \* root (.*)$", unit, re.M).group(1)
start = re.search(r"^ExecStart=/bin/sh -c '(.*)'$", unit, re.M).group(1)
if " -m " in world.clstat("-h")[1]:
    for name, command in (("cron", cron), ("the unit", start)):
        command = command.replace("/usr/local/bin/clstat", "clstat").replace("/var/lib/prometheus/node-exporter", world.dir)
        subprocess.run(["sh", "-c", command], cwd=world.dir, env={**world.environ, "CLINIT_SOCKET": world.socket})
        like(world.read("clinit.prom"), "clinit_up 1", "%s writes the metrics" % name)
        ok(not os.path.exists(world.path("clinit.new")), "with nothing left beside them")
        os.unlink(world.path("clinit.prom"))
else:
    skip("the node exporter", "this clstat has no -m")
if shutil.which("systemd-analyze"):
    for name in ("clinit-metrics.service", "clinit-metrics.timer"):
        world.write(etc(name).replace("/usr/local/bin/clstat", world.path("bin/clstat")), name)
    seen = subprocess.run(["systemd-analyze", "--man=no", "verify", world.path("clinit-metrics.timer"), world.path("clinit-metrics.service")],
                          capture_output=True, text=True, timeout=60)
    same((seen.returncode, seen.stderr), (0, ""), "systemd has no complaint of its unit and timer")
else:
    skip("the unit and the timer", "there is no systemd-analyze")

world.daemons[-1].kill()
world.daemons[-1].wait()
checks(CRITICAL, "CRITICAL", "is stale")
same(world.run("clinitd", *world.options, "-x")[0], 0, "what was left is stopped")
done()
