"""Error codes that an operation may answer with although its own model does not list them, each with what says so."""

COMMON_ERRORS = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/CommonErrors.html"

# The list that each service's API reference repeats: errors common to the actions of all services, and their statuses.
COMMON = {
    "InvalidAction": 400,
    "ServiceUnavailable": 503,
    "InternalFailure": 500,
    "ThrottlingException": 400,
    "ValidationError": 400,
}

# Longer lists, of the services that come from the Query protocol: service and code, the status, and the address.
OF_SERVICE = {
    ("rds", "InvalidParameterCombination"): (400, COMMON_ERRORS),
    ("rds", "InvalidParameterValue"): (400, COMMON_ERRORS),
    ("rds", "MissingParameter"): (400, COMMON_ERRORS),
    ("cloudwatch", "InvalidParameterValue"): (
        400,
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html",
    ),
}

SEEN = "is what the service has been seen to answer, and every SDK takes it for a throttling error: facts.toml"
# Codes on no such list. The reason says why they are answered all the same.
EXCEPTIONS = {
    ("rds", "Throttling"): (400, f"The list says ThrottlingException, but this {SEEN}, rds.error.throttling."),
    ("cloudwatch", "Throttling"): (400, f"The code of its Query protocol, which {SEEN}, rds.error.throttling."),
    ("sns", "Throttling"): (400, f"It speaks the Query protocol; this {SEEN}, rds.error.throttling."),
    ("route53", "Throttling"): (
        400,
        "https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html: HTTP 400 with the code Throttling and "
        "the message Rate exceeded.",
    ),
    ("s3", "SlowDown"): (503, "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, the list of error codes."),
    ("s3", "InternalError"): (500, "https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, the list of error codes."),
}


def flaws(operation, status, code):
    """What is wrong with an error of an operation, its status and its code as the caller reads it."""
    service = operation.service_model.service_name
    shapes = list(operation.error_shapes)
    # Throttling and failing are the service's, also where its model names them at some operations only.
    if status >= 429:
        shapes += operation.service_model.error_shapes
    for shape in shapes:
        if shape.metadata.get("error", {}).get("code", shape.name) == code:
            return flaws_of_status(code, status, modelled_status(shape))
    known = OF_SERVICE.get((service, code)) or EXCEPTIONS.get((service, code)) or (COMMON.get(code), COMMON_ERRORS)
    if known[0] is None:
        return [f"{code} is no error of the operation, and none that is common to {service}"]
    return flaws_of_status(code, status, known[0])


def modelled_status(shape):
    """The status of a modelled error. Where the model has none, it is 400, or 500 for what is the service's fault."""
    fault = shape._shape_model.get("fault", False)
    return shape.metadata.get("error", {}).get("httpStatusCode", 500 if fault else 400)


def flaws_of_status(code, status, wanted):
    return [] if status == wanted else [f"{code} comes with status {status}, and not with {wanted}"]
