#!/usr/bin/env python3
"""log:syslog, on a /dev of its own (SPEC 7)."""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, ok, same, skip_all
from world import QUICK, World

DEV = """mount -t tmpfs tmpfs /dev && mknod -m 666 /dev/null c 1 3 && mknod -m 666 /dev/urandom c 1 9 &&
ln -s /proc/self/fd /dev/fd && ln -s "$WORLD/syslog" /dev/log && exec "$0" "$@" """
if os.getuid() != 0 or not shutil.which("unshare") or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
    skip_all("only root with a mount namespace can have a /dev of its own")
world = World(QUICK + ":::log:syslog\ng:a:run:once:true\n")
log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
cleanup(log.close)
log.bind(world.path("syslog"))
log.settimeout(30)
world.program = ["unshare", "--mount", "sh", "-c", DEV, sys.executable]
world.start()
world.program = [sys.executable]
same(world.clinit("-w", "g", "run")[0], 0, "a daemon that logs to syslog")
lines = []
while not lines or "g: run DONE" not in lines[-1]:
    lines.append(log.recv(4096).decode())
like(lines[0], "<29>", "as a daemon's notice")
like(lines[0], " clinitd[%d]: pid %d, cltab " % (world.daemons[0].pid, world.daemons[0].pid), "with its name and pid")
ok(any("g:a: pid" in line for line in lines), "a line for each event")
same(world.said, "", "and nothing on stderr")
same(world.stop(), 0, "halted")
done()
