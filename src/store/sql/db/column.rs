//! Columns of rows: what either database gives, as one of our plain types.
//! Whole numbers are `BIGINT` in PostgreSQL; a narrower type is judged here.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// A row of either database.
pub(in crate::store) enum Row {
    /// Of SQLite.
    Sqlite(SqliteRow),
    /// Of PostgreSQL.
    Postgres(PgRow),
}

/// Why a column is not what it must be.
pub(in crate::store) type Misfit = Box<dyn std::error::Error + Send + Sync>;

/// What a column may be read as.
pub(in crate::store) trait Column<'r>: Sized {
    /// The column at this place, from 0.
    ///
    /// # Errors
    /// If there is no such column, or it is of another type, or NULL where there must be a value.
    fn of(row: &'r Row, place: usize) -> Result<Self, Misfit>;
}

/// Types that both databases know.
macro_rules! known {
    ($($type:ty),* $(,)?) => {
        $(
            impl<'r> Column<'r> for $type {
                fn of(row: &'r Row, place: usize) -> Result<Self, Misfit> {
                    Ok(match row {
                        Row::Sqlite(row) => row.try_get(place)?,
                        Row::Postgres(row) => row.try_get(place)?,
                    })
                }
            }
        )*
    };
}

/// Whole numbers narrower than those that are kept.
macro_rules! narrow {
    ($($type:ty),* $(,)?) => {
        $(
            impl<'r> Column<'r> for $type {
                fn of(row: &'r Row, place: usize) -> Result<Self, Misfit> {
                    Ok(<$type>::try_from(i64::of(row, place)?)?)
                }
            }

            impl<'r> Column<'r> for Option<$type> {
                fn of(row: &'r Row, place: usize) -> Result<Self, Misfit> {
                    Ok(Option::<i64>::of(row, place)?.map(<$type>::try_from).transpose()?)
                }
            }
        )*
    };
}

known!(bool, i64, &'r str, String, &'r [u8], Vec<u8>);
known!(Option<bool>, Option<i64>, Option<&'r str>, Option<String>, Option<&'r [u8]>, Option<Vec<u8>>);
narrow!(u8, u16, u32, u64);
