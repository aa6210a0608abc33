"""The manifests of deploy/kubernetes: what the schemas say of them, what they say of one another, and their probes."""

import copy
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest

from bff_project.processes.ports import LOOPBACK
from bff_project.processes.worker import FINISH_SECONDS
from gateway_clients.conf import SERVICES
from tests.platform.settings_of import ROOT, settings_with
from tests.support.gateway import RunningGateway
from tests.support.kustomize import Manifest, containers_of, is_named, manifests_of, pod_of
from tests.support.plugin import NO_REDIS
from tests.support.processes import clean_environment
from tests.support.waiting import wait_until

KUBERNETES: Final = ROOT / "deploy" / "kubernetes"
BASE: Final = manifests_of(KUBERNETES / "base")
EXAMPLE: Final = manifests_of(KUBERNETES / "overlays" / "example")
#: The oldest version that has all the fields, and the newest that is published.
VERSIONS: Final = ("1.30", "1.37")
#: A kind of the Prometheus operator's, of which Kubernetes has no schema.
FOREIGN: Final = "ServiceMonitor"
GATEWAY: Final = "web-bff-gateway"
SECRETS: Final = {
    "SECRET_KEY": "a-secret-key-of-the-test-of-the-manifests",
    "JWT_SECRET": "a-secret-of-tokens-of-the-test-of-the-manifests",
    "REFRESH_TOKEN_SECRET": "another-secret-of-tokens-of-the-manifests",
    "AUDIT_KEYS": "a-key-of-the-audit-trail-of-the-manifests",
    "CACHE_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "DATABASE_URL": "postgres://gateway:secret@postgres.example.com:5432/gateway",
    "REDIS_URL": "rediss://:secret@redis.example.com:6380/0",
}


def name_of(manifest: Manifest) -> str:
    return f"{manifest['kind']}-{manifest['metadata']['name']}"


def found(kind: str, name: str, manifests: list[Manifest] = EXAMPLE) -> Manifest:
    (manifest,) = (each for each in manifests if is_named(each, kind, name))
    return manifest


def of_kind(*kinds: str) -> list[Manifest]:
    return [manifest for manifest in EXAMPLE if manifest["kind"] in kinds]


PODS: Final = [manifest for manifest in EXAMPLE if pod_of(manifest)]
CONTAINERS: Final = [
    pytest.param(container, id=f"{name_of(pod)}-{container['name']}")
    for pod in PODS
    for container in containers_of(pod)
]


def labels_of_pods(manifest: Manifest) -> dict[str, str]:
    pod = pod_of(manifest)
    assert pod is not None
    labels: dict[str, str] = pod["metadata"]["labels"]
    return labels


def selected(labels: Mapping[str, str]) -> list[str]:
    """The manifests whose pods have these labels."""
    return [name_of(pod) for pod in PODS if labels.items() <= labels_of_pods(pod).items()]


def test_all_is_there() -> None:
    assert sorted(map(name_of, EXAMPLE)) == [
        "ConfigMap-web-bff",
        "Deployment-web-bff-gateway",
        "Deployment-web-bff-worker",
        "HorizontalPodAutoscaler-web-bff-gateway",
        "Job-web-bff-migration",
        "Namespace-web-bff",
        "NetworkPolicy-web-bff",
        "NetworkPolicy-web-bff-gateway",
        "NetworkPolicy-web-bff-worker",
        "PodDisruptionBudget-web-bff-gateway",
        "PodDisruptionBudget-web-bff-worker",
        "Service-web-bff",
        "Service-web-bff-worker",
        "ServiceAccount-web-bff",
        "ServiceMonitor-web-bff",
        "ServiceMonitor-web-bff-worker",
    ]
    assert found("Deployment", GATEWAY, BASE)["spec"]["replicas"] == 3


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("manifest", [each for each in (*BASE, *EXAMPLE) if each["kind"] != FOREIGN], ids=name_of)
def test_the_schema_of_its_kind_has_all_its_fields(manifest: Manifest, version: str) -> None:
    kubernetes_validate.validate(manifest, version, strict=True)


def test_the_schema_would_find_a_field_that_is_none() -> None:
    wrong = copy.deepcopy(found("Deployment", GATEWAY))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


@pytest.mark.parametrize("name", ["web-bff", "web-bff-worker"])
def test_the_monitors_find_the_metrics_of_every_gateway_and_worker(name: str) -> None:
    monitor, service = found(FOREIGN, name), found("Service", name)
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "endpoints"}
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    assert set(endpoint) == {"port", "path", "interval", "scrapeTimeout"}
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert int(endpoint["scrapeTimeout"].rstrip("s")) < int(endpoint["interval"].rstrip("s"))
    assert monitor["metadata"]["namespace"] == service["metadata"]["namespace"]


