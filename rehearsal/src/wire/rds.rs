//! RDS on the wire: the Query protocol before the modelled world.
//!
//! A form comes in, one call of the world is made, an XML document goes out. What the world does not model is refused
//! by name and never ignored.

mod elements;
mod form;
mod kept;
mod making;
mod xml;

use jiff::Timestamp;
use rehearsal_world::{ApiError, BackupWindow, Fact, PageRequest, Promotion, SnapshotSelection, SnapshotType, World};

use form::Form;
use xml::Document;

/// The version of the API that is spoken.
const VERSION: &str = "2014-10-31";

const CONTENT_TYPE: &str = "text/xml";

/// Answers one call: status, content type, body.
///
/// A Region that cannot be reached would not answer at all, which is for the caller to play
/// (`World::reachable`); here it is answered like a service that has failed.
pub fn answer(world: &mut World, region: &str, body: &[u8], now: Timestamp) -> (u16, &'static str, Vec<u8>) {
    world.rely_on(Fact::QueryProtocol);
    let request = request_id(body, now);
    let document = Form::read(body).and_then(|form| dispatch(world, region, form, now));
    match document {
        Ok((action, result)) => (200, CONTENT_TYPE, xml::response(action, VERSION, &request, &result)),
        Err(error) => (error.http_status, CONTENT_TYPE, xml::error(&error, VERSION, &request)),
    }
}

