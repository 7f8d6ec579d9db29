#!/usr/bin/env python3
"""DIAGNOSTICS: each message that the programs can complain with is in the manual, with its cause and cure."""
import ast
import os
import re
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from tap import done, ok

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
LIB = os.path.join(ROOT, "lib", "clinit")
SAYING = {"say", "log", "complain", "error", "_dismiss", "ValueError", "FileExistsError", "Error", "NoDaemon", "Denied",
          "UsageError", "NotYet", "CltabError"}
# What the log says when all is well
NEWS = {"%s (%s)", "pid %d, cltab %s, socket %s", "all processes%s are gone, exiting", "%s received", "event %s", "action %s",
        "all groups halting", "all groups halted", "pid %s started", "pid %s is ready", "restart",
        "pid %s %s%s", ", respawning", "reread: ",
        "pid %s %s, stopped", "%s: %s %s", "unknown", "none given", "too_rapid", "warning ", "%s: %s"}
# What _distrust and read_cltab put together
MADE = ["cannot be read: %s", "not a regular file", "refused: owned by uid %d, not by root",
        "refused: writable by others than its owner"]


def diagnostics(page):
    with open(os.path.join(ROOT, "man", page)) as file:
        text = file.read()
    return text[text.index(".Sh DIAGNOSTICS"):].replace("\\(dq", '"')


def messages():
    """(file, message) of all texts that are said or raised."""
    for name in sorted(os.listdir(LIB)):
        if not name.endswith(".py"):
            continue
        with open(os.path.join(LIB, name)) as file:
            tree = ast.parse(file.read())
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in SAYING:
                for part in ast.walk(call):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str) and len(part.value) > 6:
                        yield name, part.value


pages = "".join(diagnostics(page) for page in ("clinit.8", "clinitd.8", "clstat.8", "cltab.5"))
found = sorted(set(messages()) | {("clinitd.py", message) for message in MADE})
ok(len(found) > 60, "the messages are found: %d" % len(found))
for name, message in found:
    if message not in NEWS:
        pieces = [piece.strip() for piece in re.split("%[sd]", message.replace("%%", "%"))]
        ok(all(piece in pages for piece in pieces), "%s: %s" % (name, message))
done()
