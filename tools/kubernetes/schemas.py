"""Validates objects against the schemas of Kubernetes, and custom kinds against those of the modules that ship them."""

import functools

import jsonschema
import kubernetes_validate
import yaml

from rendering import ROOT, VERSIONS

# Kinds that are not part of Kubernetes; scripts/setup takes their definitions from the modules that ship them.
DEFINITIONS = ROOT / ".tools/crds"
CUSTOM = {"HTTPRoute", "PrometheusRule", "ServiceMonitor"}


def closed(schema):
    """The schema of a custom kind, which permits no unknown field."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: closed(item) for name, item in schema.items()}
    if isinstance(schema.get("properties"), dict) and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema.setdefault("additionalProperties", False)
    return schema


@functools.cache
def definition(kind, api_version):
    file = DEFINITIONS / f"{kind}.yaml"
    if not file.exists():
        return {}
    versions = yaml.safe_load(file.read_text())["spec"]["versions"]
    found = [one["schema"]["openAPIV3Schema"] for one in versions if api_version.endswith(f"/{one['name']}")]
    return closed(found[0])


def schema_problems(item):
    if item["kind"] in CUSTOM:
        validator = jsonschema.Draft7Validator(definition(item["kind"], item["apiVersion"]))
        for error in validator.iter_errors({**item, "metadata": {}}):
            yield f"{'.'.join(map(str, error.path))}: {error.message}"
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(item, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}"
