//! How lists are cut into pages.

use std::borrow::Cow;

use openclaw_core::Kind;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// How many entries a page has at most: 1 to 1,000, and 200 unless asked otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PageLimit(u32);

/// The number is no size of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a page has 1 to {} entries, not {asked}", PageLimit::MAX)]
pub struct PageLimitError {
    /// The number that was asked for.
    pub asked: u32,
}

impl PageLimit {
    /// The largest page.
    pub const MAX: u32 = 1000;
    /// The page of a caller who does not say.
    pub const DEFAULT: u32 = 200;

    /// Returns the number of entries.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl PageLimitError {
    /// Returns the kind of this failure.
    pub const fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(Self::DEFAULT)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = PageLimitError;

    fn try_from(asked: u32) -> Result<Self, Self::Error> {
        match asked {
            1..=Self::MAX => Ok(Self(asked)),
            _ => Err(PageLimitError { asked }),
        }
    }
}

impl From<PageLimit> for u32 {
    fn from(limit: PageLimit) -> Self {
        limit.0
    }
}

impl JsonSchema for PageLimit {
    fn schema_name() -> Cow<'static, str> {
        "PageLimit".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "integer",
            "minimum": 1,
            "maximum": Self::MAX,
            "default": Self::DEFAULT,
        })
    }
}
