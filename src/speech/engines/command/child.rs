//! One run of a program: what it is given, how much is taken from it, and the end of everything it has started.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// The end of the error output, where programs say why they failed.
const COMPLAINT_BYTES_MAX: usize = 2_048;

/// Bytes of any file that it writes. Not much less: libraries make files of 64 MiB in memory for what they share.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// A program with what it is given.
pub(super) struct Job<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<String>,
    /// All of its environment.
    pub(super) env: &'a BTreeMap<String, String>,
    /// What it reads.
    pub(super) input: String,
    /// Bytes that it may write to its output.
    pub(super) bytes_max: u64,
}

/// How it ended.
pub(super) enum Ended {
    /// By itself.
    With { status: ExitStatus, output: Vec<u8>, complaint: String },
    /// By us: it wrote more than it may.
    TooMuch,
}

/// The program and whatever it has started: they share a group, and leave together unless it has ended by itself.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // Gone already, most likely.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Job<'_> {
    /// Runs it. Dropping the future ends it and all it has started.
    pub(super) async fn run(self) -> io::Result<Ended> {
        let mut child = Command::new(self.program)
            .args(&self.arguments)
            .env_clear()
            .envs(self.env)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let mut group = Group(pid);
        if let Some(pid) = pid {
            // A file that grows and grows would fill the disk before anybody looks at it.
            let limit = Some(FILE_BYTES_MAX);
            let _ = prlimit(Some(pid), Resource::Fsize, Rlimit { current: limit, maximum: limit });
        }
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let input = self.input;
        let write = async move {
            if let Some(mut stdin) = stdin {
                // Who ends early closes the pipe; the status says more than the broken pipe.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
        };
        let bytes_max = self.bytes_max;
        let read = async move {
            let mut output = Vec::new();
            match stdout {
                // One more than allowed, to tell "full" from "too much".
                Some(stdout) => stdout.take(bytes_max + 1).read_to_end(&mut output).await.map(|_| output),
                None => Ok(output),
            }
        };
        // The complaints are read beside: a program that says much must not wait for us, and one that floods its output
        // must not be waited for.
        let complain = end_of(stderr);
        let talk = async {
            let ((), output) = tokio::join!(write, read);
            let output = output?;
            if output.len() as u64 > bytes_max { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(output) }
        };
        let (output, complaint) = match tokio::try_join!(talk, async { Ok::<_, io::Error>(complain.await) }) {
            Ok(told) => told,
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Ok(Ended::TooMuch),
            Err(error) => return Err(error),
        };
        let status = child.wait().await?;
        group.0 = None;
        Ok(Ended::With { status, output, complaint })
    }
}

/// All that comes, of which the end is kept.
async fn end_of(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = Vec::new();
    let mut chunk = [0; COMPLAINT_BYTES_MAX];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..read]);
        kept.drain(..kept.len().saturating_sub(COMPLAINT_BYTES_MAX));
    }
    String::from_utf8_lossy(&kept).trim().to_owned()
}
