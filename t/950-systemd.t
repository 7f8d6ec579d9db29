#!/usr/bin/env python3
"""Real systemd as PID 1 of namespaces keeps the clinitd of etc/clinitd.service, which keeps its processes."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import machine
from tap import done, like, limit, note, same, skip, skip_all
from world import QUICK, wait_for

SYSTEMD = next((path for path in ("/lib/systemd/systemd", "/usr/lib/systemd/systemd") if os.path.exists(path)), None)
# Of the units of the machine none is seen: only ours, and what ours refer to
UNITS = {"sysinit.target": "", "basic.target": "", "shutdown.target": "", "network.target": "", "multi-user.target": "Wants=clinitd.service\nAfter=clinitd.service\nAllowIsolate=yes\n"}
BOOT = r"""
mount -t sysfs -o ro sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
printf '%%032d\n' 1 > /run/machine-id
[ ! -e /etc/machine-id ] || mount --bind /run/machine-id /etc/machine-id
exec env -i container=clinit PATH=/usr/sbin:/usr/bin:/sbin:/bin DIR="$DIR" SYSTEMD_UNIT_PATH="$DIR/units" \
    SYSTEMD_GENERATOR_PATH="$DIR/none" SYSTEMD_LOG_TARGET=console \
    %s --system --unit=multi-user.target --show-status=no --log-level=notice
"""
CLTAB = QUICK + """g:i:run:initdefault:
g:r:run:respawn:sleep 1000
g:deaf:run:respawn:trap "" INT; echo > WORLD/deaf; while :; do sleep 0.1; done
"""


def new_cgroup(name):
    """Make a group of that NAME, by the version 2 of cgroups; None where that cannot be."""
    with open("/proc/self/mounts") as file:
        paths = [os.path.join(line.split()[1], name) for line in file if line.split()[2] == "cgroup2"]
    for path in paths:
        try:
            os.mkdir(path)
            return path
        except OSError:
            pass
    return None


def verify(world, unit, *options):
    call = subprocess.run(["systemd-analyze", "verify", "--man=no", *options, unit], capture_output=True, text=True,
                          env={**os.environ, "XDG_RUNTIME_DIR": world.dir})
    same((call.returncode, [line for line in call.stderr.split("\n") if "clinitd" in line]), (0, []),
         "systemd-analyze verify has no complaint of %s" % unit[len(world.dir):]) or note(call.stderr)


why = machine.why_not() or (not SYSTEMD and "no systemd here")
if why:
    skip_all(why)
limit(120)
world = machine.Machine(CLTAB)
world.cgroup = new_cgroup(os.path.basename(world.dir))
if not world.cgroup:
    skip_all("no cgroup of version 2 can be made here")
unit = world.path("usr/lib/systemd/system/clinitd.service")
if shutil.which("systemd-analyze"):
    verify(world, unit)
    verify(world, world.path("usr/lib/systemd/user/clinitd.service"), "--user")
else:
    skip("the units are verified", "no systemd-analyze")
os.makedirs(world.path("units/clinitd.service.d"))
shutil.copy(unit, world.path("units"))
for name, text in UNITS.items():
    world.write("[Unit]\nDefaultDependencies=no\n" + text, "units/" + name)
world.write("[Service]\n" + "".join("Environment='%s=%s'\n" % pair for pair in world.variables.items()) +
            "RestartSec=0\nStandardError=append:WORLD/log\n", "units/clinitd.service.d/test.conf")
world.boot(BOOT % SYSTEMD)


def show(*names):
    """The values of properties of the unit."""
    out = world.inside("systemctl", "show", "clinitd", *("-p" + name for name in names))[1]
    return [dict(line.split("=", 1) for line in out.split("\n") if line).get(name) for name in names]


def pids():
    return world.pid("g:r"), world.pid("g:deaf")


wait_for(lambda: show("ActiveState") == ["active"], "the unit to be active")
world.await_state("g", "DONE")
same(show("MainPID", "Type", "NRestarts"), [str(world.daemon()), "notify", "0"], "started, and READY=1 was heard")
before, first = pids(), world.daemon()
same(show("WatchdogUSec"), ["30s"], "the watchdog runs")

same(world.inside("systemctl", "reload", "clinitd")[0], 0, "systemctl reload")
same((show("MainPID", "ActiveState"), pids()), ([str(first), "active"], before), "the same pid, no service interrupted")
like(world.said, "goes on as clinitd", "clinitd was replaced")

world.inside("kill", "-KILL", str(first))
wait_for(lambda: world.daemon() not in (0, first), "the next clinitd")
wait_for(lambda: show("ActiveState") == ["active"], "the unit to be active again")
same((pids(), world.state("g"), show("NRestarts")), (before, "DONE", ["1"]), "kill -9: the next one takes over, nothing was restarted")
like(world.said, "taking over: 1 group, 2 processes", "and says so")

same(world.inside("systemctl", "stop", "clinitd")[0], 0, "systemctl stop")
same(show("ActiveState", "Result"), ["inactive", "success"], "it has stopped")
group = os.path.join(world.cgroup, "system.slice/clinitd.service")
same(os.path.exists(group), False, "nothing is left in its cgroup")
same(world.inside("test", "-e", "/run/clinit/clinit.s.lock")[0], 0, "the run folder is kept")

world.write("[Service]\nWatchdogSec=3\nTimeoutAbortSec=1\n", "units/clinitd.service.d/watchdog.conf")
same(world.inside("systemctl", "daemon-reload")[0], 0, "a shorter patience")
same(world.inside("systemctl", "start", "clinitd")[0], 0, "systemctl start")
world.await_state("g", "DONE")
before, first = pids(), world.daemon()
world.inside("kill", "-STOP", str(first))
wait_for(lambda: world.daemon() not in (0, first), "the watchdog")
wait_for(lambda: show("ActiveState") == ["active"], "the unit to be active again")
same((pids(), world.state("g")), (before, "DONE"), "a clinitd that hangs is ended by the watchdog, the next one takes over")
same(world.clinit("-k", "-w")[0], 0, "clinit -k -w")
wait_for(lambda: show("ActiveState") == ["inactive"], "the unit to be inactive")
same(show("Result"), ["success"], "a halt that clinit asked for is a wanted stop, nobody starts clinitd again")

# Killed while it halts, by a stop that is wanted: what is left is stopped all the same
world.write(":::kill:INT 3 KILL\n" + CLTAB.replace(QUICK, ""))
same(world.inside("systemctl", "start", "clinitd")[0], 0, "started once more")
world.await_state("g", "DONE")
os.unlink(world.path("deaf"))
stop = subprocess.Popen(["nsenter", "--all", "-t", str(world.pid1), "--", "systemctl", "stop", "clinitd"])
wait_for(lambda: world.state("g:deaf") == "STOPPING", "the halt to begin")
world.inside("kill", "-KILL", str(world.daemon()))
stop.wait(30)
wait_for(lambda: show("ActiveState") in (["inactive"], ["failed"]), "the end of the stop")
same(os.path.exists(group), False, "killed while it halts: nothing is left either")
done()
