//! The metrics that the world takes: what tells their series apart, and what they are counted in.

use rehearsal_world::{ClusterKey, InstanceKey, Metric};

use super::query::{Dimension, MetricName};

/// A metric.
pub(super) struct Modelled {
    namespace: &'static str,
    name: &'static str,
    /// Its unit, as CloudWatch names it.
    pub(super) unit: &'static str,
    /// The names of a series' dimensions: a series is selected by all of them and no others.
    dimensions: &'static [&'static str],
    /// The series of a Region by the values of these, in this order.
    metric: fn(String, &[String]) -> Option<Metric>,
}

const METRICS: &[Modelled] = &[
    Modelled {
        namespace: "AWS/RDS",
        name: "ReplicaLag",
        unit: "Seconds",
        dimensions: &["DBInstanceIdentifier"],
        metric: |region, values| Some(Metric::ReplicaLag(InstanceKey::new(&region, values.first()?))),
    },
    Modelled {
        namespace: "AWS/RDS",
        name: "AuroraGlobalDBReplicationLag",
        unit: "Milliseconds",
        dimensions: &["DBClusterIdentifier"],
        metric: |region, values| Some(Metric::ClusterReplicationLag(ClusterKey::new(&region, values.first()?))),
    },
    Modelled {
        namespace: "AWS/RDS",
        name: "AuroraGlobalDBRPOLag",
        unit: "Milliseconds",
        dimensions: &["DBClusterIdentifier"],
        metric: |region, values| Some(Metric::ClusterRpoLag(ClusterKey::new(&region, values.first()?))),
    },
    Modelled {
        namespace: "AWS/DynamoDB",
        name: "ReplicationLatency",
        unit: "Milliseconds",
        dimensions: &["TableName", "ReceivingRegion"],
        metric: |region, values| {
            let [table, receiving] = values else { return None };
            Some(Metric::TableLatency { region, table: table.clone(), receiving: receiving.clone() })
        },
    },
    Modelled {
        namespace: "AWS/S3",
        name: "ReplicationLatency",
        unit: "Seconds",
        dimensions: &["SourceBucket", "DestinationBucket", "RuleId"],
        metric: |region, values| {
            let [source, destination, rule] = values else { return None };
            let (source, destination, rule) = (source.clone(), destination.clone(), rule.clone());
            Some(Metric::BucketLatency { region, source, destination, rule })
        },
    },
    Modelled {
        namespace: "AWS/S3",
        name: "OperationsFailedReplication",
        unit: "Count",
        dimensions: &["SourceBucket", "DestinationBucket", "RuleId"],
        metric: |region, values| {
            let [source, destination, rule] = values else { return None };
            let (source, destination, rule) = (source.clone(), destination.clone(), rule.clone());
            Some(Metric::BucketFailures { region, source, destination, rule })
        },
    },
];

/// The namespaces that have metrics of the world.
pub(super) fn namespaces() -> impl Iterator<Item = &'static str> {
    METRICS.iter().map(|metric| metric.namespace)
}

/// The metric of that name.
pub(super) fn find(named: &MetricName) -> Option<&'static Modelled> {
    METRICS.iter().find(|metric| metric.namespace == named.namespace && metric.name == named.metric_name)
}

impl Modelled {
    /// The series that dimensions select, if they are those of one.
    pub(super) fn series(&self, region: &str, given: &[Dimension]) -> Option<Metric> {
        if given.len() != self.dimensions.len() {
            return None;
        }
        let value = |name: &&str| given.iter().find(|each| each.name == **name).map(|each| each.value.clone());
        let values: Vec<String> = self.dimensions.iter().map(value).collect::<Option<_>>()?;
        (self.metric)(region.to_owned(), &values)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_series_is_selected_by_all_of_its_dimensions_in_any_order_and_by_no_others() {
        let (table, receiving) = (("TableName", "carts"), ("ReceivingRegion", "us-west-2"));
        for (given, selects) in [
            (vec![table, receiving], true),
            (vec![receiving, table], true),
            (vec![table], false),
            (vec![table, ("Operation", "GetItem")], false),
            (vec![table, receiving, ("Operation", "GetItem")], false),
            (vec![table, table], false),
        ] {
            let dimensions: Vec<_> = given.iter().map(|(name, value)| json!({"Name": name, "Value": value})).collect();
            let asked = json!({"Namespace": "AWS/DynamoDB", "MetricName": "ReplicationLatency", "Dimensions": dimensions});
            let named: MetricName = serde_json::from_value(asked).unwrap();
            let series = find(&named).unwrap().series("us-east-1", &named.dimensions);
            let (region, table, receiving) = ("us-east-1".to_owned(), "carts".to_owned(), "us-west-2".to_owned());
            assert_eq!(series, selects.then_some(Metric::TableLatency { region, table, receiving }), "{given:?}");
        }
    }

    #[test]
    fn every_metric_has_series() {
        for metric in METRICS {
            let values: Vec<String> = metric.dimensions.iter().map(ToString::to_string).collect();
            assert!((metric.metric)("us-west-2".to_owned(), &values).is_some(), "{} {}", metric.namespace, metric.name);
        }
    }
}
