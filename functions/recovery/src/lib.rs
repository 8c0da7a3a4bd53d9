//! Entry for alarms and operators; assess, recovery steps, report and watchdog.

pub mod handler;
