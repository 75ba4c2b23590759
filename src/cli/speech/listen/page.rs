//! The page of samples: one plain table, which a browser shows from the folder itself, without a server or a script.

use std::fmt::Write;

use super::{Heard, Sample, word};

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\"><title>Voices side by side</title>\n\
    <style>body{font:16px/1.5 sans-serif;margin:2em}table{border-collapse:collapse}th,td{border:1px solid #ccc;\
    padding:.3em .6em;text-align:left}td.n{text-align:right}td.bad{color:#a00}tr.said td{background:#eee}</style>\n\
    </head><body>\n<h1>Voices side by side</h1>\n\
    <p>Loudness is that of the sentence without its chime, decoded: plain aims at -16 LUFS, street at about -11 LUFS. Time is that \
    of one making, and tells little where nothing was asked of the engine: then it had been made before. The engine is \
    asked once for both profiles.</p>\n\
    <table>\n<tr><th>engine</th><th>mode</th><th>profile</th><th>listen</th><th>LUFS</th><th>dBTP</th>\
    <th>length, s</th><th>made in, ms</th><th>characters asked</th></tr>\n";

/// The whole page.
pub(super) fn html(samples: &[Sample]) -> String {
    let mut page = HEAD.to_owned();
    let mut number = 0;
    for sample in samples {
        if sample.number != number {
            number = sample.number;
            let said = escaped(&sample.said.text());
            // Writing to a String cannot fail.
            let _infallible =
                writeln!(page, "<tr class=\"said\"><td colspan=\"9\">{said}</td></tr>").is_err();
        }
        page.push_str(&row(sample));
    }
    page.push_str("</table>\n</body></html>\n");
    page
}

fn row(sample: &Sample) -> String {
    let named = format!(
        "<tr><td>{} ({})</td><td>{}</td><td>{}</td>",
        escaped(&sample.engine),
        sample.kind,
        word(sample.mode),
        sample.profile.as_str()
    );
    let rest = match &sample.heard {
        Ok(Heard { file, level, duration_ms, took, characters }) => format!(
            "<td><audio controls preload=\"none\" src=\"{}\"></audio></td><td class=\"n\">{:.1}</td>\
             <td class=\"n\">{:.1}</td><td class=\"n\">{:.1}</td><td class=\"n\">{}</td><td class=\"n\">{characters}</td>",
            escaped(file),
            level.lufs,
            level.peak_dbtp,
            f64::from(*duration_ms) / 1e3,
            took.as_millis(),
        ),
        Err(why) => format!("<td class=\"bad\" colspan=\"6\">{}</td>", escaped(why)),
    };
    format!("{named}{rest}</tr>\n")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_said_becomes_markup() {
        assert_eq!(escaped("<b a=\"1\">&"), "&lt;b a=&quot;1&quot;&gt;&amp;");
    }
}
