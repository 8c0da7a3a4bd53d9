//! Promises of `plan new`: whatever is answered, the plan is one that `plan check` accepts, and what is not known is all that it finds.

use clap::Parser;
use proptest::prelude::*;
use shared::planfile::Verdict;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    new: NewArguments,
}

/// Runs the command with this on standard input; a patient one asks again.
fn run_line(line: &[&str], input: &str, patient: bool) -> (u8, String, String) {
    let arguments = Line::try_parse_from([&["new"], line].concat()).unwrap();
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let session = Session { input: &mut input.as_bytes(), patient, out: &mut out, errors: &mut errors };
    let code = run_on(&arguments.new, session);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

const KNOWN: [&str; 12] = [
    "--set",
    "platform=shop",
    "--set",
    "account=123456789012",
    "--set",
    "primary_database=shop-prod",
    "--set",
    "recovery_database=shop-dr",
    "--set",
    "isolation_security_group=sg-0f00d",
    "--set",
    "host_parameter=/shop/host",
];

/// A file of its own for one test, in the system's temporary directory.
fn temporary(name: &str) -> PathBuf {
    let directory = std::env::temp_dir().join(format!("recoveryctl-plan-new-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    directory.join(name)
}

#[test]
fn a_few_answers_make_a_plan_without_errors() {
    let (code, plan, errors) = run_line(&[&KNOWN[..], &["--defaults"]].concat(), "", false);
    assert_eq!((code, errors.as_str()), (0, ""));
    let reading = planfile::read(&plan);
    let codes: Vec<&str> = reading.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["promote_without_hold"], "{plan}");
    let held = run_line(&[&KNOWN[..], &["--defaults", "--set", "held_function=shop-orders"]].concat(), "", false).1;
    assert_eq!(planfile::read(&held).findings, Vec::new(), "{held}");
}

#[test]
fn the_plan_needs_nothing_that_the_template_does_not_allow() {
    let more =
        ["--set", "held_api=a1b2c3", "--set", "held_methods=POST /orders", "--set", "service=api", "--set", "cluster=shop"];
    let plan = run_line(&[&KNOWN[..], &more, &["--defaults"]].concat(), "", false).1;
    let reading = planfile::read(&plan);
    assert_eq!(reading.findings, Vec::new(), "{plan}");
    assert_eq!(crate::permissions::findings(reading.plan.as_ref().unwrap(), &plan), Vec::new());
}

#[test]
fn what_nobody_knows_is_marked_and_found_and_nothing_else_is() {
    let (code, plan, _) = run_line(&[], "", false);
    assert_eq!(code, 0);
    let reading = planfile::read(&plan);
    assert_eq!(reading.verdict(), Verdict::Refused, "a plan with gaps is not to be deployed");
    let mut gaps = reading.findings.iter().filter(|finding| finding.code == "left_to_fill_in");
    let marks: usize = plan.lines().filter(|line| !line.starts_with('#')).map(|line| line.matches(TO_FILL_IN).count()).sum();
    assert_eq!(gaps.clone().count(), marks);
    assert!(gaps.all(|finding| finding.expected.is_some()), "each says what belongs there");
    let others: Vec<&str> =
        reading.findings.iter().map(|finding| finding.code).filter(|code| *code != "left_to_fill_in").collect();
    assert_eq!(others, ["promote_without_hold"]);
}

#[test]
fn questions_are_answered_line_by_line_and_a_person_is_asked_again_after_a_slip() {
    let input = "Shop\nshop\n123456789012\n\nus-east-1\neu-west-1\nshop-prod\nshop-dr\n?\n";
    let (code, plan, errors) = run_line(&[], input, true);
    assert_eq!(code, 0);
    for expected in ["platform: shop ", "recovery: { region: eu-west-1 }", "isolation_security_group: TO_FILL_IN }"] {
        assert!(plan.contains(expected), "{expected} is not in\n{plan}");
    }
    assert!(errors.contains("\"Shop\" is not a valid platform name"), "{errors}");
    assert!(errors.contains("us-east-1 is the primary site's Region"), "{errors}");
    let (code, plan, errors) = run_line(&[], "Shop\n", false);
    assert_eq!((code, plan.as_str()), (2, ""), "a script is not asked again");
    assert!(errors.contains("error: platform: "), "{errors}");
}

#[test]
fn a_file_of_answers_is_read_strictly() {
    let file = temporary("answers.yaml");
    let path = file.display().to_string();
    std::fs::write(&file, "platform: shop  # ours\naccount: \"123456789012\"\nrto: 1h\n").unwrap();
    let (code, plan, _) = run_line(&["--answers", &path, "--defaults", "--set", "rto=2h"], "", false);
    assert_eq!(code, 0);
    assert!(plan.contains("account: \"123456789012\"") && plan.contains("rto: 2h"), "{plan}");
    for (answers, said) in [
        ("platfrom: shop\n", "did you mean platform?"),
        ("rto: soon\n", "rto: \"soon\" is no duration"),
        ("cluster: shop\n", "cluster is answered, and service is not"),
        ("platform: [shop]\n", "could not be read"),
        ("rpo: 5m\ndata_loss_up_to: 10m\n", "at most the RPO of 5 min"),
    ] {
        std::fs::write(&file, answers).unwrap();
        let (code, plan, errors) = run_line(&["--answers", &path, "--defaults"], "", false);
        assert_eq!((code, plan.as_str()), (2, ""), "{answers}");
        assert!(errors.contains(said), "{errors}");
    }
}

#[test]
fn a_file_that_is_there_is_not_written_over_unless_that_is_said() {
    let file = temporary("plan.yaml");
    let path = file.display().to_string();
    std::fs::write(&file, "mine\n").unwrap();
    let (code, out, errors) = run_line(&["--defaults", "--out", &path], "", false);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(errors.contains("is there already, and nothing was written; --force"), "{errors}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine\n");
    let (code, _, errors) = run_line(&["--defaults", "--force", "--out", &path], "", false);
    assert_eq!(code, 0);
    assert!(errors.contains("TO_FILL_IN is left in it"), "{errors}");
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("# A recovery plan"));
}

#[test]
fn every_question_is_listed_with_what_is_taken_when_nobody_answers() {
    let (code, out, _) = run_line(&["--questions"], "", false);
    assert_eq!(code, 0);
    assert_eq!(out.lines().count(), QUESTIONS.len());
    assert!(out.contains("rto") && out.contains("[30m]"), "{out}");
}

#[test]
fn what_a_person_says_counts_before_what_an_account_says() {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned())).collect()
    };
    let mut advance = pairs(&[("service", "none"), ("rto", "1h")]);
    add(pairs(&[("service", "api"), ("cluster", "shop"), ("account", "123456789012")]), &mut advance);
    assert_eq!(advance, pairs(&[("service", "none"), ("rto", "1h"), ("account", "123456789012")]));
}

