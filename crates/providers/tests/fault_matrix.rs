//! The table of error classes, as it is documented.

use std::path::Path;

const DOC: &str = "docs/FAULTS.md";

#[test]
fn the_documented_table_is_the_one_in_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(DOC);
    let text = format!(
        "# What an answer that is not a yes means\n\n\
         Made from `crates/providers/src/fault/table.rs` with `UPDATE_FAULTS=1 cargo test -p \
         providers --test fault_matrix`. The first row that fits counts. *Asked again* is what `ltx` \
         does by itself; another provider may be asked only where that is set up, and never over content or input. \
         *Charged* is about the order; `bills_failures` is a flag of \
         `crates/providers/registry.toml`.\n\n\
         {}\n",
        providers::fault::matrix().trim_end()
    );
    if std::env::var_os("UPDATE_FAULTS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let committed = std::fs::read_to_string(&path).expect("it is committed");

    assert!(committed == text, "{DOC} is not what the code says: make it anew");
}
