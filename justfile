# The single list of commands; CI calls the same.

# Format, lints, dependency rules.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Everything that can be tested here.
test *args:
    ./stillmotion test {{args}}

# Writes schemas and examples anew, from the Rust types.
schemas:
    UPDATE_SCHEMAS=1 cargo test -p events --test schemas
    UPDATE_SCHEMAS=1 cargo test -p api --lib document

# Draws the diagram in the README anew, from the topology.
diagram:
    UPDATE_DIAGRAM=1 cargo test -p tests --test chain diagram

# Zips of functions and layers for Lambda, with their sizes and how soon they are ready.
package *args:
    ./stillmotion package {{args}}

# What is measured, as a table; see bench/README.md.
bench *args:
    cargo run --release -p bench -- {{args}}

# Licences and advisories of dependencies (needs cargo-deny).
deny:
    cargo deny check
