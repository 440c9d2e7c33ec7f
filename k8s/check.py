"""Whether a cluster has what Tovi needs: asks it, and has the answers judged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from k8s import admission, manifests, rights, survey
from k8s.client import Client, Json, open_client
from k8s.ended import Ended
from k8s.errors import ApiError, MissingRightError
from k8s.pods import read_pod
from k8s.probing import Probe, Stuck
from k8s.requests import PodRequests
from k8s.settings import KubernetesSettings, PodSettings
from scheduler.ports import Order
from tovi_server.core.findings import Finding, Standing, fine, note, short

_PATIENCE_S: Final = 120.0
"""For the probe task; shorter where images may take less."""


@asynccontextmanager
async def open_check(settings: KubernetesSettings, order: Order) -> AsyncIterator[Check]:
    """Raises:
    UsageError: it is not known how to reach the cluster.
    """
    async with open_client(settings.access) as client:
        yield Check(client, settings, order)


class Check:
    """One look at the cluster. `order` is of a small task, which is tried, and may be run."""

    def __init__(self, client: Client, settings: KubernetesSettings, order: Order) -> None:
        self._client = client
        self._pods = _apart(settings.pods)
        self._patience_s = min(_PATIENCE_S, settings.image_pull_deadline.total_seconds())
        self._order = order

    async def findings(self) -> AsyncIterator[Finding]:
        """All but the probe task; the first alone when nothing answers."""
        answers = await self._api()
        yield answers
        if answers.standing is Standing.SHORT:
            return
        for look in (self._rights, self._nodes, self._admission, self._claim):
            try:
                for finding in await look():
                    yield finding
            except MissingRightError:
                continue  # that it is missing is told with the rights
            except ApiError as error:
                yield short("api server", error.what, error.why or "try again")

    async def run_probe(self) -> Ended | Stuck:
        """The probe task, to its end; its pod is removed whatever happens.

        Raises:
            ApiError: the cluster refused, failed or did not answer.
        """
        return await Probe(self._client, self._pods, self._order).run(patience_s=self._patience_s)

    @property
    def order(self) -> Order:
        """Of the probe task, with the node that was found for it."""
        return self._order

    @property
    def node(self) -> str:
        """Where the probe task runs; empty: no node takes any."""
        return self._order.node

    async def process_limit(self) -> Finding:
        """How many processes a pod may have, as the kubelet of that node says, where it may be asked."""
        path = f"/api/v1/nodes/{self.node}/proxy/configz"
        try:
            given = await self._client.get(path, "get nodes/proxy")
        except ApiError:
            todo = f"kubectl get --raw {path}, and look for podPidsLimit"
            return note(
                "process limit", f"what {self.node} sets is not visible to Tovi's account, which need not see it", todo
            )
        limit = given["kubeletconfig"].get("podPidsLimit", -1)
        if limit < 0:
            todo = "podPidsLimit: 4096 in the configuration of the kubelets"
            return note("process limit", f"{self.node} sets none: one task can use up all processes of the node", todo)
        return fine("process limit", f"a pod on {self.node} may have {limit} processes")

    async def _api(self) -> Finding:
        try:
            version = await self._client.get("/version", "get its version")
        except ApiError as error:
            return short("api server", error.in_one_line, _UNREACHABLE)
        return fine("api server", f"Kubernetes {version['gitVersion']} answers; Tovi is {await self._account()} to it")

    async def _account(self) -> str:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        try:
            found = await self._client.create(
                "/apis/authentication.k8s.io/v1/selfsubjectreviews", "create reviews", body
            )
        except ApiError:
            return "an account of unknown name"
        return str(found["status"]["userInfo"]["username"])

    async def _rights(self) -> list[Finding]:
        needed = rights.needed(self._pods.namespace, self._pods.binding)
        allowed = await asyncio.gather(*(self._may(one) for one in needed))
        return list(rights.findings(needed, allowed))

    async def _may(self, right: rights.Right) -> bool:
        path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
        return bool((await self._client.create(path, "create reviews", right.review))["status"]["allowed"])

    async def _admission(self) -> list[Finding]:
        name = self._pods.namespace
        own = manifests.manifest(self._order, self._pods, image=self._image, gpu_resource="")
        refused = await self._try(own)
        found = [admission.namespace(name, refused)]
        if refused is None:
            found.append(admission.security(name, await self._try(admission.bad(own))))
        return found

    @property
    def _image(self) -> str:
        return self._pods.image or "none"

    async def _try(self, manifest: Json) -> ApiError | None:
        """Why this pod is not let in; None: it would be."""
        path, asked = f"/api/v1/namespaces/{self._pods.namespace}/pods", f"create pods in {self._pods.namespace}"
        try:
            await self._client.create(path, asked, manifest, dryRun="All")
        except ApiError as error:
            return error
        return None

    async def _claim(self) -> list[Finding]:
        name, namespace = self._pods.claim, self._pods.namespace
        path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}"
        try:
            return [admission.claim(await self._client.get(path, "get persistentvolumeclaims"), namespace)]
        except ApiError as error:
            return [admission.no_claim(name, namespace, error)]

    async def _nodes(self) -> list[Finding]:
        nodes = await self._client.get("/api/v1/nodes", "list nodes", resourceVersion="0")
        pods = await self._client.get("/api/v1/pods", "list pods in all namespaces", resourceVersion="0")
        read = [read_pod(raw, self._pods.installation) for raw in pods["items"]]
        found = survey.survey(nodes["items"], read, self._pods.wanted)
        self._order = replace(self._order, node=survey.roomiest(found))
        for left in (pod for pod in read if pod.attempt and pod.is_over):
            await PodRequests(self._client, self._pods).discard(left)
        return list(survey.findings(found, self._pods.wanted))


_UNREACHABLE: Final = (
    "[executor.kubernetes] kubeconfig says how to reach it; without one, Tovi must be a pod with a service account"
)


def _apart(settings: PodSettings) -> PodSettings:
    """For pods that no server of this installation takes for its own, and removes."""
    return replace(settings, installation=f"{settings.installation}-probe", prefix=f"{settings.prefix}-probe")
