//! A primary with a standby in its own Region needs no other Region.

use recoveryctl::drill::Situation;

use crate::evidence::{achieved, assert_good, effects};
use crate::stage::{play, watched_primary};

#[test]
fn a_multi_az_primary_that_does_not_answer_is_failed_over_to_its_standby_and_nothing_is_lost() {
    play(Situation { multi_az: true, ..watched_primary() }, async |drill| {
        let report = drill.play(|line| println!("{line}")).await.unwrap();
        assert_good(&report);
        let changed: Vec<String> = effects(&drill.stage, 0)
            .into_iter()
            .filter(|record| record.step.is_some())
            .map(|record| record.operation)
            .collect();
        assert_eq!(changed, ["RebootDBInstance"]);
        assert_eq!(achieved(&report, "database", "rpo"), Some(0));
        assert_eq!(report.lost_commits, 0);
        assert!(drill.stage.world().losses().is_empty(), "nothing was promoted");
        assert!(report.writes_after > 0, "clients write again, to the same endpoint");
    });
}
