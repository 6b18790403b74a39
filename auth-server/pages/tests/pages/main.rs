//! The pages in both languages, with ordinary and hostile texts.
