"""Packaging of clinit. The programs are installed as scripts, not as generated entry points, which start slower."""
import re
from glob import glob

from setuptools import setup

with open("lib/clinit/__init__.py") as file:
    version = re.search(r'__version__ = "([^"]+)"', file.read()).group(1)
with open("README.md") as file:
    readme = file.read()

setup(
    name="clinit",
    version=version,
    description="An application-level init: resource groups, runlevels, respawn",
    long_description=readme,
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.9",
    install_requires=["docopt", "setproctitle"],
    package_dir={"": "lib"},
    packages=["clinit"],
    package_data={"clinit": ["py.typed"]},
    scripts=["bin/clinitd", "bin/clinit", "bin/clstat"],
    data_files=[("share/man/man%s" % section, glob("man/*.%s" % section)) for section in "3578"]
    + [("share/doc/clinit", ["etc/cltab.example", "etc/clstat.schema.json", "etc/inittab.example",
                            "etc/Containerfile"]),
       ("share/bash-completion/completions", glob("completion/bash/*")),
       ("share/zsh/site-functions", ["completion/zsh/_clinit"])],
    classifiers=["Environment :: No Input/Output (Daemon)", "Operating System :: POSIX",
                 "Programming Language :: Python :: 3", "Topic :: System :: Boot :: Init"],
)
