//! Sound as bytes: MP3, M4A and WAV made without a running encoder where that is possible, and the clip library on disk.
