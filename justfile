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
    UPDATE_SCHEMAS=1 cargo test -p tests --test settings environment
    UPDATE_SCHEMAS=1 cargo test -p stillmotion --test wiring
    UPDATE_SCHEMAS=1 cargo test -p ports --test metrics

# Draws the diagram in the README anew, from the topology.
diagram:
    UPDATE_DIAGRAM=1 cargo test -p tests --test chain diagram

# Writes anew what the tests of infra/cdk compare templates with: PERMISSIONS.md, test/expected.
expected:
    cd infra/cdk && npx vitest run test/permissions.test.ts test/templates.test.ts --update

# The templates of all stages, or of some, in infra/cdk/cdk.out.
synth *stages:
    ./stillmotion synth {{stages}}

# A stage to the AWS account of the environment.
deploy stage *args:
    ./stillmotion deploy {{stage}} {{args}}

# Zips of functions and layers for Lambda, with their sizes and how soon they are ready.
package *args:
    ./stillmotion package {{args}}

# What is measured, as a table; see bench/README.md.
bench *args:
    cargo run --release -p bench -- {{args}}

# Licences and advisories of dependencies (needs cargo-deny).
deny:
    cargo deny check
