# clinit: make demo and make test need nothing but python3, make and prove; make install see README.md

PYTHON = python3
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib/clinit
MANDIR = $(PREFIX)/share/man
DOCDIR = $(PREFIX)/share/doc/clinit
DESTDIR =
JOBS = 4

PROGRAMS = clinitd clinit clstat
INSTALL = install

all:
	@echo "make demo: see it run. make test: test it. make install: see README.md."

demo:
	@PYTHON=$(PYTHON) t/lib/with-env t/lib/demo

test:
	@PYTHON=$(PYTHON) t/lib/with-env sh -c 'prove -j$(JOBS) --exec "$$PYTHON" t/'

.PHONY: all demo test
