"""Test Anything Protocol, as little of it as the tests need.

A test script imports this, calls ok() and same(), and ends with done(). An exception, a missing done() or
a run of over LIMIT seconds (or what limit() says) fails it; what was registered with cleanup() is done in any case.
"""
import atexit
import signal
import sys
import traceback

LIMIT = 150     # seconds
_count = _failed = 0
_finished = False
_cleanups = []


def ok(true, what):
    """One test: passed if TRUE."""
    global _count, _failed
    _count += 1
    _failed += not true
    print("%sok %d - %s" % ("" if true else "not ", _count, what), flush=True)
    return true


def same(got, want, what):
    """One test: passed if GOT equals WANT."""
    if not ok(got == want, what):
        note("got  %r" % (got,))
        note("want %r" % (want,))
    return got == want


def like(got, part, what):
    """One test: passed if the text GOT holds PART."""
    if not ok(part in got, what):
        note("got  %r" % (got,))
        note("want %r in it" % (part,))


def raises(kind, call, what, part=""):
    """One test: passed if CALL raises KIND, saying PART."""
    try:
        call()
    except kind as error:
        like(str(error), part, what)
    else:
        ok(False, what + " (nothing was raised)")


def note(text):
    for line in str(text).split("\n"):
        print("# " + line, flush=True)


def limit(seconds):
    """Let this test take so long."""
    signal.alarm(seconds)


def skip_all(why):
    """The whole test cannot be done here."""
    global _finished
    _finished = True
    print("1..0 # SKIP " + why)
    sys.exit(0)


def skip(what, why):
    """One test that cannot be done here."""
    global _count
    _count += 1
    print("ok %d # SKIP %s: %s" % (_count, what, why), flush=True)


def failed():
    """How many tests have failed so far."""
    return _failed


def cleanup(function):
    """Call FUNCTION at the end, whatever happened, the last registered first."""
    _cleanups.append(function)
    return function


def done():
    """All tests are written down: none may be missing."""
    global _finished
    while _cleanups:
        _cleanups.pop()()
    print("1..%d" % _count)
    _finished = True
    sys.exit(1 if _failed else 0)


def leave(status):
    """The end of what is no test: all is cleaned up, and there is no plan."""
    global _finished
    while _cleanups:
        _cleanups.pop()()
    _finished = True
    sys.exit(status)


def _timed_out(*_):
    raise TimeoutError("the test took too long")


def _uncaught(kind, value, trace):
    note("".join(traceback.format_exception(kind, value, trace)))


@atexit.register
def _at_exit():
    signal.alarm(0)
    while _cleanups:
        try:
            _cleanups.pop()()
        except Exception as error:
            note("cleaning up: %r" % error)
    if not _finished:
        note("this test did not reach its end")     # no plan: prove takes that for a failure


sys.excepthook = _uncaught
signal.signal(signal.SIGALRM, _timed_out)
signal.alarm(LIMIT)
