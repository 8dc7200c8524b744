"""The peer of the interpreter bench that works as SandboxFusion's runner is described: an asyncio server that gives
each program a temporary folder of its own and starts it there as a subprocess through a shell, without isolation.

Reads {"id", "code"} a line, answers {"id", "stdout", "code"} a line, as they end. argv: the Python to run.
"""
import asyncio
import json
import os
import sys
import tempfile


async def run(request):
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "main.py"), "w") as file:
            file.write(request["code"])
        child = await asyncio.create_subprocess_shell(
            sys.argv[1] + " main.py",
            cwd=folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, _ = await asyncio.wait_for(child.communicate(), 30)
        except asyncio.TimeoutError:
            child.kill()
            out = b""
    print(json.dumps({"id": request["id"], "stdout": out.decode(), "code": child.returncode}), flush=True)


async def main():
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    running = set()
    while line := await reader.readline():
        task = asyncio.create_task(run(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


asyncio.run(main())
