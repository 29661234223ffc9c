//! TCP connections to a host that may have several addresses.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use tokio::{
    net::{TcpStream, lookup_host},
    time::{sleep, timeout},
};

/// How long one family of addresses has before the other is tried too (RFC 8305).
const HEAD_START: Duration = Duration::from_millis(300);

/// Connects to the first address of the host that can be connected to, in this time at most.
pub(super) async fn dial(host: &str, port: u16, within: Duration) -> io::Result<TcpStream> {
    let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
    let stream = first_of(addresses, within).await?;
    // A socket that can't be told so works all the same.
    let _ = stream.set_nodelay(true);
    Ok(stream)
}

async fn first_of(addresses: Vec<SocketAddr>, within: Duration) -> io::Result<TcpStream> {
    let Some(best) = addresses.first().map(SocketAddr::is_ipv6) else {
        return Err(io::Error::new(io::ErrorKind::NotFound, "its host has no address"));
    };
    let (preferred, others): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == best);
    let has_others = !others.is_empty();
    let mut preferred = pin!(each_of(preferred, within));
    let mut others = pin!(async {
        sleep(HEAD_START).await;
        each_of(others, within).await
    });
    tokio::select! {
        biased;
        stream = &mut preferred => match stream {
            Err(_) if has_others => others.await,
            stream => stream,
        },
        stream = &mut others, if has_others => match stream {
            Err(_) => preferred.await,
            stream => stream,
        },
    }
}

/// Tries one after the other, each for its part of the time.
async fn each_of(addresses: Vec<SocketAddr>, within: Duration) -> io::Result<TcpStream> {
    let each = within / u32::try_from(addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut failed = io::ErrorKind::TimedOut.into();
    for address in addresses {
        failed = match timeout(each, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error,
            Err(_) => io::ErrorKind::TimedOut.into(),
        };
    }
    Err(failed)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    const WITHIN: Duration = Duration::from_secs(10);

    fn dialled(addresses: &[SocketAddr]) -> io::Result<SocketAddr> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { first_of(addresses.to_vec(), WITHIN).await?.peer_addr() })
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next_of_either_family() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = listener.local_addr().unwrap();
        // Nobody listens there. One that was just free may soon be another test's.
        let free = SocketAddr::from(([127, 0, 0, 1], 1));
        let free_ipv6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], free.port()));
        assert_eq!(dialled(&[taken]).unwrap(), taken);
        assert_eq!(dialled(&[free, taken]).unwrap(), taken);
        assert_eq!(dialled(&[free_ipv6, taken]).unwrap(), taken);
        assert_eq!(dialled(&[taken, free_ipv6]).unwrap(), taken);
        assert_eq!(dialled(&[free]).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(dialled(&[]).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
