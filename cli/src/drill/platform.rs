//! The platform of a plan as the stage needs it: databases, the platform's own resources in both sites, template parameters.

use std::collections::BTreeMap;
use std::path::Path;

use data_encoding::BASE64;
use jiff::Timestamp;
use rehearsal_world::PairConfig;
use serde_json::{Map, Value, json};
use shared::domain::archives::MANIFEST;
use shared::domain::assess::subject;
use shared::domain::duration::Seconds;
use shared::domain::identifier::{ComponentName, ScenarioName};
use shared::domain::plan::{ApiProtocol, Component, EndpointPlace, HoldPoint, Plan, RdsInstance, SiteName};
use shared::domain::step::StepKind;
use simulation::nightly_archive;

use super::DrillError;
use super::faults::{Fault, Known};

/// The template's parameters that say where archives are.
const ARCHIVES: [&str; 5] =
    ["ArchivesComponent", "ArchivesBucket", "ArchivesPrefix", "ArchivesCopyBucket", "ArchivesCopyPrefix"];
/// The alarm that the outside probe feeds, as the template names its metric.
pub(super) const PROBE_NAMESPACE: &str = "Recovery/Probe";
/// 1 while the database answers.
pub(super) const PROBE_METRIC: &str = "DatabaseReachable";

/// A plan, and the one scenario of it that is rehearsed.
#[derive(Debug, Clone)]
pub struct Platform {
    /// The plan.
    pub plan: Plan,
    /// The scenario.
    pub scenario: ScenarioName,
    /// The database that it is about.
    pub component: ComponentName,
    /// That database.
    pub database: RdsInstance,
}

impl Platform {
    /// Reads a plan file.
    ///
    /// # Errors
    /// When it cannot be read, has findings of severity error, or lacks the scenario.
    pub fn read(path: &Path, scenario: &str) -> Result<Self, DrillError> {
        let bytes =
            std::fs::read(path).map_err(|error| DrillError::Input(format!("{} cannot be read: {error}", path.display())))?;
        let reading = shared::planfile::read_bytes(&bytes);
        let Some(plan) = reading.plan else {
            let first = reading
                .findings
                .first()
                .map_or_else(String::new, |finding| format!(" (line {}: {})", finding.line, finding.message));
            let shown = path.display();
            return Err(DrillError::Input(format!(
                "{shown} is not a plan that can be followed{first}; `recoveryctl plan check {shown}` says all of it"
            )));
        };
        Self::of(plan, scenario)
    }

    /// The platform of a plan.
    ///
    /// # Errors
    /// When the plan lacks the scenario, or it is about no database.
    pub fn of(plan: Plan, scenario: &str) -> Result<Self, DrillError> {
        let name = plan.scenarios.keys().find(|name| name.as_str() == scenario).cloned();
        let name = name.ok_or_else(|| {
            let known: Vec<&str> = plan.scenarios.keys().map(ScenarioName::as_str).collect();
            DrillError::Input(format!(
                "the plan for {} has no scenario {scenario:?}; it has: {}",
                plan.platform,
                known.join(", ")
            ))
        })?;
        let found = plan.scenarios.get(&name).and_then(|scenario| subject(&plan, scenario));
        let (component, database) = found.map(|(component, database)| (component, database.clone())).ok_or_else(|| {
            DrillError::Input(format!("scenario {name} is about no database, and this version rehearses only those"))
        })?;
        Ok(Self { plan, scenario: name, component, database })
    }

    /// Reads faults against this plan.
    ///
    /// # Errors
    /// The first that cannot be read, with the names that there are.
    pub fn faults(&self, texts: &[String]) -> Result<Vec<Fault>, DrillError> {
        let known = Known::of(self, Timestamp::now());
        texts.iter().map(|text| Fault::parse(text, &known).map_err(DrillError::Input)).collect()
    }

