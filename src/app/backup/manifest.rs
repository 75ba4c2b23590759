//! What a backup says of itself: what is in it, by length and checksum, and which node key opens its secrets.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

use crate::dispatch::NodeKey;

/// The first line of defence against a folder that is something else.
const FORMAT: u32 = 1;
/// The manifest's own name: it is written last, so a folder without it is no backup.
const NAME: &str = "backup.json";

/// A backup in a few words.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Manifest {
    /// How the folder is to be read.
    format: u32,
    /// When it was made, RFC 3339.
    pub(super) made_at: String,
    /// The program that made it.
    program: String,
    /// Tells which node key it was made with, and nothing about it.
    pub(super) node_key_print: String,
    /// Its files.
    files: BTreeMap<String, FileSum>,
}

#[derive(Debug, Deserialize, Eq, PartialEq, Serialize)]
struct FileSum {
    bytes: u64,
    sha256: String,
}

impl Manifest {
    /// Describes these files of a folder.
    pub(super) fn of(folder: &Path, names: &[&str], key: &NodeKey, made_at: String) -> anyhow::Result<Self> {
        let mut files = BTreeMap::new();
        for name in names {
            files.insert((*name).to_owned(), sum(&folder.join(name))?);
        }
        let program = format!("orderbell {}", env!("CARGO_PKG_VERSION"));
        Ok(Self { format: FORMAT, made_at, program, node_key_print: print(key), files })
    }

    /// Reads it, and every file that it names.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(NAME);
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let read: Self =
            serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
        let format = read.format;
        anyhow::ensure!(
            format == FORMAT,
            "{} has format {format}, and this program knows {FORMAT}: take the Orderbell that made it ({})",
            path.display(),
            read.program
        );
        for (name, noted) in &read.files {
            anyhow::ensure!(!name.contains('/'), "{} names a file elsewhere", path.display());
            let file = folder.join(name);
            let found = sum(&file)?;
            anyhow::ensure!(
                found == *noted,
                "{} is not what the backup wrote: its checksum differs",
                file.display()
            );
        }
        Ok(read)
    }

    /// Writes it down.
    pub(super) fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        write_secret(&folder.join(NAME), text.as_bytes())
    }

    /// Whether a file of this name is in it.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }
}

/// Tells node keys apart without telling one.
pub(super) fn print(key: &NodeKey) -> String {
    key.derive("backup print").iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a new file that nobody else may read, down to the disk.
pub(super) fn write_secret(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let writing = || -> std::io::Result<()> {
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    writing().with_context(|| format!("writing {}", path.display()))
}

fn sum(path: &Path) -> anyhow::Result<FileSum> {
    let reading = || -> std::io::Result<FileSum> {
        let mut file = File::open(path)?;
        let mut context = digest::Context::new(&digest::SHA256);
        let (mut bytes, mut block) = (0_u64, vec![0; 1 << 20]);
        loop {
            let length = file.read(&mut block)?;
            if length == 0 {
                break;
            }
            context.update(block.get(..length).unwrap_or_default());
            bytes += length as u64;
        }
        let sha256 = context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(FileSum { bytes, sha256 })
    };
    reading().with_context(|| format!("reading {}", path.display()))
}
