//! Recordings of people: they are what a rider understands best, so they are heard in place of any engine's speech of the
//! same text. A folder with `{lang}/{text}.wav` or `.mp3`, looked through once at the start.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use async_trait::async_trait;

use super::EngineSetupError;
use crate::speech::Lang;
use crate::speech::engine::{Engine, EngineError, EngineFailure, EngineRequest, EngineSound};

/// Recordings in one folder: a shop has a few hundred, and ten thousand names cost 2 MB of memory.
const RECORDINGS_MAX: usize = 20_000;
/// Bytes of one: 40 s of CD quality.
const RECORDING_BYTES_MAX: u64 = 4 << 20;
/// Bytes of an `index.toml`: a hundred for each of the recordings that may be.
const INDEX_BYTES_MAX: u64 = 2 << 20;
/// A file with texts that are no file names.
const INDEX: &str = "index.toml";

/// The recordings of a folder.
///
/// `{lang}/` holds those for any engine, `{engine}/{lang}/` those that are heard beside one engine alone, by the same
/// voice. File names are compared as they are, so they are written in NFC, as Han characters and ASCII always are.
pub struct Recorded {
    shelves: HashMap<(Option<String>, Lang), Shelf>,
}

/// The recordings of one language: by their text, and by their text without the signs at its end.
#[derive(Default)]
struct Shelf {
    exact: BTreeMap<String, Recording>,
    loose: HashMap<String, String>,
}

#[derive(Clone)]
struct Recording {
    path: PathBuf,
    /// Changes when the file does.
    mark: String,
}

impl fmt::Debug for Recorded {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Recorded").field("recordings", &self.len()).finish_non_exhaustive()
    }
}