    /// The same platform with so much more time for each step, and so much more loss allowed in advance.
    #[must_use]
    pub fn lengthened(mut self, more: Seconds) -> Self {
        for rpo in self.plan.objectives.values_mut().filter_map(|objective| objective.rpo.as_mut()) {
            *rpo = rpo.plus(more);
        }
        for scenario in self.plan.scenarios.values_mut() {
            scenario.budgets = StepKind::ALL.into_iter().map(|kind| (kind, scenario.budget(kind).plus(more))).collect();
            if let Some(preauthorised) = scenario.preauthorised.as_mut() {
                preauthorised.data_loss_up_to = preauthorised.data_loss_up_to.plus(more);
            }
        }
        self
    }

    /// The function that alarms and operators call.
    #[must_use]
    pub fn recovery_function(&self) -> String {
        format!("{}-recovery", self.plan.platform)
    }

    /// The recovery site's Region.
    #[must_use]
    pub fn region(&self) -> &str {
        self.plan.region(SiteName::Recovery).as_str()
    }

    /// The primary site's Region.
    #[must_use]
    pub fn primary_region(&self) -> &str {
        self.plan.region(SiteName::Primary).as_str()
    }

    /// The alarm that starts the scenario.
    #[must_use]
    pub fn alarm(&self) -> Option<&str> {
        let trigger = self.plan.triggers.iter().find(|trigger| trigger.scenario == self.scenario);
        trigger.map(|trigger| trigger.alarm.as_str())
    }

    /// Dimensions of the outside probe's metric, as botocore takes them.
    #[must_use]
    pub fn probe_dimensions(&self) -> Value {
        json!([
            {"Name": "Platform", "Value": self.plan.platform},
            {"Name": "Component", "Value": self.component},
        ])
    }

    /// Region and name of the parameter from which clients take the database's host.
    #[must_use]
    pub fn host_parameter(&self) -> Option<(String, String)> {
        self.database.endpoints.iter().find_map(|place| match place {
            EndpointPlace::SsmParameter { name, region, .. } => Some((region.to_string(), name.to_string())),
            _ => None,
        })
    }

    /// The database pair of the world.
    #[must_use]
    pub fn pair(&self) -> PairConfig {
        let isolation = self.database.primary.isolation_security_group.as_ref();
        let defaults = PairConfig::default();
        PairConfig {
            account: self.plan.account.to_string(),
            primary_region: self.primary_region().to_owned(),
            primary_id: self.database.primary.id.to_string(),
            isolation_group: isolation.map_or(defaults.isolation_group.clone(), ToString::to_string),
            recovery_region: self.region().to_owned(),
            recovery_id: self.database.recovery.id.to_string(),
            ..defaults
        }
    }

    /// The platform's own resources of both sites, for `sites.py`.
    #[must_use]
    pub fn sites(&self) -> Value {
        let (mut parameters, mut secrets) = (Vec::new(), Vec::new());
        let mut functions: BTreeMap<(String, String), Map<String, Value>> = BTreeMap::new();
        for place in &self.database.endpoints {
            match place {
                EndpointPlace::SsmParameter { name, region, .. } => {
                    parameters.push(json!({"region": region, "name": name, "type": "String", "value": "${primary}"}));
                }
                EndpointPlace::Secret { name, field, region, .. } => {
                    let value = json!({field.as_str(): "${primary}", "port": 5432, "username": "clinic", "password": "canary-password-of-the-rehearsal"});
                    secrets.push(json!({"region": region, "name": name, "value": value}));
                }
                EndpointPlace::LambdaEnvironment { function, variable, region, .. } => {
                    let environment = functions.entry((region.to_string(), function.to_string())).or_default();
                    environment.insert(variable.to_string(), json!("${primary}"));
                    environment.insert("REPORTS_TOKEN".to_owned(), json!("canary-token-of-the-rehearsal"));
                }
            }
        }
        let (mut rest_apis, mut http_apis) = (Vec::new(), Vec::new());
        for hold in &self.database.holds {
            match hold {
                HoldPoint::ApiGatewayStage { protocol, api, stage, methods, region, .. } => {
                    let list: Vec<String> = methods.iter().map(|method| String::from(method.clone())).collect();
                    match protocol {
                        ApiProtocol::Rest => {
                            rest_apis.push(json!({"region": region, "id": api, "stage": stage, "methods": list}))
                        }
                        ApiProtocol::Http => {
                            http_apis.push(json!({"region": region, "id": api, "stage": stage, "routes": list}))
                        }
                    }
                }
                HoldPoint::LambdaEnvironment { function, region, .. } => {
                    functions.entry((region.to_string(), function.to_string())).or_default();
                }
            }
        }
        let mut functions: Vec<Value> = functions
            .into_iter()
            .map(|((region, name), environment)| json!({"region": region, "name": name, "environment": environment}))
            .collect();
        if let Some(probe) = &self.database.write_probe {
            functions
                .push(json!({"region": self.region(), "name": probe.lambda, "program": "write_probe", "environment": {}}));
        }
        let services: Vec<Value> = self
            .plan
            .components
            .values()
            .filter_map(|component| match component {
                Component::EcsService(service) => Some(service),
                _ => None,
            })
            .flat_map(|service| {
                [SiteName::Primary, SiteName::Recovery].map(|site| {
                    let at = service.at(site);
                    json!({"region": self.plan.region(site), "cluster": at.cluster, "service": at.service})
                })
            })
            .collect();
        json!({
            "parameters": parameters, "secrets": secrets, "functions": functions, "services": services,
            "rest_apis": rest_apis, "http_apis": http_apis, "objects": self.archives(),
        })
    }

