#!/usr/bin/env python3
"""root's defaults: /etc/cltab and /var/run/clinit, in a mount namespace with an /etc and a /run of its own (SPEC 7)."""
import os
import shutil
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, note, ok, same, skip_all
from world import QUICK, ROOT, World

# In the namespace: no option names a file. $@ is how to run Python.
SCRIPT = """
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir "$WORLD/etc"
cp "$WORLD/cltab" "$WORLD/etc/cltab"
mount -t overlay overlay -o "lowerdir=$WORLD/etc:/etc" /etc
umask 077
"$@" "$ROOT/bin/clinitd" 2>"$WORLD/log" &
tries=0
until test -e /var/run/clinit/clstat; do tries=$((tries + 1)); test $tries -lt 1000; sleep 0.02; done
ls -ld /var/run/clinit | cut -c1-10
"$@" "$ROOT/bin/clinit" -w g run
"$@" "$ROOT/bin/clstat"
ls /var/run/clinit
"$@" "$ROOT/bin/clinit" -k -w
wait $!
echo "clinitd: $?"
ls /var/run/clinit
"""
if os.getuid() != 0 or not shutil.which("unshare") or subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
    skip_all("only root with a mount namespace can have an /etc of its own")
world = World(QUICK + "g:a:run:respawn:sleep 1000\n")
seen = subprocess.run(["unshare", "--mount", "sh", "-c", SCRIPT, "sh", sys.executable], env={**world.environ, "ROOT": ROOT},
                      capture_output=True, text=True, timeout=100, cwd="/")
lines = seen.stdout.split("\n")
same(seen.returncode, 0, "all goes well") or note(seen.stdout + seen.stderr + world.said)
same(lines[0], "drwxr-xr-x", "the folder is made, with mode 0755, whatever the umask")
same(lines[1:4], ["level transition started", "g run DONE", "g run DONE"], "clinit and clstat find it")
same(lines[4:7], ["clinit.s", "clinit.s.lock", "clstat"], "the socket, the lock and the status are in /var/run/clinit")
same(lines[7:9], ["all groups halting", "clinitd: 0"], "halted")
same(lines[9:], ["clinit.s.lock", ""], "the lock alone is left")
ok("cltab /etc/cltab, socket /var/run/clinit/clinit.s" in world.said, "and the log says where all is")
done()
