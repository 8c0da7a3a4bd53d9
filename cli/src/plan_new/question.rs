//! What a plan needs to be told, one row a question.

use jiff::civil::Date;
use shared::domain::duration::Seconds;
use shared::domain::identifier::{
    AccountId, EmailAddress, HttpsUrl, InstanceId, InvalidIdentifier, PlatformName, Region, ResourceName, SecurityGroupId,
    VariableName,
};
use shared::domain::plan::ApiMethod;

use super::answers::{Answer, Answers};

/// One question.
pub(super) struct Question {
    /// Its name in `--answers` and `--set`.
    pub(super) key: &'static str,
    /// What is asked.
    pub(super) asks: &'static str,
    /// What is taken where nothing is answered.
    pub(super) fallback: Fallback,
    /// Why a text is no answer.
    pub(super) check: fn(&str, &Answers) -> Result<(), String>,
    /// The question that makes this one worth asking, by having an answer.
    pub(super) after: Option<&'static str>,
}

/// What is taken where nothing is answered. What exists already is never guessed: a wrong name looks like a right one until the day.
#[derive(Clone, Copy)]
pub(super) enum Fallback {
    /// A value that is right for most.
    Value(&'static str),
    /// A value that follows from other answers.
    From(fn(&Answers) -> Option<String>),
    /// It has to be known, and is marked as unknown.
    ToFillIn,
    /// It may be left out.
    LeftOut,
}

impl Fallback {
    /// The answer, given the ones before it.
    pub(super) fn answer(self, answers: &Answers) -> Answer {
        match self {
            Self::Value(text) => Answer::Text(text.to_owned()),
            Self::From(from) => from(answers).map_or(Answer::ToFillIn, Answer::Text),
            Self::ToFillIn => Answer::ToFillIn,
            Self::LeftOut => Answer::LeftOut,
        }
    }
}

/// Every question, in the order in which they are asked.
pub(super) const QUESTIONS: &[Question] = &[
    question("platform", "The platform's name, which begins every incident's id", Fallback::ToFillIn, platform),
    question("account", "The AWS account of both sites: twelve digits", Fallback::ToFillIn, account),
    question("primary_region", "The Region that the platform runs in", Fallback::Value("us-east-1"), region),
    question("recovery_region", "The Region that it is recovered to", Fallback::Value("us-west-2"), other_region),
    question("primary_database", "The identifier of the RDS for PostgreSQL instance", Fallback::ToFillIn, instance),
    question("recovery_database", "The identifier of its read replica in the recovery Region", Fallback::ToFillIn, instance),
    question(
        "isolation_security_group",
        "A security group of the primary's VPC that lets nobody in, made in advance",
        Fallback::ToFillIn,
        security_group,
    ),
    question("rto", "How long a recovery of the database may take (RTO)", Fallback::Value("30m"), at_least_a_second),
    question("rpo", "How much data it may lose (RPO)", Fallback::Value("15m"), duration),
    question(
        "backup_retention",
        "How long the promoted replica keeps backups, in days",
        Fallback::Value("7d"),
        backup_retention,
    ),
    question(
        "max_lag",
        "How far behind the replica may be in a planned switchover",
        Fallback::Value("30s"),
        at_least_a_second,
    ),
    question(
        "write_probe",
        "A function of yours that writes one row and answers {\"written\":true}",
        Fallback::LeftOut,
        name,
    ),
    question("host_parameter", "The SSM parameter in which clients read the host", Fallback::ToFillIn, parameter),
    question("host_secret", "A secret in which clients read the host", Fallback::LeftOut, name),
    following("host_secret_field", "The secret's field that holds it", Fallback::Value("host"), name, "host_secret"),
    question("host_function", "A Lambda function that has the host in a variable", Fallback::LeftOut, name),
    following("host_variable", "That variable", Fallback::Value("DATABASE_HOST"), variable, "host_function"),
    question("service", "An ECS service that uses the database, of one name in both sites", Fallback::LeftOut, name),
    following("cluster", "The service's cluster", Fallback::ToFillIn, name, "service"),
    following(
        "service_rto",
        "How long a recovery of the service may take",
        Fallback::Value("15m"),
        at_least_a_second,
        "service",
    ),
    following("service_health", "An https page that says whether the service serves", Fallback::LeftOut, url, "service"),
    question("held_api", "The id of a REST API whose writes are held while the database moves", Fallback::LeftOut, name),
    following("held_stage", "Its stage", Fallback::Value("prod"), name, "held_api"),
    following(
        "held_methods",
        "Its writing methods, with commas, such as POST /orders, PUT /orders",
        Fallback::ToFillIn,
        methods,
        "held_api",
    ),
    question("held_function", "A Lambda function that obeys a read-only flag in a variable", Fallback::LeftOut, name),
    following("held_variable", "That flag", Fallback::Value("READ_ONLY_MODE"), variable, "held_function"),
    question(
        "alarm",
        "The alarm of the recovery Region that starts a recovery",
        Fallback::From(|answers| answers.text("platform").map(|platform| format!("{platform}-database-unreachable"))),
        name,
    ),
    question("data_loss_up_to", "How much may be lost without asking a person", Fallback::LeftOut, loss),
    following("preauthorised_by", "Who allows that", Fallback::ToFillIn, line, "data_loss_up_to"),
    following("preauthorised_until", "Until which day", Fallback::ToFillIn, date, "data_loss_up_to"),
    question("email", "An address that is told of every incident", Fallback::LeftOut, email),
];

type Check = fn(&str, &Answers) -> Result<(), String>;

const fn question(key: &'static str, asks: &'static str, fallback: Fallback, check: Check) -> Question {
    Question { key, asks, fallback, check, after: None }
}

const fn following(
    key: &'static str,
    asks: &'static str,
    fallback: Fallback,
    check: Check,
    after: &'static str,
) -> Question {
    Question { key, asks, fallback, check, after: Some(after) }
}

fn identifier<I>(read: Result<I, InvalidIdentifier>) -> Result<(), String> {
    read.map(|_| ()).map_err(|invalid| invalid.to_string())
}

fn platform(text: &str, _: &Answers) -> Result<(), String> {
    identifier(PlatformName::new(text))
}

fn account(text: &str, _: &Answers) -> Result<(), String> {
    identifier(AccountId::new(text))
}

fn region(text: &str, _: &Answers) -> Result<(), String> {
    identifier(Region::new(text))
}

fn other_region(text: &str, answers: &Answers) -> Result<(), String> {
    if answers.text("primary_region") == Some(text) {
        return Err(format!("{text} is the primary site's Region: nothing is left when it fails"));
    }
    region(text, answers)
}

fn instance(text: &str, _: &Answers) -> Result<(), String> {
    identifier(InstanceId::new(text))
}

fn security_group(text: &str, _: &Answers) -> Result<(), String> {
    identifier(SecurityGroupId::new(text))
}

fn name(text: &str, _: &Answers) -> Result<(), String> {
    identifier(ResourceName::new(text))
}

fn variable(text: &str, _: &Answers) -> Result<(), String> {
    identifier(VariableName::new(text))
}

fn parameter(text: &str, answers: &Answers) -> Result<(), String> {
    if text.starts_with('/') { name(text, answers) } else { Err("a parameter's full name begins with /".to_owned()) }
}

fn url(text: &str, _: &Answers) -> Result<(), String> {
    identifier(HttpsUrl::new(text))
}

fn email(text: &str, _: &Answers) -> Result<(), String> {
    identifier(EmailAddress::new(text))
}

fn seconds(text: &str) -> Result<Seconds, String> {
    const LONGEST: Seconds = Seconds(366 * 86_400);
    let read = Seconds::parse(text).filter(|read| *read <= LONGEST && !text.contains(char::is_whitespace));
    read.ok_or_else(|| format!("{text:?} is no duration such as 90s, 30m, 4h or 7d, of at most {LONGEST}"))
}

fn duration(text: &str, _: &Answers) -> Result<(), String> {
    seconds(text).map(|_| ())
}

fn at_least_a_second(text: &str, _: &Answers) -> Result<(), String> {
    if seconds(text)? == Seconds(0) { Err("at least 1s".to_owned()) } else { Ok(()) }
}

fn backup_retention(text: &str, _: &Answers) -> Result<(), String> {
    const DAY: u64 = 86_400;
    let Seconds(read) = seconds(text)?;
    if read % DAY == 0 && (1..=35).contains(&(read / DAY)) {
        Ok(())
    } else {
        Err("whole days, 1d to 35d: RDS keeps backups no longer".to_owned())
    }
}

fn loss(text: &str, answers: &Answers) -> Result<(), String> {
    let allowed = seconds(text)?;
    match answers.text("rpo").map(seconds) {
        Some(Ok(rpo)) if allowed > rpo => Err(format!("at most the RPO of {rpo}: the smaller of the two would count")),
        _ => Ok(()),
    }
}

fn date(text: &str, _: &Answers) -> Result<(), String> {
    let read = text.parse::<Date>().is_ok() && text.len() == 10;
    if read { Ok(()) } else { Err(format!("{text:?} is no day such as 2027-06-30")) }
}

fn line(text: &str, _: &Answers) -> Result<(), String> {
    let fits = !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err("1 to 200 characters on one line".to_owned()) }
}

/// The methods of a list with commas.
pub(super) fn listed_methods(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim)
}

fn methods(text: &str, _: &Answers) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for method in listed_methods(text) {
        let read = ApiMethod::parse(method).ok_or_else(|| format!("{method:?} is no method such as POST /orders"))?;
        if ["GET", "HEAD", "OPTIONS", "ANY"].contains(&read.verb()) {
            return Err(format!("{method} reads, and reads stay served"));
        }
        if !seen.insert(method) {
            return Err(format!("{method} is listed twice"));
        }
    }
    Ok(())
}

impl Question {
    /// Whether a plan can do without.
    pub(super) fn may_be_left_out(&self) -> bool {
        matches!(self.fallback, Fallback::LeftOut) || self.key == "host_parameter"
    }
}