    /// Last night's archive, with its manifest, wherever the plan keeps some.
    fn archives(&self) -> Vec<Value> {
        let (archive, manifest) = nightly_archive(Timestamp::now());
        let mut objects = Vec::new();
        for component in self.plan.components.values() {
            let Component::BackupArchives(archives) = component else { continue };
            for (site, place) in archives.places() {
                for (name, content) in
                    [("nightly.dump".to_owned(), &archive), (format!("nightly.dump{MANIFEST}"), &manifest)]
                {
                    objects.push(json!({
                        "region": self.plan.region(site), "bucket": place.bucket,
                        "key": format!("{}{name}", place.prefix()), "content": BASE64.encode(content),
                    }));
                }
            }
        }
        objects
    }

    /// What the template must be told of this platform.
    #[must_use]
    pub fn template_parameters(&self) -> BTreeMap<String, String> {
        let mut parameters = BTreeMap::new();
        let mut tell = |name: &str, value: &str| {
            parameters.insert(name.to_owned(), value.to_owned());
        };
        tell("Platform", self.plan.platform.as_str());
        tell("PrimaryRegion", self.primary_region());
        tell("RecoveryRegion", self.region());
        tell("ArmedFor", self.region());
        tell("PrimaryDatabase", self.database.primary.id.as_str());
        tell("RecoveryDatabase", self.database.recovery.id.as_str());
        for place in &self.database.endpoints {
            match place {
                EndpointPlace::SsmParameter { name, .. } => tell("HostParameter", name.as_str()),
                EndpointPlace::Secret { name, .. } => tell("DatabaseSecret", name.as_str()),
                EndpointPlace::LambdaEnvironment { function, .. } => tell("ReportsFunction", function.as_str()),
            }
        }
        for hold in &self.database.holds {
            if let HoldPoint::ApiGatewayStage { protocol, api, stage, .. } = hold {
                tell("ApiId", api.as_str());
                tell("ApiStage", stage.as_str());
                tell(
                    "ApiProtocol",
                    match protocol {
                        ApiProtocol::Rest => "rest",
                        ApiProtocol::Http => "http",
                    },
                );
            }
        }
        if let Some(probe) = &self.database.write_probe {
            tell("WriteProbeFunction", probe.lambda.as_str());
        }
        let archives = crate::permissions::parameters_of(&self.plan, &ARCHIVES);
        archives.iter().for_each(|(name, value)| tell(name, value));
        for component in self.plan.components.values() {
            if let Component::EcsService(service) = component {
                tell("Cluster", service.recovery.cluster.as_str());
                tell("Service", service.recovery.service.as_str());
            }
        }
        parameters
    }
}
