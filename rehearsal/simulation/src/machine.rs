//! The state machine: its own definition, read and followed as Step Functions would. What the definition uses is known here, and
//! nothing else; a construct that is new to it ends the test with its name instead of being passed over.

use serde_json::{Map, Value, json};
use shared::domain::identifier::IncidentId;
use shared::domain::step::FunctionName;

const DEFINITION: &str = include_str!("../../../infra/statemachines/recovery.asl.json");

/// The definition.
#[derive(Debug, Clone)]
pub struct Machine {
    definition: Value,
}

/// One path of control: an execution's own, or that of one item of its Map.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// The execution's name.
    pub(crate) execution: String,
    /// The Map state whose item this is, and the line that waits for it.
    pub(crate) item_of: Option<(String, usize)>,
    /// The present state.
    pub(crate) state: String,
    /// The state's input.
    pub(crate) data: Value,
    /// Items that have not ended.
    pub(crate) open_items: usize,
    /// The token that it waits for.
    pub(crate) token: Option<String>,
}

/// What a state asks for.
#[derive(Debug)]
pub(crate) enum Demand {
    /// Invoke a function; with a token, wait for it to come back for at most so many seconds.
    Invoke { function: FunctionName, payload: Value, token: Option<(String, u64)> },
    /// Go on after so many seconds.
    Wait { seconds: u64 },
    /// Run one line for each item.
    Fork { items: Vec<Value> },
    /// Go on at once.
    GoOn,
    /// The line has ended; `Err` for a Fail state, with its error's name.
    End(Result<(), String>),
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

impl Machine {
    /// The machine of the repository.
    ///
    /// # Panics
    /// When its definition is no JSON.
    #[must_use]
    pub fn new() -> Self {
        Self::of(DEFINITION)
    }

    /// The machine of this definition.
    pub(crate) fn of(definition: &str) -> Self {
        Self { definition: serde_json::from_str(definition).expect("the definition is JSON") }
    }

    /// An execution's first line.
    pub(crate) fn begin(&self, execution: &str, incident: &IncidentId) -> Line {
        Line {
            execution: execution.to_owned(),
            item_of: None,
            state: text(&self.definition, "StartAt").to_owned(),
            data: json!({"incident_id": incident}),
            open_items: 0,
            token: None,
        }
    }

    /// The first line of an execution that begins with nothing.
    pub(crate) fn begin_empty(&self, execution: &str) -> Line {
        let state = text(&self.definition, "StartAt").to_owned();
        Line { execution: execution.to_owned(), item_of: None, state, data: json!({}), open_items: 0, token: None }
    }

    /// How often the line's state tries again after an error of the function itself.
    pub(crate) fn retries(&self, line: &Line) -> u64 {
        let retry = self.state(line).get("Retry").and_then(Value::as_array);
        let of_all = retry.into_iter().flatten().filter(|entry| entry["ErrorEquals"] == json!(["States.ALL"]));
        of_all.map(|entry| entry["MaxAttempts"].as_u64().expect("a Retry knows how often")).sum()
    }

    /// The line of one item of the Map state that `parent` is in.
    pub(crate) fn begin_item(&self, parent: &Line, parent_id: usize, item: Value) -> Line {
        let processor = &self.state(parent)["ItemProcessor"];
        Line {
            execution: parent.execution.clone(),
            item_of: Some((parent.state.clone(), parent_id)),
            state: text(processor, "StartAt").to_owned(),
            data: item,
            open_items: 0,
            token: None,
        }
    }

    /// What the line's state asks for. Choices are followed at once.
    pub(crate) fn demand(&self, line: &mut Line, new_token: impl FnOnce() -> String) -> Demand {
        let state = self.state(line).clone();
        match text(&state, "Type") {
            "Task" => {
                let awaited = match text(&state, "Resource") {
                    "arn:aws:states:::lambda:invoke" => None,
                    "arn:aws:states:::lambda:invoke.waitForTaskToken" => {
                        let seconds = path(&line.data, text(&state, "TimeoutSecondsPath")).as_u64();
                        Some((new_token(), seconds.expect("TimeoutSecondsPath leads to a whole number")))
                    }
                    other => panic!("the interpreter knows no resource {other}"),
                };
                let token = awaited.as_ref().map_or("", |(token, _)| token);
                let parameters = filled(&state["Parameters"], &line.data, token);
                let function = function(text(&parameters, "FunctionName"));
                Demand::Invoke { function, payload: parameters["Payload"].clone(), token: awaited }
            }
            "Choice" => {
                let rules = state["Choices"].as_array().expect("a Choice has choices");
                let chosen = rules.iter().find(|rule| holds(rule, &line.data)).unwrap_or(&state);
                let next = chosen.get("Next").or_else(|| chosen.get("Default")).and_then(Value::as_str);
                next.expect("a Choice leads somewhere").clone_into(&mut line.state);
                Demand::GoOn
            }
            "Wait" => {
                let seconds = match state.get("SecondsPath").and_then(Value::as_str) {
                    Some(at) => path(&line.data, at).as_u64().expect("SecondsPath leads to a whole number"),
                    None => state["Seconds"].as_u64().expect("a Wait knows how long"),
                };
                self.go_on(line);
                Demand::Wait { seconds }
            }
            "Map" => {
                let items = path(&line.data, text(&state, "ItemsPath")).as_array().cloned();
                let items = items.expect("ItemsPath leads to a list");
                let told = |item: Value| match state.get("ItemSelector") {
                    Some(selector) => with_item(filled(selector, &line.data, ""), selector, &item),
                    None => item,
                };
                Demand::Fork { items: items.into_iter().map(told).collect() }
            }
            "Pass" => {
                let made = match state.get("Parameters") {
                    Some(parameters) => filled(parameters, &line.data, ""),
                    None => state["Result"].clone(),
                };
                Self::keep(line, &state, made);
                if state["End"] == true {
                    return Demand::End(Ok(()));
                }
                self.go_on(line);
                Demand::GoOn
            }
            "Succeed" => Demand::End(Ok(())),
            "Fail" => Demand::End(Err(text(&state, "Error").to_owned())),
            other => panic!("the interpreter knows no state of type {other}"),
        }
    }

