//! Sound as bytes: MP3, M4A and WAV made without a running encoder where that is possible, and the clip library on disk.
//! From the sound of an engine to a clip: [`decode`], [`part`], [`clip`]; a [`library`] keeps what was made, and
//! [`canned`] stands in when there is nothing.

pub mod canned;
pub mod chime;
pub mod clip;
pub mod decode;
pub mod level;
pub mod library;
mod m4a;
pub mod mp3;
pub mod part;
pub mod pcm;
pub mod silence;
mod street;
mod wav;

mod format;
mod virtual_file;

pub use self::format::{ClipFormat, Format};
pub use self::virtual_file::{CHUNK_LEN_MAX, Chunks, VirtualFile};
