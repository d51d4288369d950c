# `make demo` renders a sentence, `make test` runs the tests; both set up everything they need, once, in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MOUTH := $(BIN)/mouth

.PHONY: help demo test test-long test-fit test-flame test-gltf test-f5 test-blender f5-env font lint types format bench clean
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: .make/demo ## Set up and render examples/why-because.txt to out/
	@echo "==> rendering examples/why-because.txt to out/"
	$(MOUTH) render examples/why-because.txt -o out --formats mp4,glb,png --captions --sound
	@echo "==> the same with hands, on the built-in half body, to out/signing/"
	$(BIN)/python examples/make_signing.py out/signing.npz
	$(MOUTH) render examples/why-because.txt --body out/signing.npz -o out/signing --formats mp4,glb --captions --sound
	@echo "==> done: open out/*.mp4 and out/signing/*.mp4 in a player, *.glb in Blender or a browser, out/*.png for the key frames"

test: .make/dev ## Set up and run the tests
	@echo "==> running the tests"
	NUMBA_NUM_THREADS=2 $(BIN)/python -m pytest -n 2 --dist loadfile -q

test-long: .make/dev ## What takes a minute: the ablation from corpora to table
	LONG_TESTS=1 $(BIN)/python -m pytest -q tests/evaluation/test_ablation.py

test-fit: .make/dev ## Fit an avatar to a small recording, held-out views at 30 dB or more (minutes)
	$(BIN)/python benchmarks/bench_fit.py

test-flame: .make/dev ## FLAME and SMPL-X against the smplx library
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,flame]'
	$(BIN)/python -m pytest -q tests/head/test_flame.py tests/test_body_mesh.py -k smplx

test-gltf: .make/dev ## GLB files against Khronos' validator (needs node and npm)
	npm install --silent --no-save --prefix build/gltf gltf-validator
	NODE_PATH=build/gltf/node_modules $(BIN)/python -m pytest -q tests/export -m gltf_validator

BPY := build/bpy
test-blender: .make/dev ## GLB and USD played by Blender (Debian's, and Blender's own module bpy)
	@command -v blender >/dev/null || echo "==> no 'blender' on the PATH; Debian: apt-get install blender python3-numpy"
	@test -x $(BPY)/bin/python || $(BIN)/python -m venv $(BPY)
	@$(BPY)/bin/python -m pip install --quiet --disable-pip-version-check 'bpy==4.5.*' || \
		echo "==> bpy does not install: it needs Python 3.11 (make PYTHON=python3.11 in a fresh checkout) and 1 GB of disk"
	@command -v blender >/dev/null || $(BPY)/bin/python -c 'import bpy' || \
		{ echo "==> neither a blender on the PATH nor a bpy that loads: nothing can play the files"; exit 1; }
	BPY_PYTHON=$(BPY)/bin/python $(BIN)/python -m pytest -v -rs tests/export -m blender

F5 := build/f5
F5_PINS := f5-tts==1.1.22 torch==2.11.0 torchaudio==2.11.0
$(F5)/.done:
	$(PYTHON) -m venv $(F5)
	$(F5)/bin/python -m pip install --quiet --disable-pip-version-check $(F5_PINS)
	@touch $@

f5-env: $(F5)/.done ## An environment for F5-TTS, build/f5 (6 GB)

test-f5: .make/dev $(F5)/.done ## F5-TTS end to end, with a tiny model of random weights (minutes)
	$(BIN)/python -m pytest -q tests/speech -m f5

DEJAVU ?= /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf
LETTERS := U+0020-007E,U+00A0-02FF,U+0300-036F,U+0370-045F,U+1E00-1EFF,U+2010-2044,U+20AC,U+2122,U+2190-2199,U+2318,U+25A0-25FF
font: .make/dev ## The captions' font, cut from DejaVu Sans 2.37 (Debian: fonts-dejavu)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check fonttools
	$(BIN)/pyftsubset $(DEJAVU) --unicodes=$(LETTERS) --layout-features= --no-hinting \
		--output-file=slp_mouthing/render/fonts/DejaVuSans.ttf

lint: .make/dev ## Style of the code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .make/dev ## Types of the package (mypy, strict)
	$(BIN)/mypy

format: .make/dev ## Put the code in its style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .make/dev ## Every benchmark, one after the other
	for file in benchmarks/bench_*.py; do echo "==> $$file"; $(BIN)/python $$file || exit 1; done

clean: ## Remove what make made
	rm -rf $(VENV) .make out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 demo"; exit 1; }
	@echo "==> making a virtual environment in $(VENV)"
	$(PYTHON) -m venv $(VENV)

.make/demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> installing slp-mouthing and what it needs (once; a few minutes)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@mkdir -p .make && touch $@

.make/dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "==> installing slp-mouthing with the tools of its tests (once; a few minutes)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@mkdir -p .make && touch $@ .make/demo
