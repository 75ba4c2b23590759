//! Tables as CSV files (RFC 4180), safe to open in a spreadsheet.
//! A cell that a spreadsheet would take for a formula gets an apostrophe in front.

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, LINK};
use http::{HeaderMap, HeaderValue};

/// A file in the making.
pub struct Csv {
    text: String,
    columns: usize,
}

/// A finished file, and what goes with it.
pub struct CsvFile {
    /// The file.
    pub csv: Csv,
    /// Its name, in letters, digits, `-` and `.`.
    pub name: String,
    /// The query of the request that goes on where this ends.
    pub next: Option<String>,
}

/// Whether the file begins with a mark that it is UTF-8: Excel takes it for something else without.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Bom {
    /// It does.
    Yes,
    /// It does not.
    No,
}

impl Csv {
    /// A file with these columns, and no row so far.
    #[must_use]
    pub fn new(columns: &[&str], bom: Bom) -> Self {
        let text = match bom {
            Bom::Yes => "\u{FEFF}".to_owned(),
            Bom::No => String::new(),
        };
        let mut csv = Self { text, columns: columns.len() };
        csv.row(columns.iter().map(|&column| column.to_owned()));
        csv
    }

    /// Adds a row, a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut count = 0;
        for cell in cells {
            if count > 0 {
                self.text.push(',');
            }
            self.cell(&cell);
            count += 1;
        }
        debug_assert_eq!(count, self.columns, "a cell for each column");
        self.text.push_str("\r\n");
    }

    /// The file.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    fn cell(&mut self, cell: &str) {
        let guard = if is_formula(cell) { "'" } else { "" };
        if cell.contains(['"', ',', '\r', '\n']) {
            self.text.push('"');
            self.text.push_str(guard);
            self.text.push_str(&cell.replace('"', "\"\""));
            self.text.push('"');
        } else {
            self.text.push_str(guard);
            self.text.push_str(cell);
        }
    }
}

/// Whether a spreadsheet would compute it; full-width signs count in East Asian ones.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['\'', '=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

impl IntoResponse for CsvFile {
    fn into_response(self) -> Response {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
        if let Ok(named) = HeaderValue::from_str(&format!("attachment; filename=\"{}\"", self.name)) {
            headers.insert(CONTENT_DISPOSITION, named);
        }
        let next = self.next.and_then(|next| HeaderValue::from_str(&format!("<?{next}>; rel=\"next\"")).ok());
        if let Some(next) = next {
            headers.insert(LINK, next);
        }
        (headers, self.csv.into_text()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::{Bom, Csv};

    fn cells(cells: [&str; 2]) -> [String; 2] {
        cells.map(str::to_owned)
    }

    #[test]
    fn what_would_break_a_row_is_quoted() {
        let mut csv = Csv::new(&["rider", "trouble"], Bom::No);
        csv.row(cells(["骑手", ""]));
        csv.row(cells(["a,b", "say \"hi\"\r\nthere"]));
        let text = csv.into_text();
        assert_eq!(text, "rider,trouble\r\n骑手,\r\n\"a,b\",\"say \"\"hi\"\"\r\nthere\"\r\n");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for start in ["=", "+", "-", "@", "\t", "＝", "＠"] {
            let mut csv = Csv::new(&["a", "b"], Bom::No);
            csv.row(cells([&format!("{start}1"), "x"]));
            assert!(csv.into_text().ends_with(&format!("\r\n'{start}1,x\r\n")), "{start}");
        }
        let mut csv = Csv::new(&["a", "b"], Bom::No);
        csv.row(cells(["=HYPERLINK(\"http://x\",\"y\")", "1-2"]));
        assert!(csv.into_text().ends_with("\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",1-2\r\n"));
    }

    #[test]
    fn a_mark_stands_before_everything() {
        assert_eq!(Csv::new(&["a"], Bom::Yes).into_text(), "\u{FEFF}a\r\n");
    }
}
