#!/usr/bin/env python3
"""The lines of the status: written, read, filtered, judged (SPEC 9)."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit import people, statusline
from tap import done, same

TEXT = """\
Cluster::Init::Daemon clinitd - RUNNING pid=1 cltab=/my%20dir/100%25 seq=4
Cluster::Init::Group web run DONE want=run up=2/2 since=7
Cluster::Init::Process web:httpd run RUNNING pid=812 start=88123 restarts=0 since=7 last=exit:1
Cluster::Init::Group 0 0 FAILED want=0 up=0/1 since=8
Cluster::Init::Process 0:t 0 FAILED restarts=0 since=8 last=signal:KILL
"""
lines = statusline.parse(TEXT)
same("\n".join(map(str, lines)) + "\n", TEXT, "read and written again")
same(lines[0].more["cltab"], "/my dir/100%", "values may hold blanks and percents")
odd = statusline.Line(statusline.DAEMON, "d", "-", "X", {"cltab": "a\u2028b\n\xe9=\tc", "empty": ""})
same(statusline.parse(str(odd))[0].more, {"cltab": "a\u2028b\n\xe9=\tc"}, "and whatever else a path is made of")
same(len(statusline.parse("junk\nCluster::Init::Group short\n\nSome::Thing a b c\n")), 0, "others' lines are passed over")
same(statusline.parse("Cluster::Init::Group g 1 DONE new=1 =x odd")[0].more, {"new": "1", "": "x"},
     "so is what a reader does not know")

same(statusline.words(lines), ["web run DONE", "0 0 FAILED"], "clstat")
same(statusline.words(lines, "web"), ["run DONE"], "clstat -g")
same(statusline.words(lines, None, "0"), ["0 FAILED"], "clstat -l, level 0 too")
same(statusline.words(lines, "web", "run"), ["DONE"], "clstat -g -l")
same(statusline.words(lines, "we", "run"), [], "a name is no pattern")


def table(rows):
    return [text for text, _ in people.table(rows)]


same([line.split() for line in table(people.rows(statusline.select(lines, "web"), "", lambda since: "t%d" % since, 0))],
     [["PROCESS", "LEVEL", "PID", "STATE", "SINCE", "RESTARTS", "LAST", "EXIT"],
      ["web:httpd", "run", "812", "RUNNING", "t7", "0", "exited", "1"]], "clstat -p")
same(table(people.strays({"strays": "7,8"}, ""))[1:],
     ["(a stray)  -      7    -      -      -         -", "(a stray)  -      8    -      -      -         -"], "and strays")


def verdict(*rows):
    return statusline.verdict(statusline.parse("\n".join("Cluster::Init::" + row for row in rows)))


for want, why, rows in (
        (0, "", ["Group a 1 DONE"]),
        (0, "", ["Group a 1 PASSED", "Process a:b 1 PASSED last=exit:0"]),
        (0, "", []),
        (1, "a:b exited 3", ["Group a 1 FAILED", "Process a:b 1 FAILED last=exit:3"]),
        (1, "a:b is paused (killed by SEGV)", ["Group a 1 DONE", "Process a:b 1 PAUSED last=signal:SEGV"]),
        (1, "a:b is paused: respawning too rapidly (exited 1)",
         ["Group a 1 DONE", "Process a:b 1 PAUSED last=exit:1 why=respawning%20too%20rapidly"]),
        (1, "a:b: over its limit of 5 s (killed by TERM)",
         ["Group a 1 FAILED", "Process a:b 1 FAILED last=signal:TERM why=over%20its%20limit%20of%205%20s"]),
        (1, "a:b: not ready after 60 s", ["Group a 1 FAILED", "Process a:b 1 FAILED why=not%20ready%20after%2060%20s"]),
        (3, "a is STARTING, on its way to 2", ["Group a 2 STARTING want=2"]),
        (8, "a:b pid 9 would not die", ["Group a 1 STOPPING want=2", "Process a:b 1 STUCK pid=9"]),
        (6, "a has not been told its level", ["Group a - CONFIGURED want=-"]),
        (1, "a:b exited 3", ["Group x 1 STARTING", "Group a 1 FAILED", "Process a:b 1 FAILED last=exit:3"])):
    same(verdict(*rows), (want, why), "verdict %d of %s" % (want, rows))
done()
