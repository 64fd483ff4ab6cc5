# `make` lists the targets. Everything they need is said when it is missing.
.DEFAULT_GOAL := help
.PHONY: help build run test bench screenshots

help: ## List the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 22

build: node_modules/.package-lock.json ## Build the optimised binary: target/release/relance
	cargo build --release --locked -p relance

run: build ## Build, then start a demo with fictional people; nothing leaves this machine
	target/release/relance demo

test: ## Run every check and test; installs missing test servers when run as root on Debian
	scripts/test

bench: build ## Run the benchmarks
	cargo build --release --locked -p relance -p relance-benches
	target/release/relance-benches

screenshots: node_modules/.package-lock.json ## Take pictures of every page of the demo: screenshots/
	scripts/screenshots

# What pages need in the browser, in the versions of package-lock.json.
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@
