//! `recoveryctl rehearse`, used as its user does: the program itself, the commands that it prints, the real AWS CLI, a client of its
//! name server, another terminal that breaks and mends, and Ctrl-C.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rehearsal::emulator::PythonEnvironment;
use serde_json::Value;

use crate::stage::{Place, SPEED, repository, workplace};

/// As an operator's shell has them. None of it may be used, or appear anywhere.
const CANARY: &str = "CANARYCREDENTIAL";
/// For everything but a recovery.
const SOON: Duration = Duration::from_secs(60);
/// For a recovery, on a machine that does other things too.
const RECOVERED: Duration = Duration::from_secs(240);

/// A rehearsal in a terminal of its own. Dropping it stops it.
struct Terminal {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
    bin: PathBuf,
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("-TERM");
            let _ended = self.child.wait();
        }
    }
}

impl Terminal {
    fn start(arguments: &[&str]) -> Self {
        let cli = PythonEnvironment::prepare_aws_cli(&workplace().target, |line| println!("{line}")).unwrap();
        let bin = cli.interpreter().parent().unwrap().to_owned();
        let mut command = Command::new(program());
        command.arg("rehearse").args(arguments).current_dir(repository()).stdin(Stdio::null());
        hostile(&mut command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        listen(child.stdout.take().unwrap(), &said);
        listen(child.stderr.take().unwrap(), &said);
        Self { child, said, bin }
    }

    fn said(&self) -> Vec<String> {
        self.said.lock().unwrap().clone()
    }

    /// Waits for a line after so many others; the line.
    fn hear_after(&self, seen: usize, patience: Duration, what: &str) -> String {
        let started = Instant::now();
        loop {
            let said = self.said();
            if let Some(line) = said.iter().skip(seen).find(|line| line.contains(what)) {
                return line.clone();
            }
            assert!(started.elapsed() < patience, "{what:?} was not said within {patience:?}:\n{}", said.join("\n"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn hear(&self, patience: Duration, what: &str) -> String {
        self.hear_after(0, patience, what)
    }

    /// The command that was printed below a comment.
    fn printed(&self, comment: &str) -> String {
        let said = self.said();
        let at = said.iter().position(|line| line.starts_with('#') && line.contains(comment));
        said[at.unwrap_or_else(|| panic!("no command for {comment:?}")) + 1].clone()
    }

    /// Pastes a command into a shell whose AWS settings are somebody's real ones.
    fn paste(&self, line: &str) -> Output {
        let mut command = Command::new("sh");
        let path = std::env::var("PATH").unwrap_or_default();
        command.args(["-c", line]).current_dir(repository()).stdin(Stdio::null());
        hostile(&mut command);
        command.env("PATH", format!("{}:{path}", self.bin.display())).output().unwrap()
    }

    /// Pastes a printed command, which has to succeed; what it prints.
    fn works(&self, comment: &str) -> String {
        let line = self.printed(comment);
        let output = self.paste(&line);
        let (out, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{line}\n{out}{errors}");
        assert!(!out.contains("FunctionError") && !out.contains("errorType"), "{line}\n{out}");
        out.into_owned()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    fn wait(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < SOON, "it does not end:\n{}", self.said().join("\n"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn program() -> PathBuf {
    workplace().binaries.join("recoveryctl")
}

/// Sets what leads a real AWS client to a real account, and a proxy that no call may ask.
fn hostile(command: &mut Command) {
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", CANARY),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("AWS_SESSION_TOKEN", CANARY),
        ("AWS_PROFILE", "canary-profile"),
        ("AWS_ENDPOINT_URL", "http://192.0.2.1"),
        ("AWS_ENDPOINT_URL_LAMBDA", "http://192.0.2.1"),
        ("HTTP_PROXY", "http://192.0.2.1:1"),
        ("http_proxy", "http://192.0.2.1:1"),
    ] {
        command.env(name, value);
    }
}

fn listen(stream: impl Read + Send + 'static, said: &Arc<Mutex<Vec<String>>>) {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            println!("{line}");
            said.lock().unwrap().push(line);
        }
    });
}

/// What stands after a word, up to the next space.
fn after(line: &str, word: &str) -> String {
    line.split(word).nth(1).and_then(|rest| rest.split_whitespace().next()).unwrap().to_owned()
}

/// The processes that know this run: its directory, or its endpoint.
fn processes(of: &[&str]) -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let known = entries.filter_map(|entry| {
        let read = |name: &str| fs::read(entry.path().join(name)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let (words, variables) = (read("cmdline").ok()?, read("environ").unwrap_or_default());
        of.iter().any(|word| words.contains(word) || variables.contains(word)).then(|| format!("{words} {variables}"))
    });
    known.filter(|process| !process.trim().is_empty()).collect()
}

/// Every file below a directory.
fn files(below: &Path) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![below.to_owned()]);
    while let Some(path) = open.pop() {
        match fs::read_dir(&path) {
            Ok(entries) => open.extend(entries.flatten().map(|entry| entry.path())),
            Err(_) => found.push(path),
        }
    }
    found
}

/// The first number of the address that a name has, by a question that is written byte by byte.
fn first_number(server: SocketAddr, name: &str) -> Option<u8> {
    let mut question = vec![0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap());
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, 1, 0, 1]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket.send_to(&question, server).unwrap();
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).unwrap();
    // The only record of the answer ends it, with its address; one more record, if any, would be of EDNS, which was not asked for.
    (answer[7] == 1).then(|| answer[length - 4])
}

fn await_number(server: SocketAddr, wanted: u8) {
    let started = Instant::now();
    loop {
        let found = first_number(server, "api.healthcare-platform.com");
        if found == Some(wanted) {
            return;
        }
        assert!(started.elapsed() < SOON, "the name leads to {found:?}, not to {wanted}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn an_operator_plays_by_hand_and_nothing_is_left_behind() {
    let _place = Place::take();
    let mut terminal = Terminal::start(&["--speed", &SPEED.to_string()]);
    terminal.hear(SOON * 2, "Ctrl-C ends it.");
    let number = after(&terminal.hear(SOON, "Rehearsal "), "Rehearsal ");
    let endpoint = after(&terminal.hear(SOON, "is ready: "), "is ready: ");
    let logs = after(&terminal.hear(SOON, "Logs and every call: "), "Logs and every call: ");
    let server: SocketAddr = format!("127.0.0.1:{}", after(&terminal.printed("Route 53"), "-p ")).parse().unwrap();
    let live = workplace().target.join("rehearsal").join("live").join(&number);
    let session: Value = serde_json::from_slice(&fs::read(live.join("session.json")).unwrap()).unwrap();
    let control: SocketAddr = session["control"].as_str().unwrap().parse().unwrap();
    assert!(control.ip().is_loopback() && endpoint.starts_with("http://127.0.0.1:"));

    what_is_printed_works_as_it_stands(&terminal);
    await_number(server, 192);
    refusals_have_a_code_and_break_nothing(&terminal, &number);
    what_is_made_by_hand_is_real(&terminal);

    terminal.hear(SOON, "is armed");
    assert!(terminal.works("the primary hangs").contains("answers nothing"));
    terminal.hear(RECOVERED, "is completed");
    a_recovery_is_told_as_it_happens(&terminal);
    assert!(terminal.works("point clients at the recovery site").contains("in_progress"));
    assert_eq!(terminal.works("mend everything").trim(), "healed: hang");

    let seen = terminal.said().len();
    terminal.works("Region is gone");
    await_number(server, 198);
    let output = terminal.paste(&terminal.printed("the primary site's databases"));
    assert!(!output.status.success(), "in a dark Region nobody gets an answer");
    terminal.works("mend everything");
    terminal.hear_after(seen, SOON, "healed: region-dark");
    terminal.works("the primary site's databases");
    await_number(server, 192);

    let known = [logs.as_str(), endpoint.as_str()];
    let running = processes(&known);
    assert!(running.len() >= 3, "emulator, client and functions run, and are found: {}", running.len());
    for process in &running {
        assert!(!process.contains(CANARY) && !process.contains("canary-profile"), "a process was given credentials");
    }
    terminal.signal("-INT");
    assert_eq!(terminal.wait().code(), Some(0));
    terminal.hear(SOON, "has ended, and everything that it started");
    assert!(!live.exists(), "{} is left", live.display());
    for address in [control, endpoint.trim_start_matches("http://").parse().unwrap()] {
        assert!(TcpStream::connect(address).is_err(), "something still listens at {address}");
    }
    let left = processes(&known);
    assert!(left.is_empty(), "{left:#?}");
    let files = files(Path::new(&logs));
    assert!(files.iter().any(|file| file.ends_with("requests.jsonl")));
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        assert!(!text.contains(CANARY), "{} holds the caller's credentials", file.display());
        assert!(!text.contains(session["token"].as_str().unwrap()), "{} holds the token", file.display());
    }
    assert!(!terminal.said().iter().any(|line| line.contains(CANARY)));
    let output = terminal.paste(&format!("{} rehearse fault hang --rehearsal {number}", program().display()));
    assert_eq!(output.status.code(), Some(2), "nobody answers any more");
    assert!(String::from_utf8_lossy(&output.stderr).contains("no_rehearsal"));
}

fn what_is_printed_works_as_it_stands(terminal: &Terminal) {
    assert!(terminal.works("the primary site's databases").contains("healthcare-platform-prod"));
    assert!(terminal.works("the recovery site's").contains("healthcare-platform-dr"));
    assert!(terminal.works("what a recovery would do now").contains("PromoteReadReplica"));
    assert!(terminal.works("how the last recovery stands").contains("quiet"));
    assert!(terminal.works("the replica's role and lag").contains("healthcare-platform-dr"));
    assert!(terminal.works("how far the backups are proven").contains("present"));
    assert!(terminal.works("how each place stands").contains("advisory"));
    assert!(terminal.works("where clients find the database").contains("healthcare-platform-prod"));
    let elsewhere = terminal.paste(&format!("{} --endpoint-url http://192.0.2.1", terminal.printed("the recovery site's")));
    assert_eq!(elsewhere.status.code(), Some(64), "no other address is asked");
}

/// Snapshots, restores and replicas by the AWS CLI; what came of them by psql. The platform's clients write all the time.
fn what_is_made_by_hand_is_real(terminal: &Terminal) {
    assert!(terminal.works("a snapshot of the primary").contains("\"creating\""));
    let again = terminal.paste(&terminal.printed("a snapshot of the primary"));
    assert!(String::from_utf8_lossy(&again.stderr).contains("DBSnapshotAlreadyExists"));
    assert!(terminal.works("the primary as it was when its log was last shipped").contains("\"creating\""));
    // While the snapshot is taken the primary is backing up, and gets no replica.
    let begun = Instant::now();
    loop {
        let made = terminal.paste(&terminal.printed("one replica more in the recovery Region"));
        if made.status.success() {
            break;
        }
        let errors = String::from_utf8_lossy(&made.stderr).into_owned();
        assert!(errors.contains("InvalidDBInstanceState") && begun.elapsed() < SOON, "{errors}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let rows = |output: Output| {
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let numbers = said.lines().find_map(|line| line.split_once('|')?.0.trim().parse::<u64>().ok());
        numbers.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
    };
    let ask = |instance: &str| {
        let begun = Instant::now();
        let told = loop {
            let asked = |line: &String| line.contains(&format!("/{instance} ")) && line.contains("how to ask it: ");
            if let Some(line) = terminal.said().into_iter().find(asked) {
                break line;
            }
            assert!(begun.elapsed() < RECOVERED, "{instance} was not made");
            std::thread::sleep(Duration::from_millis(100));
        };
        rows(terminal.paste(told.split("how to ask it: ").nth(1).unwrap()))
    };
    let rewound = ask("rewound");
    let now = rows(terminal.paste(&terminal.printed("how many rows the primary has")));
    assert!(0 < rewound && rewound < now, "{rewound} of {now} rows are older than the last shipping");
    assert!(ask("one-more") > rewound, "the replica goes on");
    assert!(terminal.works("an instance from that snapshot").contains("restored"));
    let restored = ask("restored");
    assert!(0 < restored && restored < now, "{restored} of {now} rows are older than the snapshot");
}

fn refusals_have_a_code_and_break_nothing(terminal: &Terminal, number: &str) {
    let seen = terminal.said().len();
    for (arguments, code) in [
        ("fault hnag", "fault_unknown"),
        ("fault region-dark:us-west-2", "fault_unknown"),
        ("heal hang", "nothing_to_heal"),
        ("heal al", "fault_unknown"),
    ] {
        let output = terminal.paste(&format!("{} rehearse {arguments} --rehearsal {number}", program().display()));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{arguments}: {errors}");
        assert!(errors.contains(&format!("recoveryctl rehearse: {code}: ")), "{arguments}: {errors}");
    }
    assert!(!terminal.said().iter().skip(seen).any(|line| line.contains("  fault ") || line.contains("  heal ")));
}

fn a_recovery_is_told_as_it_happens(terminal: &Terminal) {
    for told in [
        // The sites,
        "takes connections and answers nothing; takes no writes",
        "takes no connection; takes no writes; groups sg-0f00d",
        "s behind",
        // what clients see,
        "no write is acknowledged any more",
        "POST /patients of API a1b2c3 not limited -> held",
        "parameter /healthcare-platform/database/host healthcare-platform-prod",
        // the alarm, the incident and its steps,
        "alarm healthcare-platform-database-unreachable ALARM",
        "incident                             declared: ",
        "step 02-fence-database               done: the fence is proven",
        "database: RTO",
        // every call that changes something, and who was told.
        "step 04-promote-database             rds:PromoteReadReplica on db:healthcare-platform-dr in us-west-2: 200",
        "operator                             lambda:Invoke on function:healthcare-platform-recovery in us-west-2: 200",
    ] {
        terminal.hear(SOON, told);
    }
    let people = terminal.hear(SOON, "  people  ");
    assert!(people.contains("healthcare-platform"), "{people}");
    let repointed = terminal.said().into_iter().any(|line| {
        line.contains("parameter /healthcare-platform/database/host") && line.contains("-> healthcare-platform-dr.")
    });
    assert!(repointed, "the parameter's change is told");
}

#[test]
fn a_rehearsal_that_is_stopped_before_it_is_ready_leaves_nothing() {
    let _place = Place::take();
    let mut terminal = Terminal::start(&[]);
    terminal.hear(SOON * 2, "starting the simulated sites");
    std::thread::sleep(Duration::from_millis(700));
    let started_by_it = format!("/proc/{0}/task/{0}/children", terminal.child.id());
    let children = fs::read_to_string(started_by_it).unwrap_or_default();
    terminal.signal("-TERM");
    assert_eq!(terminal.wait().code(), Some(0));
    terminal.hear(SOON, "stopped before the sites were ready");
    for child in children.split_whitespace() {
        assert!(!Path::new("/proc").join(child).exists(), "process {child} is left");
    }
}
