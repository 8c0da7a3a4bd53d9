//! A second opinion that shares nothing with the first: it walks the calendar unit by unit, by where each begins and ends in real
//! time, and looks at every backup for every unit.

use super::*;

const SCHEDULES: u64 = 100_000;
/// A schedule's outcome depends on its own number only, so they can be looked at side by side.
const THREADS: u64 = 2;

/// Zones that say different things: far from UTC, quarter hours, clocks that change at midnight or by half an hour, summer time that is
/// the exception, a day that was left out.
const ZONES: [&str; 14] = [
    "UTC",
    "Europe/Bucharest",
    "Europe/Dublin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Havana",
    "America/Nuuk",
    "America/Asuncion",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Pacific/Apia",
];

/// SplitMix64: each schedule from its own number, so that a failing one can be looked at alone.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> i64 {
        i64::try_from(self.next() % limit).unwrap()
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.next() % of.len() as u64).unwrap()]
    }

    fn count(&mut self) -> u32 {
        u32::try_from(self.below(7)).unwrap()
    }
}

struct Schedule {
    zone: &'static str,
    keep: Keep,
    times: Vec<Timestamp>,
    changes: usize,
}

fn schedule(number: u64) -> Schedule {
    let mut chance = Chance(number);
    let name = chance.pick(&ZONES);
    let zone = zone(name);
    let mut last = time("2009-01-01T00:00:00Z") + SignedDuration::from_secs(chance.below(30 * 365 * 86_400));
    // Every other schedule ends soon after the clocks have changed, where the zone has such a day ahead.
    if chance.below(2) == 0
        && let Some(change) = zone.following(last).next()
    {
        last = change.timestamp() + SignedDuration::from_secs(chance.below(8 * 3_600));
    }
    let typical = chance.pick(&[900, 1_800, 3_600, 3_600, 6 * 3_600, 86_400, 86_400, 9 * 86_400]);
    let mut times = vec![last];
    for _ in 0..chance.below(24) {
        // Backups come late, fail for a while, and are made twice at the same moment.
        let gap = match chance.below(12) {
            0 => typical * u64::try_from(chance.below(9)).unwrap(),
            1 => 0,
            _ => typical + typical * u64::try_from(chance.below(40)).unwrap() / 100,
        };
        last -= SignedDuration::from_secs(i64::try_from(gap).unwrap());
        times.push(last);
    }
    let keep = match chance.below(4) {
        0 => RUNBOOK,
        _ => Keep { hourly: chance.count(), daily: chance.count(), weekly: chance.count(), monthly: chance.count() },
    };
    let changes = zone.following(last).take_while(|change| change.timestamp() <= times[0]).count();
    Schedule { zone: name, keep, times, changes }
}

/// The newest of those in `[from, to)`.
fn newest_in(all: &[(Timestamp, String)], from: Timestamp, to: Timestamp) -> Option<String> {
    all.iter().filter(|(at, _)| (from..to).contains(at)).max().map(|(_, name)| name.clone())
}

fn begins(date: Date, zone: &TimeZone) -> Timestamp {
    date.to_zoned(zone.clone()).unwrap().timestamp()
}

/// Walks back from unit to unit, beginning with one that no backup has reached, until enough were found or none can come.
fn walk(
    all: &[(Timestamp, String)],
    count: u32,
    zone: &TimeZone,
    first: Date,
    before: impl Fn(Date) -> Date,
) -> BTreeSet<String> {
    let oldest = all.iter().map(|(at, _)| *at).min().unwrap();
    let mut kept = BTreeSet::new();
    let mut end = first;
    let mut to = begins(end, zone);
    while kept.len() < count as usize {
        let start = before(end);
        let from = begins(start, zone);
        kept.extend(newest_in(all, from, to));
        if from <= oldest {
            break;
        }
        (end, to) = (start, from);
    }
    kept
}

/// Where the hour on the clock began: step by step back to a full hour, or to where the clock was changed. Offsets are quarters of
/// hours everywhere, and so are the times of their changes.
fn hour_begins(at: Timestamp, zone: &TimeZone) -> Timestamp {
    const STEP: i64 = 900;
    let offset = zone.to_offset(at);
    let mut start = Timestamp::from_second(at.as_second() - at.as_second().rem_euclid(STEP)).unwrap();
    loop {
        let before = start - SignedDuration::from_secs(STEP);
        if zone.to_datetime(start).minute() == 0 || zone.to_offset(before) != offset {
            return start;
        }
        start = before;
    }
}

