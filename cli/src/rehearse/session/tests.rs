//! Rehearsals that run, that were killed, and that are none.

use std::net::Ipv4Addr;

use super::*;

/// A directory of one test, which is removed with it.
struct Sessions(PathBuf);

impl Sessions {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("rehearse-sessions-{}-{name}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn session(address: [u8; 4]) -> Session {
    Session {
        control: SocketAddr::from((Ipv4Addr::from(address), 4711)),
        token: Token::random().unwrap(),
        process: 1,
        platform: "clinic".to_owned(),
    }
}

fn running(sessions: &Sessions) -> (Place, Session) {
    let (place, session) = (Place::take(&sessions.0).unwrap(), session([127, 0, 0, 1]));
    place.announce(&session).unwrap();
    (place, session)
}

#[test]
fn the_only_rehearsal_is_found_without_a_number_and_several_need_one() {
    let sessions = Sessions::new("several");
    let (first, of_first) = running(&sessions);
    assert_eq!(find(&sessions.0, None).unwrap(), of_first);
    let (second, of_second) = running(&sessions);
    assert_eq!((first.number, second.number), (1, 2));
    let error = find(&sessions.0, None).unwrap_err();
    assert_eq!(error.code, Code::SeveralRehearsals);
    assert!(error.message.contains("1, 2"), "{error}");
    assert_eq!(find(&sessions.0, Some(2)).unwrap(), of_second);
    drop(first);
    assert_eq!(find(&sessions.0, None).unwrap(), of_second);
    assert_eq!(find(&sessions.0, Some(1)).unwrap_err().code, Code::NoRehearsal);
}

#[test]
fn a_rehearsal_that_ends_leaves_nothing_and_its_number_is_free_again() {
    let sessions = Sessions::new("ends");
    let (place, _) = running(&sessions);
    let directory = place.directory.clone();
    drop(place);
    assert!(!directory.exists());
    let error = find(&sessions.0, None).unwrap_err();
    assert_eq!(error.code, Code::NoRehearsal);
    assert!(!error.message.contains("killed"), "{error}");
    assert_eq!(running(&sessions).0.number, 1);
}

#[test]
fn what_a_killed_rehearsal_left_is_recognised_and_removed_by_the_next() {
    let sessions = Sessions::new("killed");
    let directory = sessions.0.join("1");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(LOCK), "").unwrap();
    fs::write(directory.join(SESSION), serde_json::to_string(&session([127, 0, 0, 1])).unwrap()).unwrap();
    fs::write(directory.join("aws"), "").unwrap();
    let error = find(&sessions.0, None).unwrap_err();
    assert_eq!(error.code, Code::NoRehearsal);
    assert!(error.message.contains("killed"), "{error}");
    assert!(find(&sessions.0, Some(1)).unwrap_err().message.contains("any more"));
    let place = Place::take(&sessions.0).unwrap();
    assert_eq!(place.number, 1);
    assert!(!directory.join("aws").exists() && !directory.join(SESSION).exists());
    assert!(find(&sessions.0, None).unwrap_err().message.contains("still being set up"));
}

#[test]
fn the_token_is_for_its_owner_only() {
    let sessions = Sessions::new("modes");
    let (place, _) = running(&sessions);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let file = place.directory.join(SESSION);
    assert_eq!((mode(&place.directory), mode(&file)), (0o700, 0o600));
    fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
    assert_eq!(find(&sessions.0, None).unwrap_err().code, Code::SessionUnusable);
}

#[test]
fn nothing_but_loopback_is_ever_asked() {
    for (name, address) in [("lan", [192, 0, 2, 7]), ("any", [0, 0, 0, 0])] {
        let sessions = Sessions::new(name);
        let place = Place::take(&sessions.0).unwrap();
        place.announce(&session(address)).unwrap();
        assert_eq!(find(&sessions.0, None).unwrap_err().code, Code::NotLoopback, "{name}");
    }
}

#[test]
fn a_session_of_another_version_is_refused() {
    let sessions = Sessions::new("version");
    let (place, _) = running(&sessions);
    place.write(SESSION, r#"{"control":"127.0.0.1:1","token":"t","process":1,"platform":"p","more":1}"#, 0o600).unwrap();
    let error = find(&sessions.0, None).unwrap_err();
    assert_eq!(error.code, Code::SessionUnusable);
}
