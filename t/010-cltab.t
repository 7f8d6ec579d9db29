#!/usr/bin/env python3
"""cltab(5): what is read, and every error of a file at once, as FILE:LINE: what is wrong (SPEC 1)."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake
from clinit import cltab
from clinit.errors import CltabError
from tap import done, like, ok, same


def errors(text):
    try:
        cltab.parse(text if isinstance(text, bytes) else text.encode(), "F")
    except CltabError as error:
        return error.lines
    return []


table = fake.parse(r"""
# a comment, that ends in a backslash \
:::socket:/run/x.s
   # another
web:mnt:run,maint:wait:mount /srv:/www
web:long:run:respawn:one \
  two \
three
0:0:0:once:true
web:no:run:off:
web:id:maint:initdefault:
:::kill:TERM 10 KILL
web:::kill:HUP 2 SIGTERM 10 SIGKILL
web:long::kill:KILL
:::respawn:3 0.5 7
web:::output:/var/log/web
""")
web = {entry.tag: entry for entry in table.groups["web"]}
same(list(table.groups), ["web", "0"], "groups stand in file order, 0 among them")
same(list(web), ["mnt", "long", "no"], "entries stand in file order, initdefault is none")
same(web["mnt"].command, "mount /srv:/www", "a command may hold colons")
same(web["long"].command, "one   two three", "a line that ends in a backslash goes on in the next")
same(table.defaults, {"web": "maint"}, "initdefault names a level")
same(table.top, {"socket": "/run/x.s"}, "a global setting of the programs; a comment swallows no line")
same(table.groups["0"][0].settings.kill, (("TERM", 10.0), ("KILL", 5.0)), "a global setting holds for every entry")
same(web["mnt"].settings.kill[:2], (("HUP", 2.0), ("TERM", 10.0)), "a group's is narrower, signals with SIG or without")
same(web["long"].settings.kill, (("KILL", 5.0),), "a tag's is the narrowest")
same(web["long"].settings.output, "/var/log/web", "other settings hold besides")
same(web["long"].settings.respawn, (3, 0.5, 7.0), "respawn:N WINDOW PAUSE")
ok(web["mnt"].settings is web["no"].settings, "entries of the same scopes share their settings")
same(fake.parse("a:b:c:once:x\r\n").groups["a"][0].command, "x", "line ends of another system")
same(fake.parse("a:b:c:once:x").groups["a"][0].command, "x", "no newline at the end")
same(fake.parse("").groups, {}, "an empty file is a good cltab")

for text, what in {
    "web:mnt:run:wait": "F:1: 4 fields",
    "web": "F:1: 1 field,",
    "\n\nweb:mnt:run": "F:3: 3 fields",
    "w eb:a:run:once:x": "F:1: bad group name: 'w eb'",
    "-web:a:run:once:x": "F:1: bad group name: '-web'",
    ":a:run:once:x": "F:1: bad group name: ''",
    "web::run:once:x": "F:1: bad tag name: ''",
    "web:%s:run:once:x" % ("a" * 65): "F:1: bad tag name",
    "web:a:r*n:once:x": "F:1: bad level name: 'r*n'",
    "web:a:run, b:once:x": "F:1: bad level name: ' b'",
    "web:a:,:once:x": "F:1: no runlevel in ','",
    "web:a:run:onec:x": "F:1: unknown mode: onec",
    "web:a:run::x": "F:1: unknown mode: none given",
    "web:a:run:Wait:x": "F:1: unknown mode: Wait",
    "web:a:run:wait:": "F:1: web:a: no command",
    "web:a:run:respawn:   ": "F:1: web:a: no command",
    "web:a:run:once:x\nfoo:a:run:once:y": "F:2: duplicate tag: a (also in line 1)",
    "web:a:run:initdefault:\nweb:b:maint:initdefault:": "F:2: two initdefaults for group web (also in line 1)",
    "web:a:run,maint:initdefault:": "F:1: web:a: initdefault names one level, not 2",
    ":::sock:/x": "F:1: unknown setting: sock",
    "::::/x": "F:1: unknown setting: none given",
    "web:a::once:x": "F:1: unknown setting: once (a line without runlevels is a setting)",
    "web:::socket:/x": "F:1: setting socket is global",
    ":::socket:x.s": "F:1: 'x.s' is not the full path of a file",
    ":::socket:/%s" % ("a" * 107): "F:1: socket: the path is over 107 bytes",
    ":::clstat:": "F:1: '' is not the full path of a file",
    ":::kill:TERM 10": "F:1: kill: 'TERM 10' is not SIGNAL SECONDS ... KILL",
    ":::kill:": "F:1: kill: ''",
    ":::kill:TERM ten KILL": "F:1: 'ten' is not a number of seconds",
    ":::kill:TERM -1 KILL": "F:1: '-1' is not a number of seconds",
    ":::kill:TERM nan KILL": "F:1: 'nan' is not a number of seconds",
    ":::kill:TREM 5 KILL": "F:1: unknown signal: TREM",
    ":::respawn:5 1": "F:1: respawn: '5 1' is not N WINDOW PAUSE",
    ":::respawn:x 1 60": "F:1: respawn: 'x 1 60'",
    ":::output:": "F:1: output: no folder",
    ":::operators:": "F:1: operators: '' is not the name of a group",
    "web:::operators:adm": "F:1: setting operators is global",
    "web:a:run:once:x\0": "F:1: a NUL byte",
    b"ok:b:run:once:x\nweb:a:run:once:\xff": "F:2: not UTF-8 at byte 16 of the line",
}.items():
    found = errors(text)
    same(len(found), 1, "one error: %r" % what)
    like(found[0] if found else "none", what, "... which says so")

many = errors("web:a\nweb:b:run:once:x\n:::nope:1\n# ok\nweb:b:run:bad:y\n")
same([line.split(" ")[0] for line in many], ["F:1:", "F:3:", "F:5:"], "every error of a file is reported")
like(errors(b"#" * (4 * 1024 * 1024 + 1))[0], "F: larger than 4 MiB", "a file over 4 MiB is refused")
same(errors(b"#" * (4 * 1024 * 1024)), [], "4 MiB are taken")
same(cltab.top_settings(b"broken\n:::socket:/a/s\n:::clstat:relative\nweb:x:\n:::log:\\\n/l\n"),
     {"socket": "/a/s", "log": "/l"}, "clients read what is good in a bad cltab")

good = fake.parse("web:a:run:once:x\nweb:b:run,2:wait:y z\n")
printed = "\n".join(str(entry) for entry in good.groups["web"])
same([str(entry) for entry in fake.parse(printed).groups["web"]], printed.split("\n"), "printed and read again")
done()
