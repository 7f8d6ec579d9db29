"""A program that uses the Python API; it is only looked at, by mypy --strict: each call, with what it returns."""
from __future__ import annotations

import clinit


def supervise(cltab: str | None, timeout: float) -> int:
    client = clinit.client(cltab=cltab, socket="/run/clinit/clinit.s")
    said: list[str] = [
        client.tell("web", "run", wait=True, timeout=timeout), client.plan("web", "0"), client.plan(halt=True),
        client.restart("web:httpd", wait=True), client.signal("HUP", "web", timeout=1), client.wait(timeout=timeout),
        client.reread(wait=True), client.replace(), client.status("web", "run"), clinit.status(clstat="/run/clstat"),
        *client.warnings]
    for group in client.groups(clstat=None):
        said += [process["tag"] for process in group["processes"] if not process["well"]]
    said.append(client.shutdown(wait=True))
    print("\n".join(said))
    return clinit.daemon(cltab)


def code(error: clinit.Error) -> tuple[int, list[str]]:
    return error.code, error.lines if isinstance(error, clinit.CltabError) else []


def run() -> int:
    try:
        return supervise(None, 60)
    except (clinit.NoDaemon, clinit.NoSuchGroup, clinit.NotYet, clinit.Denied, clinit.TakenOver, clinit.Stuck,
            clinit.TransitionFailed, clinit.UsageError, clinit.CltabError) as error:
        return code(error)[0]
