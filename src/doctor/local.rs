//! The machine, the data folder and what is in it, as they are before a server starts or while one runs.
//! Nothing in the folder changes, except that one file is written, synced and removed, to learn how long that takes.

mod backups;
mod canned;
mod clock;
mod config;
mod database;
mod disk;
mod engine;
mod folder;
mod limits;
mod postgres;
mod server;
mod wechat;

use std::path::Path;

use super::Report;
use crate::config::{Config, StorePlace};
use folder::Database;

/// What is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The configuration as `serve` would have it.
    pub config: &'a Config,
    /// The file it was read from, if there was one.
    pub file: Option<&'a Path>,
    /// The data folder.
    pub data: &'a Path,
}

/// Looks at all of it; works whether or not a server holds the folder.
pub async fn local(place: Place<'_>) -> Report {
    let Place { config, file, data } = place;
    let mut findings = config::look(config, file);
    let server = server::look(data);
    let probe = disk::probe(data).await;
    findings.extend(folder::look(config, data, &probe));
    findings.extend(server::judge(&server, data).await);
    let (database, found, newest) = match config.store.place() {
        Ok(StorePlace::Postgres(url)) => {
            let look = postgres::look(&url).await;
            let database = if look.has_data() { Database::There } else { Database::None };
            (database, postgres::judge(&look, config.store.connections), look.newest())
        }
        // A configuration that names no place does not load.
        Ok(StorePlace::Folder) | Err(_) => {
            let look = database::look(data, server.is_running()).await;
            (look.database(), database::judge(&look), look.newest())
        }
    };
    findings.extend(folder::look_at_key(config, data, database));
    findings.extend(disk::judge(&probe));
    findings.extend(found);
    findings.extend(backups::look(data));
    findings.extend(clock::look(newest).await);
    findings.extend(engine::look(config).await);
    findings.push(canned::look(config));
    findings.extend(wechat::look(config).await);
    findings.extend(limits::look(config, &server));
    Report { findings, remarks: Vec::new() }
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["bytes", "KiB", "MiB", "GiB"];
    let unit = UNITS.len().min(1 + (0..3).filter(|power| bytes >> (10 * (power + 1)) > 0).count()) - 1;
    // In tenths, rounded down: nobody is told more room than there is.
    let tenths = (u128::from(bytes) * 10) >> (10 * unit);
    let text = format!("{}.{}", tenths / 10, tenths % 10);
    format!("{} {}", text.strip_suffix(".0").unwrap_or(&text), UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_told_as_people_read_them() {
        for (bytes, told) in [
            (0, "0 bytes"),
            (1023, "1023 bytes"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (64 << 20, "64 MiB"),
            ((5 << 30) + (900 << 20), "5.8 GiB"),
            (u64::MAX, "17179869183.9 GiB"),
        ] {
            assert_eq!(size(bytes), told);
        }
    }
}
