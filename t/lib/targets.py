"""What the fuzzer feeds: the inputs that others write, or could have, each a function of bytes.

A target raises nothing but the exceptions that it allows; what else must hold it asserts. To add one: a
function, and a row in ALL; its seeds go to t/corpus/NAME/.
"""
import contextlib
import io
import json
import os
import re
import select
import socket
import tempfile

import fake     # finds the library
from clinit import cli, cltab, errors, protocol, recover, rules, stat, statusfile, statusline
from clinit.loop import WAITING_LIMIT, Loop
from clinit.server import MAX_UNREAD, Client, Server

# What may not get to a terminal or into a log: controls, what else ends a line, what cannot be encoded
CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
PLACE = tempfile.TemporaryDirectory(prefix="clinit-t-")


class Target:
    """name; run(bytes); modules: the files whose lines count as reached; words: what is worth to be inserted."""

    def __init__(self, name, run, modules, words, allowed=()):
        self.name, self.run, self.modules, self.words, self.allowed = name, run, modules, words, allowed


def clean(line):
    """LINE, which people read, is one line without control characters."""
    assert not CONTROL.search(line), "a control character is shown: %s" % ascii(line)[:300]


# The cltab ---------------------------------------------------------------------------------------------

def run_cltab(data):
    """Text of a cltab: refused whole, each error a line FILE:LINE: what; or good to be told, changed and halted."""
    cltab.top_settings(data)
    try:
        table = cltab.parse(data, "F")
    except errors.CltabError as error:
        assert error.lines, "refused without a reason"
        for line in error.lines:
            assert re.match(r"F:[0-9]+: .", line), "not FILE:LINE: text: %s" % ascii(line)
            clean(line)
        return
    clean(str(table))
    kernel = fake.FakeKernel("")
    kernel.cltab = table
    for group, entries in table.groups.items():
        for level in sorted({level for entry in entries for level in re.split(",", entry.levels) if level})[:4]:
            clean(kernel.tell(group, level))
            finish(kernel, entries)
            report = kernel.init.report()
            assert list(map(str, statusline.parse("\n".join(report)))) == report, "the status is not read as written"
    # Printed, every command changed, and read again
    lines = [str(entry) + "x" for entries in table.groups.values() for entry in entries]
    for line in kernel.reread("\n".join(lines)).split("\n"):
        assert re.match("ok|(start|stop|restart) ", line), line
        clean(line)
    assert sorted(str(entry) for entries in kernel.cltab.groups.values() for entry in entries) == sorted(lines)
    kernel.sleep(1e12)
    kernel.event("halt", "me")
    kernel.sleep(1e12)
    assert kernel.over, "it does not halt"


def finish(kernel, entries):
    """Let all that is stopped end, by the longest ladder, and all that is waited for exit well."""
    kernel.sleep(1e12)
    blocking = [entry.name for entry in entries if entry.mode in rules.BLOCKING]
    while any(name in kernel.alive for name in blocking):
        kernel.exit(next(name for name in blocking if name in kernel.alive))


# The socket --------------------------------------------------------------------------------------------

LONG = "x" * (1 << 18) + "\nok"     # more than a socket holds


