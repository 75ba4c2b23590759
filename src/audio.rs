//! Sound as bytes: MP3, M4A and WAV made without a running encoder where that is possible, and the clip library on disk.
//! From the sound of an engine to a clip: [`pcm`], [`level`], [`mp3`], [`clip`];
//! then a [`library`] keeps it, and [`canned`] stands in when there is none.

pub mod canned;
pub mod chime;
pub mod clip;
pub mod level;
pub mod library;
mod m4a;
pub mod mp3;
pub mod pcm;
pub mod silence;
mod wav;

mod format;
mod virtual_file;

pub use self::format::{ClipFormat, Format};
pub use self::virtual_file::{CHUNK_LEN_MAX, Chunks, VirtualFile};
