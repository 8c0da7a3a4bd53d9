"""XML documents against shapes of the model."""

from .scalars import flaws_of_text

SCALARS = ("string", "character", "boolean", "timestamp", "integer", "long", "float", "double")


def local(element):
    return element.tag.rpartition("}")[2]


def namespace(element):
    return element.tag.rpartition("}")[0].lstrip("{")


def flaws(element, shape, path):
    """Everything that is wrong with an element that is to be a shape."""
    if shape.type_name == "structure":
        return flaws_of_structure(element, shape, path)
    if shape.type_name == "list":
        return flaws_of_list(list(element), shape, path)
    if shape.type_name in SCALARS:
        if len(element):
            return [f"{path}: has elements in it, and is to be a {shape.type_name}"]
        return [f"{path}: {flaw}" for flaw in flaws_of_text(element.text or "", shape)]
    return [f"{path}: the type {shape.type_name} is not understood by this check"]


def flaws_of_structure(element, shape, path):
    found, members = [], {}
    for name, member in shape.members.items():
        if member.serialization.get("location") is None:
            members[name_of(name, member)] = (name, member)
    if (element.text or "").strip():
        found.append(f"{path}: has text beside its elements")
    groups = {}
    for child in element:
        groups.setdefault(local(child), []).append(child)
    for name, children in groups.items():
        if name not in members:
            found.append(f"{path}.{name}: the model knows no such element")
            continue
        _, member = members[name]
        if flattened(member):
            found.extend(flaws_of_list(children, member, f"{path}.{name}"))
            continue
        if len(children) > 1:
            found.append(f"{path}.{name}: is there {len(children)} times")
        found.extend(flaws(children[0], member, f"{path}.{name}"))
    required = set(shape.required_members)
    for name, (member, _) in members.items():
        if member in required and name not in groups:
            found.append(f"{path}.{name}: is required and not there")
    return found


def flaws_of_list(children, shape, path):
    found = []
    wanted = None if flattened(shape) else shape.member.serialization.get("name", "member")
    for number, child in enumerate(children, 1):
        if wanted is not None and local(child) != wanted:
            found.append(f"{path}: holds {local(child)}, and the model's members are {wanted}")
            continue
        found.extend(flaws(child, shape.member, f"{path}[{number}]"))
    return found


def flattened(shape):
    return shape.type_name == "list" and shape.serialization.get("flattened", False)


def name_of(name, member):
    if flattened(member):
        name = member.member.serialization.get("name", name)
    return member.serialization.get("name", name)