impl Recorded {
    /// Looks through a folder. Links out of it, folders that are no language and files that are no sound are left out.
    ///
    /// # Errors
    /// [`EngineSetupError`]: the folder or an index cannot be read, or there is more than is kept.
    pub fn open(folder: &Path) -> Result<Self, EngineSetupError> {
        let fault = |error: std::io::Error| invalid(folder, &error.to_string());
        let mut recorded = Self { shelves: HashMap::new() };
        let root = folder.canonicalize().map_err(fault)?;
        for (name, path) in folders(&root, &root).map_err(fault)? {
            if let Some(lang) = lang(&name) {
                recorded.fill(None, lang, &root, &path)?;
                continue;
            }
            for (tag, path) in folders(&root, &path).map_err(fault)? {
                if let Some(lang) = lang(&tag) {
                    recorded.fill(Some(name.clone()), lang, &root, &path)?;
                }
            }
        }
        Ok(recorded)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shelves.values().map(|shelf| shelf.exact.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The recording of a text, whatever engine speaks the rest.
    #[must_use]
    pub fn sound(&self, lang: Lang, text: &str) -> Option<EngineSound> {
        self.found(None, lang, text)?.read()
    }

    /// The recording of a text beside this engine: one of its own, else one for any.
    #[must_use]
    pub fn sound_for(&self, engine: &str, lang: Lang, text: &str) -> Option<EngineSound> {
        self.found_for(engine, lang, text)?.read()
    }

    /// Names the recording that [`Recorded::sound_for`] gives, without reading it: another name is another sound.
    #[must_use]
    pub fn line_for(&self, engine: &str, lang: Lang, text: &str) -> Option<String> {
        self.found_for(engine, lang, text).map(|recording| format!("recorded {}", recording.mark))
    }

    fn found_for(&self, engine: &str, lang: Lang, text: &str) -> Option<&Recording> {
        self.found(Some(engine), lang, text).or_else(|| self.found(None, lang, text))
    }

    fn found(&self, engine: Option<&str>, lang: Lang, text: &str) -> Option<&Recording> {
        let row = self.shelves.get(&(engine.map(str::to_owned), lang))?;
        let text = text.trim();
        row.exact.get(text).or_else(|| row.exact.get(row.loose.get(bare(text))?))
    }

    fn fill(
        &mut self,
        engine: Option<String>,
        lang: Lang,
        root: &Path,
        folder: &Path,
    ) -> Result<(), EngineSetupError> {
        let mut found: Vec<(String, PathBuf)> = Vec::new();
        let entries = fs::read_dir(folder).map_err(|error| invalid(folder, &error.to_string()))?;
        for entry in entries {
            let path = entry.map_err(|error| invalid(folder, &error.to_string()))?.path();
            if path.file_name().is_some_and(|name| name == INDEX) {
                found.extend(indexed(root, &path)?);
            } else if let (true, Some(text)) =
                (is_sound(&path), path.file_stem().and_then(|stem| stem.to_str()))
            {
                found.push((text.trim().to_owned(), path));
            }
            if self.len() + found.len() > RECORDINGS_MAX {
                return Err(invalid(folder, &format!("there are more than {RECORDINGS_MAX} recordings")));
            }
        }
        // By name, so that the same folder is the same shelf everywhere; of an mp3 and a wav the wav stays.
        found.sort();
        let row = self.shelves.entry((engine, lang)).or_default();
        for (text, path) in found {
            let Some((path, metadata)) = inside(root, &path) else { continue };
            if metadata.len() > RECORDING_BYTES_MAX {
                return Err(invalid(&path, &format!("longer than {RECORDING_BYTES_MAX} bytes")));
            }
            let mark = format!("{:x}-{:x}-{:x}", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
            if !bare(&text).is_empty() {
                row.loose.entry(bare(&text).to_owned()).or_insert_with(|| text.clone());
            }
            row.exact.insert(text, Recording { path, mark });
        }
        Ok(())
    }
}

impl Recording {
    /// The file, if it is still there and no longer than it was allowed to be.
    fn read(&self) -> Option<EngineSound> {
        let size = self.path.metadata().ok()?.len();
        let bytes = if size <= RECORDING_BYTES_MAX { fs::read(&self.path).ok()? } else { return None };
        (!bytes.is_empty()).then(|| EngineSound { bytes: bytes.into(), bare: None })
    }
}

/// By itself it speaks what has been recorded, and nothing else.
#[async_trait]
impl Engine for Recorded {
    fn kind(&self) -> &'static str {
        "recorded"
    }

    fn voice(&self, lang: Lang) -> Option<String> {
        self.shelves.contains_key(&(None, lang)).then(|| "recorded".to_owned())
    }

    fn is_local(&self) -> bool {
        true
    }

    async fn speak(&self, request: &EngineRequest<'_>) -> Result<EngineSound, EngineError> {
        let none = || EngineError::new(EngineFailure::BadText, "there is no recording of this text");
        self.sound(request.lang, request.part.text()).ok_or_else(none)
    }
}

/// Texts that are too long for a file name, or hold a slash, with the names of their files beside the index.
fn indexed(root: &Path, index: &Path) -> Result<Vec<(String, PathBuf)>, EngineSetupError> {
    let Some((path, metadata)) = inside(root, index) else { return Ok(Vec::new()) };
    if metadata.len() > INDEX_BYTES_MAX {
        return Err(invalid(index, &format!("longer than {INDEX_BYTES_MAX} bytes")));
    }
    let text = fs::read_to_string(&path).map_err(|error| invalid(index, &error.to_string()))?;
    let files: BTreeMap<String, String> =
        toml::from_str(&text).map_err(|error| invalid(index, error.to_string().trim()))?;
    let folder = index.parent().unwrap_or(root);
    let mut found = Vec::new();
    for (text, file) in files {
        let name = Path::new(&file);
        let plain = matches!(name.components().collect::<Vec<_>>()[..], [Component::Normal(_)]);
        let path = folder.join(name);
        if !plain || !is_sound(&path) || !path.is_file() {
            return Err(invalid(index, &format!("{file:?} is no .wav or .mp3 file beside it")));
        }
        found.push((text.trim().to_owned(), path));
    }
    Ok(found)
}

/// Folders in a folder, by name, those that links lead out to left out.
fn folders(root: &Path, folder: &Path) -> std::io::Result<Vec<(String, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string();
        if let (Ok(name), Some((path, metadata))) = (name, inside(root, &entry.path()))
            && metadata.is_dir()
        {
            found.push((name, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Where a path really leads, if that is inside.
fn inside(root: &Path, path: &Path) -> Option<(PathBuf, Metadata)> {
    let real = path.canonicalize().ok().filter(|real| real.starts_with(root))?;
    let metadata = real.metadata().ok()?;
    Some((real, metadata))
}

fn is_sound(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("wav") || ending.eq_ignore_ascii_case("mp3"))
}

fn lang(tag: &str) -> Option<Lang> {
    Lang::ALL.into_iter().find(|lang| lang.tag() == tag)
}

/// Without the signs and spaces at its end, which change the melody a little and the words not at all.
fn bare(text: &str) -> &str {
    text.trim_end_matches(|letter: char| !letter.is_alphanumeric())
}

fn invalid(path: &Path, problem: &str) -> EngineSetupError {
    EngineSetupError::Invalid(format!("{}: {problem}", path.display()))
}
