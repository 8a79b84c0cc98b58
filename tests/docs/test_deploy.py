"""The files of deploy/, the compose file and the Dockerfile: our programs take what they say."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from gatherq.inspection.metrics.metric_table import sample_names

from ..house import DOCS, REPOSITORY
from ..house.test_settings import OF_SETTINGS, of_options
from .commands import check

DEPLOY = REPOSITORY / "deploy"
KNOWN = OF_SETTINGS | of_options()
UNIT = DEPLOY / "systemd" / "gatherq-worker.service"
PAGE = DOCS / "howto" / "systemd.md"
COMPOSE = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
PASSWORD = yaml.safe_load((DEPLOY / "compose" / "password.yml").read_text())
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
OF_OURS = {name for name, each in COMPOSE["services"].items() if each["image"] == "gatherq"}


def objects(kind):
    """Return the Kubernetes objects of a kind, by name."""
    files = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    every = [each for file in files for each in yaml.safe_load_all(file.read_text())]
    return {each["metadata"]["name"]: each for each in every if each["kind"] == kind}


DEPLOYMENTS = objects("Deployment")


def pod_of(name):
    pod = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return pod, container


def option(words, name):
    return words[words.index(name) + 1]


def unknown(variables):
    return {name for name in variables if name.startswith("GATHERQ_")} - KNOWN


def seconds(text):
    return int(text.removesuffix("s"))


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_kubernetes_runs_commands_and_variables_that_there_are(name):
    pod, container = pod_of(name)
    check(container["args"])
    assert unknown(each["name"] for each in container["env"]) == set()
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert set(mounted) == {each["name"] for each in pod["volumes"]}
    keys = objects("Secret")["gatherq"]["stringData"]
    files = [each["value"] for each in container["env"] if each["name"].endswith("_FILE")]
    assert all(Path(file).parent == Path(mounted["secrets"]) for file in files)
    assert {Path(file).name for file in files} <= set(keys)


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_kubernetes_probes_the_port_that_is_listened_to(name):
    _, container = pod_of(name)
    words = container["args"]
    ports = {each["name"]: each["containerPort"] for each in container["ports"]}
    (listened,) = ports.values()
    asked = "--health-port" if words[0] == "worker" else "--port"
    assert option(words, asked) == str(listened)
    for kind in ("readinessProbe", "livenessProbe"):
        assert container[kind]["httpGet"]["port"] in ports
        assert container[kind]["httpGet"]["path"] in ("/livez", "/readyz")
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_kubernetes_gives_no_rights_that_are_not_needed(name):
    pod, container = pod_of(name)
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = pod["securityContext"]["runAsUser"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"--uid {user} " in DOCKERFILE
    assert f"\nUSER {user}\n" in DOCKERFILE
    assert container["resources"]["limits"]["memory"]


def test_kubernetes_waits_for_the_grace():
    pod, container = pod_of("gatherq-worker")
    grace = int(option(container["args"], "--grace"))
    assert pod["terminationGracePeriodSeconds"] == grace + 5


def test_services_and_budgets_are_of_deployments_that_there_are():
    chosen = [each["spec"]["selector"] for each in objects("Service").values()]
    budgets = objects("PodDisruptionBudget").values()
    chosen += [each["spec"]["selector"]["matchLabels"] for each in budgets]
    labels = [each["spec"]["template"]["metadata"]["labels"] for each in DEPLOYMENTS.values()]
    for selector in chosen:
        assert any(selector.items() <= each.items() for each in labels)


def test_keda_asks_for_a_metric_that_the_exporter_tells_of_the_same_queue():
    (scaled,) = objects("ScaledObject").values()
    assert scaled["spec"]["scaleTargetRef"]["name"] in DEPLOYMENTS
    (trigger,) = scaled["spec"]["triggers"]
    name, queue = re.fullmatch(
        r'(\w+){queue="(.*)"}', trigger["metadata"]["valueLocation"]
    ).groups()
    assert name in dict(sample_names())
    _, exporter = pod_of("gatherq-exporter")
    assert option(exporter["args"], "--queue") == queue
    port = exporter["ports"][0]["containerPort"]
    assert trigger["metadata"]["url"] == f"http://gatherq-exporter:{port}/metrics"
    assert "gatherq-exporter" in objects("Service")


@pytest.mark.parametrize("name", sorted(OF_OURS))
def test_compose_runs_commands_and_variables_that_there_are(name):
    service = COMPOSE["services"][name]
    assert unknown(service["environment"]) == set()
    if "entrypoint" in service:
        assert (REPOSITORY / "examples" / service["entrypoint"][-1]).exists()
    else:
        check(service["command"])


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_compose_confines_every_container(name):
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert service["mem_limit"]
    assert service["pids_limit"]
    published = service.get("ports", [])
    assert all(each.startswith("127.0.0.1:") for each in published)


def test_compose_waits_for_the_grace_and_probes_with_what_the_image_has():
    worker = COMPOSE["services"]["worker"]
    grace = int(option(worker["command"], "--grace"))
    assert seconds(worker["stop_grace_period"]) == grace + 5
    _, probe, *_ = worker["healthcheck"]["test"]
    scripts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert probe in scripts["targets"]["wheel"]["shared-scripts"].values()


def test_compose_mounts_files_that_there_are():
    volumes = [v for each in COMPOSE["services"].values() for v in each.get("volumes", [])]
    files = [each.partition(":")[0] for each in volumes if each.startswith("./")]
    assert files
    assert [file for file in files if not (REPOSITORY / file).exists()] == []


def test_compose_scrapes_the_exporter():
    scraped = yaml.safe_load((DEPLOY / "compose" / "prometheus.yaml").read_text())
    (config,) = scraped["scrape_configs"]
    assert config["static_configs"] == [{"targets": ["exporter:9420"]}]
    assert "exporter" in COMPOSE["services"]


def test_a_password_is_given_to_whoever_asks_the_server():
    assert set(PASSWORD["services"]) == OF_OURS | {"redis"}
    (secret,) = PASSWORD["secrets"]
    for name in OF_OURS:
        service = PASSWORD["services"][name]
        assert service["secrets"] == [secret]
        assert unknown(service["environment"]) == set()
        assert f"/run/secrets/{secret}" in service["environment"].values()
    without = COMPOSE["services"]["redis"]["command"].removesuffix(" --protected-mode no")
    given = f'{without} --requirepass "$$(cat /run/secrets/{secret})"'
    assert PASSWORD["services"]["redis"]["command"] == f"sh -c 'exec {given}'"


def test_the_image_has_extras_and_variables_that_there_are_and_one_base():
    extras = re.search("^ARG EXTRAS=(.*)$", DOCKERFILE, re.MULTILINE)[1].split(",")
    known = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert set(extras) <= set(known["optional-dependencies"])
    assert unknown(re.findall(r"\b(GATHERQ_\w+)=", DOCKERFILE)) == set()
    assert set(re.findall("^FROM (\\S+)", DOCKERFILE, re.MULTILINE)) == {"${PYTHON_IMAGE}"}


def unit_lines(name):
    return re.findall(f"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


def test_systemd_runs_a_command_and_variables_that_there_are():
    (command,) = unit_lines("ExecStart")
    program, *words = shlex.split(command)
    assert Path(program).name == "gatherq"
    check(words)
    variables = dict(each.split("=", 1) for each in unit_lines("Environment"))
    assert unknown(variables) == set()
    (credential,) = unit_lines("LoadCredential")
    assert f"%d/{credential.partition(':')[0]}" in variables.values()
    assert int(unit_lines("TimeoutStopSec")[0]) == int(option(words, "--grace")) + 5


def test_the_page_shows_the_unit_as_it_is():
    shown = re.search("^```ini\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[1]
    assert shown == UNIT.read_text()


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="asks systemd")
def test_systemd_takes_the_unit(tmp_path):
    program = Path(sys.executable).with_name("gatherq")
    path = tmp_path / UNIT.name
    path.write_text(UNIT.read_text().replace("/srv/kitchen/.venv/bin/gatherq", str(program)))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
