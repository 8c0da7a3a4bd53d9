//! A CloudFormation template with SAM's resources, resolved for chosen parameters in one account and Region.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::yaml;

/// Why a template could not be read or resolved.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("template: {0}")]
pub struct TemplateError(String);

impl TemplateError {
    /// Something else that does not fit.
    #[must_use]
    pub fn of(problem: String) -> Self {
        Self(problem)
    }
}

fn problem<T>(what: impl Into<String>) -> Result<T, TemplateError> {
    Err(TemplateError(what.into()))
}

/// A template as it was written.
#[derive(Debug, Clone)]
pub struct Template {
    document: Value,
}

impl Template {
    /// Reads YAML.
    ///
    /// # Errors
    /// When it is none, or has no resources.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let document = yaml::parse(text).map_err(TemplateError)?;
        if document.get("Resources").is_none_or(|resources| !resources.is_object()) {
            return problem("it has no Resources");
        }
        Ok(Self { document })
    }

    /// The names of its parameters.
    #[must_use]
    pub fn parameters(&self) -> Vec<&str> {
        self.section("Parameters").map(|section| section.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    /// What it describes with these parameters; the others have their defaults.
    ///
    /// # Errors
    /// When it has no parameter of such a name.
    pub fn stack(
        &self,
        parameters: &BTreeMap<String, String>,
        account: &str,
        region: &str,
    ) -> Result<Stack<'_>, TemplateError> {
        let declared = self.section("Parameters").cloned().unwrap_or_default();
        if let Some(unknown) = parameters.keys().find(|name| !declared.contains_key(*name)) {
            return problem(format!("it has no parameter {unknown}"));
        }
        let mut values = BTreeMap::new();
        for (name, about) in &declared {
            let given = parameters.get(name).cloned();
            let text = given.or_else(|| about.get("Default").map(text_of)).unwrap_or_default();
            let list = about.get("Type").and_then(Value::as_str) == Some("CommaDelimitedList");
            let value =
                if list { text.split(',').map(|each| Value::from(each.trim())).collect() } else { Value::from(text) };
            values.insert(name.clone(), value);
        }
        let partition = match region.split('-').next() {
            Some("cn") => "aws-cn",
            _ if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        let pseudo = [
            ("AWS::AccountId", account),
            ("AWS::Region", region),
            ("AWS::Partition", partition),
            ("AWS::URLSuffix", "amazonaws.com"),
            ("AWS::StackName", "stack"),
        ];
        values.extend(pseudo.map(|(name, value)| (name.to_owned(), Value::from(value))));
        let about = About { account: account.to_owned(), region: region.to_owned(), partition: partition.to_owned() };
        Ok(Stack { template: self, values, about })
    }

    fn section(&self, name: &str) -> Option<&Map<String, Value>> {
        self.document.get(name).and_then(Value::as_object)
    }

    fn resource(&self, name: &str) -> Result<&Value, TemplateError> {
        self.document["Resources"].get(name).ok_or_else(|| TemplateError(format!("it has no resource {name}")))
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[derive(Debug, Clone)]
struct About {
    account: String,
    region: String,
    partition: String,
}

/// A template with its parameters.
#[derive(Debug, Clone)]
pub struct Stack<'a> {
    template: &'a Template,
    values: BTreeMap<String, Value>,
    about: About,
}

impl Stack<'_> {
    /// The value of a parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }

    /// The names and types of the resources whose condition holds.
    ///
    /// # Errors
    /// When a condition cannot be computed.
    pub fn resources(&self) -> Result<Vec<(&str, &str)>, TemplateError> {
        let mut found = Vec::new();
        for (name, resource) in self.template.section("Resources").into_iter().flatten() {
            let holds = match resource.get("Condition").and_then(Value::as_str) {
                Some(condition) => self.condition(condition)?,
                None => true,
            };
            if holds {
                let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
                found.push((name.as_str(), kind));
            }
        }
        Ok(found)
    }

    /// The resources of one type.
    ///
    /// # Errors
    /// As [`Stack::resources`].
    pub fn of_type(&self, wanted: &str) -> Result<Vec<&str>, TemplateError> {
        Ok(self.resources()?.into_iter().filter(|(_, kind)| *kind == wanted).map(|(name, _)| name).collect())
    }

    /// The properties of a resource, resolved; those of a function with what SAM's Globals add.
    ///
    /// # Errors
    /// When something in them cannot be computed.
    pub fn properties(&self, name: &str) -> Result<Value, TemplateError> {
        let resource = self.template.resource(name)?;
        let mut properties = match resource.get("Type").and_then(Value::as_str) {
            Some("AWS::Serverless::Function") => {
                self.template.document.pointer("/Globals/Function").and_then(Value::as_object).cloned().unwrap_or_default()
            }
            _ => Map::new(),
        };
        properties.extend(resource.get("Properties").and_then(Value::as_object).cloned().unwrap_or_default());
        Ok(self.resolve(&Value::Object(properties))?.unwrap_or_default())
    }

    /// The ARN of a resource, or what stands for one.
    ///
    /// # Errors
    /// When resources of its type have none that can be computed.
    pub fn arn(&self, name: &str) -> Result<String, TemplateError> {
        let About { account, region, partition } = &self.about;
        let resource = self.template.resource(name)?;
        let kind = resource.get("Type").and_then(Value::as_str).unwrap_or_default();
        let named = |property: &str| self.named(name, property);
        let (service, rest) = match kind {
            "AWS::Serverless::Function" => ("lambda", format!("function:{}", named("FunctionName")?)),
            "AWS::DynamoDB::Table" => ("dynamodb", format!("table/{}", named("TableName")?)),
            "AWS::SNS::Topic" => ("sns", named("TopicName")?),
            "AWS::SQS::Queue" => ("sqs", named("QueueName")?),
            "AWS::CloudWatch::Alarm" => ("cloudwatch", format!("alarm:{}", named("AlarmName")?)),
            "AWS::Events::Rule" => ("events", format!("rule/{}", named("Name")?)),
            "AWS::Serverless::StateMachine" => ("states", format!("stateMachine:{}", named("Name")?)),
            "AWS::IAM::Role" => return Ok(format!("arn:{partition}:iam::{account}:role/{name}")),
            // CloudFormation's attribute ends so, because policies need it so.
            "AWS::Logs::LogGroup" => ("logs", format!("log-group:{}:*", named("LogGroupName")?)),
            _ => return problem(format!("no ARN is known for {name} of type {kind}")),
        };
        Ok(format!("arn:{partition}:{service}:{region}:{account}:{rest}"))
    }

    fn named(&self, name: &str, property: &str) -> Result<String, TemplateError> {
        let resource = self.template.resource(name)?;
        match resource.pointer(&format!("/Properties/{property}")) {
            Some(value) => self.text(value),
            None => Ok(name.to_owned()),
        }
    }

    /// Whether a condition holds.
    ///
    /// # Errors
    /// When it cannot be computed.
    pub fn condition(&self, name: &str) -> Result<bool, TemplateError> {
        let condition = self.template.section("Conditions").and_then(|section| section.get(name));
        self.boolean(condition.ok_or_else(|| TemplateError(format!("it has no condition {name}")))?)
    }

    fn boolean(&self, value: &Value) -> Result<bool, TemplateError> {
        let Some((function, argument)) = single(value) else { return problem(format!("{value} is no condition")) };
        let all = || argument.as_array().into_iter().flatten().map(|each| self.boolean(each));
        match function {
            "Condition" => self.condition(argument.as_str().unwrap_or_default()),
            "Fn::Equals" => Ok(self.text(&argument[0])? == self.text(&argument[1])?),
            "Fn::Not" => Ok(!self.boolean(&argument[0])?),
            "Fn::And" => Ok(all().collect::<Result<Vec<_>, _>>()?.into_iter().all(|each| each)),
            "Fn::Or" => Ok(all().collect::<Result<Vec<_>, _>>()?.into_iter().any(|each| each)),
            other => problem(format!("{other} is no condition")),
        }
    }

    /// The value with every function replaced by what it gives; `None` for `AWS::NoValue`.
    fn resolve(&self, value: &Value) -> Result<Option<Value>, TemplateError> {
        match value {
            Value::Array(items) => {
                let resolved: Result<Vec<Option<Value>>, _> = items.iter().map(|item| self.resolve(item)).collect();
                Ok(Some(Value::Array(resolved?.into_iter().flatten().collect())))
            }
            Value::Object(entries) => {
                if let Some((name, argument)) = single(value)
                    && (name == "Ref" || name.starts_with("Fn::"))
                {
                    return self.function(name, argument);
                }
                let mut resolved = Map::new();
                for (key, value) in entries {
                    if let Some(value) = self.resolve(value)? {
                        resolved.insert(key.clone(), value);
                    }
                }
                Ok(Some(Value::Object(resolved)))
            }
            plain => Ok(Some(plain.clone())),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Result<Option<Value>, TemplateError> {
        let known = |value: Result<Option<Value>, TemplateError>| {
            value?.ok_or_else(|| TemplateError(format!("{name} is given AWS::NoValue")))
        };
        Ok(Some(match name {
            "Ref" if argument == "AWS::NoValue" => return Ok(None),
            "Ref" => self.reference(argument.as_str().unwrap_or_default())?,
            "Fn::GetAtt" => match (argument[0].as_str(), argument[1].as_str()) {
                (Some(resource), Some(attribute)) => Value::from(self.attribute(resource, attribute)?),
                _ => return problem(format!("GetAtt is given {argument}")),
            },
            "Fn::Sub" => Value::from(self.substitute(argument)?),
            "Fn::If" => {
                let holds = self.condition(argument[0].as_str().unwrap_or_default())?;
                return self.resolve(&argument[if holds { 1 } else { 2 }]);
            }
            "Fn::Join" => {
                let parts = known(self.resolve(&argument[1]))?;
                let parts: Vec<String> = parts.as_array().into_iter().flatten().map(text_of).collect();
                Value::from(parts.join(argument[0].as_str().unwrap_or_default()))
            }
            "Fn::Split" => {
                let text = self.text(&argument[1])?;
                text.split(argument[0].as_str().unwrap_or_default()).map(Value::from).collect()
            }
            "Fn::Select" => {
                let index: usize =
                    text_of(&argument[0]).parse().map_err(|_| TemplateError("Select has no index".to_owned()))?;
                // Of an empty value, as one that belongs to a resource which is not deployed, there is no such part.
                known(self.resolve(&argument[1]))?.get(index).cloned().unwrap_or_else(|| Value::from(""))
            }
            other => return problem(format!("{other} is not computed here")),
        }))
    }

    fn text(&self, value: &Value) -> Result<String, TemplateError> {
        Ok(self.resolve(value)?.as_ref().map(text_of).unwrap_or_default())
    }

    fn substitute(&self, argument: &Value) -> Result<String, TemplateError> {
        let (text, variables) = match argument {
            Value::Array(both) => (both.first(), both.get(1)),
            text => (Some(text), None),
        };
        let mut rest = text.and_then(Value::as_str).unwrap_or_default();
        let mut result = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let Some((name, after)) = after.split_once('}') else { return problem("a Sub is not closed") };
            result.push_str(before);
            let given = variables.and_then(|variables| variables.get(name));
            match (given, name.strip_prefix('!'), name.split_once('.')) {
                (Some(value), ..) => result.push_str(&self.text(value)?),
                (None, Some(literal), _) => result.push_str(&format!("${{{literal}}}")),
                (None, None, Some((resource, attribute))) => result.push_str(&self.attribute(resource, attribute)?),
                (None, None, None) => result.push_str(&text_of(&self.reference(name)?)),
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn reference(&self, name: &str) -> Result<Value, TemplateError> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        // SAM's own references to what it makes of a function.
        if let Some((function, made)) = name.split_once('.') {
            return match made {
                "Alias" => Ok(Value::from(format!("{}:{}", self.arn(function)?, self.alias_of(function)?))),
                "Version" => Ok(Value::from(format!("{}:1", self.arn(function)?))),
                _ => problem(format!("nothing is known of {name}")),
            };
        }
        let resource = self.template.resource(name)?;
        Ok(Value::from(match resource.get("Type").and_then(Value::as_str).unwrap_or_default() {
            "AWS::Serverless::Function" => self.named(name, "FunctionName")?,
            "AWS::DynamoDB::Table" => self.named(name, "TableName")?,
            "AWS::Logs::LogGroup" => self.named(name, "LogGroupName")?,
            "AWS::Events::Rule" => self.named(name, "Name")?,
            "AWS::SNS::Topic" | "AWS::Serverless::StateMachine" => self.arn(name)?,
            "AWS::Lambda::Alias" => {
                let function = self.named(name, "FunctionName")?;
                let About { account, region, partition } = &self.about;
                format!("arn:{partition}:lambda:{region}:{account}:function:{function}:{}", self.named(name, "Name")?)
            }
            "AWS::SQS::Queue" => format!("https://sqs.{}.amazonaws.com/{}/{name}", self.about.region, self.about.account),
            "AWS::Serverless::LayerVersion" | "AWS::IAM::Role" => name.to_owned(),
            other => return problem(format!("nothing is known of a Ref to {name} of type {other}")),
        }))
    }

    fn alias_of(&self, function: &str) -> Result<String, TemplateError> {
        let of = |pointer: &str| self.template.document.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        of(&format!("/Resources/{function}/Properties/AutoPublishAlias"))
            .or_else(|| of("/Globals/Function/AutoPublishAlias"))
            .ok_or_else(|| TemplateError(format!("{function} publishes no alias")))
    }

    fn attribute(&self, name: &str, attribute: &str) -> Result<String, TemplateError> {
        match attribute {
            "Arn" | "TopicArn" => self.arn(name),
            "QueueName" => self.named(name, "QueueName"),
            "TopicName" => self.named(name, "TopicName"),
            "Version.Version" => Ok("1".to_owned()),
            _ => problem(format!("nothing is known of {name}.{attribute}")),
        }
    }
}

/// The one entry of an object that has one.
fn single(value: &Value) -> Option<(&str, &Value)> {
    let entries = value.as_object().filter(|entries| entries.len() == 1)?;
    entries.iter().next().map(|(name, value)| (name.as_str(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TEXT: &str = r#"
Parameters:
  Platform: { Type: String, Default: shop }
  Subnets: { Type: CommaDelimitedList, Default: "" }
Conditions:
  InVpc: !Not [!Equals [!Select [0, !Ref Subnets], ""]]
  Here: !And [!Equals [!Ref AWS::Region, us-west-2], !Condition InVpc]
Globals:
  Function: { AutoPublishAlias: live, Tracing: Active }
Resources:
  Check:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub "${Platform}-check"
      Vpc: !If [InVpc, !Ref Subnets, !Ref AWS::NoValue]
      Alias: !Ref Check.Alias
      Queue: !GetAtt Letters.Arn
      Text: !Join ["/", [a, !Ref Platform]]
  Letters:
    Type: AWS::SQS::Queue
    Condition: Here
    Properties: { QueueName: letters }
"#;

    fn stack_of(template: &Template, subnets: &str) -> (Vec<String>, Value) {
        let parameters = [("Subnets".to_owned(), subnets.to_owned())].into();
        let stack = template.stack(&parameters, "1", "us-west-2").unwrap();
        let names = stack.resources().unwrap().into_iter().map(|(name, _)| name.to_owned()).collect();
        (names, stack.properties("Check").unwrap())
    }

    #[test]
    fn functions_parameters_conditions_and_globals_give_what_cloudformation_gives() {
        let template = Template::parse(TEXT).unwrap();
        let (names, properties) = stack_of(&template, "a, b");
        assert_eq!(names, ["Check", "Letters"]);
        let expected = json!({
            "FunctionName": "shop-check", "Tracing": "Active", "AutoPublishAlias": "live", "Vpc": ["a", "b"],
            "Alias": "arn:aws:lambda:us-west-2:1:function:shop-check:live",
            "Queue": "arn:aws:sqs:us-west-2:1:letters", "Text": "a/shop",
        });
        assert_eq!(properties, expected);
        let (names, properties) = stack_of(&template, "");
        assert_eq!(names, ["Check"]);
        assert_eq!(properties.get("Vpc"), None, "AWS::NoValue takes the property away");
    }

    #[test]
    fn what_is_not_there_is_said_and_never_guessed() {
        let template = Template::parse(TEXT).unwrap();
        assert!(template.stack(&[("Platfrom".to_owned(), String::new())].into(), "1", "us-west-2").is_err());
        let stack = template.stack(&BTreeMap::new(), "1", "us-west-2").unwrap();
        assert!(stack.condition("Elsewhere").is_err());
        assert!(stack.function("Fn::ImportValue", &json!("x")).is_err());
        assert!(stack.reference("Nothing").is_err());
    }
}
