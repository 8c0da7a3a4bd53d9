//! Instances and snapshots.

use aws_sdk_rds::types::DbInstance;

use super::super::account::Account;
use super::super::sight::{Instance, NamedOtherwise, Page, RdsSight, Reply, Snapshot};
use super::reply;

const INSTANCES: &str = "rds:DescribeDBInstances";
const SNAPSHOTS: &str = "rds:DescribeDBSnapshots";
/// A name that nothing has.
const NOBODY: &str = "recoveryctl-conform-is-not-there";
/// Engines of other services, which share this operation and not all of the facts.
const NEIGHBOURS: [&str; 2] = ["docdb", "neptune"];
/// Pages of 100: an account with more is looked at as far as this.
const MOST_PAGES: usize = 5;

pub(super) async fn gather(account: &Account) -> RdsSight {
    let instances = instances(account).await;
    let automated = automated(account).await;
    let by_other_names = match &instances {
        Reply::Answered(found) => match found.first() {
            Some(instance) => Some(named_otherwise(account, instance).await),
            None => None,
        },
        _ => None,
    };
    let automated_by_name = match &automated {
        Reply::Answered(found) => match found.first() {
            Some(snapshot) => Some(by_name(account, &snapshot.identifier).await),
            None => None,
        },
        _ => None,
    };
    RdsSight {
        unknown_instance: named(account, NOBODY).await.map(|_| ()),
        page_of_20: page(account, 20).await,
        page_of_19: page(account, 19).await.map(|_| ()),
        page_of_101: page(account, 101).await.map(|_| ()),
        unknown_snapshot: reply(SNAPSHOTS, account.rds.describe_db_snapshots().db_snapshot_identifier(NOBODY).send().await)
            .map(|_| ()),
        instances,
        by_other_names,
        automated,
        automated_by_name,
    }
}

async fn instances(account: &Account) -> Reply<Vec<Instance>> {
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..MOST_PAGES {
        let sent = account.rds.describe_db_instances().set_marker(marker.take()).send().await;
        let page = match reply(INSTANCES, sent) {
            Reply::Answered(page) => page,
            Reply::Refused(refusal) => return Reply::Refused(refusal),
            Reply::Unasked(reason) => return Reply::Unasked(reason),
        };
        found.extend(
            page.db_instances().iter().map(instance).filter(|instance| !NEIGHBOURS.contains(&instance.engine.as_str())),
        );
        marker = page.marker().map(str::to_owned);
        if marker.is_none() {
            break;
        }
    }
    Reply::Answered(found)
}

fn instance(shown: &DbInstance) -> Instance {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    // Some stand-ins write an element without a text for what is not there.
    let present = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
    Instance {
        identifier: text(shown.db_instance_identifier()),
        arn: text(shown.db_instance_arn()),
        status: text(shown.db_instance_status()),
        engine: text(shown.engine()),
        host: present(shown.endpoint().and_then(|endpoint| endpoint.address())),
        source: present(shown.read_replica_source_db_instance_identifier()),
        replicas: shown.read_replica_db_instance_identifiers().to_vec(),
        replication: shown.status_infos().iter().map(|info| text(info.status())).collect(),
        groups: shown.vpc_security_groups().iter().map(|group| text(group.status())).collect(),
        restorable: shown.latest_restorable_time().is_some(),
        backup_retention: shown.backup_retention_period().unwrap_or_default(),
    }
}

async fn named(account: &Account, name: &str) -> Reply<Vec<String>> {
    let sent = account.rds.describe_db_instances().db_instance_identifier(name).send().await;
    let names = |page: aws_sdk_rds::operation::describe_db_instances::DescribeDbInstancesOutput| {
        page.db_instances().iter().filter_map(|shown| shown.db_instance_identifier().map(str::to_owned)).collect()
    };
    reply(INSTANCES, sent).map(names)
}

async fn named_otherwise(account: &Account, instance: &Instance) -> NamedOtherwise {
    NamedOtherwise {
        identifier: instance.identifier.clone(),
        in_capitals: named(account, &instance.identifier.to_ascii_uppercase()).await,
        by_arn: named(account, &instance.arn).await,
    }
}

async fn page(account: &Account, most: i32) -> Reply<Page> {
    let sent = account.rds.describe_db_instances().max_records(most).send().await;
    reply(INSTANCES, sent).map(|page| Page { records: page.db_instances().len() })
}

async fn automated(account: &Account) -> Reply<Vec<Snapshot>> {
    let sent = account.rds.describe_db_snapshots().snapshot_type("automated").send().await;
    reply(SNAPSHOTS, sent).map(|page| {
        let shown = page.db_snapshots().iter();
        shown
            .filter_map(|snapshot| {
                Some(Snapshot {
                    identifier: snapshot.db_snapshot_identifier()?.to_owned(),
                    instance: snapshot.db_instance_identifier()?.to_owned(),
                })
            })
            .collect()
    })
}

async fn by_name(account: &Account, name: &str) -> (Reply<usize>, Reply<usize>) {
    let ask = || account.rds.describe_db_snapshots().db_snapshot_identifier(name);
    let (without, with) = (ask().send().await, ask().snapshot_type("automated").send().await);
    let count = |page: aws_sdk_rds::operation::describe_db_snapshots::DescribeDbSnapshotsOutput| page.db_snapshots().len();
    (reply(SNAPSHOTS, without).map(count), reply(SNAPSHOTS, with).map(count))
}
