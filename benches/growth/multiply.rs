//! One real row becomes millions, inside the database: a copy for each number, with ids, names and times of its own.
//! What a column holds is seen in the row and in the schema, so that columns to come need nothing here.

use super::database::{Column, Raw, Sort};

/// Apps among which everything is spread.
pub(crate) const APPS: u64 = 8;
/// Riders; a multiple of the apps, so that each is always of one of them.
pub(crate) const RIDERS: u64 = 5_000;
const DAY_MS: i64 = 86_400_000;
/// Riders that an alert is told to.
pub(crate) const TOLD: u64 = 2;
/// From the first of them to the second: of the same app.
const APART: u64 = APPS * 313;
/// How long stored events lie back.
pub(crate) const PAST_MS: i64 = 30 * DAY_MS;
/// Copies in one statement.
const SLICE: u64 = 500_000;

/// What was told to make a real row: its names are found again in the columns.
pub(crate) struct Story<'a> {
    /// The app of the real row.
    pub(crate) app: &'a str,
    /// Its order.
    pub(crate) order: &'a str,
    /// Its rider.
    pub(crate) rider: &'a str,
    /// When it was told: columns with a moment of about then hold times.
    pub(crate) told_at: i64,
}

/// The numbers that copies are made of.
pub(crate) struct Past<'a> {
    /// Ids of the apps.
    pub(crate) apps: &'a [String],
    /// How many alerts there are, each told to [`TOLD`] riders.
    pub(crate) alerts: u64,
    /// When the first was made.
    pub(crate) began_at: i64,
}

impl Past<'_> {
    /// When the copy of this number was made, as an expression.
    fn at(&self, i: &str) -> String {
        format!("({} + {i} * {PAST_MS} / {})", self.began_at, self.alerts)
    }

    /// When the copy of number `i` was made.
    pub(crate) fn moment(&self, i: u64) -> i64 {
        self.began_at + i64::try_from(i).unwrap() * PAST_MS / i64::try_from(self.alerts).unwrap()
    }

    fn app(&self, i: &str) -> String {
        let apps = self.apps.iter().enumerate();
        let cases: Vec<String> = apps.map(|(n, app)| format!("WHEN {n} THEN '{app}'")).collect();
        format!("CASE {i} % {APPS} {} END", cases.join(" "))
    }
}

/// The name of a rider.
pub(crate) fn rider(number: u64) -> String {
    format!("rider-{}", 10_000 + number)
}

/// The name of an order.
pub(crate) fn order(number: u64) -> String {
    format!("order-{}", 100_000_000 + number)
}

/// Copies of the real rows of one table.
pub(crate) struct Copies<'a> {
    table: &'a str,
    columns: Vec<Column>,
    rows: Vec<Vec<Option<String>>>,
    ids: Vec<String>,
}

impl<'a> Copies<'a> {
    /// Keeps the rows of `table` for which `where_` holds aside. `None` if there is no such table or row.
    pub(crate) async fn of(raw: &mut Raw, table: &'a str, where_: &str) -> Option<Self> {
        let columns = raw.columns(table).await;
        if columns.is_empty() {
            return None;
        }
        raw.run(&format!("CREATE TEMP TABLE told_{table} AS SELECT * FROM {table} WHERE {where_}")).await;
        let shown = columns.iter().map(|column| match column.sort {
            Sort::Text | Sort::Whole => format!("CAST({} AS TEXT)", column.name),
            Sort::Other | Sort::Generated => "CAST(NULL AS TEXT)".to_owned(),
        });
        let shown: Vec<String> = shown.collect();
        let rows = raw.texts(&format!("SELECT {} FROM told_{table}", shown.join(", "))).await;
        let texts = rows.iter().flatten().flatten();
        let mut ids: Vec<String> = texts.flat_map(|text| own_ids(text)).collect();
        ids.sort_unstable();
        ids.dedup();
        (!rows.is_empty()).then_some(Self { table, columns, rows, ids })
    }

