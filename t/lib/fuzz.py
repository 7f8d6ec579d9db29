#!/usr/bin/env python3
"""fuzz.py [SECONDS [SEED [TARGET...]]]: feed mutated bytes to what others write, for SECONDS or until interrupted.

The targets are in targets.py. Seeds are the files of t/corpus/TARGET/; what reaches a new line of the modules
that a target is about is mutated further. What crashes is made as small as can be and put into that folder, so
that t/070-corpus.t shows the fault until it is mended, and guards against it ever after. With the same SEED and
the same corpus a target gets the same bytes in the same order.
"""
import hashlib
import os
import random
import signal
import sys
import time

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "corpus")
LONGEST = 12000     # bytes of an input
TURN = 1.0          # seconds of a target before it is the next one's turn
HANGS = 10          # seconds after which an execution counts as a crash
REPORT = 60         # seconds between two reports


class Hang(BaseException):
    """An execution did not end. No Exception: nothing may take it for an error of its own."""


def seeds(name):
    """{file name: bytes} of the corpus of a target."""
    folder = os.path.join(CORPUS, name)
    found = {}
    for file in sorted(os.listdir(folder)):
        with open(os.path.join(folder, file), "rb") as opened:
            found[file] = opened.read()
    return found


def crash(target, data):
    """What went wrong with DATA: the error and where it was raised; None where nothing did."""
    try:
        target.run(data)
    except target.allowed:
        return None
    except (Exception, Hang) as error:
        trace = error.__traceback__
        while trace.tb_next:
            trace = trace.tb_next
        place = "" if isinstance(error, Hang) else " at %s:%d" % (
            os.path.basename(trace.tb_frame.f_code.co_filename), trace.tb_lineno)
        return "%s%s: %s" % (type(error).__name__, place, error)
    return None


def kind(wrong):
    """The same for crashes of the same error at the same place."""
    return wrong and wrong.split(": ")[0]


def covered(target, data):
    """What crash() says, and the steps from line to line that were made in the target's modules."""
    steps = set()

    def follow(code):
        last = 0

        def line(frame, event, _):
            nonlocal last
            steps.add((code, last, frame.f_lineno))
            last = frame.f_lineno
            return line
        return line

    def call(frame, event, _):
        code = frame.f_code
        return follow(code) if os.path.basename(code.co_filename) in target.modules else None

    sys.settrace(call)
    try:
        return crash(target, data), steps
    finally:
        sys.settrace(None)


def mutate(data, others, words, chance):
    """DATA with some of its slices replaced."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        start = chance.randrange(len(data) + 1)
        end = min(len(data), start + chance.choice((0, 0, 1, 2, 8, 40)))
        data[start:end] = instead(bytes(data[start:end]), others, words, chance)
    return bytes(data[:LONGEST])


def instead(old, others, words, chance):
    """What stands in the place of OLD: nothing, a byte, a word, a piece of another input, or OLD many times."""
    way = chance.choice(("nothing", "byte", "odd byte", "word", "piece", "again"))
    if way == "byte":
        return bytes([chance.randrange(256)])
    if way == "odd byte":
        return bytes([chance.choice(b"\0\t\r\n\x1b\x7f\x85 %:=,-/#\\09\xff")])
    if way == "word":
        return chance.choice(words)
    if way == "piece":
        other = chance.choice(others)
        start = chance.randrange(len(other) + 1)
        return other[start:start + chance.randrange(1, 80)]
    return old * chance.choice((2, 3, 70, 600)) if way == "again" else b""


def minimise(target, data, wrong):
    """A part of DATA, as small as can be, that crashes in the same way."""
    size = len(data) // 2
    while size:
        start = 0
        while start < len(data):
            less = data[:start] + data[start + size:]
            if kind(crash(target, less)) == kind(wrong):
                data = less
            else:
                start += size
        size //= 2
    return data


class Fuzzer:
    """One target: executions, seconds spent on them, crashes; wrong: {kind: what the first of it said}."""

    def __init__(self, target, seed, keep=True):
        self.target = target
        self.keep = keep
        self.chance = random.Random("%s %s" % (target.name, seed))
        self.pool = []
        self.steps = set()
        self.executions = self.crashes = 0
        self.seconds = 0.0
        self.wrong = {}
        for data in seeds(target.name).values():
            self.execute(data)

    def execute(self, data):
        signal.alarm(HANGS)
        wrong, steps = covered(self.target, data)
        signal.alarm(0)
        self.executions += 1
        if wrong:
            self.crashes += 1
            if kind(wrong) not in self.wrong:
                self.wrong[kind(wrong)] = wrong
                self.found(data, wrong)
        elif not steps <= self.steps or not self.pool:
            self.steps |= steps
            self.pool.append(data)

    def found(self, data, wrong):
        """Say a crash, of a kind not seen before, and put it into the corpus."""
        if not self.keep:
            return
        if data not in seeds(self.target.name).values():
            if not wrong.startswith("Hang"):
                data = minimise(self.target, data, wrong)
            name = os.path.join(CORPUS, self.target.name, "crash-" + hashlib.sha256(data).hexdigest()[:10])
            with open(name, "wb") as file:
                file.write(data)
        print("%s: %s\n  %r" % (self.target.name, wrong, data[:200]), flush=True)

    def turn(self, seconds=TURN):
        began = now = time.monotonic()
        while now <= began + seconds:
            self.execute(mutate(self.chance.choice(self.pool), self.pool, self.target.words, self.chance))
            now = time.monotonic()
        self.seconds += now - began

    def __str__(self):
        return "%-8s %9d executions, %5.0f/s; %d crashes of %d kinds; %d steps, %d inputs that reach them" % (
            self.target.name, self.executions, self.executions / max(self.seconds, 0.001), self.crashes,
            len(self.wrong), len(self.steps), len(self.pool))


def main(seconds="", seed="1", *names):
    import targets
    signal.signal(signal.SIGALRM, hang)
    fuzzers = [Fuzzer(target, seed) for target in targets.ALL if target.name in (names or targets.NAMES)]
    now = time.monotonic()
    end, report = now + float(seconds or "inf"), now + REPORT
    try:
        while time.monotonic() < end:
            for fuzzer in fuzzers:
                fuzzer.turn()
            if time.monotonic() > report:
                report += REPORT
                print(*fuzzers, sep="\n", flush=True)
    except KeyboardInterrupt:
        pass
    print("seed %s" % seed, *fuzzers, sep="\n")
    return any(fuzzer.crashes for fuzzer in fuzzers)


def hang(*_):
    raise Hang("no end within %d seconds" % HANGS)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
