# SPDX-License-Identifier: MIT
#
# An ordinary asyncio program: an echo server and its clients in one loop, a pause between a client's messages.
# A client whose connection breaks, or that gets none, tries again. Ends with 0 when every message came back
# whole and in order and no pause was too short. Knows nothing of Pollux:
#
#   pollux exec --seeds 0..1000 --audit --profile no-emfile -- python3 aio_echo.py
import asyncio

CLIENTS = 4
MESSAGES = 5
PAUSE = 0.003
AGAIN = 0.005


async def echo(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # the client notices, too
    writer.close()


async def ask(port, message):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(message)
        await writer.drain()
        return await reader.readexactly(len(message))
    finally:
        writer.close()


async def client(number, port):
    for sent in range(MESSAGES):
        message = bytes([number, sent]) * (1 + (number * 991 + sent * 577) % 1500)
        answer = None
        while answer is None:
            try:
                answer = await ask(port, message)
            except (ConnectionError, asyncio.IncompleteReadError):
                await asyncio.sleep(AGAIN)
        assert answer == message, "other bytes came back"
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.sleep(PAUSE)
        # A timer may be early by the loop's resolution.
        assert loop.time() - began >= PAUSE - 1e-6, "a pause was too short"


async def main():
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*(client(number, port) for number in range(CLIENTS)))
    server.close()
    print(f"aio_echo: {CLIENTS} clients, {MESSAGES} messages each")


asyncio.run(main())
