//! One connection of a client: what is asked, whether it may be, and the carrying.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional_with_sizes};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::answer::Answer;
use super::connection::{Asked, Way};
use super::error::Refusal;
use super::forward::forward;
use super::head::Head;
use super::meter::Metered;
use super::policy::Rule;
use super::serve::Office;
use crate::guard::Target;

/// What a tunnel keeps of each direction at a time.
const BUFFER: usize = 16 * 1024;
/// What opens a tunnel.
const OPENED: &[u8] = b"HTTP/1.1 200 Connection established\r\n\r\n";
/// How long a client may take to read why it is refused, and how much of what it still sends is
/// read meanwhile: closing over unread bytes would take the answer back.
const FAREWELL: Duration = Duration::from_secs(2);
const MAX_UNREAD: u64 = 256 * 1024;

/// Serves a client until it is done, or too slow.
pub(super) async fn carry(mut client: TcpStream, office: Arc<Office>) {
    // Without this a connection is slower, and no worse.
    drop(client.set_nodelay(true));
    let head = match timeout(office.limits.head, Head::read(&mut client)).await {
        Ok(Ok(head)) => head,
        Ok(Err(bad)) => {
            tracing::debug!(%bad, "no request for the egress proxy");
            if let Some(answer) = Answer::to_head(&bad) {
                tell(client, &answer).await;
            }
            return;
        }
        Err(_elapsed) => return tell(client, &Answer::to_silence()).await,
    };
    let asked = Asked {
        number: office.next_number(),
        target: head.target.clone(),
        way: head.way,
        watch: Arc::clone(&office.watch),
    };
    let (host, address, rule) = match connect(&head.target, &office).await {
        Ok(connected) => connected,
        Err(refusal) => {
            asked.refused(&refusal);
            return tell(client, &Answer::to_refusal(&refusal)).await;
        }
    };
    let open = asked.open(address, rule);
    let host = Metered::new(host, Arc::clone(open.meter()));
    let idle = office.limits.idle;
    // Who waits for a host that says nothing is to have the time to read so.
    let patience = match head.way {
        Way::Tunnel => idle,
        Way::Request => idle.saturating_add(FAREWELL),
    };
    let work = async {
        match head.way {
            Way::Tunnel => tunnel(head, client, host).await.map_err(Box::from),
            Way::Request => forward(head, client, host, &open, idle)
                .await
                .map_err(Box::from),
        }
    };
    let ended: Result<(), Box<dyn std::error::Error + Send + Sync>> = tokio::select! {
        result = work => result,
        () = open.meter().silence(patience) => Ok(()),
    };
    if let Err(err) = ended {
        tracing::debug!(%err, target = %open.target(), "a connection of the egress proxy broke");
    }
}

/// Connects to a host if the policy and the guard let it be.
async fn connect(
    target: &Target,
    office: &Office,
) -> Result<(TcpStream, SocketAddr, Rule), Refusal> {
    let rule = office.policy.decide(target)?;
    let found = timeout(office.limits.connect, office.guard.addresses(target));
    let Ok(judged) = found.await else {
        return Err(Refusal::Slow {
            target: target.clone(),
        });
    };
    let judged = judged?;
    office.policy.may_connect(target, &judged)?;
    let (stream, address) = judged.connect(office.limits.connect).await?;
    Ok((stream, address, rule))
}

/// Carries bytes both ways until both ends have said their last; each may do so before the other.
async fn tunnel(head: Head, mut client: TcpStream, mut host: Metered) -> io::Result<()> {
    client.write_all(OPENED).await?;
    host.write_all(&head.rest()).await?;
    copy_bidirectional_with_sizes(&mut client, &mut host, BUFFER, BUFFER).await?;
    Ok(())
}

/// Sends an answer and closes.
async fn tell(mut client: TcpStream, answer: &Answer) {
    let farewell = async {
        client.write_all(&answer.bytes()).await?;
        client.shutdown().await?;
        let mut unread = client.take(MAX_UNREAD);
        tokio::io::copy(&mut unread, &mut tokio::io::sink()).await
    };
    // Who does not wait for the answer goes without it.
    drop(timeout(FAREWELL, farewell).await);
}
