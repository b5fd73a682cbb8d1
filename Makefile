# Two commands for newcomers: `make quickstart` and `make test`. The rest is for those who work on the code.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: quickstart gallery test install fast lint check format golden docs benchmark clean

quickstart: $(INSTALLED)
	$(BIN)/python runner.py recipes/quickstart.yaml

gallery: $(INSTALLED)  ## every recipe for a CPU, for real: most of an hour; then README's table
	$(BIN)/python benchmarks/gallery.py

test: $(INSTALLED)
	$(BIN)/python -m pytest -n auto -m "not slow" --hypothesis-profile=thorough
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto -m slow --durations=25

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	@echo "Installing into $(VENV): a few minutes, some gigabytes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train,eval,data,openai,ray,dev]'
	touch $@

fast: $(INSTALLED)  ## the tests without models, in seconds
	$(BIN)/python -m pytest -n auto -m "not slow"

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy

check: lint test

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

golden: $(INSTALLED)  ## rewrite the golden files; read the difference before committing it
	$(BIN)/python -m pytest -m "not slow" --update-golden

docs: $(INSTALLED)  ## write docs/recipe.md anew, from the schema and the plug-ins
	$(BIN)/python runner.py schema --markdown > docs/recipe.md

benchmark: $(INSTALLED)  ## what checking, preparing and scoring cost, beside other tools
	$(BIN)/python benchmarks/check_time.py
	$(BIN)/python benchmarks/personal_data.py
	$(BIN)/python -m benchmarks.preparation
	$(BIN)/python benchmarks/evaluation.py

clean:
	rm -rf $(VENV) runs build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
