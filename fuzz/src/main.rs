//! Writes what a target begins with into a folder: `seeds TARGET FOLDER`.

#[path = "../../tests/hook_mutations/seeds.rs"]
mod seeds;

use std::path::Path;

use seeds::seeds;

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (target, folder) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let check = match target.as_str() {
        "redact" => "redacted",
        "verify" => "verified",
        other => other,
    };
    std::fs::create_dir_all(&folder)?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (place, seed) in seeds(&root, check).iter().enumerate() {
        std::fs::write(Path::new(&folder).join(format!("seed-{place}")), seed)?;
    }
    Ok(())
}
