//! `orderbell speech` as operators use it: sentences, parts ahead, samples; with espeak-ng and with a server that speaks
//! OpenAI's protocol.

use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::fake::{Answer, Fake};
use crate::support::{Process, TestServer, cli, client, eventually, log_of, reply, run};

/// One line of JSON on stdout.
fn told(output: &std::process::Output) -> Value {
    let complaint = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {complaint}"))
}

/// Runs `speech …` with this configuration.
async fn speech(folder: &TempDir, config: &str, arguments: &[&str]) -> std::process::Output {
    let file = folder.path().join("orderbell.toml");
    std::fs::write(&file, config).unwrap();
    cli(folder.path(), &[&["speech"], arguments, &["--config", file.to_str().unwrap()]].concat()).await
}

/// A sound of so many milliseconds, as a voice's file.
fn wav(ms: i32) -> Vec<u8> {
    let samples = (0..24 * ms).map(|n| i16::try_from((n % 109 - 54) * 150).unwrap());
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let size = u32::try_from(data.len()).unwrap();
    let mut file = b"RIFF".to_vec();
    file.extend((size + 36).to_le_bytes());
    file.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0\xc0\x5d\0\0\x80\xbb\0\0\x02\0\x10\0data");
    file.extend(size.to_le_bytes());
    file.extend(data);
    file
}

fn with_cloud(fake: &Fake) -> String {
    format!(
        "[speech]\nchain = ['cloud', 'espeak-ng']\n[speech.engines.cloud]\nkind = 'openai'\nbase_url = '{}'\n\
         format = 'wav'\napi_key = 'a-key-not-to-be-shown'\nattempts = 1\nvoices = {{ zh-CN = 'zf_xiaobei' }}\n",
        fake.url()
    )
}

fn duration_s(file: &Path) -> f64 {
    let shown = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"];
    run("ffprobe", &[&shown[..], &[file.to_str().unwrap()]].concat()).trim().parse().unwrap()
}

#[tokio::test]
async fn a_text_is_said_and_written() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("said.mp3");
    let arguments = ["say", "尾号8607，1.2公里", "--profile", "street", "--out", file.to_str().unwrap()];
    let first = told(&speech(&folder, "", &arguments).await);
    assert_eq!((&first["engine"], &first["cached"]), (&json!("espeak-ng"), &json!(false)));
    assert_eq!(first["said"], "尾号八六零七，一点二公里");
    assert_eq!((&first["profile"], &first["tail_ms"]), (&json!("street"), &json!(45_000)));
    assert_eq!(first["bytes"], std::fs::metadata(&file).unwrap().len());
    let said_s = first["duration_ms"].as_f64().unwrap() / 1e3;
    assert!((duration_s(&file) - said_s).abs() < 0.03, "{said_s}");
    let output =
        speech(&folder, "", &["say", "你好", "--format", "wav", "--out", "-", "--speed", "150"]).await;
    assert!(output.status.success() && output.stdout.starts_with(b"RIFF"), "{:?}", output.status);
    assert!(String::from_utf8_lossy(&output.stderr).contains("\"said\":\"你好\""));
}

#[tokio::test]
async fn a_phrase_is_said_in_its_parts() {
    let folder = TempDir::new().unwrap();
    let arguments =
        ["say", "--kind", "order.offered", "--var", "merchant=测试面馆", "--var", "fee_cents=580"];
    let arguments = [&arguments[..], &["--var", "distance_m=1200", "--var", "platform=meituan"]].concat();
    let said = told(&speech(&folder, "", &arguments).await);
    let parts: Vec<&str> = said["parts"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(parts.contains(&"测试面馆，") && parts.contains(&"五元八角，") && parts.len() > 5, "{parts:?}");
    assert_eq!(parts.concat(), said["said"].as_str().unwrap());
    for (wrong, named) in [
        (&["say", "--kind", "order.sung"][..], "--kind order.sung has no phrase"),
        (&["say", "你好", "--voice", "nobody"], "--voice nobody"),
        (&["say", ""], "the text"),
        (&["say", "你好", "--lang", "fr"], "zh-CN, yue or en"),
        (&["say", "你好", "--speed", "400"], "--speed"),
        (&["say"], "required"),
        (&["say", "你好", "--out", "hello.ogg"], "ends in .mp3 or .wav"),
        (&["say", "你好", "--out", "hello.mp3", "--format", "wav"], "differ"),
        (&["say", "你好", "--kind", "order.new"], "cannot be used with"),
    ] {
        let output = speech(&folder, "", wrong).await;
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && complaint.contains(named), "{wrong:?}: {complaint}");
    }
}

