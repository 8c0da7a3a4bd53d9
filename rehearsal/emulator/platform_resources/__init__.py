"""The platform's own resources, in both Regions: what a recovery holds, rewrites and restarts.

Each module has `set_up`, which creates a resource as a description says, and `read`, which returns it in the
same form. Reading after a recovery and comparing with what `set_up` returned shows what changed, and that
nothing else did.
"""

from . import functions, http_apis, objects, parameters, rest_apis, secrets, services, topics

# In the order in which they are set up; the key is the name in the description.
KINDS = {
    "parameters": parameters,
    "secrets": secrets,
    "functions": functions,
    "services": services,
    "rest_apis": rest_apis,
    "http_apis": http_apis,
    "topics": topics,
    "objects": objects,
}
