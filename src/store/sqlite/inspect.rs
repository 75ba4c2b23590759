//! A look at a database file that changes nothing: no lock that a writer would feel, no file made beside it.
//! For people who ask whether it is well; a store that serves is opened in `open`.

use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use tokio::time::timeout;

use super::open::is_safe_version;
use super::schema::migrations;
use crate::domain::EpochMs;
use crate::store::{StoreError, StoreResult};

/// Who else has the file open; it decides how it can be read without a trace.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Beside {
    /// A server: we are one more reader.
    Server,
    /// Nobody, and a log was left by who had it: its index is made in memory, not in the file.
    Log,
    /// Nobody, and there is no log: the file alone is read.
    Nothing,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The version of the SQLite in this program.
    pub sqlite: String,
    /// Whether that one is known to keep what it has in its log.
    pub sqlite_is_safe: bool,
    /// The last step of the schema that the file has; none if it is no database of ours.
    pub schema: Option<i64>,
    /// The last step that this program knows.
    pub schema_known: i64,
    /// When the youngest event came in.
    pub newest_event: Option<EpochMs>,
    /// Whether its pages fit together.
    pub soundness: Soundness,
}

/// What `quick_check` says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Soundness {
    /// All is well.
    Sound,
    /// These are its complaints, the first few.
    Broken(Vec<String>),
    /// The file is too large to be read through in the time given.
    NotFinished,
}

/// A reader waits for nobody in WAL mode but for recovery, which is short.
const BUSY: Duration = Duration::from_secs(1);

/// Looks at the file; its pages are read through for at most `limit`.
///
/// # Errors
/// `Unusable` with what SQLite says, where it cannot be opened or read.
pub async fn inspect(path: &Path, beside: Beside, limit: Duration) -> StoreResult<Inspection> {
    let connect = SqliteConnectOptions::new()
        .read_only(true)
        .busy_timeout(BUSY)
        .pragma("query_only", "ON")
        .disable_statement_logging();
    let connect = match beside {
        Beside::Server => connect.filename(path),
        Beside::Log => connect.filename(format!("file:{}?readonly_shm=1", as_uri(path)?)),
        Beside::Nothing => connect.filename(path).immutable(true),
    };
    let unusable = |error: sqlx::Error| StoreError::Unusable(error.to_string());
    let mut db = connect.connect().await.map_err(unusable)?;
    let sqlite: String =
        sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&mut db).await.map_err(unusable)?;
    let schema = schema(&mut db).await.map_err(unusable)?;
    let newest_event = match schema {
        Some(_) => newest_event(&mut db).await,
        None => None,
    };
    // Last: a check that is given up on leaves the connection busy.
    let checked = timeout(limit, quick_check(&mut db)).await;
    let soundness = match checked {
        Ok(complaints) => complaints.map_err(unusable)?,
        Err(_) => Soundness::NotFinished,
    };
    Ok(Inspection {
        sqlite_is_safe: is_safe_version(&sqlite),
        sqlite,
        schema,
        schema_known: migrations().iter().map(|step| step.version).max().unwrap_or_default(),
        newest_event,
        soundness,
    })
}

async fn schema(db: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let ours = "SELECT count(*) FROM sqlite_schema WHERE name = '_sqlx_migrations'";
    let tables: i64 = sqlx::query_scalar(ours).fetch_one(&mut *db).await?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(db).await
}

/// None where there is none, or where the table is of another time.
async fn newest_event(db: &mut SqliteConnection) -> Option<EpochMs> {
    let newest: Option<i64> =
        sqlx::query_scalar("SELECT max(received_at) FROM events").fetch_one(db).await.ok()?;
    newest.map(EpochMs)
}

async fn quick_check(db: &mut SqliteConnection) -> Result<Soundness, sqlx::Error> {
    // The first five complaints say enough.
    let complaints: Vec<String> = sqlx::query_scalar("PRAGMA quick_check(5)").fetch_all(db).await?;
    Ok(match &complaints[..] {
        [well] if well == "ok" => Soundness::Sound,
        _ => Soundness::Broken(complaints),
    })
}

/// A path inside a `file:` name: everything that means something there is written as its code.
fn as_uri(path: &Path) -> StoreResult<String> {
    let text = path.to_str().ok_or_else(|| StoreError::Unusable("its path is not UTF-8".to_owned()))?;
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    Ok(text.bytes().fold(String::new(), |mut uri, byte| {
        if plain(byte) {
            uri.push(char::from(byte));
        } else {
            uri.extend(['%', hex(byte >> 4), hex(byte & 0xf)]);
        }
        uri
    }))
}

fn hex(digit: u8) -> char {
    char::from_digit(digit.into(), 16).unwrap_or('0').to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::as_uri;

    #[test]
    fn a_path_in_a_uri_means_itself() {
        assert_eq!(as_uri(Path::new("/d/a b?c#d%/店.db")).unwrap(), "/d/a%20b%3Fc%23d%25/%E5%BA%97.db");
    }
}
