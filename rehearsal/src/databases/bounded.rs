//! Programs that end: by themselves, at a limit of time, or when they are no longer wanted.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

const POLL: Duration = Duration::from_millis(10);
/// Of what a program says, so much is kept: its beginning, where the first error stands.
const KEPT: u64 = 1 << 20;

/// How a program ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Nothing where it was ended.
    pub(super) status: Option<ExitStatus>,
    pub(super) out: String,
    pub(super) errors: String,
}

/// Runs a program to its end, and no longer than the limit or until `stop` is set: then every process of it is ended.
pub(super) fn run(command: &mut Command, limit: Duration, stop: &AtomicBool) -> io::Result<Ended> {
    // A group of its own: pg_basebackup has a second process that receives the log.
    let mut child = command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, errors) = (listen(child.stdout.take()), listen(child.stderr.take()));
    let deadline = Instant::now() + limit;
    let status = loop {
        match child.try_wait()? {
            Some(status) => break Some(status),
            None if Instant::now() >= deadline || stop.load(Ordering::Relaxed) => break None,
            None => sleep(POLL),
        }
    };
    if status.is_none() {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // Who has ended by itself needs no signal.
            let _sent = kill_process_group(group, Signal::KILL);
        }
        let _ended = child.wait();
    }
    let said = |listener: std::thread::JoinHandle<String>| listener.join().unwrap_or_default();
    Ok(Ended { status, out: said(out), errors: said(errors) })
}

/// Reads a stream to its end, so that who writes it never waits for a reader.
fn listen(stream: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut stream) = stream {
            // A stream that cannot be read has ended.
            let _read = stream.by_ref().take(KEPT).read_to_end(&mut kept);
            let _rest = io::copy(&mut stream, &mut io::sink());
        }
        String::from_utf8_lossy(&kept).into_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> (Ended, Duration) {
        let begun = Instant::now();
        let ended = run(Command::new("sh").args(["-c", script]), limit, &AtomicBool::new(false)).unwrap();
        (ended, begun.elapsed())
    }

    #[test]
    fn a_program_is_heard_to_its_end_however_much_it_says() {
        let (ended, _) = shell("head -c 3000000 /dev/zero; echo wrong >&2; exit 3", Duration::from_secs(60));
        assert_eq!(ended.status.and_then(|status| status.code()), Some(3));
        assert_eq!((ended.out.len(), ended.errors.as_str()), (1 << 20, "wrong\n"));
    }

    #[test]
    fn a_program_that_does_not_end_is_ended_with_its_children() {
        let (ended, took) = shell("echo begun; sleep 600 & sleep 600", Duration::from_millis(300));
        assert!(ended.status.is_none() && ended.out == "begun\n");
        // A child that lived on would have kept the stream open.
        assert!(took < Duration::from_secs(30), "{took:?}");
    }
}
