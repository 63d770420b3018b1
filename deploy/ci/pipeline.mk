# The stages of continuous delivery, for a project's own repository: copy deploy/ci/ there. Every stage is a verb of riskloop
# or a command of yours; Jenkins and GitHub Actions call these targets and nothing else. `make pipeline` in riskloop's own
# repository runs them on simulated customers.
#
#   PROJECT  folder with riskloop.yaml        BATCH    the newest batch, to look for drift in; else the ledger
#   BUILD    docker build ...                 PUSH     docker push ...
#   DEPLOY   kubectl set image ...            SERVICE  address of the service that was deployed
RISKLOOP ?= riskloop
PYTHON ?= python3
PROJECT ?= .
BATCH ?=
OUT ?= pipeline
IMAGE ?= registry.example.org/riskloop:serve
BUILD ?= docker build -f deploy/Dockerfile --target serve -t $(IMAGE) .
PUSH ?= docker push $(IMAGE)
DEPLOY ?= kubectl -n riskloop set image deployment/riskloop api=$(IMAGE)
SERVICE ?= http://127.0.0.1:8000
CANDIDATES ?=
REASON ?= pipeline
READY_SECONDS ?= 120

P := --project $(PROJECT)
TRAIN := $(RISKLOOP) train $(P) $(if $(CANDIDATES),--candidates $(CANDIDATES))
STAGES := set-up check-data register-best gate drift reports archive build push deploy healthy retrain-if-drift

.PHONY: pipeline $(STAGES)

pipeline: ## every stage, in order; ends at the first that says no
	@for stage in $(STAGES); do echo "== $$stage"; $(MAKE) --no-print-directory -f $(firstword $(MAKEFILE_LIST)) $$stage || exit $$?; done

# Without the key that services trust, training would make one that they do not.
set-up: ## the signing key, what is installed, and which stores answer; only a champion may still be missing
	mkdir -p $(OUT)
	@if [ -n "$$RISKLOOP_SIGNING_KEY" ]; then \
	  umask 077; mkdir -p $(PROJECT)/.riskloop/keys; \
	  printf '%s\n' "$$RISKLOOP_SIGNING_KEY" > $(PROJECT)/.riskloop/keys/signing.key; \
	fi
	$(RISKLOOP) doctor $(P) --json > $(OUT)/doctor.json || true
	$(PYTHON) -c 'import json; wrong = [one for one in json.load(open("$(OUT)/doctor.json")) if not one["ok"] and one["name"] != "champion"]; print(*wrong, sep="\n"); raise SystemExit(bool(wrong))'

check-data: ## fails (3) if the table breaks the contract
	$(RISKLOOP) check $(P)
	$(RISKLOOP) report data $(P)

register-best: ## train, compare, register: the best candidate becomes a version, accepted or not
	$(TRAIN) --json > $(OUT)/train.json || test $$? -eq 3

gate: ## fails (3) if the gate refused the version; else it leads
	$(RISKLOOP) promote $$($(PYTHON) -c 'import json; print(json.load(open("$(OUT)/train.json"))["version"])') --reason "$(REASON)" $(P)

drift: ## tells drift, alerts, and remembers it for the end; it does not fail the build
	rm -f $(OUT)/drifted
	$(RISKLOOP) monitor $(P) $(if $(BATCH),--batch $(BATCH)) || { test $$? -eq 3 && touch $(OUT)/drifted; }

reports: ## model report and compliance pack; with RISKLOOP_ARTIFACTS_URL they are published there too
	$(RISKLOOP) report model $(P)
	$(RISKLOOP) report compliance $(P)

archive: ## the whole state but the signing key, to keep with the build: it holds customers' data
	rm -f $(OUT)/state.tar.gz
	$(RISKLOOP) backup $(OUT)/state.tar.gz --no-keys $(P)

build:
	$(BUILD)

push:
	$(PUSH)

deploy:
	$(DEPLOY)

healthy: ## fails the build unless the service is ready in time
	@for second in $$(seq $(READY_SECONDS)); do \
	  if curl --noproxy '*' -fsS --max-time 4 $(SERVICE)/ready; then echo; exit 0; fi; sleep 1; \
	done; echo "$(SERVICE)/ready did not say yes in $(READY_SECONDS) s" >&2; exit 1

retrain-if-drift: ## fails (3) if a new version is needed and the gate refuses it
	@if test -f $(OUT)/drifted; then $(TRAIN) --promote --reason "drift"; else echo "Nothing has drifted."; fi