#[tokio::test]
async fn an_engine_is_asked_by_its_name_and_its_failure_is_survived() {
    let folder = TempDir::new().unwrap();
    let fake = Fake::always(Answer::ok("audio/wav", wav(1_000))).await;
    let said = told(&speech(&folder, &with_cloud(&fake), &["say", "请及时接单"]).await);
    assert_eq!((&said["engine"], &said["cached"]), (&json!("cloud"), &json!(false)));
    let asked = fake.requests();
    assert_eq!((asked.len(), &asked[0].json()["input"]), (1, &json!("请及时接单")));
    assert_eq!(asked[0].header("authorization"), Some("Bearer a-key-not-to-be-shown"));
    // What was made is kept, and found by the next process.
    let again = told(&speech(&folder, &with_cloud(&fake), &["say", "请及时接单"]).await);
    assert_eq!((&again["engine"], &again["bytes"]), (&json!("cloud"), &said["bytes"]));
    assert_eq!(fake.requests().len(), 1);

    let broken = Fake::always(Answer::with(401, "text/html", "<h1>no</h1>")).await;
    let output = speech(&folder, &with_cloud(&broken), &["say", "别的话"]).await;
    assert_eq!(told(&output)["engine"], "espeak-ng");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("a-key-not-to-be-shown"));
}

/// A voice that is quick to ask and short to work on: it is the number of parts that matters.
async fn quick_voice() -> (Fake, String) {
    let fake = Fake::always(Answer::ok("audio/wav", wav(60))).await;
    let config = with_cloud(&fake)
        .replace("voices = { zh-CN = 'zf_xiaobei' }", "voices = { yue = 'hiu' }\nconcurrency = 32");
    (fake, config)
}

#[tokio::test]
async fn parts_made_ahead_are_found_by_a_server_that_runs() {
    let folder = TempDir::new().unwrap();
    let (fake, config) = quick_voice().await;
    let process = Process::serve(folder.path(), &config).await;
    let merchants = folder.path().join("merchants.txt");
    std::fs::write(&merchants, "測試麵館\n\n幸福小館\n").unwrap();
    let texts = folder.path().join("texts.txt");
    std::fs::write(&texts, "今日有雨，請小心\n").unwrap();
    let [merchants, texts] = [&merchants, &texts].map(|path| path.to_str().unwrap());
    let arguments = ["warm", "--lang", "yue", "--merchants", merchants, "--fees", "3-3", "--texts", texts];
    let output = speech(&folder, &config, &arguments).await;
    let made = told(&output);
    assert!(output.status.success() && made["failed"] == 0, "{made}");
    assert!(made["made"].as_u64().unwrap() > 50 && made["made"] == made["asked"], "{made}");
    assert_eq!(fake.requests().len() as u64, made["made"].as_u64().unwrap());
    let inputs: Vec<String> = fake.requests().iter().map(|asked| asked.json()["input"].to_string()).collect();
    for text in ["測試麵館", "三蚊", "今日有雨"] {
        assert!(inputs.iter().any(|input| input.contains(text)), "{text}: {inputs:?}");
    }
    // Another process asks for nothing more, nor does the server that was there before.
    let again = told(&speech(&folder, &config, &arguments).await);
    assert_eq!(
        (&again["made"], &again["characters"], &again["asked"]),
        (&json!(0), &json!(0), &made["asked"])
    );
    let key = cli(folder.path(), &["keys", "create", "--name", "k", "--scopes", "ingest"]).await;
    let key = String::from_utf8(key.stdout).unwrap();
    let body = json!({"kind": "order.new", "lang": "yue", "vars": {"merchant": "測試麵館"}});
    let said = client().post(format!("{}/v1/speech", process.url)).bearer_auth(key.trim()).json(&body);
    let said = reply(said).await;
    assert_eq!((said.status, &said.json["data"]["engine"]), (200, &json!("cloud")), "{}", said.json);
    assert_eq!(fake.requests().len() as u64, made["made"].as_u64().unwrap());
    assert_eq!(process.terminate().await, 0);
}

#[tokio::test]
async fn what_cannot_be_made_ahead_is_told() {
    let folder = TempDir::new().unwrap();
    let wrong = speech(&folder, "", &["warm", "--fees", "30-1"]).await;
    assert_eq!(wrong.status.code(), Some(2));
    let wrong = speech(&folder, "", &["warm", "--merchants", "/nowhere"]).await;
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("reading /nowhere"));
    let (_fake, config) = quick_voice().await;
    let config = config.replace("'cloud', 'espeak-ng'", "'cloud'");
    let nobody = speech(&folder, &config, &["warm", "--lang", "en"]).await;
    let told = told(&nobody);
    assert_eq!((nobody.status.code(), &told["failed"]), (Some(1), &told["asked"]), "{told}");
}

