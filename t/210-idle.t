#!/usr/bin/env python3
"""The deadlines of a client, by a clock that is moved by hand (SPEC 10)."""
import socket
import sys
import tempfile

sys.path.insert(0, sys.path[0] + "/lib")
import fake     # noqa: F401  finds the library
from clinit.loop import Loop
from clinit.server import IDLE, Server
from tap import cleanup, done, like, ok, same

folder = tempfile.TemporaryDirectory(prefix="clinit-t-")
cleanup(folder.cleanup)
now = 100.0
asked, gone = [], []
loop = Loop()
server = Server(loop, lambda: now, lambda client, words: asked.append((client, words)), gone.append)
server.listen(folder.name + "/s")
cleanup(server.close)


def connect():
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(folder.name + "/s")
    cleanup(client.close)
    turn()
    return client


def turn():
    """Hear the clients until there is nothing more to hear; run out the deadlines."""
    while True:
        calls = loop.wait(0.05)
        for call in calls:
            call()
        if not calls:
            break
    while True:
        client = loop.due(now)
        if client is None:
            return
        server.expired(client)


silent, half, waiter = connect(), connect(), connect()
half.sendall(b"clinit/1 ha")
waiter.sendall(b"clinit/1 wait\n")
turn()
now += IDLE - 0.1
half.sendall(b"l")
turn()
same(len(server.clients), 3, "before the deadline all are there")
now += 0.2
turn()
like(silent.recv(100).decode(), "error 2 no request within 10 seconds", "the silent one is told, and let go")
same(half.recv(100)[:8], b"error 2 ", "so is the one that is too slow, though it went on writing")
same([client.waiting for client in server.clients], [True], "who waits stays")
now += 10000
turn()
same(len(server.clients), 1, "as long as it likes")
server.answer(asked[0][0], "ok it is so")
same(waiter.recv(100), b"ok it is so\n", "it is answered")
now += IDLE + 1
turn()
same(len(server.clients), 0, "after that it may not be idle either")

lazy = connect()
lazy.sendall(b"clinit/1 wait\n")
turn()
client = asked[-1][0]
server.answer(client, "x" * (1 << 20))
ok(client.unsent, "an answer that is not read is kept")
same(list(loop.writers), [client.connection.fileno()], "the rest waits for the reader")
now += IDLE + 1
turn()
same((client.open, loop.writers), (False, {}), "but not for ever")
greedy, count = connect(), len(asked)
greedy.sendall(b"clinit/1 wait\n" * 3)
turn()
same(len(asked), count + 1, "one request is heard at a time")
client = asked[-1][0]
server.answer(client, "x" * (1 << 20))
same(len(asked), count + 2, "and the next when it is answered")
server.answer(client, "x")
same(client.open, False, "nor is what is kept without end")

leaver = connect()
leaver.sendall(b"clinit/1 wait\n")
turn()
before = len(gone)
leaver.close()
turn()
same(len(gone), before + 1, "who waits and goes is reported")
shut = connect()
shut.sendall(b"clinit/1 halt\n")
shut.shutdown(socket.SHUT_WR)
turn()
server.answer(asked[-1][0], "ok")
same(shut.recv(10) + shut.recv(10), b"ok\n", "who only shut its side is answered, then let go")
same(len(server.clients), 0, "nobody is left")
done()
