"""What `kubectl apply -k` would send for a folder, as far as the shipped folders go, without a cluster or kubectl."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

Manifest = dict[str, Any]
#: The fields of a kustomization that this reader knows; another is an error rather than passed over.
KNOWN: Final = {
    "apiVersion",
    "kind",
    "namespace",
    "resources",
    "components",
    "images",
    "configMapGenerator",
    "patches",
}


def manifests_of(folder: Path) -> list[Manifest]:
    """The manifests of a folder with a kustomization. Raises AssertionError for a field that is not known here."""
    return _built(folder, [])


def _built(folder: Path, manifests: list[Manifest]) -> list[Manifest]:
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    unknown = set(kustomization) - KNOWN
    assert not unknown, f"{folder} says {unknown}"
    for name in kustomization.get("resources", []):
        path = (folder / name).resolve()
        manifests.extend(manifests_of(path) if path.is_dir() else _read(path))
    for generator in kustomization.get("configMapGenerator", []):
        _generate(folder, generator, manifests)
    for name in kustomization.get("components", []):
        manifests = _built((folder / name).resolve(), manifests)
    for patch in kustomization.get("patches", []):
        _remove(patch, manifests)
    for image in kustomization.get("images", []):
        for container in (each for manifest in manifests for each in containers_of(manifest)):
            if container["image"] == image["name"]:
                container["image"] = f"{image['newName']}:{image['newTag']}"
    if "namespace" in kustomization:
        for manifest in manifests:
            if manifest["kind"] != "Namespace":
                manifest["metadata"]["namespace"] = kustomization["namespace"]
    return manifests


def _read(path: Path) -> list[Manifest]:
    return [manifest for manifest in yaml.safe_load_all(path.read_text()) if manifest]


def _generate(folder: Path, generator: dict[str, Any], manifests: list[Manifest]) -> None:
    data: dict[str, str] = {}
    for name in generator["envs"]:
        lines = (line.partition("=") for line in (folder / name).read_text().splitlines() if not line.startswith("#"))
        data |= {key: value for key, equals, value in lines if equals}
    if generator.get("behavior") == "merge":
        (merged,) = (each for each in manifests if is_named(each, "ConfigMap", generator["name"]))
        merged["data"] |= data
    else:
        manifests.append(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": generator["name"]}, "data": data}
        )


def _remove(patch: dict[str, Any], manifests: list[Manifest]) -> None:
    (target,) = (each for each in manifests if is_named(each, patch["target"]["kind"], patch["target"]["name"]))
    for step in yaml.safe_load(patch["patch"]):
        assert step["op"] == "remove", step
        *parents, last = step["path"].strip("/").split("/")
        place = target
        for parent in parents:
            place = place[parent]
        del place[last]


def is_named(manifest: Manifest, kind: str, name: str) -> bool:
    """Whether it is of this kind and has this name."""
    return bool(manifest["kind"] == kind and manifest["metadata"]["name"] == name)


def pod_of(manifest: Manifest) -> Manifest | None:
    """The template of the pods that a manifest starts; None when it starts none."""
    template: Manifest | None = manifest.get("spec", {}).get("template")
    return template


def containers_of(manifest: Manifest) -> Iterator[Manifest]:
    """The containers of such pods, those that run first as well."""
    spec = (pod_of(manifest) or {}).get("spec", {})
    yield from spec.get("initContainers", [])
    yield from spec.get("containers", [])
