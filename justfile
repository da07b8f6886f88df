# The everyday commands. `just` alone lists them.

_list:
    @just --list --unsorted

# Run a scenario against the embedded emulator.
run scenario="scenarios/quickstart.toml" *arguments:
    cargo run --release -- run {{scenario}} {{arguments}}

# Serve the emulator to other programs, at http://127.0.0.1:4567 unless told otherwise.
emulator *arguments:
    cargo run --release -- emulator {{arguments}}

# Simulate a scenario in virtual time.
simulate scenario="scenarios/quickstart.toml" *arguments:
    cargo run --release -- simulate {{scenario}} {{arguments}}

# Simulate random scenarios and check the laws that hold for all of them; `just swarm @17` replays seed 17.
swarm seeds="10000":
    STREAMGAUGE_SWARM={{seeds}} cargo test --release --test it -- swarm --nocapture

# Predict what a scenario needs.
plan scenario="scenarios/quickstart.toml":
    cargo run --release -- plan {{scenario}}

# Forecasts against simulation, of throttling and of skew: writes the tables and the plots in reports/.
forecast-grids:
    STREAMGAUGE_WRITE_REPORTS=1 cargo test --release --lib plan::grids

# The sample reports in reports/samples: simulated, so that they are the same every time.
samples:
    #!/usr/bin/env bash
    set -euo pipefail
    made=$(mktemp -d)
    for name in quickstart hot-shard consumer-outage efo-vs-polling; do
        # What misses its objectives is a sample, too.
        cargo run --release --quiet -- simulate "scenarios/$name.toml" --png --out "$made/$name" > /dev/null || [ $? = 1 ]
        mkdir -p "reports/samples/$name"
        cp "$made/$name"/{report.html,report.md,result.json} "reports/samples/$name/"
    done
    cp "$made"/hot-shard/chart-*-utilisation-of-each-shard-*.png docs/sample-heat-map.png
    cp "$made"/efo-vs-polling/chart-*-cost-of-reading-against-lag-*.png docs/sample-cost-against-lag.png
    rm -r "$made"

# Pictures of a report, or of any page, on a phone, a laptop and a wide screen, in both colour schemes (needs Chromium).
screenshots page="reports/samples/hot-shard/report.html" to="reports/screenshots":
    #!/usr/bin/env bash
    set -euo pipefail
    mkdir -p "{{to}}"
    profile=$(mktemp -d)
    for width in 500 1280 1920; do
        for scheme in light dark; do
            chromium --headless --no-sandbox --disable-gpu --disable-background-networking --user-data-dir="$profile" --hide-scrollbars \
                --blink-settings=preferredColorScheme=$([ "$scheme" = dark ] && echo 0 || echo 1) --window-size="$width,12000" \
                --screenshot="{{to}}/$(basename "$(dirname "{{page}}")")-$width-$scheme.png" "file://$(realpath "{{page}}")"
        done
    done
    rm -r "$profile"

# The JSON Schemas of results and summaries in docs/schema.
schemas:
    STREAMGAUGE_WRITE_REPORTS=1 cargo test --test it -- committed_schemas

# The whole test suite.
test:
    cargo test

# What a change must pass before it is pushed, without the tests.
check:
    cargo fmt --check
    cargo clippy --all-targets -- -D warnings

# What CI runs for every change.
ci:
    bash .ci/run

# What CI runs for releases: all clients, fuzzing, the published build, benches as ratios.
ci-full:
    bash .ci/full

# Licences, bans, sources and advisories of dependencies.
deny:
    bash .ci/deny

# Run the load of the quickstart against an emulator of another project.
interop:
    bash .ci/interop

# Check the emulator with boto3, the AWS CLI, the AWS SDK for JavaScript and async-kinesis, and its quotas in real time.
clients *groups:
    bash .ci/clients {{groups}}

# Benchmarks of the hot paths: admission, batching, pacing, histograms, and the emulator's wire formats.
bench:
    cargo bench --bench hot_paths --bench wire

# How many records a second of one processor simulates; `just bench-simulate release` with the profile that builds fast.
bench-simulate profile="bench":
    cargo bench --profile {{profile}} --bench simulate

# How long newcomers wait for the first run, and for a build after an edit, beside an earlier commit; fails above 0.5 and 0.2.
bench-build baseline="7fc5d3d":
    bash benches/build/compare {{baseline}}

# How long the reports of a run of an hour on 1,000 shards take, and how large they are.
bench-report:
    cargo bench --bench report

# What the load engine costs beside a bare loop around the AWS SDK that sends the same batches.
bench-engine *arguments:
    cargo bench --bench engine -- {{arguments}}

# What the emulator costs beside the load that it serves, next to other emulators; writes a table to reports/.
bench-emulator:
    bash benches/emulator/compare

# How often the regression gate is wrong: a program against itself. Prints the tables of docs/gate.md.
aa-study simulated="200" real="6":
    STREAMGAUGE_AA_SIMULATED={{simulated}} STREAMGAUGE_AA_REAL={{real}} cargo test --release --test it -- gate_study --nocapture --test-threads=1

# Compare the table of the API's constraints with AWS's own model in botocore.
model:
    bash .ci/model

# Accept changed snapshots of words (needs cargo-insta).
review:
    cargo insta review
