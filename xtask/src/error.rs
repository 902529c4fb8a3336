//! Why a chore failed.

use crate::bench::BenchError;
use crate::codegen::CodegenError;
use crate::foreign::ForeignError;
use crate::place::PlaceError;
use crate::run::RunError;
use crate::schema::SchemaError;
use crate::soak::SoakError;
use crate::tidy::TidyError;

/// Any failure of a chore.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The checkout was not found.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// A program failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A program of others cannot be installed.
    #[error(transparent)]
    Foreign(#[from] ForeignError),
    /// The benchmark's figures were not written.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// The reference pages are not what the code says.
    #[error(transparent)]
    Codegen(#[from] CodegenError),
    /// The config schema cannot be written.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The figures of a soak cannot be collected.
    #[error(transparent)]
    Soak(#[from] SoakError),
    /// The workspace breaks one of its rules.
    #[error(transparent)]
    Tidy(#[from] TidyError),
    /// Steps of `ci` or `soak` failed.
    #[error("{} failed", .names.join(", "))]
    Steps {
        /// Their names, in the order in which they ran.
        names: Vec<&'static str>,
    },
}
