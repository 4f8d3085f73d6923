# Copyright: (c) 2026, mcpops.fleet contributors
# GNU General Public License v3.0-or-later (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# All that a target installs or writes is in .venv and .work; PYTHON=... chooses the interpreter.

# HAProxy is in sbin, which is not on every user's path.
export PATH := $(CURDIR)/.venv/bin:$(PATH):/usr/sbin:/sbin
export PYTHONPATH := $(CURDIR)/.work/links
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.work/links

.DEFAULT_GOAL := help
# Every target here is a command.
.PHONY: $(shell sed -n "s/^\([a-z-]*\):.*/\1/p" $(firstword $(MAKEFILE_LIST)))

help: ## this table
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s%s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: ## .venv with all that developing needs; says what is missing where it can not get it
	@requirements/setup.sh

demo: setup ## real servers on three nodes of this machine, updated under load; then a bad release
	@python -m tests.demo

test: setup ## all tests and gates (FAIL_FAST=1 stops at the first failure)
	@python -m tests.gates

test-unit: setup ## unit tests only
	@python -m tests.gates unit

test-integration: setup ## integration tests only: real servers, HAProxy and supervisord
	@python -m tests.gates integration

gates: setup ## static gates only: style, types, sanity, lint, docs, changelog, Galaxy
	@python -m tests.gates static

bench-update: setup ## updates and rollbacks under load; ends with a line of JSON
	@python -m tests.bench.update

bench-edge: setup ## straight to a server and through the edge; ends with a line of JSON
	@python -m tests.bench.edge

bench-tier: setup ## a tier of edges: the hop, checks, 3,000 hosts; ends with a line of JSON
	@python -m tests.bench.tier

bench-contract: setup ## comparing contracts, locking ten servers, installing from locks and offline; ends with a line of JSON
	@python -m tests.bench.contract

contracts: setup ## record what public servers offer, version by version, from their registries
	@python -m tests.contracts.capture

lab-up: setup ## real hosts on this machine, with systemd and sshd, as root (HOSTS=6 EDGES=2); docs/lab.md
	@python -m tests.lab up --hosts $(or $(HOSTS),6) --edges $(or $(EDGES),0)

lab-down: setup ## take the lab down; its base folder and package cache stay
	@python -m tests.lab down

bench-rollout: setup ## a rollout and a rollback over six lab hosts under load, needs root; ends with a line of JSON
	@python -m tests.bench.rollout

bench-restore: setup ## a lab host with three servers is lost, made anew and restored, needs root; ends with a line of JSON
	@python -m tests.bench.restore

bench-cleanup: setup ## how long a cleanup of 1,000 large releases takes to plan; ends with a line of JSON
	@python -m tests.bench.cleanup

molecule: setup ## scenarios of extensions/molecule on hosts of the lab, as root; one of them: SCENARIO=name
	@python -m tests.molecule $(SCENARIO)

fault: setup ## crashes at every point, random histories, attacks, 25 minutes; ends with a line of JSON
	@python -m tests.fault

requirements: setup ## compile requirements/dev.in anew into dev.txt (UPGRADE=1: newest versions)
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
		--custom-compile-command 'make requirements' --output-file requirements/dev.txt requirements/dev.in

clean: ## remove .venv, .work and what tools left
	@rm -rf .venv .work .ansible .cache .mypy_cache .pytest_cache .ruff_cache tests/output
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
