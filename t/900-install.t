#!/usr/bin/env python3
"""make install and pip install: programs that run from where they were put, and their manual (SPEC: the card)."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, sys.path[0] + "/lib")
from tap import cleanup, done, like, note, ok, same, skip
from world import ROOT

folder = tempfile.mkdtemp(prefix="clinit-t-")
cleanup(lambda: shutil.rmtree(folder))


def run(*args, **more):
    call = subprocess.run(args, capture_output=True, text=True, **more)
    if call.returncode:
        note(call.stdout + call.stderr)
    return call


def files(path):
    return sorted(os.path.relpath(os.path.join(place, name), path) for place, _, names in os.walk(path)
                  for name in names if "__pycache__" not in place)


COMPLETION = ["share/bash-completion/completions/clinit", "share/bash-completion/completions/clinitd",
              "share/bash-completion/completions/clstat", "share/zsh/site-functions/_clinit"]
make = ["make", "-s", "-C", ROOT, "PYTHON=" + sys.executable, "DESTDIR=" + folder + "/dest", "PREFIX=/opt/clinit", "MANDIR=/opt/man"]
clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
same(run(*make, "install", env=clean).returncode, 0, "make install DESTDIR= PREFIX= MANDIR=")
found = files(folder + "/dest")
for name in ("opt/clinit/bin/clinitd", "opt/clinit/bin/clinit", "opt/clinit/bin/clstat", "opt/clinit/lib/clinit/init.py", "opt/clinit/lib/clinit/py.typed",
             "opt/clinit/share/doc/clinit/cltab.example", "opt/clinit/share/doc/clinit/clstat.schema.json", "opt/man/man3/clinit.3", "opt/man/man5/cltab.5", "opt/man/man7/clinit.7",
             "opt/man/man7/clinit-pacemaker.7", "opt/man/man8/clinit.8", "opt/clinit/share/doc/clinit/examples/check_clinit",
             "opt/clinit/share/doc/clinit/examples/clinit-metrics.timer", *["opt/clinit/" + name for name in COMPLETION]):
    ok(name in found, "installs %s" % name)
ok(os.path.isdir(folder + "/dest/opt/clinit/lib/clinit/__pycache__") or os.environ.get("PYTHONPYCACHEPREFIX"), "byte code, too")
for name in ("clinitd", "clinit", "clstat"):
    program = folder + "/dest/opt/clinit/bin/" + name
    same(run(program, "--version").stdout.split()[:1], [name], "%s runs from there" % name)
    with open(program) as file:
        same(file.readline(), "#!%s\n" % sys.executable, "by the interpreter that was found at install")
with open(folder + "/dest/opt/clinit/lib/ocf/resource.d/clinit/group") as file:
    ok("PATH=$PATH:/opt/clinit/bin" in file.read(), "the resource agent finds them there")
ok(os.access(file.name, os.X_OK), "it can be executed")
for name in ("system", "user"):
    with open(folder + "/dest/opt/clinit/lib/systemd/%s/clinitd.service" % name) as file:
        like(file.read(), "\nExecStart=/opt/clinit/bin/clinitd\n", "the unit of a %s starts the program that was installed" % name)
same(run(*make, "uninstall", env=clean).returncode, 0, "make uninstall")
same(files(folder + "/dest"), [], "leaves nothing")

def pip_install():
    source = folder + "/source"
    os.mkdir(source)
    for name in ("bin", "lib", "man", "etc", "completion", "setup.py", "README.md", "LICENSE"):
        (shutil.copytree if os.path.isdir(os.path.join(ROOT, name)) else shutil.copy)(os.path.join(ROOT, name), os.path.join(source, name))
    venv = folder + "/venv"
    # Some versions of pip leave a file in TMPDIR
    bare = {**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, "TMPDIR": folder}
    same(run(sys.executable, "-m", "venv", venv, env=bare).returncode, 0, "a virtual environment")
    pip = run(venv + "/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", source,
              env=bare)
    same(pip.returncode, 0, "pip install .")
    for name in ("clinitd", "clinit", "clstat"):
        same(run(venv + "/bin/" + name, "--version", env=bare).stdout.split()[:1], [name], "%s runs, with what it needs" % name)
    like(" ".join(files(venv)), "share/man/man8/clinit.8", "its manual is there")
    same([name for name in COMPLETION if name not in files(venv)], [], "and the completion")
    like(" ".join(files(venv)), "/clinit/py.typed", "and the mark of what is typed")
    types(venv + "/bin/python", bare)


def types(python, environ):
    """See that mypy knows the types of the API that is installed for PYTHON."""
    mypy = shutil.which("mypy")
    if not mypy:
        skip("mypy --strict", "there is no mypy")
        return
    with open(os.path.join(ROOT, "t", "lib", "api_user.py")) as file:
        good = file.read()
    for text, status, part, what in (
            (good, 0, "Success", "a program that uses the API is typed"),
            (good.replace('client.plan("web", "0")', "client.plan(7)"), 1, 'Argument 1 to "plan" of "Client" has incompatible type', "a wrong one is found out"),
            (good.replace("client.replace()", "client.repalce()"), 1, 'has no attribute "repalce"', "so is a call that is not there")):
        with open(folder + "/program.py", "w") as file:
            file.write(text)
        call = subprocess.run([mypy, "--strict", "--cache-dir", folder + "/cache", "--python-executable", python, "program.py"], cwd=folder,
                              capture_output=True, text=True, env={name: value for name, value in environ.items() if name != "MYPYPATH"})
        same(call.returncode, status, "mypy --strict: " + what) or note(call.stdout + call.stderr)
        like(call.stdout, part, "... it says so")


try:
    import ensurepip    # noqa: F401  the Debian package python3-venv has it
except ImportError:
    skip("pip install .", "this Python has no ensurepip")
else:
    pip_install()
done()
