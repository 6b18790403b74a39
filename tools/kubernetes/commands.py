"""Runs the commands of docs/kubernetes.md, as far as they need no cluster."""

import os
import re
import shutil
import tempfile
from pathlib import Path

import yaml

from rendering import ROOT, VERSIONS, key, run
from schemas import schema_problems

# What needs a cluster does nothing. The objects that would be created or applied are written to $OBJECTS.
WITHOUT_A_CLUSTER = """
kubectl() {
    case "$1 ${2-} $*" in
    "create "*--dry-run=client*) command kubectl "$@" ;;
    create*) { echo ---; command kubectl "$@" --dry-run=client -o yaml; } >>"$OBJECTS" ;;
    "apply -f "* | "replace -f "*) { echo ---; cat; } >>"$OBJECTS" ;;
    "apply -k "* | "diff -k "*) { echo ---; kustomize build "$3"; } >>"$OBJECTS" ;;
    "get secret "*) echo the-secret-in-use ;;
    "get "* | "label "* | "logs "* | "exec "* | "scale "* | "wait "* | "delete "* | "rollout "* | "port-forward "*) ;;
    "config set-context "*) ;;
    *) echo "unknown command: kubectl $*" >&2; return 1 ;;
    esac
}
helm() {
    local command=$1 argument arguments=()
    shift
    for argument; do
        case $argument in --install | --wait | --timeout | 10m) ;; *) arguments+=("$argument") ;; esac
    done
    case $command in install | upgrade) ;; *) echo "unknown command: helm $command" >&2; return 1 ;; esac
    { echo ---; command helm template "${arguments[@]}" --kube-version "$VERSION"; } >>"$OBJECTS"
}
auth-server() { echo "a key" >"$3"; }
"""


def command_problems():
    """Runs the blocks `sh`, in order, in a copy of what they read."""
    if missing := [tool for tool in ["kubectl", "kustomize", "helm", "openssl"] if not shutil.which(tool)]:
        print(f"not checked: the commands of docs/kubernetes.md, without {' and '.join(missing)}")
        return
    page = (ROOT / "docs/kubernetes.md").read_text()
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL))
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "deploy", Path(folder) / "deploy")
        run("openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=app.example.com",
            "-keyout", "privkey.pem", "-out", "fullchain.pem", cwd=folder)
        objects = Path(folder) / "objects.yaml"
        env = {**os.environ, "OBJECTS": str(objects), "VERSION": VERSIONS[-1], "KUBECONFIG": "/dev/null"}
        run("bash", "-euo", "pipefail", "-c", WITHOUT_A_CLUSTER + script, cwd=folder, env=env)
        for item in filter(None, yaml.safe_load_all(objects.read_text())):
            yield from (f"docs/kubernetes.md: {key(item)}: {problem}" for problem in schema_problems(item))
