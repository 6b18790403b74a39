"""Checks deploy/kubernetes and deploy/helm without a cluster.

Renders each case with kustomize and with Helm, compares the two, validates every object against the schemas of
Kubernetes, and checks what a schema cannot: references, routes, variables, and how the pods are confined.

    .tools/venv/bin/python -B tools/kubernetes
"""

import shutil
import sys

from commands import command_problems
from expectations import documented_secrets, route_problems, variable_problems
from pods import deployment_problems, pod_problems
from references import network_problems, reference_problems
from rendering import CASES, CHART, VERSIONS, comparable, differences, kustomized, run, templated
from schemas import CUSTOM, DEFINITIONS, schema_problems


def problems(objects, secrets):
    settings = next(item["data"] for name, item in objects.items() if name.startswith("ConfigMap/goptri-settings"))
    for name, item in objects.items():
        if item["kind"] == "Secret":
            yield f"{name}: a secret in a manifest"
        for found in [*schema_problems(item), *pod_problems(item), *deployment_problems(item, settings)]:
            yield f"{name}: {found}"
    yield from reference_problems(objects, secrets)
    yield from network_problems(objects)
    yield from variable_problems(objects)
    yield from route_problems(objects)


def main():
    tools = {"kustomize": kustomized, "helm": templated}
    for tool in [tool for tool in tools if not shutil.which(tool)]:
        # Without Go, scripts/setup cannot compile them.
        if shutil.which("go"):
            sys.exit(f"{tool} is missing; scripts/setup lint compiles it")
        print(f"not checked: {tool} is missing; scripts/setup lint says why")
        del tools[tool]
    if "helm" in tools:
        run("helm", "lint", "--strict", "--quiet", "--kube-version", VERSIONS[-1], CHART)
    for kind in sorted(CUSTOM):
        if not (DEFINITIONS / f"{kind}.yaml").exists():
            print(f"not checked: no schema of {kind}; scripts/setup lint says why")
    secrets, found = documented_secrets(), list(command_problems())
    for case, inputs in CASES.items():
        rendered = {tool: render(inputs[tool == "helm"]) for tool, render in tools.items()}
        for tool, objects in rendered.items():
            found += [f"{case}, {tool}: {problem}" for problem in problems(objects, secrets)]
        if len(rendered) == 2:
            found += [f"{case}: {one}" for one in differences(*map(comparable, rendered.values()))]
    by = " and ".join(tools) or "nothing"
    print("\n".join(found) or f"{len(CASES)} cases, rendered by {by}, schemas of Kubernetes {' and '.join(VERSIONS)}")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
