"""How pods are confined, probed and stopped."""


def pod_of(item):
    return item["spec"]["template"] if item["kind"] in {"Deployment", "StatefulSet", "Job"} else None


def pod_problems(item):
    """What the profile `restricted` of Pod Security demands, and more."""
    pod = pod_of(item)
    if pod is None:
        return
    spec = pod["spec"]
    context = spec["securityContext"]
    if not context["runAsNonRoot"] or not context["runAsUser"] or not context["runAsGroup"]:
        yield "runs as root"
    if context["seccompProfile"] != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    if spec["automountServiceAccountToken"]:
        yield "has a token of the API"
    for container in spec["containers"]:
        confined = container["securityContext"]
        if confined.get("capabilities") != {"drop": ["ALL"]} or confined.get("allowPrivilegeEscalation") is not False:
            yield "has privileges"
        if confined.get("readOnlyRootFilesystem") is not True:
            yield "has a writable root"
        if not {"cpu", "memory"} <= container["resources"]["requests"].keys():
            yield "requests no cpu or no memory"
        if "memory" not in container["resources"]["limits"]:
            yield "has no limit on memory"
        if ":" not in container["image"] or container["image"].endswith(":latest"):
            yield f"has an image without a version: {container['image']}"


def seconds(text):
    return int(text.removesuffix("s"))


def deployment_problems(item, settings):
    if item["kind"] != "Deployment":
        return
    spec = item["spec"]["template"]["spec"]
    container = spec["containers"][0]
    for probe, path in [("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]:
        if container[probe]["httpGet"] != {"path": path, "port": "http"}:
            yield f"{probe} is not {path}"
    # A server finishes requests for up to 30 s.
    if spec["terminationGracePeriodSeconds"] < seconds(settings["SHUTDOWN_DELAY"]) + 30:
        yield "is killed before it has finished its requests"


def matches(selector, labels):
    if any(labels.get(name) != value for name, value in selector.get("matchLabels", {}).items()):
        return False
    return all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", []))
