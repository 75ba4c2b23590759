//! Backups beside a running server, and what begins when one is put back: another life of the data, which riders are
//! told whole, whatever they have heard in the life that is gone.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{refused, told};
use crate::support::{Process, QUICK, RiderSocket, TestServer, cli, cli_with, data_of, eventually, reply};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

async fn backup(folder: &TempDir) -> String {
    let to = folder.path().join("backup").to_str().unwrap().to_owned();
    told(folder, &["backup", "--to", &to]).await;
    to
}

#[tokio::test]
async fn a_backup_that_is_put_back_is_told_whole_and_counts_anew() {
    let server = TestServer::start(QUICK).await;
    let mut rider = RiderSocket::connect(&server, "r1").await;
    let epoch = rider.welcome["epoch"].clone();
    let kept = server.alert_for("r1", "order.new").await;
    let alert = rider.alert().await;
    rider.ack(&alert).await;
    eventually("the acknowledgement is kept", async || {
        (server.delivery(&kept).await["state"] == "received").then_some(())
    })
    .await;
    let to = TempDir::new().unwrap();
    let path = to.path().join("monday").to_str().unwrap().to_owned();
    let output = cli(server.data().parent().unwrap(), &["backup", "--to", &path]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    // What comes after the backup is gone with the machine.
    let lost = server.alert_for("r1", "order.urged").await;
    let second = rider.alert().await;
    assert_eq!((second["id"].as_str(), &second["seq"]), (Some(lost.as_str()), &json!(2)));
    rider.ack(&second).await;
    let (key, token) = (server.key.clone(), server.token("r1").await);
    server.stop().await;

    let folder = TempDir::new().unwrap();
    let restored: Value = serde_json::from_str(&told(&folder, &["restore", "--from", &path]).await).unwrap();
    assert_ne!(restored["epoch"], epoch);
    let server = TestServer::start_in(folder, QUICK).await;
    let hello = json!({"token": token, "device": "phone", "epoch": epoch, "cursor": 2});
    let mut rider = RiderSocket::hello(&server, hello).await;
    assert_eq!(
        (&rider.welcome["epoch"], &rider.welcome["resumed"], &rider.welcome["seq"]),
        (&restored["epoch"], &json!(false), &json!(1))
    );
    assert_eq!(rider.welcome["open"], json!([{"id": kept, "ring": 1}]), "what was lost is not open");
    let again = rider.alert().await;
    assert_eq!((again["id"].as_str(), &again["seq"]), (Some(kept.as_str()), &json!(1)));
    let clip = reply(server.request("GET", again["audio"]["url"].as_str().unwrap())).await;
    assert_eq!(clip.status, 200, "clips are made again from what the database knows of them");
    // The number of the lost alert is given again, in a life in which nobody has heard it.
    let new = server.alert_for("r1", "order.urged").await;
    let alert = rider.alert().await;
    assert_eq!((alert["id"].as_str(), &alert["seq"]), (Some(new.as_str()), &json!(2)));
    assert_eq!(server.call_as(&key, "GET", "/v1/riders/r1", Value::Null).await.status, 200, "keys are kept");
    server.stop().await;
}

#[tokio::test]
async fn a_backup_is_for_its_owner_and_goes_nowhere_twice() {
    let folder = TempDir::new().unwrap();
    refused(&folder, &["backup", "--to", folder.path().join("none").to_str().unwrap()]).await;
    assert!(!folder.path().join("none").exists() && !folder.path().join("none.partial").exists());
    told(&folder, &["token", "--rider", "r1"]).await;
    let process = Process::serve(folder.path(), "").await;
    let to = backup(&folder).await;
    assert_eq!(process.terminate().await, 0);
    let to = Path::new(&to);
    assert_eq!(mode(to), 0o700);
    let mut names: Vec<_> = std::fs::read_dir(to).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["backup.json", "node.key", "orderbell.db"]);
    for name in names {
        assert_eq!(mode(&to.join(&name)), 0o600, "{}", name.display());
    }
    let key = std::fs::read_to_string(to.join("node.key")).unwrap();
    assert!(!std::fs::read_to_string(to.join("backup.json")).unwrap().contains(&key));
    let (_, complaint) = refused(&folder, &["backup", "--to", to.to_str().unwrap()]).await;
    assert!(complaint.contains("is there already"), "{complaint}");
    let noted = std::fs::read_to_string(data_of(folder.path()).join("last_backup.json")).unwrap();
    assert!(noted.contains("backup"), "{noted}");
    // A folder that has data keeps them.
    let (_, complaint) = refused(&folder, &["restore", "--from", to.to_str().unwrap()]).await;
    assert!(complaint.contains("is there already"), "{complaint}");
}

#[tokio::test]
async fn a_damaged_or_foreign_backup_is_refused_and_leaves_nothing() {
    let source = TempDir::new().unwrap();
    told(&source, &["token", "--rider", "r1"]).await;
    let to = backup(&source).await;
    let (database, manifest) = (Path::new(&to).join("orderbell.db"), Path::new(&to).join("backup.json"));
    let (bytes, text) = (std::fs::read(&database).unwrap(), std::fs::read_to_string(&manifest).unwrap());
    let target = TempDir::new().unwrap();
    let fails = async |words: &str| {
        let (_, complaint) = refused(&target, &["restore", "--from", &to]).await;
        let last = complaint.lines().last().unwrap();
        assert!(last.contains(words), "{words}: {last}");
        assert!(!data_of(target.path()).join("orderbell.db").exists(), "{words}");
        assert!(!data_of(target.path()).join("node.key").exists(), "{words}");
    };
    let mut wrong = bytes.clone();
    wrong[5000] ^= 1;
    std::fs::write(&database, wrong).unwrap();
    fails("checksum").await;
    std::fs::write(&database, &bytes[..bytes.len() - 1]).unwrap();
    fails("checksum").await;
    std::fs::write(&database, &bytes).unwrap();
    std::fs::write(&manifest, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    fails("format 2").await;
    std::fs::remove_file(&manifest).unwrap();
    fails("backup.json").await;
    std::fs::write(&manifest, &text).unwrap();

    let other = [("ORDERBELL_SECRETS__NODE_KEY", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")];
    let output = cli_with(target.path(), &["restore", "--from", &to], &other).await;
    let complaint = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && complaint.contains("another node key"), "{complaint}");
    told(&target, &["restore", "--from", &to]).await;
    told(&target, &["token", "--rider", "r1"]).await;
}

#[tokio::test]
async fn a_backup_of_a_newer_program_is_refused() {
    let source = TempDir::new().unwrap();
    told(&source, &["token", "--rider", "r1"]).await;
    let to = backup(&source).await;
    super::migrate::change_file(
        &Path::new(&to).join("orderbell.db"),
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (999, 'later', 1, x'00', 0)",
    )
    .await;
    // The checksum says what was written; this one is as a newer program writes it.
    let manifest = Path::new(&to).join("backup.json");
    let mut told_of: Value = serde_json::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
    let bytes = std::fs::read(Path::new(&to).join("orderbell.db")).unwrap();
    let sum = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let sum: String = sum.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    told_of["files"]["orderbell.db"] = json!({"bytes": bytes.len(), "sha256": sum});
    std::fs::write(&manifest, told_of.to_string()).unwrap();
    let target = TempDir::new().unwrap();
    let (code, complaint) = refused(&target, &["restore", "--from", &to]).await;
    assert!(code == 78 && complaint.contains("newer Orderbell (schema 999"), "{complaint}");
    assert!(!data_of(target.path()).join("orderbell.db").exists());
}