def test_whatever_selects_pods_selects_those_it_means() -> None:
    gateway, worker, migration = "Deployment-web-bff-gateway", "Deployment-web-bff-worker", "Job-web-bff-migration"

    assert selected(found("Service", "web-bff")["spec"]["selector"]) == [gateway]
    assert selected(found("Service", "web-bff-worker")["spec"]["selector"]) == [worker]
    for name, meant in ((GATEWAY, gateway), ("web-bff-worker", worker)):
        for kind in ("Deployment", "PodDisruptionBudget"):
            assert selected(found(kind, name)["spec"]["selector"]["matchLabels"]) == [meant]
        pod = pod_of(found("Deployment", name))
        assert pod is not None
        for constraint in pod["spec"]["topologySpreadConstraints"]:
            assert selected(constraint["labelSelector"]["matchLabels"]) == [meant]
    policies = {
        policy["metadata"]["name"]: policy["spec"]["podSelector"]["matchLabels"] for policy in of_kind("NetworkPolicy")
    }
    assert selected(policies["web-bff-gateway"]) == [gateway]
    assert selected(policies["web-bff-worker"]) == [worker]
    assert sorted(selected(policies["web-bff"])) == [gateway, worker, migration]


def test_the_autoscaler_scales_the_gateways_and_nobody_else_says_how_many() -> None:
    spec = found("HorizontalPodAutoscaler", GATEWAY)["spec"]
    target = found(spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"])
    assert target["apiVersion"] == spec["scaleTargetRef"]["apiVersion"]
    assert spec["minReplicas"] == found("Deployment", GATEWAY, BASE)["spec"]["replicas"]
    assert "replicas" not in target["spec"]
    for container in containers_of(target):
        assert "cpu" in container["resources"]["requests"]  # utilization is a share of it


def test_ports_are_those_that_the_gateway_listens_on() -> None:
    settings = found("ConfigMap", "web-bff")["data"]
    (gateway,) = (each for each in containers_of(found("Deployment", GATEWAY)) if each["name"] == "gateway")
    ports = {port["name"]: port["containerPort"] for port in gateway["ports"]}

    assert ports == {"http": int(settings["PORT"]), "metrics": int(settings["METRICS_PORT"])}
    assert {port["targetPort"] for port in found("Service", "web-bff")["spec"]["ports"]} == set(ports)
    entered = [rule["ports"] for rule in found("NetworkPolicy", "web-bff-gateway")["spec"]["ingress"]]
    assert entered == [[{"protocol": "TCP", "port": "http"}], [{"protocol": "TCP", "port": "metrics"}]]
    for probe in probes().values():
        assert probe["httpGet"]["port"] == "http"


def test_every_server_may_be_asked_at_its_usual_port() -> None:
    _, named = found("NetworkPolicy", "web-bff")["spec"]["egress"]
    services, redis, sentinel, brokers = {80, 443}, {6379, 6380}, {26379}, {5671, 5672}
    postgres_and_pgbouncer, collector = {5432, 6432}, {4318}
    assert {each["port"] for each in named["ports"]} == (
        services | redis | sentinel | postgres_and_pgbouncer | brokers | collector
    )


def test_every_setting_is_one() -> None:
    _, read = settings_with({})
    assert set(found("ConfigMap", "web-bff")["data"]) <= read
    assert {f"{name.upper()}_SERVICE_URL" for name in SERVICES} <= set(found("ConfigMap", "web-bff")["data"])


@pytest.mark.parametrize("container", CONTAINERS)
def test_every_container_has_the_settings_and_the_secrets_by_reference(container: Manifest) -> None:
    _, read = settings_with({})
    references = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]}

    # Every secret that somebody uses comes with the others, also one of a single upstream or of a change of keys.
    assert container["envFrom"] == [{"configMapRef": {"name": "web-bff"}}, {"secretRef": {"name": "web-bff"}}]
    assert set(references) <= read
    assert all(reference["key"] == name for name, reference in references.items())
    assert {reference["name"] for reference in references.values()} == {"web-bff"}
    assert set(references) == set(SECRETS)
    assert not any(reference.get("optional") for reference in references.values())
    assert not set(references) & set(found("ConfigMap", "web-bff")["data"])


def test_no_secret_is_among_the_manifests() -> None:
    assert of_kind("Secret") == []


def test_production_takes_the_settings_with_the_required_secrets() -> None:
    done = check({**found("ConfigMap", "web-bff")["data"], **SECRETS})
    assert done.returncode == 0, done.stderr


def test_production_does_not_take_them_without() -> None:
    done = check(found("ConfigMap", "web-bff")["data"])
    assert done.returncode == 1
    named = {name for name in SECRETS if name in done.stderr}
    assert named == {"SECRET_KEY", "JWT_SECRET", "REFRESH_TOKEN_SECRET", "AUDIT_KEYS", "CACHE_ENCRYPTION_KEYS"}


