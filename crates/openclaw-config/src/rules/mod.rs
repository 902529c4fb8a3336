//! What a schema cannot say: the rules between the parts of a config.
