//! Writing a config file: one change at a time, atomically, with what was there before kept.
