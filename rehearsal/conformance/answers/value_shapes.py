"""Decoded documents of maps and lists against shapes of the model; what is a value without parts is for the format to judge."""


def flaws(value, shape, path, flaws_of_scalar):
    if shape.type_name == "structure":
        return flaws_of_structure(value, shape, path, flaws_of_scalar)
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [f"{path}: is no list"]
        numbered = enumerate(value, 1)
        return [flaw for number, item in numbered for flaw in flaws(item, shape.member, f"{path}[{number}]", flaws_of_scalar)]
    return [f"{path}: {flaw}" for flaw in flaws_of_scalar(value, shape)]


def flaws_of_structure(value, shape, path, flaws_of_scalar):
    if not isinstance(value, dict):
        return [f"{path}: is no map"]
    found = []
    for name, part in value.items():
        member = shape.members.get(name)
        if member is None:
            found.append(f"{path}.{name}: the model knows no such member")
        else:
            found.extend(flaws(part, member, f"{path}.{name}", flaws_of_scalar))
    found.extend(f"{path}.{name}: is required and not there" for name in shape.required_members if name not in value)
    return found
