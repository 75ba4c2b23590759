//! A moment as answers tell it: RFC 3339 in UTC with milliseconds.
//! Kept apart from [`EpochMs`], which is written as a number where machines keep it.

use serde::{Serialize, Serializer};
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::domain::EpochMs;

/// A moment in an answer.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub EpochMs);

impl From<EpochMs> for Moment {
    fn from(at: EpochMs) -> Self {
        Self(at)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl PartialSchema for Moment {
    fn schema() -> RefOr<Schema> {
        let text: Object = ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
            .description(Some("RFC 3339, in UTC"))
            .into();
        text.into()
    }
}

impl ToSchema for Moment {}
