//! The responder as an operator runs it: inside `serve`, and alone beside it on the same database.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
};

use super::{Installation, free_address};

/// Says hello; the site's name.
fn hello(at: &str) -> String {
    let mut stream = TcpStream::connect(at).unwrap();
    stream.write_all(b"{\"v\":1,\"op\":\"hello\",\"id\":\"0e4bd6a4-86f7-4a3b-8a43-6c3fd1c4a100\"}\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    let answer: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(answer["result"], "0x00000000");
    answer["site"]["iss"].as_str().unwrap().to_owned()
}

#[test]
fn it_answers_inside_serve_and_alone_beside_it() {
    let installation = Installation::new();
    let (inside, alone) = (free_address(), free_address());
    let portal = installation.serve(&["--responder-listen", &inside]);
    let beside = installation.start(&["responder", "--responder-listen", &alone], "the responder is ready");
    assert_eq!(hello(&inside), hello(&alone));
    assert_eq!(beside.end(), Some(0));
    assert_eq!(portal.end(), Some(0));
    // Without a portal it runs the database itself.
    let alone = free_address();
    let responder = installation.start(&["responder", "--responder-listen", &alone], "the responder is ready");
    hello(&alone);
    assert_eq!(responder.end(), Some(0));
}

#[test]
fn its_settings_name_themselves() {
    let installation = Installation::new();
    let said = installation.refused(2, &["responder", "--responder-listen", "off"]);
    assert!(said.contains("--responder-listen"), "{said}");
    let said = installation.refused(2, &["responder", "--responder-listen", &free_address()]);
    assert!(said.contains("--responder-key-file") && said.contains("copy"), "{said}");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let said = installation.refused(2, &["serve", "--listen", &free_address(), "--responder-listen", &at]);
    assert!(said.contains("--responder-listen") && said.contains("taken"), "{said}");
}
