"""Reads back every deployed resource and compares it with the template.

One function for each type of resource. Each yields comparisons; a property that a template does not set is
not compared.
"""

from . import alarms, functions, messages, roles, rules, state_machines, tables

BY_TYPE = {
    "AWS::CloudWatch::Alarm": alarms.alarm,
    "AWS::DynamoDB::Table": tables.table,
    "AWS::Events::Rule": rules.rule,
    "AWS::IAM::Role": roles.role,
    "AWS::Lambda::Alias": functions.alias,
    "AWS::Lambda::EventInvokeConfig": functions.event_invoke_config,
    "AWS::Lambda::Function": functions.function,
    "AWS::Lambda::Permission": functions.permission,
    "AWS::Lambda::Version": functions.version,
    "AWS::Logs::LogGroup": messages.log_group,
    "AWS::SNS::Topic": messages.topic,
    "AWS::SQS::Queue": messages.queue,
    "AWS::StepFunctions::StateMachine": state_machines.state_machine,
}
