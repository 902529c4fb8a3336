//! A crowd that only listens, and sessions that are at work meanwhile: nobody misses an event,
//! whoever asks is answered at once, and when the crowd leaves, so does what it took.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream as StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use openclaw_testkit::rpc::RpcClient;
use openclaw_testkit::{FakeProvider, GatewayProcess, Reply, TestHome, WireFormat};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{call, log, new_session};
use crate::measured::{binary, figures, is_long, is_release, resident, sockets};
use crate::socket::Socket;

/// What a client may wait for `/health`, of a hundred times at most once.
const PROMPT: Duration = Duration::from_millis(50);
/// What the process may hold, in kilobytes.
const MEMORY: u64 = 100_000_000 / 1024;
/// How many times as much both may be in a debug build.
const DEBUG: u32 = 5;
/// How often `/health` is asked for.
const ASK: Duration = Duration::from_millis(20);
/// How long a session pauses between its turns, about.
const PAUSE: Duration = Duration::from_secs(3);
/// What the model says, a piece for each word.
const ANSWER: &str = "Six short words are enough here.";
const PATIENCE: Duration = Duration::from_mins(2);
/// How long it may take until what the crowd took is given back.
const GIVEN_BACK: Duration = Duration::from_secs(30);

/// What a message of the gateway begins with that has an event of the log.
const FACT: &[u8] = br#"{"jsonrpc":"2.0","method":"session.event""#;
/// What the answer to the last call has.
const END: &[u8] = br#""id":"end""#;

/// How many there are of everything.
struct Size {
    sockets: usize,
    sessions: usize,
    turns: usize,
}

const SHORT: Size = Size {
    sockets: 200,
    sessions: 16,
    turns: 2,
};
const LONG: Size = Size {
    sockets: 1000,
    sessions: 64,
    turns: 10,
};

/// What one of the crowd is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listener {
    /// It has asked for all events, and must get every one.
    Follows,
    /// It has a socket for JSON-RPC, and asks for nothing.
    Waits,
    /// It has a socket of OpenClaw's protocol.
    Openclaw,
}

impl Listener {
    /// Half of a crowd follows, a tenth speaks OpenClaw's protocol.
    const fn nth(n: usize) -> Self {
        match n % 10 {
            0..5 => Self::Follows,
            5..9 => Self::Waits,
            _ => Self::Openclaw,
        }
    }

    async fn open(self, gateway: &GatewayProcess) -> Socket {
        match self {
            Self::Follows => {
                let mut socket = Socket::open(gateway).await;
                let subscribed = call(&mut socket, "events.subscribe", json!({})).await;
                subscribed.unwrap();
                socket
            }
            Self::Waits => Socket::open(gateway).await,
            Self::Openclaw => {
                let mut socket = Socket::open_at("/", gateway.addr(), &[]).await;
                let connect = json!({"type": "req", "id": "connect", "method": "connect", "params": {
                    "minProtocol": 4, "maxProtocol": 4, "role": "operator",
                    "client": {"id": "gateway-client", "version": "0.0.1", "platform": "linux", "mode": "backend"},
                    "scopes": ["operator.read"], "caps": [],
                    "auth": {"token": gateway.token().expose_secret()},
                }});
                socket.send_text(&connect.to_string()).await;
                socket
            }
        }
    }

    /// The call by which it finds out that all that was sent before has come.
    fn last_call(self) -> Value {
        match self {
            Self::Follows | Self::Waits => {
                json!({"jsonrpc": "2.0", "id": "end", "method": "agent.list", "params": {}})
            }
            Self::Openclaw => json!({"type": "req", "id": "end", "method": "health", "params": {}}),
        }
    }
}

/// What a listener keeps of each event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeping {
    /// A number that follows from it.
    Numbers,
    /// That, and the event itself.
    Texts,
}

/// What a listener was sent.
#[derive(Debug, Default)]
struct Heard {
    /// A number for each event, which follows from all of its bytes.
    facts: Vec<u64>,
    /// The events themselves, for whoever keeps them.
    texts: Vec<Vec<u8>>,
    /// All messages.
    messages: u64,
    ended: bool,
}

