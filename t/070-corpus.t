#!/usr/bin/env python3
"""The corpus of the fuzzer, replayed: what others write does no harm, and what once did does it no more (SPEC 1, 9, 10)."""
import os
import sys
import tempfile

sys.path.insert(0, sys.path[0] + "/lib")
import fuzz
import targets
from tap import cleanup, done, note, ok, same

for target in targets.ALL:
    found = fuzz.seeds(target.name)
    for name, data in found.items():
        wrong = fuzz.crash(target, data)
        if not ok(wrong is None, "%s: %s" % (target.name, name)):
            note(wrong)
    ok(found, "there is a corpus of %s" % target.name)
same(sorted(os.listdir(fuzz.CORPUS)), sorted(targets.NAMES), "and each corpus has its target")

# The fuzzer finds what it is there to find: three bytes in a row, each of which only leads to the next
folder = tempfile.TemporaryDirectory(prefix="clinit-t-")
cleanup(folder.cleanup)
fuzz.CORPUS = folder.name


def fragile(data):
    if data[:1] == b"a":
        if data[1:2] == b"b":
            if data[2:3] == b"c":
                raise ZeroDivisionError("found")
    if data == b"allowed":
        raise KeyError


os.mkdir(os.path.join(folder.name, "fragile"))
with open(os.path.join(folder.name, "fragile", "seed"), "wb") as file:
    file.write(b"xyz")
target = targets.Target("fragile", fragile, (os.path.basename(__file__),), [b"a", b"b", b"c"], KeyError)
fuzzers = [fuzz.Fuzzer(target, seed, keep=False) for seed in (1, 1)]
for fuzzer in fuzzers:
    while not fuzzer.wrong and fuzzer.executions < 20000:
        fuzzer.turn(0)
ok("ZeroDivisionError" in "".join(fuzzers[0].wrong), "the fuzzer follows new lines to a fault that is three steps deep")
same(fuzzers[0].executions, fuzzers[1].executions, "and the same seed goes the same way")
wrong = fuzz.crash(target, b"abc, and more")
same(fuzz.minimise(target, b"abc, and more", wrong), b"abc", "what crashes is made as small as can be")
same(fuzz.crash(target, b"allowed"), None, "an exception that is allowed is none")
done()
