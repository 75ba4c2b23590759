//! What the world outside saw of a server under faults, in the order in which it saw it.
//! It is written down as one JSON object a line, so that a run can be read afterwards.

use std::collections::HashMap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use orderbell::clock::{Clock, SystemClock};

use crate::op::{Entry, Frame, Op};

/// Everything seen, by all tasks, in one order.
pub(crate) struct History {
    clock: SystemClock,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    entries: Vec<Entry>,
    flow: Flow,
}

/// How much has come through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    /// Posts answered with yes.
    pub(crate) accepted: usize,
    /// New alerts by rider.
    pub(crate) heard: HashMap<String, usize>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self { clock: SystemClock::new(), seen: Mutex::default() }
    }

    /// Adds what was seen just now.
    pub(crate) fn note(&self, op: Op) {
        self.note_at(self.clock.now().wall.0, op);
    }

    /// Adds what was seen then.
    pub(crate) fn note_at(&self, at: i64, op: Op) {
        let mut seen = self.lock();
        if let Op::Told { alert: Some(_), .. } = &op {
            seen.flow.accepted += 1;
        }
        if let Op::Alert(Frame { rider, first: true, .. }) = &op {
            *seen.flow.heard.entry(rider.clone()).or_default() += 1;
        }
        seen.entries.push(Entry { at, op });
    }

    /// How much has come through so far.
    pub(crate) fn flow(&self) -> Flow {
        self.lock().flow.clone()
    }

    /// The latest alerts that were told of, at most so many.
    pub(crate) fn latest(&self, count: usize) -> Vec<String> {
        let seen = self.lock();
        let told =
            seen.entries.iter().rev().filter_map(|entry| {
                if let Op::Told { alert, .. } = &entry.op { alert.clone() } else { None }
            });
        told.take(count).collect()
    }

    /// Everything so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.lock().entries.clone()
    }

    /// Writes everything to a file.
    pub(crate) fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = BufWriter::new(std::fs::File::create(path)?);
        for entry in self.entries() {
            serde_json::to_writer(&mut file, &entry)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
