//! `multipart/form-data` with texts only: some PHP clients post lists so.

use serde_json::Value;

use super::charset::{Charset, parameter};
use super::form::Form;
use super::{Count, DecodeError, refused};

/// Longest head of a part.
const HEAD_MAX: usize = 1_024;

/// Reads the parts; a file is refused.
pub(super) fn read(
    body: &[u8],
    content_type: &str,
    charset: Charset,
    count: &Count,
) -> Result<Value, DecodeError> {
    let boundary = parameter(content_type, "boundary").filter(|text| (1..=70).contains(&text.len()));
    let boundary = boundary.ok_or_else(|| malformed("no boundary in the content type"))?;
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let mut form = Form::new(count);
    let mut rest =
        body.strip_prefix(&delimiter[2..]).ok_or_else(|| malformed("not its boundary at first"))?;
    while let Some(parts) = rest.strip_prefix(b"\r\n") {
        let (part, behind) = split(parts, &delimiter).ok_or_else(|| malformed("a part without its end"))?;
        let head_end = &part[..part.len().min(HEAD_MAX)];
        let (head, _) = split(head_end, b"\r\n\r\n").ok_or_else(|| malformed("a part without its head"))?;
        let value = &part[head.len() + 4..];
        form.add(&name(&charset.text(head)?)?, charset.text(value)?.into_owned())?;
        rest = behind;
    }
    if !rest.starts_with(b"--") {
        return Err(malformed("the last boundary is missing"));
    }
    Ok(form.value())
}

/// The field that a head names.
fn name(head: &str) -> Result<String, DecodeError> {
    let disposition = head.split("\r\n").find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition = disposition.ok_or_else(|| malformed("a part without its name"))?;
    if ["filename", "filename*"].iter().any(|key| parameter(disposition, key).is_some()) {
        return Err(malformed("files are not taken"));
    }
    parameter(disposition, "name").map(str::to_owned).ok_or_else(|| malformed("a part without its name"))
}

/// What stands before and behind the first such bytes.
fn split<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(by.len()).position(|window| window == by)?;
    Some((&bytes[..at], &bytes[at + by.len()..]))
}

fn malformed(detail: &str) -> DecodeError {
    refused("malformed_form", detail.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::charset::Charset;
    use super::super::{Count, DecodeError};

    fn read(body: &str) -> Result<Value, DecodeError> {
        let content_type = "multipart/form-data; boundary=\"xx\"";
        super::read(body.as_bytes(), content_type, Charset::default(), &Count::default())
    }

    fn part(head: &str, value: &str) -> String {
        format!("--xx\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
    }

    #[test]
    fn texts_are_read_and_nest() {
        let body = part("name=\"a[b]\"", "测 试") + &part("name=\"c\"", "x\r\n--y") + "--xx--\r\n";
        assert_eq!(read(&body).unwrap(), json!({"a":{"b":"测 试"},"c":"x\r\n--y"}));
        assert_eq!(read("--xx--").unwrap(), json!({}));
    }

    #[test]
    fn files_and_broken_parts_are_refused() {
        let whole = part("name=\"a\"", "1");
        let file = part("name=\"a\"; filename=\"a.png\"", "1") + "--xx--";
        let nameless = part("size=1", "1") + "--xx--";
        for body in [&*file, &*nameless, &*whole, "--yy--", "--xx", "--xx\r\nname=a\r\n--xx--"] {
            assert_eq!(read(body).unwrap_err().reason, "malformed_form", "{body:?}");
        }
        assert_eq!(read(&(whole.repeat(2) + "--xx--")).unwrap_err().reason, "duplicate_member");
    }
}
