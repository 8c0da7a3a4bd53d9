//! The report for people.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::outcome::DrillReport;

/// The report as text.
pub(super) fn text(report: &DrillReport) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_text(&mut out, report);
    out
}

fn write_text(out: &mut String, report: &DrillReport) -> std::fmt::Result {
    let verdict = if report.is_good() { "GOOD" } else { "NOT GOOD" };
    writeln!(out, "\n{} / {}: {} ({verdict})", report.platform, report.scenario, report.status)?;
    writeln!(
        out,
        "incident {}, mode {}, seed {}, {} simulated seconds a second",
        report.incident_id, report.mode, report.seed, report.speed
    )?;
    writeln!(out, "behind the simulated RDS: {}", report.database)?;
    writeln!(out, "{}", report.reason)?;
    if let Some(broken) = &report.broken {
        writeln!(out, "\nWhat broke\n  {} at {}", broken.what, broken.at.strftime("%H:%M:%S"))?;
        if let Some(after) = broken.alarm_after_s {
            writeln!(out, "  the alarm noticed {after} s later (not part of the RTO, which runs from the alarm)")?;
        }
    }
    write_faults(out, report)?;
    writeln!(out, "\nSteps (simulated seconds)")?;
    for step in &report.steps {
        let seconds = step.seconds.map_or("-".to_owned(), |seconds| seconds.to_string());
        writeln!(out, "  {:<28} {:<9} {:>6} s  {:<8} {}", step.step, step.phase, seconds, step.status, step.reason)?;
    }
    let judged = if report.faults.is_empty() { "" } else { " (not judged: a recovery that is disturbed may take its time)" };
    writeln!(out, "\nObjectives{judged}")?;
    for objective in report.objectives.as_array().into_iter().flatten() {
        let component = objective.get("component").and_then(Value::as_str).unwrap_or_default();
        for name in ["rto", "rpo"] {
            if let Some(figure) = objective.get(name).filter(|figure| !figure.is_null()) {
                writeln!(out, "  {component:<12} {}  {}", name.to_uppercase(), figure_text(figure))?;
            }
        }
    }
    writeln!(
        out,
        "\nWrites\n  {} acknowledged before the break, {} after it; lost for good: {}",
        report.writes_before, report.writes_after, report.lost_commits
    )?;
    let equal = report.independent_checks.iter().any(|check| check.ok && check.name.contains("dry run promised"));
    writeln!(
        out,
        "\nCalls that changed something: {} promised by the dry run, {} made{}",
        report.calls.predicted.len(),
        report.calls.made.len(),
        if equal { ", the same in the same order" } else { "" }
    )?;
    for call in &report.calls.made {
        let field = |name: &str| call.get(name).and_then(Value::as_str).unwrap_or_default();
        writeln!(
            out,
            "  {:<28} {}:{} on {} in {}",
            field("step"),
            field("service"),
            field("operation"),
            field("resource"),
            field("region")
        )?;
    }
    writeln!(out, "\nWhat independent eyes see afterwards")?;
    for check in &report.independent_checks {
        writeln!(out, "  {}  {}: {}", if check.ok { "yes" } else { "NO " }, check.name, check.detail)?;
    }
    list(out, "Worth knowing", &report.notes)?;
    list(out, "Left to do by hand", &report.commands_left)?;
    writeln!(out, "\nNot rehearsed (what this machine cannot show)")?;
    let limits = &report.not_rehearsed;
    for (name, items) in [
        ("dropped by the emulator", &limits.dropped),
        ("stored but not enforced", &limits.not_enforced),
        ("deployed but not read back", &limits.unverified),
        ("authorization not checked", &limits.authorization_unchecked),
        ("role judged by the proxy, because the emulator falsely denies", &limits.authorized_by_proxy),
        ("rules of the simulated sites without a source", &limits.unverified_rules),
    ] {
        writeln!(out, "  {name}: {}", if items.is_empty() { "nothing".to_owned() } else { items.len().to_string() })?;
        for item in items {
            writeln!(out, "    - {item}")?;
        }
    }
    Ok(())
}

fn write_faults(out: &mut String, report: &DrillReport) -> std::fmt::Result {
    if report.faults.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nFaults")?;
    for fault in &report.faults {
        let verdict = if fault.is_struck() { "" } else { " (THE FAULT DID NOT STRIKE)" };
        writeln!(
            out,
            "  {}: struck {} times{verdict}; good ends: {}",
            fault.fault,
            fault.struck,
            fault.good_ends.join(", ")
        )?;
        for strike in &fault.strikes {
            writeln!(out, "    {:>3} x {}", strike.times, strike.what)?;
        }
        for missed in &fault.missed {
            writeln!(out, "    never {missed}")?;
        }
    }
    if report.lengthened_s > 0 {
        writeln!(
            out,
            "  Each budget and the loss allowed in advance are {} simulated seconds longer here: a process that dies holds its step \
             for real seconds, which are more on this clock.",
            report.lengthened_s
        )?;
    }
    Ok(())
}

fn figure_text(figure: &Value) -> String {
    let seconds = |name: &str| figure.get(name).and_then(Value::as_u64);
    let met = if figure.get("met").and_then(Value::as_bool) == Some(true) { "met" } else { "NOT MET" };
    let achieved = seconds("achieved_s").map_or("unknown".to_owned(), |achieved| format!("{achieved} s"));
    let source = figure.get("source").and_then(Value::as_str).unwrap_or_default();
    format!("{achieved:>8} of {:>5} s  {met:<8} {source}", seconds("objective_s").unwrap_or_default())
}

fn list(out: &mut String, title: &str, items: &[String]) -> std::fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{title}")?;
    for item in items {
        writeln!(out, "  - {item}")?;
    }
    Ok(())
}

/// Writes `report.json` and `report.md`.
pub(super) fn write(report: &DrillReport, directory: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(directory)?;
    std::fs::write(directory.join("report.json"), serde_json::to_string_pretty(report).unwrap_or_default())?;
    let mut page =
        format!("# Drill of {} / {}\n\n```text{}```\n\n## Timeline\n\n", report.platform, report.scenario, text(report));
    page.push_str("| at | step | event | reason |\n| --- | --- | --- | --- |\n");
    for moment in &report.timeline {
        let reason = moment.reason.replace('|', "\\|").replace('\n', " ");
        page.push_str(&format!("| {} | {} | {} | {reason} |\n", moment.at.strftime("%H:%M:%S"), moment.step, moment.event));
    }
    std::fs::write(directory.join("report.md"), page)
}
