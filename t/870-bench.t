#!/usr/bin/env python3
"""The bench measures what it says, on very little: not how fast it is, but that there is a figure for each."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, ok, same, skip_all
from world import ROOT

if not shutil.which("cc"):
    skip_all("there is no C compiler (Debian: gcc, libc6-dev)")
folder = tempfile.mkdtemp(prefix="clinit-t-")
cleanup(lambda: shutil.rmtree(folder))


def bench(*args):
    return subprocess.run([sys.executable, os.path.join(ROOT, "bench", "bench"), *args], text=True, timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, env={**os.environ, "TMPDIR": folder})


file, picture = os.path.join(folder, "json"), os.path.join(folder, "svg")
ran = bench("-n", "3", "-t", "1", "-p", "clinit", "-m", "up,memory,old,control", "--json", file, "--svg", picture)
same(ran.returncode, 0, "the bench comes to its end")
like(ran.stdout, "| told → all up, s ", "there is a table")
like(ran.stdout, "memory, MB ", "and what the figures are to be")
with open(file) as text:
    told = json.load(text)
figures = {one["figure"]: one for one in told["figures"]}
same(sorted(figures), ["control", "memory", "old", "up"], "what was asked for is measured")
same((told["skipped"], {one["peer"] for one in told["figures"]}), ([], {"clinit"}), "nothing else, and nothing is skipped")
ok(all(sample > 0 for one in figures.values() for sample in one["samples"]), "each took some time, or memory")
same(len(figures["old"]["samples"]), 3, "each service was killed once, and replaced")
with open(picture) as text:
    like(text.read(), ">clinit</text>", "the picture has a bar")
same(bench("-m", "speed").stderr, "bench: there is no measurement speed\n", "what there is not is said")
same(sorted(os.listdir(folder)), ["json", "svg"], "nothing is left behind")
done()
