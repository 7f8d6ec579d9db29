#!/usr/bin/env python3
"""Each system call of clinitd's fails, one at a time, with each errno it can have: said, outlived, recovered from (SPEC 5).

Each call is made to fail in the step of the scenario that reaches it first; of the later steps a sample is taken,
another one each day. ALL=1 takes them all; SEED=N the sample of another day; ONLY=TEXT what has that in its name.
"""
import errno
import os
import random
import sys
import time

sys.path.insert(0, sys.path[0] + "/lib")
import seam
from tap import done, limit, note, ok, same

limit(290)
ROOM = 260      # runs
LATEST = time.monotonic() + 220     # no run begins after this: where much fails, each takes its time
every, only = os.environ.get("ALL"), os.environ.get("ONLY", "")
seed = int(os.environ.get("SEED", time.time() // 86400))

known = [seam.Run(), seam.Run()]
for run in known:
    if not same(run.wrong, "", "the scenario without a fault"):
        note(run.said)
        done()
sites = sorted(set(known[0].sites + known[1].sites))
ok(len(sites) > 50, "it makes calls in %d places and steps" % len(sites))


def name(site):
    return "%s in %s" % (seam.what(site), site.file)


first, later, places = [], [], set()
for site in sites:
    fails = [(site, number) for number in seam.errnos(site) if only in name(site)]
    (later if site[1:] in places else first).extend(fails)
    if seam.Seamed.STEPS[site.step] not in (seam.Seamed.set_up, seam.Seamed.crash):     # a call of a start is another matter later
        places.add(site[1:])
if not every:
    later = random.Random(seed).sample(later, min(len(later), max(0, ROOM - len(first))))
jobs = first + later
note("%d runs, seed %d" % (len(jobs), seed))


def perform(number):
    site, code = jobs[number]
    if time.monotonic() > LATEST:
        return number, 0, "not run, there was no time left", ""
    run = seam.Run(site, getattr(errno, code), max(run.open_files for run in known))
    return number, run.met, run.wrong, run.said


faults = {}     # by the name of a call: [errno, what is wrong]
for number, met, wrong, said in seam.side_by_side(range(len(jobs)), perform):
    site, code = jobs[number]
    if met or wrong:
        faults.setdefault(name(site), []).append((code, wrong))
    if wrong:
        note("%s, line %d, %s, while %s: %s" % (name(site), site.line, code, seam.Seamed.STEPS[site.step].__name__, wrong))
        note("    " + "\n    ".join(said.splitlines()[-12:]))
for call in sorted({name(site) for site, _ in jobs}):
    found = faults.get(call, [])
    codes = sorted({code for code, _ in found})
    ok(found and not any(wrong for _, wrong in found), "%s: %s" % (call, " ".join(codes) or "not reached again"))
same(sum(map(len, faults.values())) > 0.9 * len(jobs), True, "nearly all were met")
done()
