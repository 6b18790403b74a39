"""Renders deploy/kubernetes with kustomize and deploy/helm with Helm, and compares the two."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[2]
KUSTOMIZE = ROOT / "deploy/kubernetes"
CHART = ROOT / "deploy/helm/goptri"

# The oldest release that the chart permits, and the newest one with schemas here.
VERSIONS = ["1.30", kubernetes_validate.latest_version()]

# What only one of the two tools writes, and no server reads.
LABELS_OF_HELM = {"app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart"}
ANNOTATIONS_OF_HELM = {"checksum/settings", "helm.sh/hook", "helm.sh/hook-delete-policy"}

# Name: the kustomization (a folder, or components on the base), and what `helm template` gets.
PRODUCTION = {
    "host": "shop.example.org",
    "image": {"repository": "registry.example.com/goptri"},
    "settings": {"TRUSTED_PROXIES": "10.244.0.0/16"},
    "apiServer": {"settings": {"ON_STALE": "refuse"}},
    "migration": {"enabled": True},
    "ingress": {"enabled": False},
    "httpRoute": {"enabled": True, "parentRefs": [{"name": "public", "namespace": "gateways"}]},
    "serviceMonitor": {"enabled": True, "labels": {"release": "kube-prometheus-stack"}},
    "photos": {"storageClassName": "nfs"},
}
CASES = {
    "base": ("base", {}),
    "with-postgres": (
        "overlays/with-postgres",
        {"postgres": {"enabled": True}, "photos": {"accessModes": ["ReadWriteOnce"]}},
    ),
    "production": ("overlays/production", PRODUCTION),
    "secrets in the environment": (["secrets-in-environment"], {"secrets": {"from": "environment"}}),
}


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command[:3]))}\n{done.stdout}{done.stderr}")
    return done.stdout


def objects_of(text):
    return {key(item): item for item in yaml.safe_load_all(text) if item}


def key(item):
    return f"{item['kind']}/{item['metadata']['name']}"


def kustomized(of):
    if isinstance(of, str):
        return objects_of(run("kustomize", "build", KUSTOMIZE / of))
    # Beside the base, because kustomize accepts only relative paths.
    with tempfile.TemporaryDirectory(dir=KUSTOMIZE) as folder:
        components = [f"../components/{name}" for name in of]
        kustomization = {"resources": ["../base"], "components": components}
        (Path(folder) / "kustomization.yaml").write_text(yaml.dump(kustomization))
        return objects_of(run("kustomize", "build", folder))


def templated(values):
    # A helm that was built by `go install` does not know a version of Kubernetes.
    command = ["helm", "template", "goptri", CHART, "--kube-version", VERSIONS[-1], "--values", "-"]
    return objects_of(run(*command, input=yaml.dump(values)))


def comparable(objects):
    """Without what only one tool writes: hashes in the names of ConfigMaps, labels and annotations of Helm."""
    names = [item["metadata"]["name"] for item in objects.values() if item["kind"] == "ConfigMap"]
    plain = {name: re.sub(r"-[0-9a-z]{10}$", "", name) for name in names}

    def clean(value):
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, dict):
            value = {name: clean(item) for name, item in value.items()}
            for field, dropped in [("labels", LABELS_OF_HELM), ("annotations", ANNOTATIONS_OF_HELM)]:
                if isinstance(value.get(field), dict):
                    value[field] = {name: item for name, item in value[field].items() if name not in dropped}
                    if not value[field]:
                        del value[field]
            # The default of an image with a tag.
            if value.get("imagePullPolicy") == "IfNotPresent":
                del value["imagePullPolicy"]
            # What a patch of kustomize leaves of a list from which it deleted everything.
            value = {name: item for name, item in value.items() if item != []}
            if isinstance(value.get("env"), list):
                value["env"] = sorted(value["env"], key=lambda variable: variable["name"])
            return value
        return plain.get(value, value) if isinstance(value, str) else value

    return {key(item): item for item in map(clean, objects.values())}


def differences(left, right, path=""):
    if isinstance(left, dict) and isinstance(right, dict):
        for name in sorted(left.keys() | right.keys(), key=str):
            if name not in left:
                yield f"{path}.{name}: only Helm: {right[name]}"
            elif name not in right:
                yield f"{path}.{name}: only kustomize: {left[name]}"
            else:
                yield from differences(left[name], right[name], f"{path}.{name}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{path}[{number}]")
    elif left != right:
        yield f"{path}: kustomize {left!r}, Helm {right!r}"


def values_of(field, value):
    """Every value of a field, however deep."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == field:
                yield item
            yield from values_of(field, item)
    elif isinstance(value, list):
        for item in value:
            yield from values_of(field, item)
