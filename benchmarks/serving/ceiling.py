"""The ceiling: uvicorn as riskloop runs it, and an application that reads the body and answers a constant.

Run: ``python -m benchmarks.serving.ceiling PORT ANSWER``; ANSWER is a file with what is answered.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import uvicorn


def application(answer: bytes) -> Any:
    """The lightest ASGI application that answers as much as riskloop does."""
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]

    async def answered(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return answered


def main() -> None:
    port, answer = sys.argv[1:]
    uvicorn.run(
        application(Path(answer).read_bytes()),
        port=int(port),
        loop="uvloop",
        http="httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        log_config=None,
    )


if __name__ == "__main__":
    main()
