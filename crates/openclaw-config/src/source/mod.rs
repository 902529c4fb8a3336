//! The config as its files say it: includes merged, variables filled in.