#[tokio::test]
async fn samples_stand_side_by_side_with_their_figures() {
    let folder = TempDir::new().unwrap();
    let fake = Fake::always(Answer::ok("audio/wav", wav(1_000))).await;
    let out = folder.path().join("listen");
    let arguments = ["listen", "--out", out.to_str().unwrap(), "--text", "请<及时>接单"];
    let output = speech(&folder, &with_cloud(&fake), &arguments).await;
    let lines = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(output.status.success(), "{lines:?}");
    let (summary, samples) = lines.split_last().unwrap();
    // Two engines, two modes, two profiles.
    assert_eq!((samples.len(), &summary["samples"], &summary["failed"]), (8, &json!(8), &json!(0)));
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(!page.contains("<script") && !page.contains("<及时>"), "{page}");
    for sample in samples {
        let file = sample["file"].as_str().unwrap();
        assert!(page.contains(file) && out.join(file).is_file(), "{file}");
        let (length_s, lufs) =
            (sample["duration_ms"].as_f64().unwrap() / 1e3, sample["lufs"].as_f64().unwrap());
        assert!((duration_s(&out.join(file)) - 0.5 - length_s).abs() < 0.1, "{sample}");
        assert!((-20.0..-8.0).contains(&lufs) && sample["peak_dbtp"].as_f64().unwrap() <= -0.5, "{sample}");
    }
    let broken =
        Fake::always(Answer::with(402, "application/json", "{\"error\":{\"code\":\"insufficient_quota\"}}"))
            .await;
    let output = speech(
        &folder,
        &with_cloud(&broken),
        &["listen", "--out", out.to_str().unwrap(), "--text", "新的话"],
    )
    .await;
    let lines = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{lines}");
    let failed: Vec<&str> = lines.lines().filter(|line| line.contains("\"failed\":\"")).collect();
    assert!(failed.len() == 4 && failed.iter().all(|line| line.contains("\"engine\":\"cloud\"")), "{lines}");
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("class=\"bad\""), "{page}");
}

#[tokio::test]
async fn a_check_has_every_engine_speak_for_itself() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("orderbell.toml");
    let good = Fake::always(Answer::ok("audio/wav", wav(4_000))).await;
    let bad =
        Fake::always(Answer::with(401, "application/json", "{\"error\":{\"code\":\"invalid_api_key\"}}"))
            .await;
    for (fake, fails) in [(&good, false), (&bad, true)] {
        std::fs::write(&file, with_cloud(fake)).unwrap();
        let output = cli(folder.path(), &["check", "--json", "--config", file.to_str().unwrap()]).await;
        let report = told(&output);
        let findings = report["checks"].as_array().unwrap();
        let found = findings.iter().find(|finding| finding["name"] == "voice.cloud.mandarin").unwrap();
        // Slow is told as well, on a busy machine.
        assert_eq!(found["level"] == "FAIL", fails, "{found}");
        assert!(findings.iter().any(|finding| finding["name"] == "voice.mandarin"), "{report}");
        assert_eq!(fake.requests().len(), 1, "it costs what one sentence costs");
        assert!(!report.to_string().contains("a-key-not-to-be-shown"));
    }
}

#[tokio::test]
async fn a_server_makes_parts_ahead_once() {
    let (fake, config) = quick_voice().await;
    let changes = format!("[speech.prewarm]\nlanguages = ['yue']\nfees = ''\n{config}");
    let server = TestServer::start(&changes).await;
    let ready = async |server: &TestServer| {
        eventually("all parts are made", async || {
            let is_ready = server.metrics().await.contains("orderbell_prewarm_parts_left 0\n");
            (is_ready && fake.requests().len() > 50).then_some(())
        })
        .await;
    };
    ready(&server).await;
    let asked = fake.requests().len();
    let server = TestServer::start_in(server.stop().await, &changes).await;
    ready(&server).await;
    assert_eq!(fake.requests().len(), asked, "what is kept costs nothing");
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_makes_parts_ahead_serves_and_stops_at_once() {
    let folder = TempDir::new().unwrap();
    let process = Process::serve(folder.path(), "[speech.prewarm]\nenabled = true\n").await;
    assert_eq!(process.terminate().await, 0);
    assert!(!log_of(folder.path()).contains("panicked"));
}
