//! Prove that a component serves: the recovery time ends here.

use super::super::observation::{Connection, InstanceView, ServiceView, Sight};
use super::super::step::{Memory, StepKind};
use super::{Decision, POLL, StepCase};

/// Decides on `validate` of a database: the instance that clients are now pointed at.
pub(super) fn database(case: StepCase<'_>, instance: &Sight<InstanceView>, connection: Connection) -> Decision {
    let memory = case.record.memory.clone();
    let missing = match instance {
        Sight::Found { found } if !found.is_standalone() => Some("it is still a read replica".to_owned()),
        Sight::Found { found } if !found.serves() => Some(format!("it is {}", found.status)),
        Sight::Found { .. } => match connection {
            Connection::Answers => None,
            // A function without a network path to the database can only go by the control plane, and says so.
            Connection::NotTried => None,
            Connection::Silent => Some("it takes connections but does not answer".to_owned()),
            Connection::Refused => Some("it takes no connections".to_owned()),
            Connection::TimedOut => {
                Some("nothing comes back from it; is there a network path from this function to it?".to_owned())
            }
        },
        other => Some(other.why_not().to_owned()),
    };
    let probe = if connection == Connection::Answers { "answers connections" } else { "was not probed" };
    settle(case, memory, missing, format!("{} stands alone, can be used and {probe}", case.record.step.component))
}

/// Decides on `validate` of a service: as many tasks as wanted, at least one, and the rollout through.
pub(super) fn service(case: StepCase<'_>, service: &Sight<ServiceView>) -> Decision {
    let memory = case.record.memory.clone();
    let (missing, found) = match service {
        Sight::Found { found } if found.desired == 0 => (Some("it wants no tasks at all".to_owned()), String::new()),
        Sight::Found { found } if found.running < found.desired => {
            (Some(format!("{} of {} tasks run", found.running, found.desired)), String::new())
        }
        Sight::Found { found } if found.rollout.as_deref().is_some_and(|rollout| rollout != "COMPLETED") => {
            (Some(format!("its rollout is {}", found.rollout.as_deref().unwrap_or_default())), String::new())
        }
        Sight::Found { found } => {
            (None, format!("{} of {} tasks run and the rollout is through", found.running, found.desired))
        }
        other => (Some(other.why_not().to_owned()), String::new()),
    };
    settle(case, memory, missing, format!("{}: {found}", case.record.step.component))
}

fn settle(case: StepCase<'_>, memory: Memory, missing: Option<String>, good: String) -> Decision {
    let name = &case.record.step.component;
    debug_assert_eq!(case.record.step.kind, StepKind::Validate);
    match missing {
        None => Decision::Done { memory, reason: good },
        Some(why) if case.overdue => Decision::Refuse { memory, reason: format!("{name} does not serve: {why}") },
        Some(why) => Decision::Wait { memory, wait: POLL, reason: format!("{name} does not serve yet: {why}") },
    }
}
