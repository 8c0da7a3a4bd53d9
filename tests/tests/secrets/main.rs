//! Secrets are in no log, no answer, no journal, no notice, no report and no execution's history.

mod canary;
mod traces;
mod whole_recoveries;
