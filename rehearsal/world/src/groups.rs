//! The security groups of an instance, and how a change of them takes effect.

use serde::Serialize;

/// Where a security group stands with an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MembershipState {
    /// Its rules are in effect.
    Active,
    /// Asked for; its rules are not in effect yet.
    Adding,
    /// No longer asked for; its rules are still in effect.
    Removing,
}

impl MembershipState {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Adding => "adding",
            Self::Removing => "removing",
        }
    }
}

/// A security group of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct GroupMembership {
    /// The group's identifier.
    pub group: String,
    /// Where it stands.
    pub state: MembershipState,
}

/// The memberships of one instance.
#[derive(Debug, Clone)]
pub(crate) struct Groups {
    memberships: Vec<GroupMembership>,
    change: u64,
}

impl Groups {
    pub(crate) fn new(groups: &[String]) -> Self {
        let active = |group: &String| GroupMembership { group: group.clone(), state: MembershipState::Active };
        Self { memberships: groups.iter().map(active).collect(), change: 0 }
    }

    pub(crate) fn memberships(&self) -> &[GroupMembership] {
        &self.memberships
    }

    /// The groups whose rules apply at present.
    pub(crate) fn in_effect(&self) -> impl Iterator<Item = &str> {
        self.memberships
            .iter()
            .filter(|membership| membership.state != MembershipState::Adding)
            .map(|membership| membership.group.as_str())
    }

    pub(crate) fn is_changing(&self) -> bool {
        self.memberships.iter().any(|membership| membership.state != MembershipState::Active)
    }

    /// Asks for exactly these groups. Answers with the number of the change that has to take effect, or nothing where
    /// the request changes nothing that is not already under way.
    pub(crate) fn request(&mut self, wanted: &[String]) -> Option<u64> {
        let in_effect: Vec<String> = self.in_effect().map(str::to_owned).collect();
        let mut memberships = Vec::new();
        for group in wanted {
            let state = if in_effect.contains(group) { MembershipState::Active } else { MembershipState::Adding };
            memberships.push(GroupMembership { group: group.clone(), state });
        }
        for group in in_effect {
            if !wanted.contains(&group) {
                memberships.push(GroupMembership { group, state: MembershipState::Removing });
            }
        }
        if memberships == self.memberships {
            return None;
        }
        self.memberships = memberships;
        self.change += 1;
        self.is_changing().then_some(self.change)
    }

    /// Lets a change take effect, unless a later one overtook it.
    pub(crate) fn take_effect(&mut self, change: u64) -> bool {
        if change != self.change {
            return false;
        }
        self.memberships.retain(|membership| membership.state != MembershipState::Removing);
        for membership in &mut self.memberships {
            membership.state = MembershipState::Active;
        }
        true
    }
}
