//! Processes of this machine, as the kernel lists them.

use std::collections::{HashMap, HashSet};
use std::fs;

/// Every process that the ancestor started, directly or not; never the ancestor.
pub(crate) fn descendants_of(ancestor: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    for process in processes() {
        if let Some((_, parent)) = state_and_parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = HashSet::new();
    let mut open = vec![ancestor];
    while let Some(parent) = open.pop() {
        for child in children.get(&parent).into_iter().flatten() {
            if *child != ancestor && found.insert(*child) {
                open.push(*child);
            }
        }
    }
    let mut found: Vec<u32> = found.into_iter().collect();
    found.sort_unstable();
    found
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// A process's state and parent, from `pid (name) state parent …`; the name may hold spaces and brackets, so what counts follows the last bracket.
pub(crate) fn state_and_parent(process: u32) -> Option<(char, u32)> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let mut columns = line.rsplit_once(')')?.1.split_whitespace();
    let state = columns.next()?.chars().next()?;
    Some((state, columns.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_not_its_own_descendant() {
        let ourselves = std::process::id();
        assert!(!descendants_of(ourselves).contains(&ourselves));
        let (_, parent) = state_and_parent(ourselves).unwrap();
        assert!(descendants_of(parent).contains(&ourselves));
    }
}
