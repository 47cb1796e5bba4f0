"""Kubernetes: etcd, API server, controllers, scheduler and a kubelet with real pods, for one Deployment, updated."""

import json
import secrets
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from peers.engine import Engine, engine, image_of
from peers.server import await_true, free_port, run, server

NODE = "node-1"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
PODS = "/api/v1/namespaces/default/pods"
TAG_LABEL = "version"
FIXED_PLACES = (Path("/var/lib/kubelet"), Path("/var/log/pods"), Path("/var/log/containers"))

WRAPPER = """#!/usr/bin/python3
import json, os, sys

arguments = sys.argv[1:]
if "--bundle" in arguments:
    path = os.path.join(arguments[arguments.index("--bundle") + 1], "config.json")
    with open(path) as file:
        bundle = json.load(file)
    process = bundle.get("process", {})
    if process.get("oomScoreAdj", 0) < 0:
        process["oomScoreAdj"] = 0
        with open(path, "w") as file:
            json.dump(bundle, file)
os.execvp("runc", ["runc", *arguments])
"""
"""The kubelet asks for a negative score, which a machine without CAP_SYS_RESOURCE refuses."""


@dataclass(frozen=True)
class Cluster:
    """One node with one Deployment."""

    api: httpx.Client
    engine: Engine
    size: int

    def update(self) -> float:
        """Seconds from the order until every pod is of the new image and ready, and no old one runs any more."""
        started = time.monotonic()
        change = {"spec": {"template": _template("new")}}
        headers = {"Content-Type": "application/strategic-merge-patch+json"}
        self.api.patch(f"{DEPLOYMENTS}/web", content=json.dumps(change), headers=headers).raise_for_status()
        await_true(lambda: self.carries("new"), "kubernetes has replaced every pod", seconds=180, look_seconds=0.2)
        return time.monotonic() - started

    def carries(self, version: str) -> bool:
        """Whether as many pods as wanted are of this version and ready, and nothing else runs.

        The API lists pods that have ended until the kubelet has tidied up, up to a minute: that is not held against it.
        """
        pods = self.api.get(PODS).raise_for_status().json()["items"]
        living = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
        ready = [
            pod
            for pod in living
            if pod["metadata"]["labels"].get(TAG_LABEL) == version
            and any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
        ]
        if not len(living) == len(ready) == self.size:
            return False
        running = self.engine.docker("ps", "--filter", "label=io.kubernetes.container.name=web", "-q").split()
        return len(running) == self.size


@contextmanager
def kubernetes(folder: Path, binaries: Path, size: int) -> Iterator[Cluster]:
    """A cluster whose Deployment runs the old image; the new one is at hand. ``binaries`` is an archive of the four."""
    folder.mkdir(parents=True)
    (folder / "bin").mkdir()
    subprocess.run(("tar", "-xf", str(binaries.resolve()), "-C", str(folder / "bin")), check=True)
    programs = {path.name: path for path in (folder / "bin").rglob("kube*") if path.is_file()}
    wrapper = folder / "runc-wrapper"
    wrapper.write_text(WRAPPER, encoding="utf-8")
    wrapper.chmod(0o755)
    with _traces_removed(), ExitStack() as stack:
        docker = stack.enter_context(engine(folder / "engine", wrapper=wrapper))
        docker.import_image("pause:local", image_of("pause"), command='["/bin/sleep", "1000000"]')
        for name in ("old", "new"):
            docker.import_image(f"web:{name}", image_of(name), command='["/serve"]')
        api, configuration = _control_plane(stack, folder, programs)
        _node(stack, folder, programs["kubelet"], docker, configuration)
        await_true(lambda: _node_ready(api), "the node is ready", seconds=120)
        api.post(DEPLOYMENTS, json=_deployment(size)).raise_for_status()
        made = Cluster(api=api, engine=docker, size=size)
        await_true(lambda: made.carries("old"), "the deployment runs the old image", seconds=180)
        try:
            yield made
        finally:
            api.delete(f"{DEPLOYMENTS}/web?propagationPolicy=Background").raise_for_status()
            label = "label=io.kubernetes.container.name=web"
            await_true(
                lambda: not docker.docker("ps", "--filter", label, "-q").split(), "kubernetes has ended its pods"
            )


