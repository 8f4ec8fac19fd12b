"""A real little DNS server on 127.0.0.1, over UDP and TCP, that can misbehave in every way a test asks for.

    async with DnsServer({"TXT example.com": ["v=spf1 -all"]}, behaviour={"late.example": "silent"}) as server:
        resolver = UdpResolver(server.address)

Behaviours, by name: silent (never answers), wrong_id, garbage, other_question (answers something else), truncated (UDP cut, TCP whole),
empty_truncated (UDP cut, TCP silent), servfail, refused, loop (a CNAME to itself), chain (a CNAME to example.com), once_silent (the first
datagram is lost), liar (a wrong id first, then the right answer).
"""

import asyncio
import struct
from types import TracebackType

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


class DnsServer:
    """See the module. `asked` lists every question with its transport."""

    def __init__(self, records: dict[str, list[str]], behaviour: dict[str, str] | None = None, ttl_seconds: int = 300) -> None:
        self.records = records
        self.behaviour = behaviour or {}
        self.ttl_seconds = ttl_seconds
        self.asked: list[str] = []
        self.lost: set[str] = set()
        self.address = ""

    async def __aenter__(self) -> "DnsServer":
        loop = asyncio.get_running_loop()
        for _ in range(20):
            self._udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(self), local_addr=("127.0.0.1", 0))
            port = self._udp.get_extra_info("sockname")[1]
            try:
                self._tcp = await asyncio.start_server(self._serve, "127.0.0.1", port)
                break
            except OSError:
                self._udp.close()
        self.address = f"127.0.0.1:{port}"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._udp.close()
        self._tcp.close()
        await self._tcp.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            size = struct.unpack("!H", await reader.readexactly(2))[0]
            for answer in self.answers(await reader.readexactly(size), "tcp"):
                writer.write(struct.pack("!H", len(answer)) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answers(self, wire: bytes, transport: str) -> list[bytes]:
        """What goes back for one query: none, one or two datagrams."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{transport} {kind} {name}")
        behaviour = self.behaviour.get(name, "")
        if behaviour == "silent" or (behaviour == "empty_truncated" and transport == "tcp"):
            return []
        if behaviour == "once_silent" and name not in self.lost:
            self.lost.add(name)
            return []
        response = dns.message.make_response(query)
        if behaviour == "garbage":
            return [wire[:2] + b"\xff\xff\xff"]
        if behaviour in ("servfail", "refused"):
            response.set_rcode(dns.rcode.SERVFAIL if behaviour == "servfail" else dns.rcode.REFUSED)
            return [response.to_wire()]
        if behaviour == "other_question":
            other = dns.message.make_query("elsewhere.example", "TXT")
            other.id = query.id
            return [dns.message.make_response(other).to_wire()]
        if behaviour in ("truncated", "empty_truncated") and transport == "udp":
            response.flags |= dns.flags.TC
            return [response.to_wire()]
        if behaviour in ("loop", "chain"):
            target = name if behaviour == "loop" else "example.com"
            response.answer.append(dns.rrset.from_text(question.name, self.ttl_seconds, "IN", "CNAME", target + "."))
            name = target
        found = self.records.get(f"{kind} {name}")
        if found:
            response.answer.append(dns.rrset.from_text(name + ".", self.ttl_seconds, "IN", kind, *found))
        elif name not in {key.partition(" ")[2] for key in self.records}:
            response.set_rcode(dns.rcode.NXDOMAIN)
        good = response.to_wire(max_size=65535)
        if behaviour in ("wrong_id", "liar"):
            wrong = bytes([good[0] ^ 0xFF]) + good[1:]
            return [wrong] if behaviour == "wrong_id" else [wrong, good]
        return [good]


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, server: DnsServer) -> None:
        self.server = server

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        for answer in self.server.answers(data, "udp"):
            self.transport.sendto(answer, addr)