class Conversation:
    """Clients of a Server in this process, on a real Loop, with a clock that is moved by hand.

    An input is what a client sends, with these bytes in between:
    ff the server hears it; fe the oldest request is answered; fd likewise, at length; fc the client reads;
    fb 6 seconds pass; fa it shuts its side; f9 it goes away; f8 another client comes, and speaks from now on.
    """

    def __init__(self):
        self.now = 100.0
        self.loop = Loop()
        self.path = os.path.join(PLACE.name, "s")
        self.asked = []
        self.server = Server(self.loop, lambda: self.now, self.request, self.left)
        self.server.listen(self.path)
        self.clients = []
        self.deeds = {0xff: self.turn, 0xfe: self.answer, 0xfd: lambda: self.answer(LONG), 0xfc: self.read,
                      0xfb: self.wait, 0xfa: self.shut, 0xf9: self.leave, 0xf8: self.come}

    def run(self, data):
        self.come()
        try:
            for part in re.split(b"([\xf8-\xff])", data):
                if len(part) == 1 and part[0] in self.deeds:
                    self.deeds[part[0]]()
                    self.look()
                else:
                    self.send(part)
            self.turn()
            self.look()
            self.end()
        finally:
            self.clear()

    def end(self):
        """All go away, and leave nothing; then a good client is answered as ever."""
        while self.clients:
            self.leave()
        assert not any(client.waiting for client in self.server.clients), "who waited and went away is kept"
        while self.asked:
            self.answer()
        assert not self.server.clients, "clients are kept that are gone"
        assert len(self.loop.readers) == 1 and not self.loop.writers, "the loop watches clients that are gone"
        assert self.loop.timeout(self.now) == WAITING_LIMIT, "a deadline is left"
        self.come()
        self.send(protocol.request("tell", "web", "run"))
        self.turn()
        assert self.asked, "a good client is not heard"
        self.answer()
        assert self.read() == b"ok done\n", "a good client is not answered"

    def clear(self):
        while self.clients:
            self.leave()
        for client in list(self.server.clients):    # only after a fault
            self.server._close(client)
        self.asked.clear()

    # What the server calls

    def request(self, client, words):
        assert words[0] in protocol.COMMANDS and all(map(cltab.is_name, words[1:])), words
        assert client.asking and client.open
        self.asked.append(client)

    def left(self, client):
        self.asked = [one for one in self.asked if one is not client]

    # What happens

    def turn(self):
        for _ in range(1000):
            calls = self.loop.wait(0)
            if not calls:
                return
            for call in calls:
                call()
        raise AssertionError("the loop does not come to rest")

    def look(self):
        for client in self.server.clients:
            assert len(client.received) < 2 * protocol.MAX_REQUEST, "too much is kept of what came"
            assert len(client.unsent) <= MAX_UNREAD + len(LONG) + 1, "too much is kept of what is not read"

    def answer(self, text="ok done"):
        if self.asked:
            self.server.answer(self.asked.pop(0), text)
            self.turn()

    def wait(self):
        self.now += 6
        while True:
            key = self.loop.due(self.now)
            if key is None:
                return
            if isinstance(key, Client):
                assert key.unsent or not key.asking, "who is owed an answer is let go"
                self.server.expired(key)

    # What the client does that came last

    def come(self):
        if len(self.clients) < 140:
            client = socket.socket(socket.AF_UNIX)
            client.connect(self.path)
            client.setblocking(False)
            self.clients.append(client)
            self.turn()

    def send(self, data):
        while data and self.clients:
            try:
                data = data[self.clients[-1].send(data):]
            except BlockingIOError:     # the server does not hear it now: the rest is lost
                return
            except OSError:             # it was let go
                return

    def read(self):
        """What there is; each line must be one of an answer."""
        data = b""
        while self.clients and select.select([self.clients[-1]], [], [], 0)[0]:
            try:
                part = self.clients[-1].recv(1 << 20)
            except ConnectionResetError:    # it was let go before all that it sent was read
                break
            if not part:
                break
            data += part
            self.turn()
        assert re.fullmatch(rb"(x*\n?|ok\n|ok done\n|error [0-8] [^\n]+\n)*", data), data[:200]
        return data

    def shut(self):
        if self.clients:
            with contextlib.suppress(OSError):
                self.clients[-1].shutdown(socket.SHUT_WR)
            self.turn()

    def leave(self):
        if self.clients:
            self.clients.pop().close()
            self.turn()


# The status file -----------------------------------------------------------------------------------------

HERE = {"host": "h", "boot": "b", "pidns": "p"}
ARGUMENTS = ((), ("-p",), ("-g", "web"), ("-l", "run"), ("-g", "web", "-l", "run"), ("-p", "-g", "web"),
             ("-j",), ("-m",))


class Status:
    """clstat, by its command line, on a file of these bytes."""

    def __init__(self):
        statusfile.here = HERE.copy     # a file of this host, on whatever host it is read
        self.path = os.path.join(PLACE.name, "clstat")
        self.options = [cli.parse("clstat", stat.USAGE, [*words, self.path]) for words in ARGUMENTS]

    def run(self, data):
        with open(self.path, "wb") as file:
            file.write(data)
        lines = statusline.parse(statusfile.read(self.path))
        for line in lines:
            again, = statusline.parse(str(line))
            assert again.more == {key: value for key, value in line.more.items() if value}, "not read as written"
        assert statusline.verdict(lines)[0] in errors.PRECEDENCE
        for options in self.options:
            shown, said = io.StringIO(), io.StringIO()
            with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(said):
                try:
                    code = stat.run(options)
                except errors.Error as error:
                    cli.complain("clstat", str(error))
                    code = error.code
            assert code in errors.PRECEDENCE
            rows = [line.kind for line in statusline.select(lines, options["-g"], options["-l"])]
            count = shown.getvalue().count("\n")
            if options["-m"]:
                assert shown.getvalue().endswith("\n# EOF\n"), "no end"
            elif options["-j"]:
                assert len(json.loads(shown.getvalue())["processes"]) == rows.count(statusline.PROCESS), "not all"
            elif options["-p"]:
                assert count > rows.count(statusline.PROCESS), "not a line for each, below the headings"
            else:
                assert count == rows.count(statusline.GROUP), "not a line for each"
            for line in (shown.getvalue() + said.getvalue()).split("\n"):
                clean(line)
            assert all(line.startswith("clstat: ") for line in said.getvalue().split("\n")[:-1]), said.getvalue()


# What an earlier clinitd has left ---------------------------------------------------------------------------

