"""What came over a raw socket, taken apart."""

CLAIMS = "/claims?member_id=m-1&limit=3"


def body_of(received: bytes) -> bytes:
    return received.partition(b"\r\n\r\n")[2]


def announced(received: bytes) -> int:
    return int(received.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