/// Answers to a question: some that are right, unknown, left out, nothing.
fn answer_to(key: &'static str) -> BoxedStrategy<Option<String>> {
    let text = match key {
        "platform" => "[a-z][a-z0-9-]{0,31}",
        "account" => "[0-9]{12}",
        "primary_region" => "(us-east-1|eu-central-1)",
        "recovery_region" => "(us-west-2|eu-west-1)",
        "primary_database" | "recovery_database" => "[a-z](-?[a-z0-9]){0,20}",
        "isolation_security_group" => "sg-[0-9a-f]{4,17}",
        "rto" | "service_rto" | "max_lag" => "[1-9][0-9]{0,2}[smh]",
        "rpo" => "[1-9][0-9]{0,2}[mh]",
        "data_loss_up_to" => "[1-9][0-9]?s",
        "backup_retention" => "([1-9]|[12][0-9]|3[0-5])d",
        "host_parameter" => "/[!-~]{0,30}",
        "host_variable" | "held_variable" => "[A-Za-z][A-Za-z0-9_]{0,20}",
        "service_health" => "https://[a-z]{1,10}\\.example\\.com/[a-z]{0,5}",
        "held_methods" => "POST /[!-+.-~]{0,20}, PUT /[!-+.-~]{0,20}",
        "preauthorised_by" => "[A-Za-zÄ-ü\"'#:{}\\\\ ]{0,30}[a-z]",
        "preauthorised_until" => "20[2-9][0-9]-0[1-9]-[12][0-9]",
        "email" => "[a-z]{1,10}@[a-z]{1,10}\\.com",
        _ => "[!-~]{1,30}",
    };
    prop_oneof![
        6 => proptest::string::string_regex(text).unwrap().prop_map(Some),
        1 => Just(Some(answers::UNKNOWN.to_owned())),
        1 => Just(Some(answers::NONE.to_owned())),
        2 => Just(None),
    ]
    .boxed()
}

/// Warnings that answers can deserve: nothing to hold, times that cannot be kept.
const DESERVED: &[&str] = &["promote_without_hold", "over_rto", "left_to_fill_in"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_answered_the_plan_passes_the_check_but_for_what_is_left_to_fill_in(
        given in QUESTIONS.iter().map(|question| answer_to(question.key)).collect::<Vec<_>>(),
    ) {
        // An answer that the question refuses (`none` where something is needed) is no answer.
        let answers = Answers::gather(BTreeMap::new(), |question, _, answers| {
            let place = QUESTIONS.iter().position(|other| other.key == question.key).unwrap();
            let text = given[place].clone();
            Ok(text.and_then(|text| answers::read(question, &text, answers).ok()))
        })
        .unwrap();
        let plan = text::plan(&answers);
        let reading = planfile::read(&plan);
        for finding in &reading.findings {
            prop_assert!(DESERVED.contains(&finding.code), "{finding:?} in\n{plan}");
        }
        let left = reading.findings.iter().filter(|finding| finding.code == "left_to_fill_in").count();
        prop_assert_eq!(reading.plan.is_some(), left == 0, "{}", plan);
    }
}
