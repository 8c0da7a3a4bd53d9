//! Global tables, global databases and replicated buckets.

use rehearsal_world::{ClusterKey, Datapoint, Metric, ReplicaStatus};

use crate::stage::{EAST, Stage, WEST};

fn newest(stage: &mut Stage, metric: &Metric) -> Option<(i64, f64)> {
    let Datapoint { at, value } = stage.world.latest(metric, stage.now).unwrap()?;
    Some((stage.now.duration_since(at).as_secs(), value))
}

fn metrics() -> [Metric; 5] {
    let ledger = ClusterKey::new(WEST, "ledger-west");
    [
        Metric::TableLatency { region: EAST.to_owned(), table: "carts".to_owned(), receiving: WEST.to_owned() },
        Metric::ClusterReplicationLag(ledger.clone()),
        Metric::ClusterRpoLag(ledger),
        Metric::BucketLatency {
            region: WEST.to_owned(),
            source: "lake".to_owned(),
            destination: "lake-dr".to_owned(),
            rule: "everything".to_owned(),
        },
        Metric::BucketFailures {
            region: EAST.to_owned(),
            source: "lake".to_owned(),
            destination: "lake-dr".to_owned(),
            rule: "everything".to_owned(),
        },
    ]
}

#[test]
fn what_is_copied_is_published_in_one_region_every_minute_and_silence_leaves_no_points() {
    for metric in metrics() {
        let mut stage = Stage::new();
        assert_eq!(newest(&mut stage, &metric), None, "{metric:?}");
        stage.world.publish(metric.clone(), Some(840.0), stage.now);
        assert_eq!(newest(stage.wait(29), &metric), Some((89, 840.0)), "it begins with a past");
        assert_eq!(newest(stage.wait(1), &metric), Some((30, 840.0)));
        stage.world.publish(metric.clone(), Some(7.0), stage.now);
        assert_eq!(newest(stage.wait(60), &metric), Some((30, 7.0)));
        stage.world.publish(metric.clone(), None, stage.now);
        assert_eq!(newest(stage.wait(600), &metric), Some((630, 7.0)), "nothing more was published");
        stage.world.publish(metric.clone(), Some(7.0), stage.now);
        let at_the_source = matches!(metric, Metric::TableLatency { .. } | Metric::BucketFailures { .. });
        let region = if at_the_source { EAST } else { WEST };
        stage.world.region_dark(region, true, stage.now);
        stage.wait(600);
        assert_eq!(stage.world.latest(&metric, stage.now).unwrap_err().code, "ServiceUnavailable");
        stage.world.region_dark(region, false, stage.now);
        assert!(newest(&mut stage, &metric).unwrap().0 >= 600, "a dark Region published {metric:?}");
    }
}

#[test]
fn a_table_names_the_replicas_of_the_other_regions_with_their_statuses() {
    let mut stage = Stage::new();
    stage.world.add_global_table("carts", &[EAST, WEST], stage.now);
    for (region, other) in [(EAST, WEST), (WEST, EAST)] {
        let found = stage.world.describe_table(region, "carts", stage.now).unwrap();
        assert_eq!(found.status, ReplicaStatus::Active);
        assert_eq!(found.replicas.into_iter().collect::<Vec<_>>(), [(other.to_owned(), ReplicaStatus::Active)]);
        assert!(found.arn.starts_with(&format!("arn:aws:dynamodb:{region}:")), "{}", found.arn);
    }
    stage.world.set_table_replica("carts", EAST, ReplicaStatus::InaccessibleEncryptionCredentials, stage.now);
    let seen = stage.world.describe_table(WEST, "carts", stage.now).unwrap();
    assert_eq!(seen.replicas[EAST].as_str(), "INACCESSIBLE_ENCRYPTION_CREDENTIALS");
    for (region, name) in [(WEST, "baskets"), ("eu-west-1", "carts")] {
        let refused = stage.world.describe_table(region, name, stage.now).unwrap_err();
        assert_eq!((refused.code, refused.http_status), ("ResourceNotFoundException", 400));
    }
    assert!(stage.world.has_table("carts") && !stage.world.has_table("baskets"));
    stage.world.region_dark(WEST, true, stage.now);
    assert_eq!(stage.world.describe_table(WEST, "carts", stage.now).unwrap_err().code, "ServiceUnavailable");
}

#[test]
fn a_global_cluster_names_its_clusters_in_every_region_that_has_one() {
    let mut stage = Stage::new();
    let (east, west) = (ClusterKey::new(EAST, "ledger-east"), ClusterKey::new(WEST, "ledger-west"));
    stage.world.add_global_cluster("ledger", east, west.clone());
    for region in [EAST, WEST] {
        let found = stage.world.describe_global_clusters(region, Some("ledger"), stage.now).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].arn("123456789012"), "arn:aws:rds::123456789012:global-cluster:ledger");
        let members: Vec<(String, bool, bool)> =
            found[0].members.iter().map(|member| (member.arn("1"), member.writer, member.connected)).collect();
        assert_eq!(
            members,
            [
                (format!("arn:aws:rds:{EAST}:1:cluster:ledger-east"), true, true),
                (format!("arn:aws:rds:{WEST}:1:cluster:ledger-west"), false, true),
            ]
        );
    }
    stage.world.set_cluster_connected(&west, false);
    let found = stage.world.describe_global_clusters(EAST, None, stage.now).unwrap();
    assert!(!found[0].members[1].connected);
    for (region, name) in [(WEST, "books"), ("eu-west-1", "ledger")] {
        let refused = stage.world.describe_global_clusters(region, Some(name), stage.now).unwrap_err();
        assert_eq!((refused.code, refused.http_status), ("GlobalClusterNotFoundFault", 404));
    }
    assert_eq!(stage.world.describe_global_clusters("eu-west-1", None, stage.now).unwrap(), []);
}