def check(settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level=ERROR"],
        cwd=ROOT,
        env={**clean_environment(), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("manifest", PODS, ids=name_of)
def test_every_pod_is_confined(manifest: Manifest) -> None:
    pod = pod_of(manifest)
    assert pod is not None
    spec = pod["spec"]
    account = found("ServiceAccount", spec["serviceAccountName"])

    assert account["automountServiceAccountToken"] is spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    security = spec["securityContext"]
    assert (security["runAsNonRoot"], security["runAsUser"], security["runAsGroup"]) == (True, 10001, 10001)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    volumes = {volume["name"] for volume in spec["volumes"] if volume["emptyDir"]["sizeLimit"]}
    for container in containers_of(manifest):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/tmp", "/app/.run"}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes
        assert container["image"] == "registry.example.com/web-bff:1.0.0"
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert "memory" in container["resources"]["limits"]


def test_what_is_in_flight_may_end_before_a_pod_is_killed() -> None:
    settings, _ = settings_with(found("ConfigMap", "web-bff")["data"])
    gateway, worker = (pod_of(found("Deployment", f"web-bff-{name}")) for name in ("gateway", "worker"))
    assert gateway is not None
    assert worker is not None
    before_sigterm = gateway["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest = max(settings["STREAM_BUDGET_SECONDS"], settings["SUBMIT_BUDGET_SECONDS"]) + 2

    assert gateway["spec"]["terminationGracePeriodSeconds"] > before_sigterm + settings["DRAIN_SECONDS"] + longest
    assert worker["spec"]["terminationGracePeriodSeconds"] > 2 * FINISH_SECONDS
    # A pod is seen to be draining, and no longer sent requests, well before it stops taking them.
    ready = probes()["readinessProbe"]
    assert ready["periodSeconds"] * ready["failureThreshold"] + ready["timeoutSeconds"] < settings["DRAIN_SECONDS"]


def test_a_worker_that_has_turned_lately_passes_its_probe_and_one_that_hangs_does_not(tmp_path: Path) -> None:
    (worker,) = (each for each in containers_of(found("Deployment", "web-bff-worker")) if each["name"] == "worker")
    *shell, script = worker["livenessProbe"]["exec"]["command"]
    alive = tmp_path / "worker" / "alive"

    def exit_code() -> int:
        return subprocess.run(
            [*shell, script.replace("/app/.run", str(tmp_path))], check=False, capture_output=True, timeout=5
        ).returncode

    assert exit_code() == 1
    alive.parent.mkdir()
    alive.touch()
    assert exit_code() == 0
    os.utime(alive, (time.time() - 700,) * 2)
    assert exit_code() == 1


def probes() -> dict[str, Any]:
    (gateway,) = (each for each in containers_of(found("Deployment", GATEWAY)) if each["name"] == "gateway")
    return {name: gateway[name] for name in ("startupProbe", "livenessProbe", "readinessProbe")}


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """A gateway without Redis and without any upstream."""
    nowhere = {f"{name.upper()}_SERVICE_URL": f"http://{LOOPBACK}:1" for name in SERVICES}
    running = RunningGateway(tmp_path, redis_url=NO_REDIS, upstreams=nowhere, DRAIN_SECONDS="3", WORKERS="1")
    yield running
    running.remove()


@pytest.mark.long
def test_the_probes_are_answered_as_the_kubelet_asks_and_readiness_alone_ends_with_the_drain(
    gateway: RunningGateway,
) -> None:
    wait_until(lambda: passes(gateway, "startupProbe"), seconds=30)
    assert passes(gateway, "livenessProbe")
    wait_until(lambda: passes(gateway, "readinessProbe"), seconds=5)

    gateway.process.send_signal(signal.SIGTERM)
    wait_until(lambda: not passes(gateway, "readinessProbe"), seconds=1.5)
    assert passes(gateway, "livenessProbe")
    assert gateway.process.wait(20) == 0


def passes(gateway: RunningGateway, name: str) -> bool:
    """Asks as the kubelet does: by the pod's address, none of ALLOWED_HOSTS, on a connection for each probe."""
    probe = probes()[name]
    connection = http.client.HTTPConnection(LOOPBACK, gateway.port, timeout=probe["timeoutSeconds"])
    try:
        connection.request(
            "GET",
            probe["httpGet"]["path"],
            headers={"Host": f"10.42.7.9:{gateway.port}", "User-Agent": "kube-probe/1.37", "Connection": "close"},
        )
        return 200 <= connection.getresponse().status < 400
    except OSError:
        return False
    finally:
        connection.close()
