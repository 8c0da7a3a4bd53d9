"""Plans of any size."""

HEAD = """version: 1
platform: figure
account: "123456789012"
sites:
  primary: { region: us-east-1 }
  recovery: { region: us-west-2 }
"""

SCENARIO = """scenarios:
  database_failure:
    severity: sev1
    failed_region: false
    branches:
      - when: otherwise
        steps:
          - hold_writes: database-0
          - fence: database-0
          - gate: { loss_bound: database-0 }
          - promote: database-0
          - repoint: database-0
          - validate: database-0
          - resume_writes: database-0
"""


def database(number, consumer):
    """A database with its places, as an entry of `components`."""
    consumers = f", consumers: [{consumer}]" if consumer else ""
    return f"""  database-{number}:
    kind: rds_instance
    primary: {{ id: figure-prod-{number}, isolation_security_group: sg-0f00d }}
    recovery: {{ id: figure-dr-{number} }}
    backup_retention: 7d
    max_lag: 30s
    endpoints:
      - {{ ssm_parameter: /figure/{number}/host, region: us-west-2{consumers} }}
    holds:
      - {{ lambda_environment: figure-{number}, variable: READ_ONLY, region: us-east-1 }}
"""


def service(number):
    """A service."""
    site = f"{{ cluster: figure, service: service-{number} }}"
    return f"  service-{number}:\n    kind: ecs_service\n    primary: {site}\n    recovery: {site}\n"


def files(number):
    """Data in buckets."""
    return f"""  files-{number}:
    kind: s3_data
    primary: {{ bucket: figure-files-{number} }}
    recovery: {{ bucket: figure-files-dr-{number} }}
    copied_by: {{ backup_vault: figure, every: 30m }}
"""


def with_components(count):
    """A plan of so many components: a database, two services and some files in every four."""
    components, objectives = [], []
    for number in range(count):
        kind = number % 4
        if kind == 0:
            components.append(database(number, f"service-{number + 1}" if number + 1 < count else None))
            objectives.append(f"  database-{number}: {{ rto: 40m, rpo: 15m }}\n")
        elif kind == 3:
            components.append(files(number))
            objectives.append(f"  files-{number}: {{ rto: 60m, rpo: 30m }}\n")
        else:
            components.append(service(number))
            objectives.append(f"  service-{number}: {{ rto: 15m }}\n")
    return whole(components, objectives)


def with_replicas(count):
    """A plan of so many databases and nothing else."""
    components = [database(number, None) for number in range(count)]
    return whole(components, [f"  database-{number}: {{ rto: 40m, rpo: 15m }}\n" for number in range(count)])


def with_tables(count):
    """A plan of so many global tables, beside the database that a scenario needs."""
    components = [f"  table-{number}:\n    kind: dynamodb_table\n    table: figure-{number}\n" for number in range(count)]
    objectives = [f"  table-{number}: {{ rto: 60m, rpo: 15m }}\n" for number in range(count)]
    return whole([database(0, None), *components], ["  database-0: { rto: 40m, rpo: 15m }\n", *objectives])


def whole(components, objectives):
    """The plan of these parts."""
    return HEAD + "objectives:\n" + "".join(objectives) + "components:\n" + "".join(components) + SCENARIO
