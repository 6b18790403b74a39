"""What one object says about another: names, selectors, ports, and who may connect to what."""

from pods import matches, pod_of
from rendering import key, values_of


def used_secrets(item):
    for reference in values_of("secretKeyRef", item):
        yield reference["name"], reference["key"]
    for source in values_of("secret", item):
        name = source.get("name") or source["secretName"]
        yield from ((name, one["key"]) for one in source["items"])


def reference_problems(objects, secrets):
    pods = {name: pod_of(item) for name, item in objects.items() if pod_of(item)}
    for name, item in objects.items():
        for reference in values_of("configMapRef", item):
            if f"ConfigMap/{reference['name']}" not in objects:
                yield f"{name}: no ConfigMap {reference['name']}"
        for claim in values_of("claimName", item):
            if f"PersistentVolumeClaim/{claim}" not in objects:
                yield f"{name}: no claim {claim}"
        for target in values_of("scaleTargetRef", item):
            if f"{target['kind']}/{target['name']}" not in objects:
                yield f"{name}: no {target['kind']} {target['name']}"
        for secret in set(used_secrets(item)) - secrets:
            yield f"{name}: docs/kubernetes.md creates no secret {secret}"
        yield from selector_problems(name, item, pods)
    for name, pod in pods.items():
        if name.startswith("Deployment") and not selected(objects, "Service", pod):
            yield f"{name}: no Service"
        if not selected(objects, "NetworkPolicy", pod):
            yield f"{name}: no NetworkPolicy"


def selector_in(item):
    spec = item.get("spec", {})
    if item["kind"] == "Service":
        return {"matchLabels": spec["selector"]}
    return spec.get("podSelector") or spec.get("selector")


def selected(objects, kind, pod):
    return [item for item in objects.values()
            if item["kind"] == kind and matches(selector_in(item), pod["metadata"]["labels"])]


def selector_problems(name, item, pods):
    if item["kind"] not in {"Service", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "StatefulSet"}:
        return
    found = [pod for pod in pods.values() if matches(selector_in(item), pod["metadata"]["labels"])]
    if not found:
        yield f"{name}: selects no pod"
    ports = {port["name"] for pod in found for one in pod["spec"]["containers"] for port in one.get("ports", [])}
    named = {port["targetPort"] for port in item["spec"].get("ports", [])} if item["kind"] == "Service" else set()
    if named - ports:
        yield f"{name}: no port {named - ports}"


def network_problems(objects):
    """api-server reaches DNS and auth-server, and nothing else: not the database."""
    pod = objects["Deployment/goptri-api-server"]["spec"]["template"]
    policies = [item["spec"] for item in selected(objects, "NetworkPolicy", pod)]
    if not any("Egress" in policy["policyTypes"] for policy in policies):
        yield "api-server may connect to anything"
    auth_server = {"app.kubernetes.io/instance": "goptri", "app.kubernetes.io/component": "auth-server"}
    for rule in [rule for policy in policies for rule in policy.get("egress", [])]:
        dns = {port["port"] for port in rule.get("ports", [])} == {53}
        if not dns and rule.get("to") != [{"podSelector": {"matchLabels": auth_server}}]:
            yield f"api-server may connect to {rule}"
