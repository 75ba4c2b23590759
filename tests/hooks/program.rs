//! `orderbell hook` as operators use it: what it lists, shows, and says of wrong usage.

use serde_json::Value;

use crate::stage::{Try, program};

fn told(arguments: &[&str]) -> (i32, String, String) {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let output = program(&arguments, b"");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn presets_are_listed_with_titles_and_shown_with_all_that_one_must_know() {
    let (code, listed, _) = told(&["hook", "list"]);
    assert_eq!((code, listed.lines().count()), (0, 19), "{listed}");
    for line in listed.lines() {
        let (name, title) = line.split_once("  ").unwrap();
        assert!(!title.trim().is_empty(), "{line}");
        let (code, shown, _) = told(&["hook", "show", name]);
        assert_eq!(code, 0, "{name}");
        let profile: toml::Table = shown.parse().unwrap_or_else(|error| panic!("{name}: {error}"));
        for member in ["source", "covers", "not_covered", "setup"] {
            assert!(profile["about"][member].as_str().is_some(), "{name}: {member}");
        }
    }
    assert!(told(&["hook", "show", "sf"]).1.contains("# --param dev_id="));
    let (code, _, complaint) = told(&["hook", "show", "nobody"]);
    assert!(code == 2 && complaint.contains("nobody") && complaint.contains("dada"), "{complaint}");
}

/// Every preset as it is shown is a profile that can be tried as a file.
#[test]
fn what_is_shown_can_be_written_to_a_file_and_used() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("mine.toml");
    std::fs::write(&file, told(&["hook", "show", "sky_take_out"]).1).unwrap();
    let tried = Try::of(file.to_str().unwrap(), r#"{"type":2,"orderId":7,"content":"订单号：12"}"#).run();
    assert_eq!(tried.kinds(), ["order.urged"]);
}

#[test]
fn wrong_usage_and_wrong_profiles_end_with_2_and_the_place() {
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("wrong.toml");
    let complaint = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let output = Try::of(file.to_str().unwrap(), "{}").output();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{text}: {complaint}");
        assert!(output.stdout.is_empty());
        complaint
    };
    let wrong = [
        ("map.kind = \"body.x|nofilter\"", "/map/kind"),
        ("map.kind = \"body.\"", "/map/kind"),
        ("map.kind = \"body.k\"\nkinds.a = \"order.nothing\"", "/kinds/a"),
        ("map.kind = \"body.k\"\ncolour = 1", "/colour"),
        ("map.kind = \"body.k\"\n[[verify]]\nscheme = \"magic\"", "/verify/0/scheme"),
        ("map.kind = \n", "line 1"),
        ("preset = \"nobody\"", "/preset"),
    ];
    for (text, place) in wrong {
        let said = complaint(text);
        assert!(said.contains(place), "{text}: {said}");
    }
    let missing = Try::of("nobody", "").output();
    assert_eq!(missing.status.code(), Some(2));
    let option = Try::of("dada", "").with("header", "no colon").output();
    assert_eq!(option.status.code(), Some(2));
    let param = Try::of("dada", "").with("param", "novalue").output();
    assert_eq!(param.status.code(), Some(2));
}

#[test]
fn a_hook_is_added_to_a_data_folder_and_listed() {
    let folder = tempfile::TempDir::new().unwrap();
    let data = folder.path().join("data");
    let hook = |arguments: &[&str]| told(&[&["--data", data.to_str().unwrap(), "hook"], arguments].concat());
    let (code, listed, _) = hook(&["list"]);
    assert!(code == 0 && !listed.contains("/in/") && !data.exists(), "asking makes nothing: {listed}");
    let (code, path, complaint) =
        hook(&["add", "eleme", "--name", "ele-north", "--secret", "s", "--group", "north"]);
    assert_eq!(code, 0, "{complaint}");
    let path = path.trim_end();
    let random = path.strip_prefix("/in/ele-north-").unwrap_or_else(|| panic!("only the path: {path}"));
    assert_eq!(random.len(), 20, "{path}");
    let listed = hook(&["list"]).1;
    assert!(listed.contains(&format!("{path}  app=default preset=eleme mode=live")), "{listed}");
    let wrong: [(&[&str], &str); 5] = [
        (&["add", "eleme", "--name", "Ele", "--secret", "s"], "/name"),
        (&["add", "eleme", "--name", "ele"], "/secrets/secret"),
        (&["add", "sf", "--name", "sf", "--secret", "s"], "/params/dev_id"),
        (&["add", "nobody", "--name", "n"], "nobody"),
        (&["add", "dada"], "--name"),
    ];
    for (arguments, place) in wrong {
        let (code, out, complaint) = hook(arguments);
        assert!(
            code == 2 && out.is_empty() && complaint.contains(place),
            "{arguments:?}: {code}: {complaint}"
        );
    }
    let (code, _, complaint) = hook(&["add", "dada", "--name", "d", "--app", "nobody"]);
    assert!(code == 1 && complaint.contains("no app"), "{complaint}");
    assert_eq!(hook(&["list"]).1.matches("/in/").count(), 1);
}

#[test]
fn a_body_that_cannot_be_read_is_refused_in_words() {
    let sky = |body: &[u8]| Try::of("sky_take_out", body).run();
    for body in [&b"{\"type\":1,"[..], b"\xff\xfe\x00{}", b"{\"type\":1,\"type\":2}"] {
        let tried = sky(body);
        assert_eq!((tried.code, &tried.json["verdict"]), (1, &Value::from("unreadable")), "{tried:#?}");
        assert_eq!(tried.json["ack"]["status"], 400);
        assert!(!tried.json["reason"].as_str().unwrap().is_empty());
    }
    let nothing = sky(b"{\"orderId\":1}");
    assert_eq!((nothing.code, &nothing.json["verdict"]), (1, &Value::from("unmapped")), "{nothing:#?}");
    assert_eq!(nothing.json["ack"]["status"], 200, "it is acknowledged, and someone should look");
}

/// The first fenced block of this language in docs/hooks.md.
fn of_the_page(language: &str) -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hooks.md");
    let page = std::fs::read_to_string(page).unwrap();
    let (_, rest) = page.split_once(&format!("\n```{language}\n")).unwrap();
    rest.split_once("\n```").unwrap().0.to_owned()
}

#[test]
fn the_sender_of_the_page_is_read_by_the_profile_of_the_page() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sender.toml");
    std::fs::write(&file, of_the_page("toml")).unwrap();
    let tried = |body: String| Try::of(file.to_str().unwrap(), body).with("secret", "the-secret").run();
    let told = tried(of_the_page("json"));
    assert!(told.is_good(), "{told:#?}");
    let event = told.event();
    assert_eq!((&event["kind"], &event["order"]["id"]), (&Value::from("order.ready"), &Value::from("A17")));
    assert_eq!(event["target"]["riders"][0], "902341");
    assert_eq!(told.ack(), "success");
    assert!(tried(of_the_page("json").replace("A17", "A18")).is_refused());
}
