//! The platform's clients: whether their writes go through.

use std::time::{Duration, Instant};

use super::super::console::Line;
use crate::drill::Drill;

/// Without an acknowledged write for so long, in real time, clients count as stopped: longer than they wait for an answer.
const SILENCE: Duration = Duration::from_secs(2);

/// What was last told of them.
#[derive(Debug, Default)]
pub(super) struct Writers {
    acknowledged: u64,
    last: Option<Instant>,
    writing: Option<bool>,
}

impl Writers {
    pub(super) fn look(&mut self, drill: &Drill) -> Vec<Line> {
        let acknowledged = drill.acknowledged();
        let last = *self.last.get_or_insert_with(Instant::now);
        if acknowledged > self.acknowledged {
            (self.acknowledged, self.last) = (acknowledged, Some(Instant::now()));
            return self.tell(drill, true);
        }
        if last.elapsed() > SILENCE { self.tell(drill, false) } else { Vec::new() }
    }

    fn tell(&mut self, drill: &Drill, writing: bool) -> Vec<Line> {
        if self.writing.replace(writing) == Some(writing) {
            return Vec::new();
        }
        let what = if writing {
            format!("writes are acknowledged (number {})", self.acknowledged)
        } else {
            let failed = drill.unacknowledged();
            format!("no write is acknowledged any more, after {} ({failed} failed until now)", self.acknowledged)
        };
        vec![Line::new(drill.stage.now(), "clients", what)]
    }
}
