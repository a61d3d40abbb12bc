//! A server of the lab: real nginx that answers with the server's name.

use std::fs;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use super::namespace::Namespace;
use super::plan::ECHO_PORT;
use super::process::Process;
use crate::workspace;

/// The header by which nginx says which server answered.
pub const SERVER_HEADER: &str = "x-server";

/// One server, in its namespace.
#[derive(Debug)]
pub struct Server {
    number: u8,
    name: String,
    namespace: Namespace,
    directory: PathBuf,
    nginx: Option<Process>,
    echo: Option<Process>,
}

impl Server {
    pub(super) fn new(number: u8, namespace: Namespace, directory: PathBuf) -> Self {
        Self { number, name: format!("s{number}"), namespace, directory, nginx: None, echo: None }
    }

    /// Its number, from 1.
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Its name, `s1` for number 1: in configurations, and what it answers.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Starts nginx and waits until it listens.
    ///
    /// # Errors
    /// When nginx isn't there or doesn't come up within five seconds.
    pub fn start_nginx(&mut self) -> Result<()> {
        let home = self.directory.join(&self.name);
        fs::create_dir_all(&home)?;
        let config = home.join("nginx.conf");
        fs::write(&config, nginx_config(&self.name, &home, &self.directory.join("www")))?;
        let mut command = self.namespace.command("nginx");
        command.arg("-p").arg(&home).arg("-c").arg(&config).arg("-e").arg("stderr");
        let mut nginx = Process::start(&mut command, &home.join("log")).context("package nginx-light")?;
        // At level `notice` nginx says when its worker runs; its sockets are open by then.
        nginx
            .wait_for_line(0, Duration::from_secs(5), |line| line.contains("start worker process "))
            .with_context(|| format!("nginx of {}", self.name))?;
        self.nginx = Some(nginx);
        Ok(())
    }

    /// Starts `evenkeel traffic server` beside nginx and waits until it listens.
    ///
    /// # Errors
    /// When the program isn't built or doesn't come up within five seconds.
    pub fn start_echo(&mut self) -> Result<()> {
        let echo = SocketAddr::from((Ipv6Addr::UNSPECIFIED, ECHO_PORT));
        let mut command = self.namespace.command(&workspace::evenkeel()?.to_string_lossy());
        command.args(["traffic", "server", "--host", &self.name, "--echo-address", &echo.to_string()]);
        let log = self.directory.join(format!("{}-echo.log", self.name));
        let mut server = Process::start(&mut command, &log)?;
        server
            .wait_for_line(0, Duration::from_secs(5), |line| line.starts_with("ready"))
            .with_context(|| format!("evenkeel traffic server of {}", self.name))?;
        self.echo = Some(server);
        Ok(())
    }

    /// The server dies as if its power were cut: its links go down and its programs are killed. It says goodbye to nobody.
    ///
    /// # Errors
    /// When its namespace is gone.
    pub fn cut_power(&mut self) -> Result<()> {
        // The links first, so that no reset of the dying sockets gets out.
        let links = self.namespace.run("ip -o link show type veth")?;
        for link in links.lines().filter_map(|line| line.split([':', '@']).nth(1)) {
            self.namespace.ip(&format!("link set {} down\n", link.trim()))?;
        }
        self.nginx = None;
        self.echo = None;
        Ok(())
    }
}

/// Keep-alive without an end: a connection ends only because the client or the network ends it.
fn nginx_config(name: &str, home: &Path, files: &Path) -> String {
    format!(
        "daemon off;
user root;
worker_processes 1;
pid {home}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {home}/body;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    add_header {SERVER_HEADER} {name};
    server {{
        listen 0.0.0.0:80;
        listen [::]:80 ipv6only=on;
        location / {{ return 200 \"{name}\\n\"; }}
        location /files/ {{ alias {files}/; dav_methods PUT; client_max_body_size 1g; }}
    }}
}}
",
        home = home.display(),
        files = files.display(),
    )
}
