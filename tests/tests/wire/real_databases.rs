//! The default drill with a real PostgreSQL pair behind the simulated RDS: what was promised of the model is counted in the servers.

use recoveryctl::drill::{Database, Situation};

use crate::evidence::{achieved, assert_good};
use crate::stage::{play, watched_primary, workplace};

#[test]
fn a_real_primary_that_hangs_is_replaced_by_its_replica_and_every_acknowledged_commit_is_accounted_for() {
    let postgresql = match workplace().database(Some(Database::Postgresql), |line| println!("{line}")) {
        Ok(postgresql) => postgresql,
        Err(missing) => {
            println!("nothing was tested, because {missing}");
            return;
        }
    };
    play(Situation { postgresql, ..watched_primary() }, async |drill| {
        let report = drill.play(|line| println!("{line}")).await.unwrap();
        assert_good(&report);
        assert!(report.database.starts_with("PostgreSQL "), "{}", report.database);
        let named = |words: &str| report.independent_checks.iter().filter(|check| check.name.contains(words)).count();
        assert_eq!((named("that PostgreSQL lost"), named("by both PostgreSQL servers")), (1, 1));

        let counted = report.counted.as_ref().unwrap();
        assert!(counted.acknowledged as u64 > report.writes_before, "clients wrote before the break and after the recovery");
        assert!(report.writes_before > 0 && counted.accepted_by_promoted > 0);
        assert_eq!(counted.accepted_by_former, 0);
        let bound = achieved(&report, "database", "rpo").unwrap();
        assert!(counted.loss.as_secs_f64() <= bound as f64, "{counted:?}, and at most {bound} s were reported");
    });
}
