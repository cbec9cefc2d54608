"""The one data source of a knowledge base, and the documents in it.

Documents are put in and taken out one by one (IngestKnowledgeBaseDocuments into a CUSTOM data
source), never by a sync of an S3 prefix: what is superseded lies in the bucket until after the
update, a sync would index it again, and jobs of a whole account are started at most every ten
seconds (AWS quotas, "Rate of StartIngestionJob requests", 2026-11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tunectl.core.errors import InvalidRequestError, NotFoundError, UnknownOutcomeError
from tunectl.core.value import Plain
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.bedrock.client import AGENT, Cloud, fields, pages
from tunectl.providers.bedrock.knowledge import SOURCE, indexed, reasons, source
from tunectl.providers.documents import Document, Indexed, batches

_BATCH = 10  # botocore 1.44.5, KnowledgeBaseDocuments: documents of one request
_AT_ONCE = 5  # requests under way; an account has ten, and is not ours alone (AWS quotas, 2026-11)


@dataclass(frozen=True, slots=True)
class Sources:
    """The data sources of one knowledge base.

    Attributes:
        base: its id.
    """

    cloud: Cloud
    base: str

    def every(self) -> list[Mapping[str, Any]]:
        """Return all, ours or not."""
        found = pages(
            self.cloud,
            f"list the data sources of `{self.base}`",
            "list_data_sources",
            "dataSourceSummaries",
            service=AGENT,
            knowledgeBaseId=self.base,
        )
        return list(found)

    def ours(self) -> list[Mapping[str, Any]]:
        """Return those that we made."""
        return [one for one in self.every() if str(one.get("name")).startswith(SOURCE)]

    def make(self, spec: Mapping[str, Plain]) -> None:
        """Make the one that fits settings; its name is taken when it is there already.

        Whether it was made, where no answer tells, the next list does.
        """
        asked = source(spec)
        with suppress(UnknownOutcomeError):
            self.cloud.tell(
                AGENT,
                f"connect a data source to `{self.base}`",
                lambda c: c.create_data_source(knowledgeBaseId=self.base, **asked),
            )

    def documents(self, source_id: str) -> list[Indexed]:
        """Return every document of a data source."""
        found = []
        for one in pages(
            self.cloud,
            f"list the documents of `{self.base}`",
            "list_knowledge_base_documents",
            "documentDetails",
            service=AGENT,
            knowledgeBaseId=self.base,
            dataSourceId=source_id,
        ):
            identifier = one.get("identifier") or {}
            name = (identifier.get("custom") or {}).get("id") or (identifier.get("s3") or {}).get(
                "uri"
            )
            if one.get("status") != "NOT_FOUND":
                reason = str(one.get("statusReason") or "")
                found.append(indexed(str(name), str(one.get("status")), reason))
        return found

    def level(
        self,
        source_id: str,
        wanted: Mapping[str, Document],
        there: Mapping[str, Indexed],
        *,
        again: bool,
    ) -> bool:
        """Put in what is missing and take out what is surplus, as far as goes at once.

        Args:
            source_id: of the data source.
            wanted: the documents that shall be in it, by id.
            there: those that are.
            again: those that failed are tried once more.

        Returns:
            Whether anything is still to be done or under way.
        """
        missing = [
            one for key, one in wanted.items() if key not in there or (again and there[key].failed)
        ]
        surplus = [one for key, one in there.items() if key not in wanted and not one.busy]
        busy = sum(one.busy for one in there.values())
        self.put(source_id, missing, busy)
        self.drop(source_id, surplus, busy + len(missing))
        return bool(missing or surplus or busy)

    def put(self, source_id: str, wanted: Sequence[Document], under_way: int) -> None:
        """Begin to index documents, as many as may be under way at once."""
        for block in batches(wanted, _BATCH):
            if under_way >= _AT_ONCE * _BATCH:
                return
            asked = [
                {
                    "content": {
                        "dataSourceType": "CUSTOM",
                        "custom": {
                            "customDocumentIdentifier": {"id": one.id},
                            "sourceType": "S3_LOCATION",
                            "s3Location": {"uri": one.file},
                        },
                    }
                }
                for one in block
            ]
            if not self._told(
                f"index documents in `{self.base}`",
                "ingest_knowledge_base_documents",
                source_id,
                documents=asked,
            ):
                return
            under_way += len(block)

    def drop(self, source_id: str, surplus: Sequence[Indexed], under_way: int) -> None:
        """Begin to delete documents, as many as may be under way at once."""
        for block in batches(surplus, _BATCH):
            if under_way >= _AT_ONCE * _BATCH:
                return
            asked = [{"dataSourceType": "CUSTOM", "custom": {"id": one.id}} for one in block]
            if not self._told(
                f"delete documents from `{self.base}`",
                "delete_knowledge_base_documents",
                source_id,
                documentIdentifiers=asked,
            ):
                return
            under_way += len(block)

    def _told(self, doing: str, operation: str, source_id: str, **asked: Any) -> bool:  # noqa: ANN401
        """Change documents; False when too much is under way in the account already.

        The service says so with the error of a wrong request, not with that of a busy one. Where no
        answer comes, the next list of documents tells what came of it.
        """
        try:
            self.cloud.tell(
                AGENT,
                doing,
                lambda c: getattr(c, operation)(
                    knowledgeBaseId=self.base, dataSourceId=source_id, **asked
                ),
            )
        except UnknownOutcomeError:
            return False
        except InvalidRequestError as error:
            if "concurrent" in str(error).lower():
                return False
            raise
        return True

    def remove(self, source_id: str) -> None:
        """Begin to delete a data source; gone is fine."""
        try:
            self.cloud.tell(
                AGENT,
                f"delete the data source `{source_id}` of `{self.base}`",
                lambda c: c.delete_data_source(knowledgeBaseId=self.base, dataSourceId=source_id),
            )
        except NotFoundError:
            return

    def complaint(self, source_id: str) -> str:
        """Return why a data source failed."""
        answer = self.cloud.ask(
            AGENT,
            f"read the data source `{source_id}` of `{self.base}`",
            lambda c: fields(
                c.get_data_source(knowledgeBaseId=self.base, dataSourceId=source_id), "dataSource"
            ),
        )
        if not isinstance(answer["dataSource"], Mapping):
            raise SenselessAnswerError("`dataSource` is missing")
        return reasons(answer["dataSource"])
