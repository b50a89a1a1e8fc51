# What a newcomer and the continuous integration run. No step needs root; where root and apt are there, or
# Python, what is missing gets installed.

.PHONY: demo test lint bench torture fuzz screenshots lighthouse

# The debug build: an optimised one takes a newcomer longer than the 2½ minutes (on two cores) of this, in
# which password hashing is optimised too, and `make test` reuses it. `make demo ARGS=--reset` starts afresh.
demo:
	scripts/ensure-postgres.sh
	cargo run -- demo $(ARGS)

test:
	scripts/ensure-postgres.sh
	scripts/ensure-chromium.sh
	scripts/ensure-smtp.sh
	cargo test

lint:
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

# kill -9 of responder and database under load: `make torture ROUNDS=200`
ROUNDS ?= 20
torture:
	scripts/ensure-postgres.sh
	KEYWARD_TORTURE_ROUNDS=$(ROUNDS) cargo test --test main torture:: -- --nocapture

# What machines and people send: `make fuzz SECONDS=600` for each target
SECONDS ?= 60
fuzz:
	scripts/fuzz.sh $(SECONDS)

bench:
	scripts/ensure-postgres.sh
	cargo bench

screenshots:
	scripts/ensure-postgres.sh
	scripts/ensure-chromium.sh
	cargo test --test main -- --ignored screenshots

# Lighthouse ≥ 95 on the pages that people open first; Node.js with npm fetches it into target/.
lighthouse:
	scripts/ensure-postgres.sh
	scripts/ensure-chromium.sh
	cargo build
	node scripts/lighthouse.mjs
