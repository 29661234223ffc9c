//! What a URL says: where Redis is, and as whom to ask for which database.

use std::{fmt, io, path::PathBuf, time::Duration};

use ::redis::{Cmd, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, cmd};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use url::Url;

/// What bytes go through.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for T {}

/// Where Redis is, and as whom to ask for which database.
pub(super) struct Endpoint {
    place: Place,
    pub(super) is_tls: bool,
    /// The fields of the crate's own, of which the connection itself is told nothing: what a server answers to them is
    /// for us to read.
    login: RedisConnectionInfo,
}

enum Place {
    Host(String, u16),
    Socket(PathBuf),
}

// === impl Endpoint ===

impl Endpoint {
    /// Reads a URL. What is wrong with it is told without its text, which may hold a password.
    pub(super) fn parse(url: &Url) -> Result<Self, &'static str> {
        let (is_tls, is_socket) = match url.scheme() {
            "redis" | "valkey" => (false, false),
            "rediss" | "valkeys" => (true, false),
            "unix" | "redis+unix" | "valkey+unix" => (false, true),
            _ => return Err("it has to begin with redis://, rediss:// or redis+unix://"),
        };
        if url.fragment().is_some() {
            return Err("what follows the `#` means nothing; in a password, write `%23`");
        }
        let mut plain = url.clone();
        if is_tls {
            // TLS is ours, so the crate knows nothing of it.
            plain.set_scheme("redis").map_err(|()| "it is not a URL of Redis")?;
        }
        let info = plain.into_connection_info().map_err(|error| match (is_socket, url.host()) {
            (false, None) => "it has no host",
            (true, Some(_)) => "the path of a socket has three slashes before it: redis+unix:///run/redis.sock",
            _ if error.to_string().contains("database") => "its database is not a number",
            _ if error.to_string().contains("protocol") => "its protocol is neither `resp2` nor `resp3`",
            _ if error.to_string().contains("wildcard") => "its host is the address of all hosts",
            _ => "it is not a URL of Redis",
        })?;
        let place = match info.addr() {
            ::redis::ConnectionAddr::Tcp(host, port) => Place::Host(host.clone(), *port),
            ::redis::ConnectionAddr::Unix(path) => Place::Socket(path.clone()),
            _ => return Err("it is not a URL of Redis"),
        };
        Ok(Self { place, is_tls, login: info.redis_settings().clone() })
    }

    /// The host, or the path of the socket.
    pub(super) fn host(&self) -> String {
        match &self.place {
            Place::Host(host, _) => host.clone(),
            Place::Socket(path) => path.display().to_string(),
        }
    }

    pub(super) fn port(&self) -> Option<u16> {
        match &self.place {
            Place::Host(_, port) => Some(*port),
            Place::Socket(_) => None,
        }
    }

    pub(super) fn database(&self) -> i64 {
        self.login.db()
    }

    /// Who asks for what, for a kind of connection that the crate sets up itself.
    pub(super) fn login(&self) -> &RedisConnectionInfo {
        &self.login
    }

    /// Says who is asking, if the URL does; by the newer protocol, if the URL asks for that.
    pub(super) fn authentication(&self) -> Option<Cmd> {
        let (user, password) = (self.login.username(), self.login.password());
        if self.login.protocol() != ProtocolVersion::RESP2 {
            let mut hello = cmd("HELLO");
            hello.arg(3);
            if let Some(password) = password {
                hello.arg("AUTH").arg(user.unwrap_or("default")).arg(password);
            }
            return Some(hello);
        }
        let mut authentication = cmd("AUTH");
        if let Some(user) = user {
            authentication.arg(user);
        }
        authentication.arg(password?);
        Some(authentication)
    }

    /// Opens a connection, and nothing on top of it.
    pub(super) async fn open(&self) -> io::Result<Box<dyn Stream>> {
        match &self.place {
            Place::Host(host, port) => Ok(Box::new(connect(host, *port).await?)),
            Place::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        }
    }
}

/// Connects by TCP. Within a minute the system finds out that the other side is gone, also for who only waits.
async fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    let asking = TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10));
    SockRef::from(&stream).set_tcp_keepalive(&asking.with_retries(3))?;
    Ok(stream)
}

/// Shows where it is, without a user or a password.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Host(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Place::Host(host, port) => write!(f, "{host}:{port}"),
            Place::Socket(path) => path.display().fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Endpoint, &'static str> {
        Endpoint::parse(&url.parse().unwrap())
    }

    fn command(command: &Cmd) -> String {
        String::from_utf8(command.get_packed_command()).unwrap().replace("\r\n", " ")
    }

    #[test]
    fn a_url_says_where_and_as_whom() {
        let endpoint = parse("rediss://shop:a%23b@cache:7000/3").unwrap();
        assert_eq!(endpoint.to_string(), "cache:7000");
        assert_eq!((endpoint.host(), endpoint.port(), endpoint.database()), ("cache".into(), Some(7000), 3));
        assert!(endpoint.is_tls);
        assert_eq!(command(&endpoint.authentication().unwrap()), "*3 $4 AUTH $4 shop $3 a#b ");

        let endpoint = parse("redis://[::1]").unwrap();
        assert_eq!((endpoint.to_string(), endpoint.database()), ("[::1]:6379".into(), 0));
        assert!(!endpoint.is_tls && endpoint.authentication().is_none());
    }

    #[tokio::test]
    async fn the_system_looks_whether_the_other_side_is_there() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = connect("127.0.0.1", listener.local_addr().unwrap().port()).await.unwrap();
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        let (idle, between) = (socket.tcp_keepalive_time().unwrap(), socket.tcp_keepalive_interval().unwrap());
        assert_eq!(idle + between * socket.tcp_keepalive_retries().unwrap(), Duration::from_secs(60));
    }

    #[test]
    fn a_socket_is_a_path() {
        let endpoint = parse("redis+unix:///run/redis.sock?db=2&pass=hunter2").unwrap();
        assert_eq!(endpoint.to_string(), "/run/redis.sock");
        assert_eq!((endpoint.host(), endpoint.port(), endpoint.database()), ("/run/redis.sock".into(), None, 2));
        assert_eq!(command(&endpoint.authentication().unwrap()), "*2 $4 AUTH $7 hunter2 ");
    }

    #[test]
    fn the_newer_protocol_is_asked_for_with_the_password() {
        let hello = |url| command(&parse(url).unwrap().authentication().unwrap());
        assert_eq!(hello("redis://cache?protocol=resp3"), "*2 $5 HELLO $1 3 ");
        let expected = "*5 $5 HELLO $1 3 $4 AUTH $7 default $7 hunter2 ";
        assert_eq!(hello("redis://:hunter2@cache?protocol=resp3"), expected);
    }

    #[test]
    fn what_is_wrong_with_a_url_is_told_without_it() {
        let problem = |url| parse(url).err().unwrap();
        assert!(problem("http://:hunter2@cache").contains("begin with redis://"));
        assert!(problem("hunter2:cache").contains("begin with redis://"));
        assert!(problem("redis://:hunter2@cache/zero").contains("not a number"));
        assert!(problem("redis://:hunter2@cache#1").contains("`#`"));
        assert!(problem("redis:///0").contains("no host"));
        assert!(problem("redis://:hunter2@0.0.0.0").contains("address of all hosts"));
        assert!(problem("redis://cache?protocol=hunter2").contains("protocol"));
        assert!(problem("redis+unix://run/redis.sock").contains("three slashes"));
        assert!(problem("redis+unix:///run/redis.sock?db=zero").contains("not a number"));
    }
}
