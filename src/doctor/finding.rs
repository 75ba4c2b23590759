//! What a check has found, in one line: well, worth a look, or broken; and what to do about it.
//! Some of it comes from servers and files that are not ours, so it is cut and kept to one line.

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Level {
    /// As it should be, or not looked at; the text says which.
    Ok,
    /// It works, and will hurt some day or some riders.
    Warn,
    /// It does not work, or loses what must not be lost.
    Fail,
}

/// One line of a report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// What was looked at: words with dots between them, stable.
    pub name: String,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do.
    pub advice: Option<String>,
}

/// All that one run has found.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order they were looked at.
    pub findings: Vec<Finding>,
    /// What else is to be said, line by line.
    pub remarks: Vec<String>,
}

/// Longest text of a finding, in characters: a line that people read, whatever a server says.
const TEXT_MAX: usize = 300;
/// Width of the column of names.
const NAME_WIDTH: usize = 20;

impl Finding {
    /// As it should be.
    pub fn ok(name: impl Into<String>, found: impl AsRef<str>) -> Self {
        Self { name: name.into(), level: Level::Ok, found: line(found.as_ref()), advice: None }
    }

    /// It works, and will hurt some day or some riders.
    pub fn warn(name: impl Into<String>, found: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self { level: Level::Warn, ..Self::ok(name, found) }.advised(advice)
    }

    /// It does not work, or loses what must not be lost.
    pub fn fail(name: impl Into<String>, found: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self { level: Level::Fail, ..Self::ok(name, found) }.advised(advice)
    }

    /// The same with something to do about it.
    #[must_use]
    pub fn advised(self, advice: impl AsRef<str>) -> Self {
        Self { advice: Some(line(advice.as_ref())), ..self }
    }

    /// `level  name  what was found  -> what to do`.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { name, level, found, advice } = self;
        let what = format!("{:<4}  {name:<NAME_WIDTH$}  {found}", level.word());
        advice.iter().fold(what, |what, advice| format!("{what}  -> {advice}"))
    }
}

impl Level {
    /// The word in a report: `ok`, `warn`, `FAIL`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

impl Report {
    /// Whether nothing failed.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.count(Level::Fail) == 0
    }

    /// For people: one line a finding, what else is to be said, and the sum.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.findings.iter().map(Finding::line).collect();
        lines.extend(self.remarks.iter().cloned());
        let [well, worth, failed] = [Level::Ok, Level::Warn, Level::Fail].map(|level| self.count(level));
        lines.push(format!("{well} ok, {worth} warnings, {failed} failed"));
        lines.join("\n")
    }

    /// For machines: `{ok, checks:[{name, level, found, advice}], remarks:[…]}`.
    #[must_use]
    pub fn json(&self) -> Value {
        let check = |finding: &Finding| {
            let Finding { name, level, found, advice } = finding;
            json!({"name": name, "level": level.word(), "found": found, "advice": advice})
        };
        let checks: Vec<Value> = self.findings.iter().map(check).collect();
        json!({"ok": self.is_well(), "checks": checks, "remarks": self.remarks})
    }

    fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|finding| finding.level == level).count()
    }
}

/// One line of at most [`TEXT_MAX`] characters, and nothing in it that a terminal obeys.
fn line(text: &str) -> String {
    let words: Vec<&str> = text.split(|letter: char| letter.is_whitespace() || letter.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let whole = words.join(" ");
    match whole.char_indices().nth(TEXT_MAX) {
        Some((end, _)) => format!("{}…", &whole[..end]),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::{Finding, Report, TEXT_MAX};

    fn report() -> Report {
        let findings = vec![
            Finding::ok("clock", "2026"),
            Finding::warn("disk.fsync", "slow", "a better disk"),
            Finding::fail("database", "broken\n\u{1b}[2J", "restore"),
        ];
        Report { findings, remarks: vec![] }
    }

    #[test]
    fn a_report_is_lines_and_a_sum() {
        let text = report().text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "ok    clock                 2026");
        assert_eq!(lines[1], "warn  disk.fsync            slow  -> a better disk");
        assert_eq!(lines[2], "FAIL  database              broken [2J  -> restore");
        assert_eq!(lines[3], "1 ok, 1 warnings, 1 failed");
    }

    #[test]
    fn machines_get_the_same() {
        let told = report().json();
        assert_eq!((&told["ok"], &told["checks"][1]["level"]), (&false.into(), &"warn".into()));
        assert!(told["checks"][0]["advice"].is_null());
        assert!(Report::default().is_well());
    }

    #[test]
    fn what_a_server_says_is_cut() {
        let found = Finding::ok("x", "语".repeat(5_000)).found;
        assert_eq!(found.chars().count(), TEXT_MAX + 1);
    }
}
