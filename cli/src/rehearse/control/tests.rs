//! The control channel, between a server and a client that are both real.

use std::sync::Mutex;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::error::{Code, RehearseError};
use super::super::session::Session;
use super::protocol::LONGEST;
use super::*;

/// Does nothing but remember, and refuses to heal.
#[derive(Default)]
struct Memory(Mutex<Vec<Request>>);

impl Executor for Memory {
    async fn execute(&self, request: &Request) -> Result<String, RehearseError> {
        self.0.lock().unwrap().push(request.clone());
        match request {
            Request::Fault { fault } => Ok(format!("{fault} is broken\nin \"two\" lines")),
            Request::Heal { .. } => Err(RehearseError::new(Code::NothingToHeal, "nothing is broken")),
        }
    }
}

fn fault(text: &str) -> Request {
    Request::Fault { fault: text.to_owned() }
}

async fn with_control(act: impl AsyncFnOnce(Session, &Memory)) {
    let (control, memory) = (Control::open().await.unwrap(), Memory::default());
    let session = Session {
        control: control.address().unwrap(),
        token: control.token().clone(),
        process: 1,
        platform: "clinic".to_owned(),
    };
    tokio::select! {
        never = control.serve(&memory) => match never {},
        () = act(session, &memory) => {}
    }
}

/// What the server says to a line that no client of ours would send; nothing, if it hangs up.
async fn say(session: &Session, line: &[u8]) -> String {
    let mut stream = TcpStream::connect(session.control).await.unwrap();
    // A server that has heard enough hangs up in the middle.
    let _cut = stream.write_all(line).await;
    let _cut = stream.shutdown().await;
    let mut answer = String::new();
    let _cut = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test]
async fn a_request_is_done_and_its_sentence_comes_back() {
    with_control(async |session, memory| {
        assert!(session.control.ip().is_loopback());
        assert_eq!(ask(&session, fault("hang")).await.unwrap(), "hang is broken\nin \"two\" lines");
        let refused = ask(&session, Request::Heal { what: "all".to_owned() }).await.unwrap_err();
        assert_eq!((refused.code, refused.message.as_str()), (Code::NothingToHeal, "nothing is broken"));
        assert_eq!(memory.0.lock().unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_token_breaks_nothing() {
    with_control(async |session, memory| {
        let own = serde_json::to_value(&session.token).unwrap();
        let own = own.as_str().unwrap();
        let shorter = own[..own.len() - 1].to_owned();
        for wrong in [String::new(), shorter, format!("{own}0"), "0".repeat(own.len())] {
            let token = serde_json::from_value(serde_json::Value::String(wrong)).unwrap();
            let error = ask(&Session { token, ..session.clone() }, fault("hang")).await.unwrap_err();
            assert_eq!(error.code, Code::TokenRefused);
        }
        assert!(memory.0.lock().unwrap().is_empty());
        ask(&session, fault("hang")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_is_no_request_breaks_nothing_and_repeats_nothing() {
    with_control(async |session, memory| {
        let token = serde_json::to_string(&session.token).unwrap();
        for line in [
            "GET / HTTP/1.1\n".to_owned(),
            format!("{{\"token\":{token}}}\n"),
            format!("{{\"token\":{token},\"request\":{{\"do\":\"exec\",\"fault\":\"x\"}}}}\n"),
            format!("{{\"token\":{token},\"request\":{{\"do\":\"fault\",\"fault\":\"hang\"}},\"more\":1}}\n"),
            format!("{{\"token\":{token},\"request\":{{\"do\":\"fault\",\"fault\":7}}}}\n"),
        ] {
            let answer = say(&session, line.as_bytes()).await;
            assert!(answer.contains("request_unreadable"), "{line}: {answer}");
            assert!(!answer.contains(token.trim_matches('"')));
        }
        assert!(memory.0.lock().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_line_without_end_or_beyond_the_longest_gets_no_answer_and_stops_nobody() {
    with_control(async |session, memory| {
        let endless = vec![b'x'; usize::try_from(LONGEST).unwrap() * 2];
        assert_eq!(say(&session, &endless).await, "");
        assert_eq!(say(&session, b"{\"token\"").await, "");
        assert_eq!(say(&session, &[0xff, 0xfe, b'\n']).await, "");
        ask(&session, fault("hang")).await.unwrap();
        assert_eq!(memory.0.lock().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_rehearsal_that_is_gone_is_said_to_be() {
    let session = {
        let control = Control::open().await.unwrap();
        let (control, token) = (control.address().unwrap(), control.token().clone());
        Session { control, token, process: 1, platform: "clinic".to_owned() }
    };
    let asked = tokio::time::timeout(Duration::from_secs(10), ask(&session, fault("hang"))).await.unwrap();
    assert_eq!(asked.unwrap_err().code, Code::NoAnswer);
    let elsewhere = Session { control: "192.0.2.1:80".parse().unwrap(), ..session };
    assert_eq!(ask(&elsewhere, fault("hang")).await.unwrap_err().code, Code::NotLoopback);
}

#[test]
fn a_token_is_never_printed_and_never_the_same() {
    let (one, two) = (Token::random().unwrap(), Token::random().unwrap());
    assert_ne!(one, two);
    let text = serde_json::to_string(&one).unwrap();
    assert!(text.len() >= 64 && !format!("{one:?}").contains(text.trim_matches('"')));
}
