//! `[api]`: the API over TCP. Over its unix socket it needs no configuration.

use super::ApiConfig;
use super::fields::{Field, Fields};
use super::report::Report;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// What messages say is allowed to listen at.
const LISTEN: &str = "an address of this machine and a port, as 127.0.0.1:8080 or [::1]:8080";
/// What messages say is allowed as the file of a token.
const TOKEN_FILE: &str = "the absolute path of a file that holds the token";

/// Reads `[api]`; without `listen` there is nothing to configure.
pub(super) fn api(table: Option<Fields<'_>>, report: &mut Report<'_>) -> Option<ApiConfig> {
    let mut fields = table?;
    let header = fields.header;
    let listen = fields.optional("listen");
    let mut token_file = |key| fields.optional(key).map(|field| path(&field, report));
    let (read_token_file, write_token_file) = (token_file("read_token_file"), token_file("write_token_file"));
    fields.finish(report);
    let has_token = read_token_file.is_some() || write_token_file.is_some();
    let Some(listen) = listen else {
        if has_token {
            report.warning(header, "[api] has tokens but no `listen`: nobody asks for them".to_owned());
        }
        return None;
    };
    let address = listen.parsed(LISTEN, parse_listen, report)?.into_inner();
    if !address.ip().is_loopback() && !has_token {
        let problem = "can be reached from elsewhere and has no token";
        let allowed = "127.0.0.1, [::1], or beside it `read_token_file` or `write_token_file`";
        listen.wrong(problem, allowed, report);
    }
    Some(ApiConfig {
        listen: address,
        read_token_file: read_token_file.flatten(),
        write_token_file: write_token_file.flatten(),
    })
}

fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(address) if address.port() == 0 => Err("has port 0".to_owned()),
        Ok(address) if is_nobodys(address.ip()) => Err("has an address that no machine has".to_owned()),
        Ok(address) => Ok(address),
        Err(_) if text.parse::<IpAddr>().is_ok() => Err("has no port".to_owned()),
        Err(_) => Err("is not an address with a port".to_owned()),
    }
}

fn is_nobodys(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_broadcast() || v4.is_multicast(),
        IpAddr::V6(v6) => v6.is_multicast(),
    }
}

fn path(field: &Field<'_>, report: &mut Report<'_>) -> Option<PathBuf> {
    let parse = |text: &str| match PathBuf::from(text) {
        _ if text.contains('\0') => Err("has a zero byte".to_owned()),
        path if path.is_absolute() => Ok(path),
        _ => Err("is not an absolute path".to_owned()),
    };
    field.parsed(TOKEN_FILE, parse, report).map(toml::Spanned::into_inner)
}
