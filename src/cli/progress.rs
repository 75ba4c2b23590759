//! How far something has come, on stderr: a bar where a person looks at it, a line now and then where a file does.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// One piece of work that is looked at.
pub(super) struct Progress {
    /// What is being done, in one or two words.
    title: &'static str,
    is_terminal: bool,
    shown: Option<Instant>,
}

/// How often a terminal is written to: often enough to look alive.
const BAR_EVERY: Duration = Duration::from_millis(100);
/// How often a file is: it is read later.
const LINE_EVERY: Duration = Duration::from_secs(5);
const WIDTH: usize = 30;

impl Progress {
    /// Shows nothing yet.
    pub(super) fn new(title: &'static str) -> Self {
        Self { title, is_terminal: std::io::stderr().is_terminal(), shown: None }
    }

    /// Whether a person looks.
    pub(super) fn is_seen(&self) -> bool {
        self.is_terminal
    }

    /// Tells how far it has come, unless it has just been told.
    pub(super) fn show(&mut self, done: usize, total: usize) {
        let every = if self.is_terminal { BAR_EVERY } else { LINE_EVERY };
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= every);
        if total == 0 || !(is_due || done >= total) {
            return;
        }
        self.shown = Some(Instant::now());
        let line = if self.is_terminal {
            format!("\r{}", bar(self.title, done, total))
        } else {
            format!("{}: {done} of {total}\n", self.title)
        };
        tell(&line);
    }

    /// The same of a count that may be larger than what a machine addresses.
    pub(super) fn count(&mut self, done: u64, total: u64) {
        let shown = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        self.show(shown(done), shown(total));
    }

    /// Leaves the line, so that what follows begins on one of its own.
    pub(super) fn end(&self) {
        if self.is_terminal && self.shown.is_some() {
            tell("\n");
        }
    }
}

fn bar(title: &str, done: usize, total: usize) -> String {
    let full = (WIDTH * done.min(total)).checked_div(total).unwrap_or(WIDTH);
    format!("{title} [{}{}] {done}/{total}", "#".repeat(full), "-".repeat(WIDTH - full))
}

fn tell(text: &str) {
    let mut stderr = std::io::stderr().lock();
    let _nobody_reads = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush()).is_err();
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        assert_eq!(bar("Parts", 0, 4), format!("Parts [{}] 0/4", "-".repeat(30)));
        assert_eq!(bar("Parts", 2, 4), format!("Parts [{}{}] 2/4", "#".repeat(15), "-".repeat(15)));
        assert_eq!(bar("Parts", 9, 4), format!("Parts [{}] 9/4", "#".repeat(30)));
    }
}
