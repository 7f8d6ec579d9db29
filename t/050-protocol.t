#!/usr/bin/env python3
"""The words on the socket (SPEC 10)."""
import sys

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit import protocol
from tap import done, raises, same

same(protocol.parse(protocol.request("tell", "web", "run")[:-1]), ("tell", "web", "run"), "a request, read again")
same(protocol.parse(b"clinit/1  halt \r"), ("halt",), "blanks do no harm")
same(protocol.parse(b"clinit/1 plan tell web run"), ("plan", "tell", "web", "run"), "a plan of another command")
same(protocol.parse(b"clinit/1 signal SIGHUP web:httpd"), ("signal", "HUP", "web:httpd"), "a signal, by either of its names")
for line, part in {b"": "begins with clinit/1", b"tell web run": "begins with clinit/1", b"clinit/2 halt": "clinit/1",
                   b"clinit/1": "unknown command: none given", b"clinit/1 dance": "unknown command: dance",
                   b"clinit/1 tell web": "tell takes 2 arguments", b"clinit/1 wait web 1 2": "0 or 1 or 2 arguments",
                   b"clinit/1 plan": "unknown command: none given", b"clinit/1 plan replace": "plan takes tell, reread, halt, not replace",
                   b"clinit/1 plan tell web": "tell takes 2 arguments", b"clinit/1 restart web:(": "bad name: web:(",
                   b"clinit/1 restart web:a:b": "bad name: web:a:b", b"clinit/1 signal DANCE web": "unknown signal: DANCE",
                   b"clinit/1 tell web (": "bad name: (", b"clinit/1 tell \xff x": "a request is ASCII",
                   b"clinit/1 halt now": "halt takes 0 arguments"}.items():
    raises(ValueError, lambda line=line: protocol.parse(line), "refused: %r" % line, part)
same(protocol.last_line(protocol.ok("level transition started")), (0, "level transition started"), "ok ends an answer")
same(protocol.last_line(protocol.error(6, "no such group: x")), (6, "no such group: x"), "so does an error")
same(protocol.last_line("start web:httpd"), None, "other lines do not")
done()
