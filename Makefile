# What a newcomer, a tester and CI call; each target prints its counts and figures on its last lines.
# Everything that is built goes where cargo puts it (CARGO_TARGET_DIR), everything fetched for tests to .cache.

KILLS ?= 200
CASES ?= fast
SEEDS ?= 2000
DELIVERIES ?= 1000000
SECONDS ?= 30

.PHONY: demo test check bench simulate conformance test-rust test-postgres test-client test-clients test-sdk test-miniprogram \
	test-contract test-browser test-demo test-faults test-kill test-autobahn bench-growth fuzz

demo:
	@sh deploy/demo.sh

test:
	@bash tests/run.sh rust client+miniprogram sdk clients browser demo contract faults autobahn

# One set of stories for every store.
conformance:
	@cargo test --test store_conformance

# SEEDS=2000 worlds, and a crash at every step of a small one. SEED=123 or STEP=45 plays one and prints its trace;
# GUARD=resend takes that guard away, and must fail.
simulate:
	@SEEDS=$(SEEDS) SEED=$(SEED) STEP=$(STEP) GUARD=$(GUARD) cargo test --quiet --release --test simulate_seeds

test-rust:
	@bash tests/run.sh rust

# The stories of the API on PostgreSQL in place of SQLite.
test-postgres:
	@bash tests/run.sh postgres

# Everything that riders have in their hands: on the device model, on real sockets, in WeChat's simulator, in a browser; and
# other people's clients, with the snippets of docs/signatures.md.
test-clients:
	@bash tests/run.sh client+miniprogram sdk browser clients

test-client:
	@bash tests/run.sh client

# The rider's client on real sockets against the real server, and its files. SEED=7: another day of fifty riders.
test-sdk:
	@bash tests/run.sh sdk

test-miniprogram:
	@bash tests/run.sh miniprogram

test-browser:
	@bash tests/run.sh browser

test-demo:
	@bash tests/run.sh demo

# FAULT=kill, sigstop, disk, locked, half-open or database: one of them. ROUNDS: how often it strikes; FAULT_SECONDS: how long it
# goes on at least; SEED: the plans and moments of an earlier run.
test-faults:
	@bash tests/run.sh faults

# One of the faults, often. KILLS=200: how often the server is killed.
test-kill:
	@KILLS=$(KILLS) bash tests/run.sh kill

# The HTTP API against its own document, with the key and with its signature. EXAMPLES=8 for each operation; SEED=1.
test-contract:
	@bash tests/run.sh contract

# CASES=all adds the limits and performance cases (9.*), a quarter of an hour.
test-autobahn:
	@CASES=$(CASES) bash tests/run.sh autobahn

check:
	@bash tests/check.sh

bench:
	@cargo bench --profile release --bench store_accept
	@cargo bench --profile release --bench riders
	@cargo bench --profile release --bench speech
	@cargo bench --profile release --bench hooks

# DELIVERIES=10000000 needs 12 GB of disk at TMPDIR.
bench-growth:
	@cargo bench --profile release --bench growth -- --store sqlite --deliveries $(DELIVERIES)

# SECONDS=30 for each target; TARGET=redact: one of them. On stable Rust, with a C++ compiler.
fuzz:
	@SECONDS_EACH=$(SECONDS) TARGET=$(TARGET) bash fuzz/run.sh
