//! The config as clients and commands look at it and check it.

mod check;
mod issue;
mod look;

pub use self::check::{Checked, checked};
pub use self::issue::issue;
pub(crate) use self::look::{Look, hash, name, names};