fn hours(all: &[(Timestamp, String)], count: u32, zone: &TimeZone) -> BTreeSet<String> {
    if count == 0 {
        return BTreeSet::new();
    }
    let starts: BTreeSet<Timestamp> = all.iter().map(|(at, _)| hour_begins(*at, zone)).collect();
    let mut ends = starts.iter().rev().scan(Timestamp::MAX, |end, start| Some((*start, std::mem::replace(end, *start))));
    let of = |(from, to)| newest_in(all, from, to);
    ends.by_ref().take(count as usize).filter_map(of).collect()
}

fn kept_by_the_oracle(schedule: &Schedule, all: &[(Timestamp, String)]) -> BTreeSet<String> {
    let zone = zone(schedule.zone);
    let newest = all.iter().max().unwrap();
    // Two days on, so that no backup is beyond it whatever the clocks do.
    let ahead = zone.to_datetime(newest.0).date().checked_add(2.days()).unwrap();
    let monday = ahead.checked_add(i64::from(7 - ahead.weekday().to_monday_zero_offset()).days()).unwrap();
    let month = ahead.last_of_month().tomorrow().unwrap();
    let keep = schedule.keep;
    let mut kept = BTreeSet::from([newest.1.clone()]);
    kept.extend(hours(all, keep.hourly, &zone));
    kept.extend(walk(all, keep.daily, &zone, ahead, |end| end.yesterday().unwrap()));
    kept.extend(walk(all, keep.weekly, &zone, monday, |end| end.checked_sub(7.days()).unwrap()));
    kept.extend(walk(all, keep.monthly, &zone, month, |end| end.yesterday().unwrap().first_of_month()));
    kept
}

#[test]
fn a_hundred_thousand_random_schedules_are_sorted_as_the_oracle_sorts_them() {
    let share = |thread| std::thread::spawn(move || agree((0..SCHEDULES).filter(|number| number % THREADS == thread)));
    let shares: Vec<_> = (0..THREADS).map(share).collect();
    let (mut with_change, mut gone) = (0, 0);
    for share in shares {
        let (changes, went) = share.join().unwrap();
        (with_change, gone) = (with_change + changes, gone + went);
    }
    // Or it would have tried nothing.
    assert!(with_change > SCHEDULES / 4, "clocks change in {with_change} schedules");
    assert!(gone > 100_000, "{gone} backups go");
    println!("{SCHEDULES} schedules, in {with_change} of them the clocks change; {gone} backups go");
}

/// In how many of these schedules the clocks change, and how many backups go.
fn agree(numbers: impl Iterator<Item = u64>) -> (u64, usize) {
    let (mut with_change, mut gone) = (0, 0);
    for number in numbers {
        let schedule = schedule(number);
        let all = backups(schedule.times.iter().copied());
        let now = schedule.times[0] + SignedDuration::from_secs(1);
        let policy = policy(schedule.keep, schedule.zone);
        let sorted = sort("b", &policy, &all, now);
        let listed: Vec<(Timestamp, String)> = all
            .iter()
            .map(|(name, found)| match found.standing {
                Standing::Verified { completed_at, .. } => (completed_at, name.clone()),
                Standing::Unverified { .. } => panic!("every backup of a schedule is verified"),
            })
            .collect();
        assert_eq!(
            staying(&sorted),
            kept_by_the_oracle(&schedule, &listed),
            "schedule {number}: {} {:?} {:?}",
            schedule.zone,
            schedule.keep,
            schedule.times
        );
        let most = 1 + schedule.keep.hourly + schedule.keep.daily + schedule.keep.weekly + schedule.keep.monthly;
        assert!(sorted.stays.len() <= most as usize, "schedule {number} keeps {}", sorted.stays.len());
        assert_eq!(sorted.stays[0].completed_at, *schedule.times.iter().max().unwrap(), "schedule {number}");
        (with_change, gone) = (with_change + u64::from(schedule.changes > 0), gone + sorted.goes.len());
        if number % 10 > 0 {
            continue;
        }
        // Once done, nothing more is to be done; and one more of long ago costs none of those that stay.
        let mut rest = all.clone();
        rest.retain(|name, _| staying(&sorted).contains(name));
        assert_eq!(sort("b", &policy, &rest, now).goes, [], "schedule {number}");
        rest.insert("of long ago".to_owned(), verified(time("2001-01-01T00:00:00Z")));
        assert!(staying(&sort("b", &policy, &rest, now)).is_superset(&staying(&sorted)), "schedule {number}");
    }
    (with_change, gone)
}
