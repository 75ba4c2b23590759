//! A stream that has ended, taken apart: server-sent events, or JSON documents one behind the other.

/// How pieces follow each other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Framing {
    /// Server-sent events.
    Events,
    /// One JSON document behind the other, with or without line ends between.
    Lines,
}

/// The data of each piece. A document that is cut off, or none at all, ends the list with what is there.
pub(super) fn pieces(framing: Framing, body: &str) -> Vec<String> {
    match framing {
        Framing::Events => events(body),
        Framing::Lines => documents(body),
    }
}

/// The data of each event. The last counts only behind its empty line, as the standard has it.
fn events(body: &str) -> Vec<String> {
    let body = body.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut events = Vec::new();
    let mut data: Vec<&str> = Vec::new();
    for line in body.split('\n') {
        if let Some(text) = line.strip_prefix("data:") {
            data.push(text.strip_prefix(' ').unwrap_or(text));
        } else if line.is_empty() && !data.is_empty() {
            events.push(data.join("\n"));
            data.clear();
        }
    }
    events
}

fn documents(body: &str) -> Vec<String> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(body).into_iter::<serde_json::Value>();
    let mut began = 0;
    while let Some(document) = stream.next() {
        let ended = stream.byte_offset();
        match document {
            Ok(_) => documents.push(body[began..ended].trim().to_owned()),
            Err(error) if error.is_eof() => break,
            // No JSON: it is judged as it stands.
            Err(_) => {
                documents.push(body[began..].to_owned());
                break;
            }
        }
        began = ended;
    }
    documents
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_the_standard_has_them() {
        let body = "\u{feff}: hello\nevent: x\ndata: {\"a\":1}\n\ndata:two\r\ndata: lines\r\n\r\nid: 1\n\ndata: cut off";
        assert_eq!(pieces(Framing::Events, body), ["{\"a\":1}", "two\nlines"]);
    }

    #[test]
    fn documents_are_read_with_and_without_lines() {
        assert_eq!(
            pieces(Framing::Lines, "{\"a\":1}\n{\"b\":2}{\"c\":3}\r\n\n"),
            ["{\"a\":1}", "{\"b\":2}", "{\"c\":3}"]
        );
        assert_eq!(pieces(Framing::Lines, "{\"a\":1}{\"b\":"), ["{\"a\":1}"]);
        assert_eq!(pieces(Framing::Lines, "<html>"), ["<html>"]);
        assert!(pieces(Framing::Lines, "").is_empty());
    }
}
