//! The file formats players take, with their true extension and type.
//! Players compare both with the bytes, and fail when one disagrees.

/// A format of an audio file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// MPEG-2 Layer III, 24 kHz mono.
    Mp3,
    /// AAC-LC in an MP4 file.
    M4a,
    /// Plain samples.
    Wav,
}

/// A format that a sentence can be had in: AAC would need an encoder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClipFormat {
    /// What every player takes: an eighth of the size, and room for a silent tail.
    #[default]
    Mp3,
    /// Plain samples, for programs that decode nothing.
    Wav,
}

impl ClipFormat {
    /// The format of a file name's extension (without the dot, lower case), if clips come in it.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        [Self::Mp3, Self::Wav].into_iter().find(|format| Format::from(*format).extension() == extension)
    }
}

impl From<ClipFormat> for Format {
    fn from(format: ClipFormat) -> Self {
        match format {
            ClipFormat::Mp3 => Self::Mp3,
            ClipFormat::Wav => Self::Wav,
        }
    }
}

impl Format {
    /// The format of a file name's extension (without the dot, lower case), if it is one of ours.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        [Self::Mp3, Self::M4a, Self::Wav].into_iter().find(|format| format.extension() == extension)
    }

    /// The extension, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Mp3 => "mp3",
            Self::M4a => "m4a",
            Self::Wav => "wav",
        }
    }

    /// The media type.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        match self {
            Self::Mp3 => "audio/mpeg",
            Self::M4a => "audio/mp4",
            Self::Wav => "audio/wav",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_and_its_format_belong_together() {
        for format in [Format::Mp3, Format::M4a, Format::Wav] {
            assert_eq!(Format::of_extension(format.extension()), Some(format));
            assert!(format.mime().starts_with("audio/"));
        }
        for format in [ClipFormat::Mp3, ClipFormat::Wav] {
            assert_eq!(ClipFormat::of_extension(Format::from(format).extension()), Some(format));
        }
        assert_eq!((ClipFormat::of_extension("m4a"), Format::of_extension("MP3")), (None, None));
        assert_eq!(Format::of_extension("ogg"), None);
    }
}
