#!/usr/bin/env python3
"""The manual: well-formed, and in step with the programs (every option, setting, mode and state is in it)."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
import clinit
from clinit import clinitd, cltab, ctl, machines, rules, stat
from tap import done, note, ok, same

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
MAN = os.path.join(ROOT, "man")


def page(name):
    with open(os.path.join(MAN, name)) as file:
        return file.read()


names = sorted(name for name in os.listdir(MAN) if name[-2] == ".")
same(names, ["clinit-container.7", "clinit-pacemaker.7", "clinit.3", "clinit.7", "clinit.8", "clinitd.8", "clstat.8", "cltab.5"], "the pages")
for name in names:
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", os.path.join(MAN, name)], capture_output=True, text=True)
        ok(lint.returncode == 0, "mandoc has no complaint of %s" % name) or note(lint.stdout)
    if shutil.which("groff"):
        lint = subprocess.run(["groff", "-mdoc", "-ww", "-Tascii", os.path.join(MAN, name)], capture_output=True, text=True)
        same(lint.stderr, "", "nor has groff")
    for other in re.findall(r"^\.Xr (\S+) (\d)", page(name), re.M):
        if other[0].startswith("cl"):
            ok("%s.%s" % other in names, "%s refers to %s(%s), which is there" % (name, *other))
for name, usage in {"clinitd.8": clinitd.USAGE, "clinit.8": ctl.USAGE, "clstat.8": stat.USAGE}.items():
    told = re.findall(r"^  (-.*?)(?:  |$)", usage, re.M)
    options = {option for line in told for option in re.findall(r"(?<![\w-])--?(\w[\w-]*)", line)}
    in_page = set(re.findall(r"Fl (?:-)?(\w[\w-]*)", " ".join(re.findall(r"^\.It (Fl .*)$", page(name), re.M))))
    same(in_page, options, "%s has the options of its program" % name)
for name in ("daemon", "group", "process"):
    picture = subprocess.run([sys.executable, os.path.join(MAN, "graphs"), "text", name], capture_output=True, text=True).stdout
    ok(picture and picture in page("clinit.7"), "clinit.7 has the picture of the %s as the table is" % name)
with open(os.path.join(ROOT, "ocf", "group")) as file:
    agent = file.read()
for word in re.findall(r'<parameter name="(\w+)"', agent):
    ok(re.search(r"^\.It Cm .*\b%s\b" % word, page("clinit-pacemaker.7"), re.M), "clinit-pacemaker.7 has %s" % word)
for word in re.findall(r'\bfail \S+ "([^"]*)"', agent):
    for piece in re.split(r"\$\(.*?\)|\$?\{.*?\}|\$\w+|:|'", word):
        ok(piece.strip() in page("clinit-pacemaker.7"), "clinit-pacemaker.7 has: %s" % piece.strip()) if len(piece) > 4 else None
for name in clinit.__all__:
    ok(re.search(r"^\.It (Fn|Vt) %s$" % name, page("clinit.3"), re.M), "clinit.3 has %s" % name)
for word in [*rules.MODES, *cltab.TOP, *cltab.SCOPED]:
    ok(re.search(r"^\.It Ic %s\b" % word, page("cltab.5"), re.M), "cltab.5 has %s" % word)
for table in (machines.GROUP, machines.PROCESS):
    for state in sorted({state for state, _ in table} | {row[0] for row in table.values()}):
        ok(re.search(r"^\.It .*\b%s\b" % state, page("clstat.8"), re.M), "clstat.8 has %s" % state)
done()
