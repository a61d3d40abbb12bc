//! A stand-in for the daemon: answers HTTP on a unix socket as a test says, and keeps what it was asked.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use tempfile::TempDir;

/// Method, target and body of a request.
pub(crate) type Asked = (String, String, Value);

pub(crate) struct Daemon {
    pub(crate) socket: PathBuf,
    asked: Arc<Mutex<Vec<Asked>>>,
    _directory: TempDir,
}

impl Daemon {
    /// Answers each request with a status and a body.
    pub(crate) fn answering(answer: impl Fn(&Asked) -> (u16, String) + Send + 'static) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("api.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &answer, &kept);
            }
        });
        Self { socket, asked, _directory: directory }
    }

    /// Tells one event, then says nothing until the client goes.
    pub(crate) fn telling(event: &'static str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("api.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            request(&stream);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
            stream.write_all(format!("{head}{event}\n\n").as_bytes()).unwrap();
            let _ = stream.read(&mut [0]);
        });
        Self { socket, asked: Arc::default(), _directory: directory }
    }

    /// Runs `evenkeel` against it.
    pub(crate) fn evenkeel(&self, arguments: &[&str]) -> Output {
        evenkeel(&[arguments, &["--socket", self.socket.to_str().unwrap()]].concat())
    }

    /// What was asked since the last look.
    pub(crate) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn serve(stream: &UnixStream, answer: &impl Fn(&Asked) -> (u16, String), kept: &Mutex<Vec<Asked>>) {
    let Some(asked) = request(stream) else { return };
    let (status, body) = answer(&asked);
    kept.lock().unwrap().push(asked);
    let kind = if status < 400 { "application/json" } else { "application/problem+json" };
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // a client that has gone is no failure of the test
    let _ = (&*stream).write_all(head.as_bytes()).and_then(|()| (&*stream).write_all(body.as_bytes()));
}

fn request(stream: &UnixStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut body_bytes) = (String::new(), 0);
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                body_bytes = value.parse().ok()?;
            }
            Some(_) => {}
        }
    }
    let mut body = vec![0; body_bytes];
    reader.read_exact(&mut body).ok()?;
    let mut words = first.split_whitespace().map(str::to_owned);
    Some((words.next()?, words.next()?, serde_json::from_slice(&body).unwrap_or(Value::Null)))
}

/// Runs `evenkeel`.
pub(crate) fn evenkeel(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_evenkeel")).args(arguments).output().unwrap()
}

/// Standard error of a command that ends with a status.
pub(crate) fn refused(status: i32, output: &Output) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    stderr
}

/// Standard output of a command that is done with status 0.
pub(crate) fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}
