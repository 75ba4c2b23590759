//! Sentences: a phrase with its slots becomes text, the text becomes a clip.