impl Heard {
    fn take(&mut self, message: &[u8], keeping: Keeping) {
        self.messages += 1;
        if message.starts_with(FACT) {
            let mut hasher = DefaultHasher::new();
            message.hash(&mut hasher);
            self.facts.push(hasher.finish());
            if keeping == Keeping::Texts {
                self.texts.push(message.to_vec());
            }
        } else if message.windows(END.len()).any(|part| part == END) {
            self.ended = true;
        }
    }
}

/// Listens until as many events have come as there are to come, and then until the answer to its
/// last call.
async fn listen(
    mut stream: TcpStream,
    listener: Listener,
    keeping: Keeping,
    mut due: watch::Receiver<Option<usize>>,
) -> Heard {
    let (mut heard, mut unread, mut asked) = (Heard::default(), Vec::new(), false);
    while !heard.ended {
        let all = due.borrow().map(|count| match listener {
            Listener::Follows => count,
            Listener::Waits | Listener::Openclaw => 0,
        });
        if !asked && all.is_some_and(|count| heard.facts.len() >= count) {
            asked = true;
            let call = listener.last_call().to_string();
            stream
                .write_all(&masked_frame(1, call.as_bytes()))
                .await
                .unwrap();
        }
        tokio::select! {
            read = stream.read_buf(&mut unread) => {
                assert_ne!(read.unwrap(), 0, "{listener:?}: the gateway closed the socket");
            }
            Ok(()) = due.changed() => continue,
        }
        let mut done = 0;
        while let Some((opcode, payload, size)) = frame(&unread[done..]) {
            match opcode {
                1 => heard.take(payload, keeping),
                9 => stream.write_all(&masked_frame(10, b"")).await.unwrap(),
                other => panic!("{listener:?}: a frame of type {other}"),
            }
            done += size;
        }
        unread.drain(..done);
        if unread.is_empty() {
            unread = Vec::new();
        }
    }
    heard
}

/// Returns the type, the payload and the size of the frame that some bytes begin with, if all of it
/// is there.
fn frame(bytes: &[u8]) -> Option<(u8, &[u8], usize)> {
    let (&opcode, &short) = (bytes.first()?, bytes.get(1)?);
    let (length, head) = match short {
        126 => (
            usize::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
            4,
        ),
        127 => (
            usize::try_from(u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)).unwrap(),
            10,
        ),
        short => (usize::from(short), 2),
    };
    Some((
        opcode & 0x0f,
        bytes.get(head..head + length)?,
        head + length,
    ))
}

/// Clients have to mask, and a mask of zeros changes nothing.
fn masked_frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode, 0x80 | 0x7e];
    frame.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// Asks for `/health` all the time, on a thread that waits for nobody of this process.
struct Probe {
    stop: Arc<AtomicBool>,
    thread: thread::JoinHandle<(Vec<Duration>, u64)>,
}

impl Probe {
    fn start(addr: SocketAddr, pid: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let (mut waits, mut most) = (Vec::new(), 0);
            while !until.load(Ordering::Relaxed) {
                let began = Instant::now();
                ask(addr);
                waits.push(began.elapsed());
                most = most.max(resident(pid));
                thread::sleep(ASK.saturating_sub(began.elapsed()));
            }
            waits.sort_unstable();
            (waits, most)
        });
        Self { stop, thread }
    }

    /// Returns how long each answer took, sorted, and the most memory that was held, in kilobytes.
    fn stop(self) -> (Vec<Duration>, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}

