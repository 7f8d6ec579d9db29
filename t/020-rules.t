#!/usr/bin/env python3
"""The rules, as truth tables: levels, exits, pacing (SPEC 1, 2, 4)."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit import rules
from clinit.cltab import is_name
from tap import done, ok, same

for row in """
    field     level  in
    run       run    yes
    run       r      yes
    run       ru     no
    run       runs   no
    run       0      no
    12        1      yes
    12        2      yes
    12        12     yes
    12        21     no
    12        3      no
    0         0      yes
    long3,    long3  yes
    long3,    3      no
    long3,    l      no
    a,b       a      yes
    a,b       b      yes
    a,b       ab     no
    ab,c      a      no
    ab,,c     c      yes
    .         x      no
    .         .      yes
""".strip().split("\n")[1:]:
    field, level, want = row.split()
    same("yes" if rules.in_level(field, level) else "no", want, "level %s is in %s: %s" % (level, field, want))

for row in """
    mode   last         event
    wait   exit:0       finished
    wait   exit:1       finished
    wait   signal:KILL  finished
    once   exit:3       finished
    test   exit:0       passed
    test   exit:1       failed
    test   signal:TERM  failed
    test   unknown      failed
""".strip().split("\n")[1:]:
    mode, last, want = row.split()
    same(rules.outcome(mode, last), want, "%s that ends with %s: %s" % (mode, last, want))


def run(*lives, limits=rules.PACE):
    """The events of a process that lives so many seconds each time: `+` again, `!` too rapid."""
    quick, events = 0, ""
    for ran in lives:
        quick, event = rules.pace(quick, ran, limits)
        events += {"again": "+", "too_rapid": "!"}[event]
    return events


same(run(0, 0, 0, 0, 0, 0), "+++++!", "five quick exits are borne, the sixth pauses")
same(run(1.0, 1.0, 1.0, 1.0, 1.0, 1.0), "+++++!", "1 s is quick")
same(run(*[1.001] * 50), "+" * 50, "over 1 s is not")
same(run(0, 0, 0, 0, 0, 0, 0, 0), "+++++!!!", "after a pause each quick exit pauses again")
same(run(0, 0, 0, 0, 0, 0, 9, 0, 0), "+++++!++!", "a longer run takes one off the count")
same(run(0, 0, 0, 0, 0, 9, 0, 0), "+++++++!", "also before the first pause")
same(run(9, 9, 9, 0, 0, 0, 0, 0, 0), "++++++++!", "the count does not go below zero")
same(run(0, 0, limits=(0, 1.0, 60.0)), "!!", "respawn:0 bears none")
for text, good in {"a": 1, "0": 1, "a.b_c@d%e+f-g": 1, "a" * 64: 1, "a" * 65: 0, "": 0, "-a": 0, "a b": 0,
                   "a\n": 0, "\xe9": 0, "a:b": 0, "(": 0}.items():
    ok(is_name(text) == bool(good), "%r is %sa name" % (text[:12], "" if good else "not "))
done()