    /// The ids of ours that stand in these rows.
    pub(crate) fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Makes a copy for each `every`th number from `from` to `to`, or as many as an alert has deliveries; `ids` are those of
    /// ours that copies have of their own, and `seq` is what a column of that name holds.
    pub(crate) async fn make(
        &self,
        raw: &mut Raw,
        (story, past): (&Story<'_>, &Past<'_>),
        ids: &[String],
        (from, to, every): (u64, u64, u64),
        seq: &str,
    ) {
        let columns = self.columns.iter().enumerate().filter(|(_, column)| column.sort != Sort::Generated);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (place, column) in columns {
            names.push(column.name.as_str());
            values.push(match column.sort {
                _ if column.name == "seq" => seq.to_owned(),
                Sort::Text => self.text(raw, place, (story, past), ids),
                Sort::Whole if self.is_time(place, story) => {
                    format!("t.{} + ({} - {})", column.name, past.at("n.i"), story.told_at)
                }
                Sort::Whole | Sort::Other | Sort::Generated => format!("t.{}", column.name),
            });
        }
        let (names, values, table) = (names.join(", "), values.join(", "), self.table);
        let of_one = if table == "deliveries" { TOLD } else { 1 };
        let places: Vec<String> = (0..of_one).map(|place| format!("SELECT {place} AS place")).collect();
        let places = places.join(" UNION ALL ");
        let mut begin = from.next_multiple_of(every);
        while begin < to {
            let end = (begin + SLICE * every).min(to);
            let numbers = raw.numbers(begin, end, every);
            let statement = format!(
                "INSERT INTO {table} ({names}) SELECT {values} FROM {numbers} AS n CROSS JOIN ({places}) AS p \
                 CROSS JOIN told_{table} AS t"
            );
            raw.run(&statement).await;
            begin = end.next_multiple_of(every);
        }
    }

    /// The text of a column with the names of the copy in place of those that were told.
    fn text(
        &self,
        raw: &Raw,
        place: usize,
        (story, past): (&Story<'_>, &Past<'_>),
        ids: &[String],
    ) -> String {
        let mut value = format!("t.{}", self.columns[place].name);
        let mut put = |name: &str, copy: String| {
            let held = self.rows.iter().filter_map(|row| row[place].as_deref());
            if held.into_iter().any(|text| text.contains(name)) {
                value = format!("replace({value}, '{name}', {copy})");
            }
        };
        put(story.app, past.app("n.i"));
        put(story.rider, format!("'rider-' || (10000 + (n.i + p.place * {APART}) % {RIDERS})"));
        put(story.order, "'order-' || (100000000 + n.i)".to_owned());
        for (number, id) in ids.iter().enumerate().filter(|(_, id)| *id != story.app) {
            let own = if id.starts_with("dlv_") { "n.i * 2 + p.place" } else { "n.i" };
            let (at, own) = (raw.hex(&past.at("n.i"), 12), raw.hex(own, 15));
            put(id, format!("'{}' || {at} || '7{number:03x}8' || {own}", &id[..4]));
        }
        value
    }

    fn is_time(&self, place: usize, story: &Story<'_>) -> bool {
        let held = self.rows.iter().filter_map(|row| row[place].as_deref());
        let near = |text: &str| {
            let number = text.parse::<i64>();
            number.is_ok_and(|number| (number - story.told_at).abs() < DAY_MS)
        };
        held.into_iter().any(near)
    }
}

/// Ids of ours in a text, but those of targets, of which there is one: a prefix of three letters, and 32 digits.
fn own_ids(text: &str) -> Vec<String> {
    const ID: usize = 36;
    let bytes = text.as_bytes();
    let ids = bytes.windows(ID).filter(|window| {
        window[..3].iter().all(u8::is_ascii_lowercase)
            && window[3] == b'_'
            && window[4..].iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    });
    let ids = ids.map(|id| String::from_utf8(id.to_vec()).unwrap());
    ids.filter(|id| !id.starts_with("cbt_")).collect()
}
