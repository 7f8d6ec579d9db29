#!/usr/bin/env python3
"""The example and the demo: the main job on etc/cltab.example, as the README promises it."""
import os
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
from tap import done, like, note, ok, same
from world import ROOT

from clinit import cltab

with open(os.path.join(ROOT, "etc", "cltab.example"), "rb") as file:
    example = cltab.parse(file.read(), "cltab.example")
same(list(example.groups), ["foo", "bar"], "the example is a good cltab, with two groups")
same({entry.mode for entries in example.groups.values() for entry in entries},
     {"wait", "test", "once", "respawn", "off"}, "and every mode")

demo = subprocess.run([os.path.join(ROOT, "t", "lib", "demo")], env={**os.environ, "PYTHON": sys.executable},
                      capture_output=True, text=True, stdin=subprocess.DEVNULL)
same(demo.returncode, 0, "the demo ends with 0") or note(demo.stdout + demo.stderr)
for part in ("$ clinit -w foo run\nlevel transition started\nfoo run DONE\n", "It works.\n", "$ clstat -g foo\nrun DONE\n",
             "$ kill -9 ", " 1         killed by KILL\n", "foo maint DONE\n", "Back soon.\n", "foo maint DONE\nbar 3 DONE\n",
             "$ clinit -k -w\nall groups halting\n", "clinitd has exited with status 0", "\nnone\n"):
    like(demo.stdout, part, "it shows %r" % part)
ok("internal error" not in demo.stdout + demo.stderr, "and no fault")
done()