type Answer = (&'static str, Document);

fn dispatch(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let (action, version) = (form.take("Action"), form.take("Version"));
    let action = action.ok_or_else(|| ApiError::missing("Action"))?;
    let version = version.ok_or_else(|| ApiError::missing("Version"))?;
    let answered = match action.as_str() {
        _ if version != VERSION => None,
        "DescribeDBInstances" => Some(describe_instances(world, region, form, now)),
        "DescribeDBSnapshots" => Some(describe_snapshots(world, region, form, now)),
        "DescribeDBInstanceAutomatedBackups" => Some(kept::automated_backups(world, region, form, now)),
        "DescribeDBClusters" => Some(kept::clusters(world, region, form, now)),
        "DescribeDBClusterSnapshots" => Some(kept::cluster_snapshots(world, region, form, now)),
        "DescribeGlobalClusters" => Some(describe_global_clusters(world, region, form, now)),
        "ModifyDBInstance" => Some(modify(world, region, form, now)),
        "RebootDBInstance" => Some(reboot(world, region, form, now)),
        "PromoteReadReplica" => Some(promote(world, region, form, now)),
        "CreateDBInstanceReadReplica" => Some(making::replica(world, region, form, now)),
        "CreateDBSnapshot" => Some(making::snapshot(world, region, form, now)),
        "RestoreDBInstanceFromDBSnapshot" => Some(making::from_snapshot(world, region, form, now)),
        "RestoreDBInstanceToPointInTime" => Some(making::to_point_in_time(world, region, form, now)),
        _ => None,
    };
    answered.unwrap_or_else(|| {
        world.rely_on(Fact::UnknownAction);
        Err(ApiError::invalid_action(&action, &version))
    })
}

fn describe_instances(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take("DBInstanceIdentifier");
    let page = page(&mut form)?;
    all_taken(world, &form, "DescribeDBInstances")?;
    let shown = world.describe_db_instances(region, identifier.as_deref(), &page, now)?;
    let mut result = Document::default();
    result.element("DBInstances", |list| {
        for instance in &shown.items {
            list.element("DBInstance", |element| elements::instance(element, instance));
        }
    });
    result.optional("Marker", shown.marker.as_deref());
    Ok(("DescribeDBInstances", result))
}

fn describe_global_clusters(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take("GlobalClusterIdentifier");
    all_taken(world, &form, "DescribeGlobalClusters")?;
    let shown = world.describe_global_clusters(region, identifier.as_deref(), now)?;
    let mut result = Document::default();
    result.element("GlobalClusters", |list| {
        for global in &shown {
            list.element("GlobalClusterMember", |element| elements::global_cluster(element, global, world.account()));
        }
    });
    Ok(("DescribeGlobalClusters", result))
}

fn describe_snapshots(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let kind = match form.take("SnapshotType").as_deref() {
        None => None,
        Some("automated") => Some(SnapshotType::Automated),
        Some("manual") => Some(SnapshotType::Manual),
        Some(other @ ("shared" | "public" | "awsbackup")) => {
            world.rely_on(Fact::UnmodelledIsRefused);
            return Err(ApiError::not_modelled(format_args!("snapshots of the type {other}")));
        }
        Some(other) => {
            return Err(ApiError::invalid_value(format!("Unrecognized snapshot type: {other}")));
        }
    };
    let selection =
        SnapshotSelection { instance: form.take("DBInstanceIdentifier"), snapshot: form.take("DBSnapshotIdentifier"), kind };
    // Asking for none of what the world does not have is asking for nothing.
    for other_accounts in ["IncludeShared", "IncludePublic"] {
        if form.take_bool(other_accounts)? == Some(true) {
            world.rely_on(Fact::UnmodelledIsRefused);
            return Err(ApiError::not_modelled("snapshots of other accounts"));
        }
    }
    let page = page(&mut form)?;
    all_taken(world, &form, "DescribeDBSnapshots")?;
    let shown = world.describe_db_snapshots(region, &selection, &page, now)?;
    let mut result = Document::default();
    result.element("DBSnapshots", |list| {
        for snapshot in &shown.items {
            list.element("DBSnapshot", |element| elements::snapshot(element, snapshot, world.account()));
        }
    });
    result.optional("Marker", shown.marker.as_deref());
    Ok(("DescribeDBSnapshots", result))
}

fn modify(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take_required("DBInstanceIdentifier")?;
    let groups = form.take_list("VpcSecurityGroupIds", "VpcSecurityGroupId")?;
    // Read, so that what is no truth value is refused; a change of groups does not wait for a maintenance window.
    form.take_bool("ApplyImmediately")?;
    all_taken(world, &form, "ModifyDBInstance")?;
    let instance = world.modify_db_instance(region, &identifier, groups.as_deref(), now)?;
    Ok(("ModifyDBInstance", elements::one_instance(&instance)))
}

fn reboot(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take_required("DBInstanceIdentifier")?;
    let force_failover = form.take_bool("ForceFailover")?.unwrap_or(false);
    all_taken(world, &form, "RebootDBInstance")?;
    let instance = world.reboot_db_instance(region, &identifier, force_failover, now)?;
    Ok(("RebootDBInstance", elements::one_instance(&instance)))
}

fn promote(world: &mut World, region: &str, mut form: Form, now: Timestamp) -> Result<Answer, ApiError> {
    let identifier = form.take_required("DBInstanceIdentifier")?;
    let promotion = Promotion {
        backup_retention: form.take_integer("BackupRetentionPeriod")?,
        backup_window: form.take("PreferredBackupWindow").map(|text| BackupWindow::parse(&text)).transpose()?,
    };
    all_taken(world, &form, "PromoteReadReplica")?;
    let instance = world.promote_read_replica(region, &identifier, promotion, now)?;
    Ok(("PromoteReadReplica", elements::one_instance(&instance)))
}

fn page(form: &mut Form) -> Result<PageRequest, ApiError> {
    Ok(PageRequest { max_records: form.take_integer("MaxRecords")?, marker: form.take("Marker") })
}

/// Refuses a call that says more than the world understands.
fn all_taken(world: &mut World, form: &Form, action: &str) -> Result<(), ApiError> {
    let Some(left) = form.left() else {
        return Ok(());
    };
    world.rely_on(Fact::UnmodelledIsRefused);
    Err(ApiError::not_modelled(format_args!("the parameter {left} of {action}")))
}

/// An identifier for the request, which repeats itself when the request does, as everything here has to.
pub(in crate::wire) fn request_id(body: &[u8], now: Timestamp) -> String {
    let time = now.as_nanosecond().to_be_bytes();
    let hash = |start: u64| {
        body.iter().chain(&time).fold(start, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
    };
    let (high, low) = (hash(0xcbf2_9ce4_8422_2325), hash(0x84222325_cbf29ce4));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests;
