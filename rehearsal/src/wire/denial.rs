//! Reading the emulator's refusals: what is one, and whom it refused.

use super::answer::WireAnswer;

/// Codes of failed authentication and authorisation that AWS also sends with status 400.
const CODES: [&str; 14] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthFailure",
    "AuthorizationError",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "UnauthorizedOperation",
    "UnrecognizedClientException",
];

/// Whether an answer says that the caller may not do this, or is not who it claims to be.
pub fn is_denial(answer: &WireAnswer) -> bool {
    matches!(answer.status, 401 | 403)
        || (answer.status == 400 && answer.error_code().is_some_and(|code| CODES.contains(&code.as_str())))
}

/// The caller and the action, as a refusal names them.
///
/// The emulator verifies the signature before it evaluates a policy, and writes this sentence only after a policy: who
/// is named here is who signed. An explicit Deny has another sentence, and is never read as this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The account.
    pub account: String,
    /// The role whose session signed.
    pub role: String,
    /// The action, e.g. `ecs:UpdateService`.
    pub action: String,
}

/// Reads who was refused what for want of a policy that allows it.
pub fn refused(answer: &WireAnswer) -> Option<Refused> {
    let text = String::from_utf8_lossy(&answer.body);
    let (_, sentence) = text.split_once("User: arn:aws:sts::")?;
    let (principal, rest) = sentence.split_once(" is not authorized to perform: ")?;
    let (account, session) = principal.split_once(":assumed-role/")?;
    let (role, _session) = session.split_once('/')?;
    let action = rest.split(|character: char| !(character.is_ascii_alphanumeric() || ":-".contains(character))).next()?;
    rest.contains("because no identity-based policy allows").then(|| Refused {
        account: account.to_owned(),
        role: role.to_owned(),
        action: action.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON: &str = "because no identity-based policy allows the ecs:UpdateService action";

    fn denied(principal: &str, reason: &str) -> WireAnswer {
        let message = format!("User: {principal} is not authorized to perform: ecs:UpdateService {reason}");
        WireAnswer::new(403, "application/json", format!(r#"{{"__type":"AccessDeniedException","message":"{message}"}}"#))
    }

    #[test]
    fn a_refusal_is_known_by_status_or_by_code() {
        for (status, body, expected) in [
            (403, "anything", true),
            (401, "", true),
            (400, r#"{"__type":"AccessDeniedException","Message":"no"}"#, true),
            (400, "<ErrorResponse><Error><Code>IncompleteSignature</Code></Error></ErrorResponse>", true),
            (400, "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>", false),
            (404, r#"{"__type":"AccessDeniedException"}"#, false),
            (200, "", false),
        ] {
            assert_eq!(is_denial(&WireAnswer::new(status, "x", body)), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_refusal_names_role_and_action() {
        let answer = denied("arn:aws:sts::123456789012:assumed-role/toggle-role/read-only-toggle", REASON);
        let expected = Refused {
            account: "123456789012".to_owned(),
            role: "toggle-role".to_owned(),
            action: "ecs:UpdateService".to_owned(),
        };
        assert_eq!(refused(&answer), Some(expected));
    }

    #[test]
    fn an_explicit_deny_a_user_and_anything_unreadable_name_nobody() {
        let role = "arn:aws:sts::123456789012:assumed-role/r/s";
        assert_eq!(refused(&denied(role, "with an explicit deny in an identity-based policy")), None);
        assert_eq!(refused(&denied("arn:aws:iam::123456789012:user/u", REASON)), None);
        assert_eq!(refused(&WireAnswer::new(403, "x", "no")), None);
    }
}
