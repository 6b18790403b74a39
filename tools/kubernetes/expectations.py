"""What the documents of this repository say: variables, routes, and the Secrets that an operator creates."""

import re

from rendering import ROOT, key, values_of

# Routes of auth-server that both servers have, or that are for services inside the cluster only.
NOT_ROUTED = {"/", "/currentuser", "/healthz", "/readyz", "/revocations", "/verify"}


def documented_secrets():
    """What docs/kubernetes.md creates: the name and the key of each secret."""
    page = (ROOT / "docs/kubernetes.md").read_text()
    created = re.findall(r"create secret generic ([a-z-]+)((?:\s+\\?\s*--from-[a-z]+=\S+)+)", page)
    return {(name, key) for name, options in created for key in re.findall(r"--from-[a-z]+=([A-Za-z_.]+)=", options)}


def section(page, heading):
    after = page.split(f"\n## {heading}\n", 1)[1]
    return after.split("\n## ", 1)[0]


def variables_of(server):
    page = (ROOT / "docs/configuration.md").read_text()
    return {name for heading in ["Both servers", server]
            for name in re.findall(r"^\| `([A-Z_]+)` \|", section(page, heading), re.MULTILINE)}


def variable_problems(objects):
    both = variables_of("auth-server") & variables_of("api-server")
    known = {"settings": both, "auth-server": variables_of("auth-server"), "api-server": variables_of("api-server")}
    for item in objects.values():
        if item["kind"] == "ConfigMap":
            part = re.sub(r"^goptri-|-[0-9a-z]{10}$", "", item["metadata"]["name"])
            for name in item["data"].keys() - known[part]:
                yield f"ConfigMap {part}: docs/configuration.md has no variable {name}"
        for container in values_of("containers", item):
            server = container[0]["name"]
            for variable in container[0].get("env", []) if server in known else []:
                if variable["name"].removesuffix("_FILE") not in known[server]:
                    yield f"{key(item)}: docs/configuration.md has no variable {variable['name']}"


def routes_of_auth_server():
    page = (ROOT / "docs/http.md").read_text()
    routes = re.findall(r"^\| `[A-Z]+ (/[^`{]*)", section(page, "auth-server"), re.MULTILINE)
    return {route.rstrip("/") or "/" for route in routes} - NOT_ROUTED


def routed(objects):
    """The server of each path prefix."""
    for item in objects.values():
        if item["kind"] == "Ingress":
            for path in item["spec"]["rules"][0]["http"]["paths"]:
                yield path["path"], path["backend"]["service"]["name"]
        if item["kind"] == "HTTPRoute":
            for rule in item["spec"]["rules"]:
                for match in rule["matches"]:
                    yield match["path"]["value"], rule["backendRefs"][0]["name"]


def route_problems(objects):
    table = sorted(routed(objects), key=lambda entry: len(entry[0]), reverse=True)

    def server_of(path):
        return next(to for prefix, to in table if prefix == "/" or f"{path}/".startswith(f"{prefix}/"))

    for path in routes_of_auth_server():
        if server_of(path) != "goptri-auth-server":
            yield f"{path} is not routed to auth-server"
    for path in ["/", "/me", "/photos/gopher.png", "/revocations", "/readyz", "/metrics"]:
        if server_of(path) != "goptri-api-server":
            yield f"{path} is routed to auth-server"