fn ask(addr: SocketAddr) {
    let mut stream = StdStream::connect(addr).unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

/// Has turns in a session, one after the other.
async fn talk(gateway: RpcClient, session: String, turns: usize, first: Duration) {
    sleep(first).await;
    for turn in 0..turns {
        let params = json!({"sessionKey": session, "content": format!("turn {turn}")});
        let answer = gateway.call("session.message", params).await.unwrap();
        assert_eq!(answer.unwrap()["content"], ANSWER);
        sleep(PAUSE).await;
    }
}

/// Has all sessions take their turns, spread over time as those of people are.
async fn turns(gateway: &GatewayProcess, sessions: &[String], turns: usize) {
    let mut talking = JoinSet::new();
    let count = u32::try_from(sessions.len()).unwrap();
    for (n, session) in (0..).zip(sessions) {
        let first = PAUSE * n / count;
        talking.spawn(talk(gateway.rpc_client(), session.clone(), turns, first));
    }
    while let Some(done) = talking.join_next().await {
        done.unwrap();
    }
}

/// Returns the events of the log after a position, as notifications have them.
async fn after(gateway: &GatewayProcess, position: u64) -> Vec<Value> {
    let mut events = log(gateway).await;
    events.retain(|event| event["position"].as_u64().unwrap() > position);
    events
}

/// Waits until the process holds no more than so much; returns what it holds at last.
async fn given_back(pid: u32, most: u64) -> u64 {
    let began = Instant::now();
    loop {
        let now = resident(pid);
        if now <= most || began.elapsed() > GIVEN_BACK {
            return now;
        }
        sleep(Duration::from_millis(100)).await;
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_crowd_that_listens_misses_nothing_and_is_in_nobodys_way() {
    let size = if is_long() { LONG } else { SHORT };
    assert!(sockets() > u64::try_from(size.sockets * 3 / 2).unwrap());
    let (home, provider) = (TestHome::new(), FakeProvider::start());
    provider.keep_requests(1);
    provider.otherwise(|_| Reply::text(ANSWER));
    home.use_provider(&provider, WireFormat::OpenAi);
    home.lift_limits();
    let gateway = GatewayProcess::start(&home, binary()).await;
    let mut sessions = Vec::new();
    for n in 0..size.sessions {
        sessions.push(new_session(&gateway, &format!("p{n}")).await);
    }
    // What is done for the first time stays in memory: the code, the pages of the log.
    turns(&gateway, &sessions, 1).await;
    let before = resident(gateway.pid());
    let known = log(&gateway).await.last().unwrap()["position"].as_u64();

    let (say, due) = watch::channel(None);
    let mut crowd = JoinSet::new();
    for n in 0..size.sockets {
        let listener = Listener::nth(n);
        let stream = listener.open(&gateway).await.into_stream();
        let keeping = match n {
            0 => Keeping::Texts,
            _ => Keeping::Numbers,
        };
        let heard = listen(stream, listener, keeping, due.clone());
        crowd.spawn(async move { (n, listener, timeout(PATIENCE, heard).await) });
    }
    let idle = resident(gateway.pid());
    let probe = Probe::start(gateway.addr(), gateway.pid());
    let began = Instant::now();
    turns(&gateway, &sessions, size.turns).await;
    let took = began.elapsed().as_secs_f64();
    let (waits, most) = probe.stop();

    let events = after(&gateway, known.unwrap()).await;
    say.send(Some(events.len())).unwrap();
    let (mut reference, mut followers, mut messages) = (None, Vec::new(), 0);
    while let Some(ended) = crowd.join_next().await {
        let (n, listener, heard) = ended.unwrap();
        let heard = heard.unwrap_or_else(|_| panic!("{listener:?} {n} waits for more"));
        messages += heard.messages;
        if n == 0 {
            let told = heard.texts.iter().map(|text| {
                let mut message: Value = serde_json::from_slice(text).unwrap();
                message["params"]["event"].take()
            });
            assert_eq!(told.collect::<Vec<_>>(), events);
            reference = Some(heard.facts);
        } else if listener == Listener::Follows {
            followers.push((n, heard.facts));
        }
    }
    for (n, facts) in followers {
        assert_eq!(Some(&facts), reference.as_ref(), "listener {n}");
    }
    let after = given_back(gateway.pid(), before * 6 / 5).await;

    let (middle, p99) = (waits[waits.len() / 2], waits[waits.len() * 99 / 100]);
    figures(&format!(
        "{} listeners, {} sessions: {} events, none lost; {:.0} messages a second; /health median \
         {middle:.1?}, p99 {p99:.1?}, worst {:.1?}; memory {before} kB before, {idle} kB with the \
         crowd, {most} kB at most, {after} kB when it has left",
        size.sockets,
        size.sessions,
        events.len(),
        u32::try_from(messages).map(f64::from).unwrap() / took,
        waits[waits.len() - 1],
    ));
    let slack = if is_release() { 1 } else { DEBUG };
    assert!(p99 < PROMPT * slack, "{p99:?}");
    assert!(most < MEMORY * u64::from(slack), "{most} kB");
    assert!(
        after <= before * 6 / 5,
        "{before} kB before, {after} kB after"
    );
    provider.assert_clean();
}
