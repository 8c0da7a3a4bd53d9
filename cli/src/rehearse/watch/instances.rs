//! The databases as they are: state, reachability, role, security groups, lag.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rehearsal_world::{Connection, DbInstance, InstanceKey, InstanceStatus, MembershipState};

use super::super::console::Line;
use super::super::guide;
use crate::drill::Drill;

/// A lag is told again when it has changed by so much, or by half of what it was.
const LEAST_CHANGE_OF_LAG: Duration = Duration::from_secs(10);

/// What was last told of each instance.
#[derive(Debug, Default)]
pub(super) struct Instances {
    states: BTreeMap<InstanceKey, String>,
    lags: BTreeMap<InstanceKey, Duration>,
    /// Those whose door was told.
    doors: BTreeSet<InstanceKey>,
}

impl Instances {
    pub(super) fn look(&mut self, drill: &Drill) -> Vec<Line> {
        let now = drill.stage.now();
        let mut world = drill.stage.world();
        let shown = world.watch_instances(now);
        let writable = world.writable_instances(now);
        let mut lines = Vec::new();
        for instance in shown {
            let key = &instance.key;
            let connection = world.accepts_connections(key, now);
            let writes = writable.iter().find(|writable| writable.instance == *key);
            let lag = world.watch_lag(key, now);
            let role = role(&instance, lag.is_some(), writes.map(|writable| writable.only_in_old_sessions));
            self.tell_door(drill, &instance, &mut lines);
            let state = format!("{}, {}; {role}; {}", instance.status.as_str(), reachability(connection), groups(&instance));
            if self.states.get(key) != Some(&state) {
                lines.push(Line::new(now, key.to_string(), &state));
                self.states.insert(key.clone(), state);
            }
            // Without writes a replica of PostgreSQL shows the time since the last one, which is no lag.
            if let Some(lag) = lag.filter(|_| drill.acknowledged() > 0)
                && self.is_news(key, lag)
            {
                lines.push(Line::new(now, key.to_string(), format!("is {} s behind", lag.as_secs())));
                self.lags.insert(key.clone(), lag);
            }
        }
        lines
    }

    /// What was made since the rehearsal began is in nobody's list of commands: where clients reach it, once they can.
    fn tell_door(&mut self, drill: &Drill, instance: &DbInstance, lines: &mut Vec<Line>) {
        let key = &instance.key;
        let there_from_the_start = drill.stage.listeners.contains_key(&key.to_string());
        if there_from_the_start || instance.status != InstanceStatus::Available || !self.doors.insert(key.clone()) {
            return;
        }
        if let Some(line) = guide::psql(drill, key, "SELECT count(*), max(number) FROM writes") {
            lines.push(Line::new(drill.stage.now(), key.to_string(), format!("how to ask it: {line}")));
        }
    }

    fn is_news(&self, key: &InstanceKey, lag: Duration) -> bool {
        self.lags.get(key).is_none_or(|told| lag.abs_diff(*told) >= LEAST_CHANGE_OF_LAG.max(*told / 2))
    }
}

fn reachability(connection: Connection) -> &'static str {
    match connection {
        Connection::Answers => "answers",
        Connection::AcceptsOnly => "takes connections and answers nothing",
        Connection::Refuses => "takes no connection",
    }
}

fn role(instance: &DbInstance, follows: bool, writes: Option<bool>) -> String {
    match (writes, &instance.replica_source) {
        (Some(false), _) => "takes writes".to_owned(),
        (Some(true), _) => "takes writes in old sessions only".to_owned(),
        (None, Some(source)) if follows => {
            format!("replica of {}", source.rsplit(':').next().unwrap_or(source))
        }
        (None, _) => "takes no writes".to_owned(),
    }
}

fn groups(instance: &DbInstance) -> String {
    let group = |membership: &rehearsal_world::GroupMembership| match membership.state {
        MembershipState::Active => membership.group.clone(),
        _ => format!("{} ({})", membership.group, membership.state.as_str()),
    };
    let groups: Vec<String> = instance.groups.iter().map(group).collect();
    format!("groups {}", groups.join(" "))
}
