//! Whether a promotion may go on without asking, and what must be asked otherwise (design §2.6).

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::duration::Seconds;
use super::identifier::StepId;
use super::incident::{Question, Verdict};
use super::loss_bound::{FenceProof, LossBound};
use super::plan::{ApprovalRule, Scenario};
use crate::guard::{self, Guard};

/// What the consent rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Consent {
    /// Go on, and why.
    Granted(String),
    /// Ask this first.
    Ask(Question),
    /// A person said no, or nobody answered in time.
    Denied(String),
}

/// Everything that consent depends on.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The step that wants to go on.
    pub step: &'a StepId,
    /// What would be promoted.
    pub target: &'a str,
    /// The scenario's rules.
    pub scenario: &'a Scenario,
    /// The component's recovery point objective.
    pub rpo: Option<Seconds>,
    /// The loss bound.
    pub bound: &'a LossBound,
    /// The fence's proof.
    pub fence: Option<&'a FenceProof>,
    /// What persons have answered so far.
    pub verdicts: &'a [Verdict],
    /// The question that stands, if any.
    pub question: Option<&'a Question>,
    /// Whether a person changed the course: then nothing counts that was allowed in advance, and a person is asked.
    pub course_changed: bool,
    /// Now.
    pub now: Timestamp,
}

/// Applies the rule.
#[must_use]
pub fn consent(case: Case<'_>) -> Consent {
    if let Some(verdict) = case.verdicts.iter().rev().find(|verdict| !verdict.approved) {
        let why = verdict.reason.as_deref().unwrap_or("no reason was stated");
        return Consent::Denied(format!("{} rejected the promotion of {} ({why})", verdict.actor, case.target));
    }
    if let Some(verdict) = case.verdicts.iter().rev().find(|verdict| covers(verdict, case)) {
        return Consent::Granted(format!("{} approved: {}", verdict.actor, case.bound.basis));
    }
    let may_go_unasked = case.scenario.approval == ApprovalRule::WhenNeeded || guard::removed(Guard::ApprovalRequired);
    if may_go_unasked
        && !case.course_changed
        && let Some(reason) = granted_in_advance(case)
    {
        return Consent::Granted(reason);
    }
    match case.question {
        // Also where more is to be asked by now: while writes may still arrive the bound outgrows every question as its time runs
        // out, and would be asked about for ever. Who approved less is asked again.
        Some(standing)
            if case.now >= standing.stands_until && standing.step == *case.step && !is_approved(standing, case) =>
        {
            Consent::Denied(format!("nobody answered by {}: {}", standing.stands_until, standing.text))
        }
        Some(standing) if standing.step == *case.step && still_fits(standing, case) => Consent::Ask(standing.clone()),
        _ => Consent::Ask(question(case)),
    }
}

/// The reason why no one need be asked, when there is one.
fn granted_in_advance(case: Case<'_>) -> Option<String> {
    let bound = case.bound.at_most?;
    let valid = case.scenario.preauthorised.as_ref().filter(|pre| case.now.to_zoned(TimeZone::UTC).date() <= pre.until);
    let fence = match (case.fence, valid) {
        (Some(proof), _) => format!("the fence is proven ({})", proof.how),
        (None, Some(pre)) if pre.unproven_fence => {
            format!("{} allowed an unproven fence until {}", pre.by, pre.until)
        }
        (None, _) if guard::removed(Guard::FenceOrLeave) => "nobody looked at the fence".to_owned(),
        (None, _) => return None,
    };
    if bound == Seconds(0) || guard::removed(Guard::LossWithinLeave) {
        return Some(format!("nothing is lost, and {fence}"));
    }
    let pre = valid?;
    // Without an objective nothing says how much loss is tolerable, so none is.
    let limit = pre.data_loss_up_to.min(case.rpo?);
    (bound <= limit)
        .then(|| format!("{}; {} allowed up to {limit} until {}, and {fence}", case.bound.basis, pre.by, pre.until))
}

fn covers(verdict: &Verdict, case: Case<'_>) -> bool {
    let fence = case.fence.is_some() || verdict.unproven_fence;
    let loss = match (case.bound.at_most, verdict.loss_up_to) {
        (Some(bound), Some(allowed)) => bound <= allowed,
        // An approval of an unknown loss covers every bound; an unknown bound needs exactly such an approval.
        (_, None) => true,
        (None, Some(_)) => false,
    };
    fence && loss
}

fn is_approved(standing: &Question, case: Case<'_>) -> bool {
    let digest = standing.digest();
    case.verdicts.iter().any(|verdict| verdict.approved && verdict.digest == digest)
}