TABLE = """web:w:run,two:wait:x
web:t:run:test:x
web:a:run:respawn:x
web:b:two:respawn:x
db:d:run:respawn:x
db:o:run:once:x
"""


def run_takeover(data):
    """A status file, a line `----`, and notes: whatever they say, who succeeds goes on from it, and can be halted."""
    text, _, notes = data.partition(b"\n----\n")
    path = os.path.join(PLACE.name, "left")
    more = {**HERE, "socket": "/s", "pid": "1", "start": "0"}
    head = statusline.Line(statusline.DAEMON, "clinitd", "-", "RUNNING", more)
    for _ in range(2):      # the second time it knows how many lines there are
        with open(path, "wb") as file:
            file.write(str(head).encode() + b"\n" + text + b"\n")
        head.more["lines"] = str(len(statusline.parse(statusfile.read(path))))
    os.chmod(path, 0o600)
    rows = notes.decode("ascii", "replace").split("\n")
    lines, said = recover.recover(path, "/s", "/cltab", [row.split() for row in rows])
    for line in said:
        clean(line)
    kernel = fake.FakeKernel(TABLE)
    kernel.event("restore", lines, {})
    kernel.alive = {name: 1 for name, process in kernel.init.processes.items() if process.alive and process.pid}
    for name in list(kernel.alive):
        kernel.exit(name, "unknown")
    clean(" ".join(kernel.init.report()))
    finish(kernel, [])
    kernel.event("halt", "me")
    kernel.sleep(1e12)
    assert kernel.over, "it does not halt"


# ---------------------------------------------------------------------------------------------------------

CLTAB_WORDS = [word.encode() for word in (
    ":", "::", ":::", "\n", "\\\n", "\\", "#", "\r\n", "a:b:c:once:x\n", "wait", "respawn", "test", "off", "once",
    "initdefault", "kill", "KILL", "SIGTERM 1 ", "TERM 10 KILL", ":::respawn:1 2 3\n", "\n:::socket:/x",
    ":::log:syslog\n", ":::clstat:/", "operators:", "output:", "stop:reverse", "ready:notify", "ready@5:true",
    "limit:5", "nan", "inf", "1e9", "-1", "1_0", "\u0663", "\u00b2", "\u00e9", "\u0085", "\u2028", "\u202e",
    "\x1b[2J", "x" * 65)]
SOCKET_WORDS = [word.encode("latin-1") for word in (
    "clinit/1 ", "clinit/2 ", "\n", "\r\n", "tell web run", "wait", "wait web run", "reread", "halt",
    "clinit/1 wait\n", "clinit/1 tell web run\n", "\xff", "\xfe", "\xfd", "\xfc", "\xfb\xfb", "\xfa", "\xf9", "\xf8",
    "\xff\xfe", "\xc3\xa9", "\x1b[2J", "x" * 4095, "clinit/1 wait\n" * 300)]
STATUS_WORDS = [word.encode() for word in (
    "Cluster::Init::Daemon ", "Cluster::Init::Group ", "Cluster::Init::Process ", " web run ", " web:a run ",
    "DONE", "FAILED", "STUCK", "PAUSED", "RUNNING", "CONFIGURED", " pid=", " start=", " since=", " last=exit:",
    " last=signal:", " want=", " restarts=", "=", "%", "%0A", "%1B", "%1b[2J", "%FF", "%C3%A9", "%+1", "% 1",
    "\u00b2", "\u0663", "99999999999", "9" * 5000, "-1", "0", "\u0085", "\u2028", "\x1b[2J", "\r", "\n", " ",
    "Cluster::Init::Daemon clinitd - RUNNING host=h boot=b pidns=p pid=", " host=h", " boot=b", " pidns=p",
    " why=", " text=", " ready=no", " until=", " output=", " up=", " strays=", " time=7")]

TAKEOVER_WORDS = [*STATUS_WORDS, *(word.encode() for word in (
    "\n----\n", "web:a ", "web:b ", "db:d ", " run=0123456789ab.1", " mode=respawn", " mode=wait", " sum=", " uid=0",
    " after=again", " until=", " quick=", " prev=two", " want=two", "STOPPING", "HALTING", "STARTING", "IDLE", " pid=1",
    "web:a 0123456789ab.2 respawn 00000000 run - 1\n"))]

ALL = (
    Target("cltab", run_cltab, ("cltab.py", "rules.py", "init.py"), CLTAB_WORDS),
    Target("socket", Conversation().run, ("server.py", "protocol.py"), SOCKET_WORDS),
    Target("status", Status().run, ("stat.py", "statusline.py", "statusfile.py", "cli.py", "people.py", "record.py",
                                     "metrics.py", "tail.py"), STATUS_WORDS),
    Target("takeover", run_takeover, ("recover.py", "init.py", "lock.py"), TAKEOVER_WORDS))
NAMES = [target.name for target in ALL]
