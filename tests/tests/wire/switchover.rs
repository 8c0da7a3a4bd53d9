//! An operator moves a whole primary: the one recovery that may not lose anything.

use crate::evidence::assert_good;
use crate::stage::{play, whole_primary};

#[test]
fn a_switchover_of_a_whole_primary_loses_no_commit() {
    play(whole_primary(), async |drill| {
        let report = drill.play(|line| println!("{line}")).await.unwrap();
        assert_good(&report);
        assert_eq!(report.mode, "graceful");
        assert_eq!(report.lost_commits, 0);
        assert!(report.writes_before > 0 && report.writes_after > 0);
    });
}
