//! From the forms of earlier releases to the current one.
