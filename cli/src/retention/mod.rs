//! `recoveryctl backup retention …`: which backups go and which stay, and the removal of exactly those that somebody has seen listed.

mod directory;
mod lifecycle;
mod proof;
mod rendering;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use backup_verify_function::level::proof_level;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use pgdump::Level;
use shared::domain::backup::ProofLevel;
use shared::domain::described::{BackupArchives, Keep};
use shared::domain::duration::Seconds;
use shared::domain::identifier::TimeZoneName;
use shared::domain::plan::Component;
use shared::domain::retention::{Contradiction, Policy, Sorted, contradictions, sort};
use shared::planfile;

use crate::backup_command::Format;
use directory::DirectoryShelf;

/// `recoveryctl backup retention`.
#[derive(Debug, Args)]
pub(crate) struct RetentionArguments {
    #[command(subcommand)]
    command: RetentionCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum RetentionCommand {
    /// List what would go and why each of the others stays. Removes nothing.
    ///
    /// Only verified backups count, and only they go: those with a manifest beside them (`NAME.manifest.json`, as `recoveryctl
    /// backup manifest` writes it) whose sizes are still those of the files. The time of a backup is its manifest's.
    ///
    /// Ends with 0 when the list was made, 1 when no backup is verified or the bucket's own rules contradict the policy, 2 when the
    /// backups could not be listed.
    Plan(PolicyArguments),
    /// Remove what the list with this digest names. The list is made anew first; when another list comes out, nothing is removed.
    ///
    /// Ends with 0 when all of it is gone, 1 when nothing or not all was removed, 2 when the backups could not be listed.
    Apply(ApplyArguments),
}

/// Where the backups are, and what is kept of them.
#[derive(Debug, Args)]
struct PolicyArguments {
    /// The directory that holds the backups and their manifests.
    place: PathBuf,
    /// How many are kept of each class: hourly=24,daily=7,weekly=4,monthly=12.
    #[arg(long, value_parser = keep, required_unless_present = "plan", conflicts_with = "plan")]
    keep: Option<Keep>,
    /// By whose calendar, such as Europe/Bucharest. [default: UTC]
    #[arg(long, value_parser = zone, conflicts_with = "plan")]
    time_zone: Option<TimeZoneName>,
    /// The proof level from which on a backup counts. [default: decodable]
    #[arg(long, conflicts_with = "plan")]
    level: Option<Level>,
    /// A recovery plan to take these from.
    #[arg(long, requires = "component")]
    plan: Option<PathBuf>,
    /// The plan's component, of kind backup_archives.
    #[arg(long, requires = "plan")]
    component: Option<String>,
    /// The rules of the bucket that the backups are in too, to find what in them contradicts the policy: a file with what `aws s3api
    /// get-bucket-lifecycle-configuration` prints.
    #[arg(long)]
    lifecycle: Option<PathBuf>,
    /// What the backups' keys begin with in that bucket. [default: all of it, or the plan's]
    #[arg(long, requires = "lifecycle")]
    prefix: Option<String>,
    /// What is not older than this stays in any case.
    #[arg(long, value_parser = duration, default_value = "48h")]
    floor: Seconds,
    /// How many percent of the verified backups one run may remove; one may always go.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    cap: u32,
    /// For people, or for programs.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `recoveryctl backup retention apply`.
#[derive(Debug, Args)]
struct ApplyArguments {
    #[command(flatten)]
    policy: PolicyArguments,
    /// The digest that `plan` printed with the list.
    #[arg(long)]
    digest: String,
}

fn keep(text: &str) -> Result<Keep, String> {
    let mut keep = Keep::default();
    for part in text.split(',') {
        let (class, count) = part.split_once('=').ok_or_else(|| format!("{part:?} is not like daily=7"))?;
        let count: u32 = count.parse().map_err(|_| format!("{count:?} is no number"))?;
        let field = match class.trim() {
            "hourly" => &mut keep.hourly,
            "daily" => &mut keep.daily,
            "weekly" => &mut keep.weekly,
            "monthly" => &mut keep.monthly,
            other => return Err(format!("{other:?} is none of hourly, daily, weekly and monthly")),
        };
        *field = count;
    }
    if keep == Keep::default() {
        return Err("a policy that keeps nothing is none: give at least one class a number".to_owned());
    }
    Ok(keep)
}

fn zone(text: &str) -> Result<TimeZoneName, String> {
    let name = TimeZoneName::new(text).map_err(|error| error.to_string())?;
    if name.zone().is_some() { Ok(name) } else { Err(format!("the IANA database has no time zone {name}")) }
}

fn duration(text: &str) -> Result<Seconds, String> {
    Seconds::parse(text).ok_or_else(|| format!("{text:?} is no duration such as 48h or 2d"))
}

/// What came of a command: what to print, what to complain of, and the exit status.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) out: String,
    pub(crate) errors: String,
    pub(crate) status: u8,
}

/// Done, and nothing found.
const DONE: u8 = 0;
/// Something was found, or not everything was done.
const FOUND: u8 = 1;

/// Runs a retention command.
///
/// # Errors
/// A sentence when the backups could not be listed, or the policy not be read. Nothing has been removed then.
pub(crate) fn run(arguments: &RetentionArguments, now: Timestamp) -> Result<Outcome, String> {
    match &arguments.command {
        RetentionCommand::Plan(arguments) => plan(arguments, now),
        RetentionCommand::Apply(arguments) => apply(arguments, now),
    }
}

/// What there is, sorted.
struct Looked {
    place: String,
    policy: Policy,
    sorted: Sorted,
    contradictions: Vec<Contradiction>,
}

impl Looked {
    fn at(shelf: &DirectoryShelf, arguments: &PolicyArguments, now: Timestamp) -> Result<Self, String> {
        let place = shelf.place();
        let (policy, contradictions) = policy(arguments)?;
        let sorted = sort(&place, &policy, &shelf.found()?, now);
        Ok(Self { place, policy, sorted, contradictions })
    }
}

fn plan(arguments: &PolicyArguments, now: Timestamp) -> Result<Outcome, String> {
    let looked = Looked::at(&DirectoryShelf::new(&arguments.place), arguments, now)?;
    let status = if looked.contradictions.is_empty() && !looked.sorted.stays.is_empty() { DONE } else { FOUND };
    let out = match arguments.format {
        Format::Text => rendering::text(&looked),
        Format::Json => rendering::json(&looked),
    };
    Ok(Outcome { out, status, ..Outcome::default() })
}

fn apply(arguments: &ApplyArguments, now: Timestamp) -> Result<Outcome, String> {
    let shelf = DirectoryShelf::new(&arguments.policy.place);
    let looked = Looked::at(&shelf, &arguments.policy, now)?;
    let sorted = &looked.sorted;
    if sorted.digest.as_str() != arguments.digest {
        let errors = format!(
            "error: digest_differs: what would go now is not the list with digest {}: a backup came, went or changed since, or \
             the policy is another. Nothing was removed; look at `recoveryctl backup retention plan` again\n",
            shared::printable::printable(&arguments.digest, 80)
        );
        return Ok(Outcome { errors, status: FOUND, ..Outcome::default() });
    }
    let mut outcome = Outcome::default();
    let mut removed = Vec::new();
    for going in &sorted.goes {
        match shelf.remove(going) {
            Ok(()) => removed.push(going),
            Err(complaint) => {
                outcome.errors.push_str(&format!("error: {}: {complaint}\n", rendering::name(&going.name)));
                outcome.status = FOUND;
            }
        }
    }
    outcome.out = match arguments.policy.format {
        Format::Text => rendering::removed_text(&looked, &removed),
        Format::Json => rendering::removed_json(&looked, &removed),
    };
    Ok(outcome)
}

/// The policy, and what the bucket's rules have against it.
fn policy(arguments: &PolicyArguments) -> Result<(Policy, Vec<Contradiction>), String> {
    let described = match (&arguments.plan, &arguments.component) {
        (Some(path), Some(component)) => Some(from_plan(path, component)?),
        _ => None,
    };
    let planned = described.as_ref().and_then(|archives| archives.primary.prefix.as_ref().map(ToString::to_string));
    let prefix = arguments.prefix.clone().or(planned).unwrap_or_default();
    let (keep, zone, level) = match described {
        Some(archives) => (Some(archives.keep), archives.time_zone, archives.level),
        None => (arguments.keep, arguments.time_zone.clone(), arguments.level.map(proof_level)),
    };
    let keep = keep.ok_or("say what is kept: --keep, or --plan with --component")?;
    let rules = match &arguments.lifecycle {
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| format!("{} could not be read: {error}", path.display()))?;
            lifecycle::read(&bytes).map_err(|error| format!("{}: {error}", path.display()))?
        }
        None => Vec::new(),
    };
    let zone = match zone {
        Some(name) => name.zone().ok_or_else(|| format!("the IANA database has no time zone {name}"))?,
        None => TimeZone::UTC,
    };
    let level = level.unwrap_or(ProofLevel::Decodable);
    let policy = Policy { keep, zone, level, floor: arguments.floor, cap_percent: arguments.cap };
    Ok((policy, contradictions(keep, &prefix, &rules)))
}

fn from_plan(path: &std::path::Path, component: &str) -> Result<BackupArchives, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{} could not be read: {error}", path.display()))?;
    let Some(plan) = planfile::read_bytes(&bytes).plan else {
        return Err(format!("{} has errors: see `recoveryctl plan check`", path.display()));
    };
    let found = plan.components.into_iter().find(|(name, _)| name.as_str() == component);
    match found {
        Some((_, Component::BackupArchives(archives))) => Ok(archives),
        Some((_, other)) => Err(format!("{component} is of kind {}, not backup_archives", other.kind())),
        None => Err(format!("{} has no component {component}", path.display())),
    }
}