    /// The state's work succeeded with this result.
    pub(crate) fn succeed(&self, line: &mut Line, result: &Value) {
        let state = self.state(line).clone();
        let kept = match state.get("ResultSelector") {
            Some(selector) => filled(selector, result, ""),
            None => result.clone(),
        };
        Self::keep(line, &state, kept);
        self.go_on(line);
    }

    fn keep(line: &mut Line, state: &Value, kept: Value) {
        match state.get("ResultPath") {
            Some(Value::Null) => {}
            Some(Value::String(at)) if at != "$" => {
                let name = at.strip_prefix("$.").expect("ResultPath names a field");
                line.data[name] = kept;
            }
            _ => line.data = kept,
        }
    }

    /// The state's work failed; every task catches everything.
    pub(crate) fn fail(&self, line: &mut Line) {
        let catch = &self.state(line)["Catch"][0];
        assert_eq!(catch["ErrorEquals"], json!(["States.ALL"]), "{} catches everything", line.state);
        assert_eq!(catch["ResultPath"], Value::Null, "{} keeps its input", line.state);
        text(catch, "Next").to_owned().clone_into(&mut line.state);
    }

    fn go_on(&self, line: &mut Line) {
        text(self.state(line), "Next").to_owned().clone_into(&mut line.state);
    }

    fn state(&self, line: &Line) -> &Value {
        let states = &self.definition["States"];
        let states = match &line.item_of {
            Some((map, _)) => &states[map]["ItemProcessor"]["States"],
            None => states,
        };
        states.get(&line.state).unwrap_or_else(|| panic!("the definition has no state {}", line.state))
    }
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_else(|| panic!("{field} is a text"))
}

/// The functions by the names that the deployment fills in.
fn function(placeholder: &str) -> FunctionName {
    match placeholder {
        "${Recovery}" => FunctionName::Recovery,
        "${ReadOnlyToggle}" => FunctionName::ReadOnlyToggle,
        "${UpdateDatabaseEndpoints}" => FunctionName::UpdateDatabaseEndpoints,
        "${ReplicationCheck}" => FunctionName::ReplicationCheck,
        "${BackupVerify}" => FunctionName::BackupVerify,
        other => panic!("the interpreter knows no function {other}"),
    }
}

/// Where an ItemSelector finds the item.
const ITEM: &str = "$$.Map.Item.Value";

/// What an ItemSelector makes of an item.
fn with_item(mut filled: Value, selector: &Value, item: &Value) -> Value {
    for (name, at) in selector.as_object().into_iter().flatten() {
        if at == ITEM {
            filled[name.trim_end_matches(".$")] = item.clone();
        }
    }
    filled
}

/// A template with its `….$` fields taken from the input.
fn filled(template: &Value, input: &Value, token: &str) -> Value {
    let Value::Object(fields) = template else { return template.clone() };
    let mut out = Map::new();
    for (name, value) in fields {
        match (name.strip_suffix(".$"), value.as_str()) {
            (Some(name), Some("$$.Task.Token")) => out.insert(name.to_owned(), Value::from(token)),
            (Some(name), Some(ITEM)) => out.insert(name.to_owned(), Value::Null),
            (Some(name), Some(at)) => out.insert(name.to_owned(), path(input, at).clone()),
            _ => out.insert(name.clone(), filled(value, input, token)),
        };
    }
    Value::Object(out)
}

/// What a reference path such as `$.advance.answer.steps[0]` leads to; null where it leads nowhere.
fn path<'a>(input: &'a Value, at: &str) -> &'a Value {
    let mut found = input;
    for piece in at.strip_prefix('$').expect("a path begins with $").split('.').filter(|piece| !piece.is_empty()) {
        let (name, index) = match piece.split_once('[') {
            Some((name, index)) => (name, index.strip_suffix(']').and_then(|index| index.parse::<usize>().ok())),
            None => (piece, None),
        };
        found = &found[name];
        if let Some(index) = index {
            found = &found[index];
        }
    }
    found
}

fn holds(rule: &Value, input: &Value) -> bool {
    if let Some(all) = rule.get("And").and_then(Value::as_array) {
        return all.iter().all(|rule| holds(rule, input));
    }
    let found = path(input, text(rule, "Variable"));
    if let Some(wanted) = rule.get("StringEquals") {
        return found == wanted;
    }
    if let Some(wanted) = rule.get("IsPresent").and_then(Value::as_bool) {
        return found.is_null() != wanted;
    }
    panic!("the interpreter knows no such rule: {rule}");
}
