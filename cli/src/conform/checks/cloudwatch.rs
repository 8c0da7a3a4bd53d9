//! Facts about metrics.

use super::super::sight::{LagSight, Reply, Sight};
use super::{Finding, all, answered, refused};

const MINUTE: i64 = 60;

/// Looks at the data points of a replica's lag, in the order of the answer.
fn of_points(sight: &Sight, judge: impl Fn(&LagSight, &[i64]) -> Finding) -> Finding {
    let Some(lag) = &sight.cloudwatch.lag else {
        return match answered(&sight.rds.instances) {
            Ok(_) => Finding::NothingToSee("there is no PostgreSQL read replica in this Region".to_owned()),
            Err(finding) => finding,
        };
    };
    match answered(&lag.times) {
        Ok(times) if times.is_empty() => Finding::NothingToSee("the replica has no lag in these ten minutes".to_owned()),
        Ok(times) => judge(lag, times),
        Err(finding) => finding,
    }
}

pub(super) fn every_minute(sight: &Sight) -> Finding {
    of_points(sight, |_, times| {
        if times.iter().any(|time| time % MINUTE != 0) {
            return Finding::Drifts("a data point is of no whole minute".to_owned());
        }
        // A gap may be the replica's, and is no drift of the metric.
        let neighbours = times.windows(2).filter(|pair| (pair[0] - pair[1]).abs() == MINUTE).count();
        if times.len() > 2 && neighbours == 0 {
            return Finding::Drifts(format!("of {} data points no two are of neighbouring minutes", times.len()));
        }
        Finding::Agrees(format!("{} data points in ten minutes", times.len()))
    })
}

pub(super) fn range(sight: &Sight) -> Finding {
    of_points(sight, |lag, times| {
        let first = lag.from.div_euclid(MINUTE) * MINUTE;
        if times.iter().any(|time| *time < first) {
            Finding::Drifts("a data point lies before the minute of StartTime".to_owned())
        } else if times.iter().any(|time| *time >= lag.until) {
            Finding::Drifts("a data point does not lie before EndTime".to_owned())
        } else if times.contains(&first) {
            Finding::Agrees("the minute of StartTime is included, EndTime is not".to_owned())
        } else {
            Finding::NothingToSee("there is no data point in the minute of StartTime".to_owned())
        }
    })
}

pub(super) fn order(sight: &Sight) -> Finding {
    of_points(sight, |lag, times| match answered(&lag.ascending) {
        Err(finding) => finding,
        Ok(ascending) if times.len() < 2 || ascending.len() < 2 => {
            Finding::NothingToSee("one data point has no order".to_owned())
        }
        Ok(_) if !times.is_sorted_by(|one, next| one > next) => {
            Finding::Drifts("without ScanBy, the newest data point does not come first".to_owned())
        }
        Ok(ascending) if !ascending.is_sorted() => {
            Finding::Drifts("with TimestampAscending, the oldest data point does not come first".to_owned())
        }
        Ok(_) => Finding::Agrees("the newest comes first, and last when asked".to_owned()),
    })
}

pub(super) fn pages(sight: &Sight) -> Finding {
    let token = refused(&sight.cloudwatch.token_not_given_out, "InvalidNextToken", 400);
    let cut = of_points(sight, |lag, times| match answered(&lag.cut) {
        Ok(_) if times.len() < 2 => Finding::NothingToSee("there is nothing to cut off".to_owned()),
        Ok((1, true, true)) => {
            Finding::Agrees("one data point, PartialData, a NextToken; another token is refused".to_owned())
        }
        Ok((points, partial, more)) => Finding::Drifts(format!(
            "asked for one data point, {points} came; called partial: {partial}; with a token: {more}"
        )),
        Err(finding) => finding,
    });
    all(vec![cut, token])
}

pub(super) fn rules(sight: &Sight) -> Finding {
    let seen = &sight.cloudwatch;
    let rule = |reply: &Reply<()>, what: &str| match refused(reply, "ValidationError", 400) {
        Finding::Agrees(how) => Finding::Agrees(format!("each of three broken rules: {how}")),
        Finding::Drifts(how) => Finding::Drifts(format!("{what}: {how}")),
        other => other,
    };
    all(vec![
        rule(&seen.one_id_twice, "one Id twice"),
        rule(&seen.id_in_capitals, "an Id that begins with a capital"),
        rule(&seen.period_of_90, "a period of 90 seconds"),
    ])
}