def _control_plane(stack: ExitStack, folder: Path, programs: Mapping[str, Path]) -> tuple[httpx.Client, Path]:
    """The servers of the control plane; answers a client, and the file by which others reach the API."""
    etcd, peer, secure = free_port(), free_port(), free_port()
    store, address = f"http://127.0.0.1:{etcd}", f"https://127.0.0.1:{secure}"
    token = secrets.token_hex(16)
    (folder / "tokens.csv").write_text(f'{token},admin,1,"system:masters"\n', encoding="utf-8")
    run(["openssl", "genrsa", "-out", str(folder / "service.key"), "2048"])
    database = ["etcd", f"--data-dir={folder / 'etcd'}", "--unsafe-no-fsync", f"--listen-client-urls={store}"]
    database += [f"--advertise-client-urls={store}", f"--listen-peer-urls=http://127.0.0.1:{peer}"]
    database += [f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}"]
    stack.enter_context(server([*database, f"--initial-cluster=default=http://127.0.0.1:{peer}"], folder / "etcd.log"))
    stack.enter_context(
        server(
            [
                str(programs["kube-apiserver"]),
                f"--etcd-servers={store}",
                "--bind-address=127.0.0.1",
                f"--secure-port={secure}",
                f"--cert-dir={folder / 'certificates'}",
                f"--token-auth-file={folder / 'tokens.csv'}",
                "--authorization-mode=RBAC",
                "--service-cluster-ip-range=10.0.0.0/24",
                f"--service-account-key-file={folder / 'service.key'}",
                f"--service-account-signing-key-file={folder / 'service.key'}",
                "--service-account-issuer=https://benchmark",
                "--disable-admission-plugins=ServiceAccount",
            ],
            folder / "apiserver.log",
        )
    )
    certificate = folder / "certificates" / "apiserver.crt"
    await_true(certificate.exists, "the API server has made its certificate")
    client = httpx.Client(
        base_url=address,
        headers={"Authorization": f"Bearer {token}"},
        verify=ssl.create_default_context(cafile=str(certificate)),
        timeout=10,
        trust_env=False,
    )
    api = stack.enter_context(client)
    await_true(lambda: _ready(api), "the API server is ready", seconds=120)
    configuration = folder / "kubeconfig"
    configuration.write_text(json.dumps(_access(address, certificate, token)), encoding="utf-8")
    for name in ("kube-controller-manager", "kube-scheduler"):
        arguments = [str(programs[name]), f"--kubeconfig={configuration}", "--leader-elect=false", "--port=0"]
        arguments += [f"--secure-port={free_port()}", "--bind-address=127.0.0.1"]
        arguments += [f"--cert-dir={folder / name}"]
        stack.enter_context(server(arguments, folder / f"{name}.log"))
    return api, configuration


def _node(stack: ExitStack, folder: Path, kubelet: Path, docker: Engine, access: Path) -> None:
    configuration = {
        "kind": "KubeletConfiguration",
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "address": "127.0.0.1",
        "port": free_port(),
        "healthzPort": 0,
        "readOnlyPort": 0,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "hairpinMode": "none",
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%"},
    }
    (folder / "kubelet.json").write_text(json.dumps(configuration), encoding="utf-8")
    arguments = [
        str(kubelet),
        f"--config={folder / 'kubelet.json'}",
        f"--kubeconfig={access}",
        f"--root-dir={folder / 'kubelet'}",
        f"--cert-dir={folder / 'kubelet-certificates'}",
        f"--docker-endpoint=unix://{docker.socket}",
        "--pod-infra-container-image=pause:local",
        "--network-plugin=",
        f"--hostname-override={NODE}",
        f"--log-dir={folder}",
    ]
    # The default place of its checkpoints is /var/lib/dockershim: a folder of the machine's, which we leave alone.
    arguments.append(f"--experimental-dockershim-root-directory={folder / 'dockershim'}")
    stack.callback(_unmount_pods, folder / "kubelet")
    stack.enter_context(server(arguments, folder / "kubelet.log"))


def _access(address: str, certificate: Path, token: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": address, "certificate-authority": str(certificate)}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "admin"}}],
        "current-context": "here",
    }


def _deployment(size: int) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "replicas": size,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": 0}},
            "template": _template("old"),
        },
    }


def _template(version: str) -> dict[str, Any]:
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1, "timeoutSeconds": 1}
    container = {"name": "web", "image": f"web:{version}", "imagePullPolicy": "Never", "readinessProbe": probe}
    return {
        "metadata": {"labels": {"app": "web", TAG_LABEL: version}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "containers": [container],
        },
    }


def _ready(api: httpx.Client) -> bool:
    try:
        return api.get("/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _node_ready(api: httpx.Client) -> bool:
    answer = api.get(f"/api/v1/nodes/{NODE}")
    conditions = answer.json()["status"].get("conditions", []) if answer.status_code == httpx.codes.OK else []
    tainted = bool(answer.json()["spec"].get("taints")) if conditions else True
    return not tainted and any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _unmount_pods(folder: Path) -> None:
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    for mount in sorted(mounts, reverse=True):
        if mount == str(folder) or mount.startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", mount], capture_output=True, check=False)


@contextmanager
def _traces_removed() -> Iterator[None]:
    """The kubelet writes to places that no option moves: what was not there before goes."""
    made = [place for place in FIXED_PLACES if not place.exists()]
    yield
    for place in made:
        shutil.rmtree(place, ignore_errors=True)
    for groups in Path("/sys/fs/cgroup").glob("*/kubepods"):
        for group in sorted((path for path in groups.rglob("*") if path.is_dir()), reverse=True):
            group.rmdir()
        groups.rmdir()
