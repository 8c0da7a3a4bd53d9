//! What IAM policies and a CloudFormation template mean, without asking AWS: an evaluator of policies, and a reader of templates
//! that computes what their functions give for chosen parameters.
//!
//! Roles that no emulator enforces are judged here, and so are those of a plan that nobody has deployed yet.

pub mod iam;
pub mod template;
mod yaml;
