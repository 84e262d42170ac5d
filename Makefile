SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
BIN := .venv/bin
export PYTHON
export PYTHONUNBUFFERED := 1

.PHONY: help run doctor lint test soak bench bench-csv bench-dashboard bench-large bench-gpu bench-models bench-upload bench-zip bench-load starter-model
.DEFAULT_GOAL := help

help:
	@echo "make run            start Pixelwise (the first time it installs itself)"
	@echo "make doctor         say what works, what does not and how to mend it"
	@echo "make test           lint, types, import contracts, migrations and all tests"
	@echo "make lint           the same without the tests"
	@echo "make soak           kill, fill and break a running Pixelwise at random: 200 faults in at most 20 minutes (SEED: repeat one)"
	@echo "make bench          measure speed"
	@echo "make bench-csv      measure a CSV of five million rows against plain COPY"
	@echo "make bench-dashboard  measure the dashboards on planted data (SIZES: numbers of images; DATA: where it is kept)"
	@echo "make bench-upload   upload 10,000 photos to a web server of its own, then break off and go on (PHOTOS, BROKEN, SEED)"
	@echo "make bench-zip      send a ZIP of 20 GB in pieces and unpack it; takes 40 GB of disk (GIGABYTES)"
	@echo "make bench-load     fifty people read and five upload while a run goes on (DATA: where it is kept)"
	@echo "make bench-large    measure memory and seams of a picture of 24,000 × 16,000 pixels"
	@echo "make bench-gpu      measure U-Net/ResNet-34 on an NVIDIA GPU against what the GPU could do"
	@echo "make bench-models   train every architecture on real photos and write docs/models.md (hours)"
	@echo "make starter-model  train the starter model anew from drawn scenes"

run:
	@deploy/install.sh run
	@exec $(BIN)/python manage.py up --end-with-parent

doctor:
	@deploy/install.sh run
	@exec $(BIN)/python manage.py doctor

lint:
	@deploy/install.sh dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check
	$(BIN)/python deploy/audit.py

test: lint
	OMP_NUM_THREADS=1 $(BIN)/pytest -n auto --dist loadfile -r fEs -m "not gpu" $(TESTS)

soak:
	@deploy/install.sh dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults.soak --faults 200 --minutes 20 $(if $(SEED),--seed $(SEED))

bench:
	@deploy/install.sh dev
	for each in stream pipeline workers backends light_architectures training_step ledger_writing; do $(BIN)/python -m "benchmarks.$$each"; done

bench-csv:
	@deploy/install.sh dev
	$(BIN)/python -m benchmarks.csv_speed

bench-dashboard:
	@deploy/install.sh dev
	PIXELWISE_DATA="$(or $(DATA),/tmp/pixelwise-bench)" $(BIN)/python -m benchmarks.dashboard --images $(or $(SIZES),50000 500000)

bench-upload:
	@deploy/install.sh dev
	$(BIN)/python -m benchmarks.upload --photos $(or $(PHOTOS),10000) --broken $(or $(BROKEN),10000) $(if $(SEED),--seed $(SEED))

bench-zip:
	@deploy/install.sh dev
	$(BIN)/python -m benchmarks.large_zip --gigabytes $(or $(GIGABYTES),20)

bench-load:
	@deploy/install.sh dev
	$(BIN)/python -m benchmarks.load $(if $(DATA),--data "$(DATA)")

bench-large:
	@deploy/install.sh dev
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.large_pictures

bench-gpu:
	@deploy/install.sh dev
	$(BIN)/python -m benchmarks.gpu

bench-models:
	@deploy/install.sh dev
	@test -n "$(DATASETS)" || { echo "Say where the data sets are: make bench-models DATASETS=FOLDER (see docs/models.md)"; exit 2; }
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.models "$(DATASETS)"

starter-model:
	@deploy/install.sh dev
	$(BIN)/python -m segmentation.starter_model
