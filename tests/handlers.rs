//! What handlers see of their requests.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use seaworthy::{
    axum::{body::Bytes, extract::ConnectInfo, http::HeaderMap},
    prelude::*,
    testing,
};

/// Tells what it sees.
#[cloud_service]
async fn witness() -> Router {
    let peer = async |ConnectInfo(client): ConnectInfo<SocketAddr>| client.to_string();
    let size = async |headers: HeaderMap, body: Bytes| format!("{} of {:?}", body.len(), headers.get("content-length"));
    Router::new().route("/peer", get(peer)).route("/size", get(size).post(size))
}

#[test]
fn connect_info_is_the_address_of_the_client() {
    let service = testing::start::<witness>(());
    let ask = || {
        let mut client = TcpStream::connect(service.http_addr()).unwrap();
        let mut answers = String::new();
        client.write_all(b"GET /peer HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
        client.write_all(b"GET /peer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
        client.read_to_string(&mut answers).unwrap();
        let address = client.local_addr().unwrap().to_string();
        assert_eq!(answers.matches(&address).count(), 2, "{address}: {answers}");
        address
    };
    assert_ne!(ask(), ask());
}

#[test]
fn a_body_is_empty_where_the_client_sent_none() {
    let service = testing::start::<witness>(());
    let mut client = service.connect();
    assert_eq!(client.get("/size").unwrap().text(), "0 of None");
    for (headers, body, expected) in [
        (&[][..], &b""[..], "0 of None"),
        (&[("content-length", "0")], b"", r#"0 of Some("0")"#),
        (&[], b"hello", r#"5 of Some("5")"#),
    ] {
        let answer = client.request("POST", "/size", headers, body).unwrap();
        assert_eq!((answer.status, &*answer.text()), (200, expected));
    }
    client.send_bytes(b"POST /size HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").unwrap();
    assert_eq!(client.receive().unwrap().text(), "0 of None");
    client
        .send_bytes(b"POST /size HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")
        .unwrap();
    assert_eq!(client.receive().unwrap().text(), "2 of None");
}
