//! The calls that make something new: replicas, snapshots, and what is restored.

use jiff::Timestamp;
use rehearsal_world::{ApiError, Fact, NewReplica, RestoreTime, World};

use super::form::Form;
use super::{Answer, all_taken, elements};

const GROUPS: (&str, &str) = ("VpcSecurityGroupIds", "VpcSecurityGroupId");

pub(super) fn replica(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take_required("DBInstanceIdentifier")?;
    let source = either(&mut form, "SourceDBInstanceIdentifier", "SourceDBClusterIdentifier")?;
    // SDKs sign a second request for it and send that as PreSignedUrl; outside of GovCloud and China RDS reads neither.
    form.take("SourceRegion");
    form.take("PreSignedUrl");
    let replica = NewReplica {
        identifier,
        source,
        groups: form.take_list(GROUPS.0, GROUPS.1)?,
        key: form.take("KmsKeyId").filter(|key| !key.is_empty()),
    };
    all_taken(world, &form, "CreateDBInstanceReadReplica")?;
    let instance = world.create_db_instance_read_replica(region, &replica, now)?;
    Ok(("CreateDBInstanceReadReplica", elements::one_instance(&instance)))
}

pub(super) fn snapshot(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take_required("DBSnapshotIdentifier")?;
    let instance = form.take_required("DBInstanceIdentifier")?;
    all_taken(world, &form, "CreateDBSnapshot")?;
    let snapshot = world.create_db_snapshot(region, &instance, &identifier, now)?;
    Ok(("CreateDBSnapshot", elements::one_snapshot(&snapshot, world.account())))
}

pub(super) fn from_snapshot(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take_required("DBInstanceIdentifier")?;
    let snapshot = either(&mut form, "DBSnapshotIdentifier", "DBClusterSnapshotIdentifier")?;
    let groups = form.take_list(GROUPS.0, GROUPS.1)?;
    all_taken(world, &form, "RestoreDBInstanceFromDBSnapshot")?;
    let instance = world.restore_db_instance_from_db_snapshot(region, &identifier, &snapshot, groups.as_deref(), now)?;
    Ok(("RestoreDBInstanceFromDBSnapshot", elements::one_instance(&instance)))
}

pub(super) fn to_point_in_time(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let target = form.take_required("TargetDBInstanceIdentifier")?;
    let source = either(&mut form, "SourceDBInstanceIdentifier", "SourceDbiResourceId")?;
    let time = time(world, &mut form)?;
    let groups = form.take_list(GROUPS.0, GROUPS.1)?;
    all_taken(world, &form, "RestoreDBInstanceToPointInTime")?;
    let instance = world.restore_db_instance_to_point_in_time(region, &source, &target, time, groups.as_deref(), now)?;
    Ok(("RestoreDBInstanceToPointInTime", elements::one_instance(&instance)))
}

/// What is not required by the protocol because another parameter, which is not modelled, may stand in its place.
fn either(form: &mut Form, name: &str, other: &str) -> Result<String, ApiError> {
    let given = form.take(name).filter(|value| !value.is_empty());
    given.ok_or_else(|| ApiError::invalid_combination(format!("Either {name} or {other} is needed.")))
}

fn time(world: &mut World, form: &mut Form) -> Result<RestoreTime, ApiError> {
    let latest = form.take_bool("UseLatestRestorableTime")?.unwrap_or(false);
    match (form.take("RestoreTime"), latest) {
        (None, true) => Ok(RestoreTime::Latest),
        (Some(text), false) => {
            let at = text.parse().map_err(|_| ApiError::invalid_value(format!("{text} is no time for RestoreTime.")))?;
            Ok(RestoreTime::At(at))
        }
        (Some(_), true) | (None, false) => {
            world.rely_on(Fact::PointInTimeIsOne);
            Err(ApiError::invalid_combination("Exactly one of RestoreTime and UseLatestRestorableTime is needed."))
        }
    }
}
