//! As much of a WebSocket client as the tests need.

use seaworthy::testing::{Connection, Process};

/// Opens a WebSocket and waits for the greeting.
pub(crate) fn open(process: &Process, path: &str) -> Connection {
    let mut connection = process.connect();
    let headers = [
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    connection.send("GET", path, &headers, b"").expect("the handshake is sent");
    let (status, _) = connection.head().expect("the handshake is answered");
    assert_eq!(status, 101);
    assert_eq!(frame(&mut connection), (1, b"hello".to_vec()));
    connection
}

/// Waits for a frame of a server: its opcode and what it carries, at most 125 bytes.
pub(crate) fn frame(connection: &mut Connection) -> (u8, Vec<u8>) {
    let head = connection.bytes(2).expect("a frame comes");
    let payload = connection.bytes(usize::from(head[1] & 0x7f)).expect("the rest of the frame comes");
    (head[0] & 0x0f, payload)
}
