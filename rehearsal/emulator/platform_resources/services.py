"""ECS services: {"region", "cluster", "service", "desired_count"}."""

DESIRED_COUNT = 2


def set_up(loopback, wanted):
    client = loopback.client("ecs", wanted["region"])
    client.create_cluster(clusterName=wanted["cluster"])
    client.register_task_definition(
        family=wanted["service"],
        # Never pulled and never run: the emulator keeps account of tasks only.
        containerDefinitions=[{"name": wanted["service"], "image": "scratch", "memory": 64}],
    )
    client.create_service(
        cluster=wanted["cluster"],
        serviceName=wanted["service"],
        taskDefinition=wanted["service"],
        desiredCount=wanted.get("desired_count", DESIRED_COUNT),
    )


def read(loopback, wanted):
    client = loopback.client("ecs", wanted["region"])
    service = client.describe_services(cluster=wanted["cluster"], services=[wanted["service"]])["services"][0]
    return {
        "region": wanted["region"],
        "cluster": wanted["cluster"],
        "service": wanted["service"],
        "arn": service["serviceArn"],
        "desired_count": service["desiredCount"],
        "task_definition": service["taskDefinition"],
        "deployments": [deployment["id"] for deployment in service["deployments"]],
    }