/// Whether the standing question still asks for what is needed now.
fn still_fits(standing: &Question, case: Case<'_>) -> bool {
    let fence = case.fence.is_some() || standing.unproven_fence;
    let loss = match (case.bound.at_most, standing.loss_up_to) {
        (Some(bound), Some(asked)) => bound <= asked,
        (_, None) => true,
        (None, Some(_)) => false,
    };
    fence && loss
}

fn question(case: Case<'_>) -> Question {
    let timeout = case.scenario.approval_timeout;
    // While writes may still arrive the bound grows as the question waits, so what is asked covers the whole wait; otherwise an
    // approval would be outgrown the moment it is given.
    let loss_up_to = case.bound.at_most.map(|bound| if case.bound.growing { bound.plus(timeout) } else { bound });
    let loss = match loss_up_to {
        Some(Seconds(0)) => "lose nothing".to_owned(),
        Some(bound) => format!("lose up to {bound} of acknowledged writes"),
        None => "lose an UNKNOWN amount of acknowledged writes".to_owned(),
    };
    let fence = match case.fence {
        Some(proof) => format!("the old primary is fenced ({})", proof.how),
        None => "the old primary is NOT proven fenced and may still take writes".to_owned(),
    };
    Question {
        step: case.step.clone(),
        text: format!("Promote {} and {loss}? {fence}. {}", case.target, case.bound.basis),
        loss_up_to,
        unproven_fence: case.fence.is_none(),
        asked_at: case.now,
        stands_until: timeout.after(case.now),
        token: None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::non_empty::NonEmpty;
    use super::super::plan::{Branch, Condition, Preauthorisation, Severity};
    use super::super::step::{PlannedStep, StepKind};
    use super::*;
    use crate::domain::identifier::{ComponentName, Digest};

    fn scenario(pre: Option<(u64, bool, &str)>, approval: ApprovalRule) -> Scenario {
        let step = PlannedStep { kind: StepKind::Promote, component: ComponentName::new("database").unwrap() };
        Scenario {
            severity: Severity::Sev1,
            failed_region: false,
            preauthorised: pre.map(|(loss, unproven, until)| Preauthorisation {
                data_loss_up_to: Seconds(loss),
                unproven_fence: unproven,
                by: "head-of-platform".to_owned(),
                until: until.parse().unwrap(),
            }),
            approval,
            approval_timeout: Seconds(1_800),
            budgets: std::collections::BTreeMap::new(),
            branches: NonEmpty::new(vec![Branch {
                when: Condition::Otherwise,
                waves: NonEmpty::new(vec![NonEmpty::new(vec![step]).unwrap()]).unwrap(),
            }])
            .unwrap(),
        }
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn bound(at_most: Option<u64>, growing: bool) -> LossBound {
        LossBound { at_most: at_most.map(Seconds), growing, basis: "basis".to_owned() }
    }

    fn decide(
        scenario: &Scenario,
        bound: &LossBound,
        fenced: bool,
        verdicts: &[Verdict],
        question: Option<&Question>,
    ) -> Consent {
        let step = StepId::new("04-promote-database").unwrap();
        let proof = FenceProof { at: now(), how: "reboot completed".to_owned() };
        consent(Case {
            step: &step,
            target: "healthcare-platform-dr",
            scenario,
            rpo: Some(Seconds(900)),
            bound,
            fence: fenced.then_some(&proof),
            verdicts,
            question,
            course_changed: false,
            now: now(),
        })
    }

    fn verdict(approved: bool, loss: Option<u64>, unproven_fence: bool) -> Verdict {
        Verdict {
            step: StepId::new("04-promote-database").unwrap(),
            digest: Digest::of(b"q"),
            approved,
            loss_up_to: loss.map(Seconds),
            unproven_fence,
            actor: "dana".to_owned(),
            reason: None,
            at: now(),
        }
    }

    #[test]
    fn promotion_goes_on_unasked_only_when_fence_and_loss_are_both_covered() {
        use ApprovalRule::{Required, WhenNeeded};
        let until = "2027-06-30";
        let table: [(&str, Scenario, LossBound, bool, bool); 13] = [
            ("nothing lost, fenced", scenario(None, WhenNeeded), bound(Some(0), false), true, true),
            ("nothing lost, unfenced", scenario(None, WhenNeeded), bound(Some(0), true), false, false),
            (
                "within what was allowed",
                scenario(Some((600, false, until)), WhenNeeded),
                bound(Some(600), false),
                true,
                true,
            ),
            ("one second beyond", scenario(Some((600, false, until)), WhenNeeded), bound(Some(601), false), true, false),
            (
                "allowed more than the RPO: the RPO counts",
                scenario(Some((3_600, false, until)), WhenNeeded),
                bound(Some(901), false),
                true,
                false,
            ),
            ("at the RPO", scenario(Some((3_600, false, until)), WhenNeeded), bound(Some(900), false), true, true),
            ("no pre-authorisation", scenario(None, WhenNeeded), bound(Some(1), false), true, false),
            ("expired yesterday", scenario(Some((600, true, "2026-11-19")), WhenNeeded), bound(Some(1), false), true, false),
            (
                "valid through today",
                scenario(Some((600, true, "2026-11-20")), WhenNeeded),
                bound(Some(1), false),
                true,
                true,
            ),
            ("unfenced without leave", scenario(Some((600, false, until)), WhenNeeded), bound(Some(1), true), false, false),
            ("unfenced with leave", scenario(Some((600, true, until)), WhenNeeded), bound(Some(1), true), false, true),
            ("unknown loss", scenario(Some((600, true, until)), WhenNeeded), bound(None, false), true, false),
            (
                "approval required always asks",
                scenario(Some((600, true, until)), Required),
                bound(Some(0), false),
                true,
                false,
            ),
        ];
        for (name, scenario, bound, fenced, granted) in table {
            let answer = decide(&scenario, &bound, fenced, &[], None);
            assert_eq!(matches!(answer, Consent::Granted(_)), granted, "{name}: {answer:?}");
        }
    }

    #[test]
    fn an_approval_covers_what_it_names_and_nothing_more() {
        let rules = scenario(None, ApprovalRule::Required);
        for (name, verdict, bound, fenced, granted) in [
            ("the bound approved", verdict(true, Some(60), false), bound(Some(60), false), true, true),
            ("a larger bound", verdict(true, Some(60), false), bound(Some(61), false), true, false),
            ("an unknown bound, approved as a known one", verdict(true, Some(60), false), bound(None, false), true, false),
            ("an unknown bound, approved as such", verdict(true, None, false), bound(None, false), true, true),
            ("fence lost since", verdict(true, Some(60), false), bound(Some(10), true), false, false),
            ("fence known to be unproven", verdict(true, Some(60), true), bound(Some(10), true), false, true),
        ] {
            let answer = decide(&rules, &bound, fenced, &[verdict], None);
            assert_eq!(matches!(answer, Consent::Granted(_)), granted, "{name}: {answer:?}");
        }
    }

    #[test]
    fn a_rejection_stands_even_beside_an_approval() {
        let rules = scenario(Some((600, true, "2027-06-30")), ApprovalRule::WhenNeeded);
        let answers = [verdict(true, None, true), verdict(false, None, false)];
        assert!(matches!(decide(&rules, &bound(Some(0), false), true, &answers, None), Consent::Denied(_)));
    }

    #[test]
    fn a_question_that_nobody_answers_is_a_no() {
        let rules = scenario(None, ApprovalRule::WhenNeeded);
        let Consent::Ask(mut asked) = decide(&rules, &bound(Some(50), false), true, &[], None) else { panic!("must ask") };
        assert_eq!(asked.stands_until, Seconds(1_800).after(now()));
        assert!(matches!(decide(&rules, &bound(Some(50), false), true, &[], Some(&asked)), Consent::Ask(_)));
        asked.stands_until = now();
        assert!(matches!(decide(&rules, &bound(Some(50), false), true, &[], Some(&asked)), Consent::Denied(_)));
    }

    #[test]
    fn a_question_that_nobody_answered_is_a_no_also_when_its_figure_has_been_outgrown() {
        let rules = scenario(None, ApprovalRule::WhenNeeded);
        let Consent::Ask(mut asked) = decide(&rules, &bound(Some(50), true), false, &[], None) else { panic!("must ask") };
        asked.stands_until = now();
        let outgrown = bound(Some(1_856), true);
        assert!(matches!(decide(&rules, &outgrown, false, &[], Some(&asked)), Consent::Denied(_)));
        // A person who said yes to less is asked for more.
        let less = Verdict { digest: asked.digest(), ..verdict(true, Some(1_850), true) };
        let Consent::Ask(again) = decide(&rules, &outgrown, false, &[less], Some(&asked)) else { panic!("must ask") };
        assert_eq!(again.loss_up_to, Some(Seconds(1_856 + 1_800)));
    }

    #[test]
    fn a_growing_bound_asks_for_the_whole_wait() {
        let rules = scenario(None, ApprovalRule::WhenNeeded);
        let Consent::Ask(asked) = decide(&rules, &bound(Some(50), true), false, &[], None) else { panic!("must ask") };
        assert_eq!(asked.loss_up_to, Some(Seconds(1_850)));
        assert!(asked.unproven_fence);
    }
}
