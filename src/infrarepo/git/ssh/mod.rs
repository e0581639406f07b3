//! Git over ssh: runs git's two programs on the host, and passes requests and answers. Keeps the connection between requests; tries
//! nothing again but a connection that the host had closed meanwhile.

mod key;
mod known_hosts;
mod refusal;
mod session;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
pub use key::SshKey;
pub use known_hosts::KnownHosts;
use refusal::Ending;
use russh::client::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf};
use session::Doorkeeper;
pub use session::{Identity, SshAccess};
use tokio::time::timeout;

use super::carrier::{CallError, Carrier, Service};
use super::packet::{Broken, Packet, Packets};
use super::request;
use crate::infrarepo::SshAddress;
use crate::model::{Fault, limits};

/// How many bytes of the words for people are kept.
const MOST_WORDS: usize = 16 * 1024;
/// How long the host may say nothing while its answer is awaited.
const SILENCE: Duration = limits::SILENCE.time();
/// The first packet of a server that talks v2.
const VERSION_2: &[u8] = b"000eversion 2\n";

/// One repository on a host.
pub(in crate::infrarepo) struct Ssh {
    address: SshAddress,
    access: SshAccess,
    connection: RefCell<Option<Rc<Handle<Doorkeeper>>>>,
}

impl Ssh {
    pub(in crate::infrarepo) fn new(address: SshAddress, access: SshAccess) -> Self {
        Self {
            address,
            access,
            connection: RefCell::new(None),
        }
    }

    /// Starts one of git's programs, on the connection that is open if it still is.
    async fn start(&self, service: Service) -> Result<Running<'_>, CallError> {
        let kept = self.connection.borrow().clone();
        if let Some(kept) = kept.filter(|kept| !kept.is_closed())
            // Nothing was asked of the program yet: a new connection asks nothing twice.
            && let Ok(Ok(channel)) = timeout(SILENCE, kept.channel_open_session()).await
        {
            return self.run(channel, service).await;
        }
        let fresh = Rc::new(session::connect(&self.address, &self.access).await?);
        *self.connection.borrow_mut() = Some(Rc::clone(&fresh));
        let opened = timeout(SILENCE, fresh.channel_open_session()).await;
        let channel = opened.map_err(|_| self.silent())?.map_err(|error| self.broke(error))?;
        self.run(channel, service).await
    }

    async fn run(&self, channel: Channel<Msg>, service: Service) -> Result<Running<'_>, CallError> {
        if service == Service::UploadPack {
            let asked = channel.set_env(false, "GIT_PROTOCOL", "version=2").await;
            asked.map_err(|error| self.broke(error))?;
        }
        let command = format!("{} {}", service.name(), quoted(&self.address.path));
        channel.exec(true, command).await.map_err(|error| self.broke(error))?;
        let (read, write) = channel.split();
        Ok(Running {
            ssh: self,
            service,
            read,
            write,
            bytes: Vec::new(),
            ending: Ending::default(),
        })
    }

    fn host(&self) -> String {
        self.address.known_as()
    }

    fn broke(&self, error: russh::Error) -> CallError {
        CallError::Lost {
            fault: Fault::unreachable(format!("the connection to {} broke off", self.host())).because(error),
            after: None,
        }
    }

    fn silent(&self) -> CallError {
        CallError::Lost {
            fault: Fault::unreachable(format!("{} sent nothing for {}s", self.host(), SILENCE.as_secs())),
            after: None,
        }
    }

    /// Bounds an exchange. A connection is kept only when all of its answer was read: what else may still come on it, nobody waits for.
    async fn in_time<T>(
        &self,
        service: Service,
        work: impl Future<Output = Result<T, CallError>>,
    ) -> Result<T, CallError> {
        let done = timeout(service.time(), work).await.unwrap_or_else(|_| {
            Err(CallError::Lost {
                fault: Fault::unreachable(format!(
                    "{} does not end its answer within {}s",
                    self.host(),
                    service.time().as_secs()
                )),
                after: None,
            })
        });
        if done.is_err() {
            self.connection.take();
        }
        done
    }
}

/// Git's program on the host, which talks.
struct Running<'a> {
    ssh: &'a Ssh,
    service: Service,
    read: ChannelReadHalf,
    write: ChannelWriteHalf<Msg>,
    /// What came and was not taken yet.
    bytes: Vec<u8>,
    ending: Ending,
}

impl Running<'_> {
    /// Reads what the program says first, up to its flush packet.
    async fn advertisement(&mut self) -> Result<Vec<u8>, CallError> {
        let mut looked = 0;
        loop {
            match end_of_message(&self.bytes, looked) {
                Ok(Ok(end)) => {
                    let rest = self.bytes.split_off(end);
                    return Ok(std::mem::replace(&mut self.bytes, rest));
                }
                Ok(Err(so_far)) => looked = so_far,
                Err(Broken::Server(said)) => {
                    self.ending.words.push_str(&said);
                    self.ending.code.get_or_insert(1);
                    return Err(self.refused());
                }
                Err(broken) => {
                    let message = format!("{} answers, but not as a git server does", self.ssh.host());
                    let hint = "check `infra-repo`: a shell of the host that prints something at login breaks git, too";
                    return Err(CallError::Strange(
                        Fault::unreachable(message).because(broken).hint(hint),
                    ));
                }
            }
            if !self.more(limits::GIT_ADVERTISED.bytes()).await? {
                return Err(self.refused());
            }
        }
    }

    /// Sends a request and reads the answer to its end.
    async fn exchange(&mut self, request: Vec<u8>, most: usize) -> Result<Vec<u8>, CallError> {
        // Side by side: a program may answer before it has read everything.
        let write = &self.write;
        let send = async {
            write.data_bytes(request).await?;
            write.eof().await
        };
        // A request that does not arrive whole shows in the answer, which says more.
        let (read, _) = tokio::join!(
            async {
                let mut size = request::Size::new(most);
                while more(self.ssh, &mut self.read, &mut self.bytes, &mut self.ending, most).await? {
                    if !size.fits(&self.bytes) {
                        return Err(CallError::TooLarge(most));
                    }
                }
                Ok::<(), CallError>(())
            },
            send
        );
        read?;
        let failed = self.ending.code.is_some_and(|code| code != 0);
        if self.bytes.is_empty() && (failed || self.ending.code.is_none()) {
            return Err(self.refused());
        }
        Ok(std::mem::take(&mut self.bytes))
    }

    async fn more(&mut self, most: usize) -> Result<bool, CallError> {
        more(self.ssh, &mut self.read, &mut self.bytes, &mut self.ending, most).await
    }

    fn refused(&self) -> CallError {
        refusal::of(&self.ending, self.service, &self.ssh.place(), &self.ssh.host())
    }
}

/// Takes the next message; `false` when there is no more.
async fn more(
    ssh: &Ssh,
    read: &mut ChannelReadHalf,
    bytes: &mut Vec<u8>,
    ending: &mut Ending,
    most: usize,
) -> Result<bool, CallError> {
    match timeout(SILENCE, read.wait()).await.map_err(|_| ssh.silent())? {
        Some(ChannelMsg::Data { data }) if bytes.len() + data.len() > most => return Err(CallError::TooLarge(most)),
        Some(ChannelMsg::Data { data }) => {
            bytes.extend_from_slice(&data);
        }
        Some(ChannelMsg::ExtendedData { data, .. }) => {
            let room = MOST_WORDS.saturating_sub(ending.words.len());
            let kept = data.get(..data.len().min(room)).unwrap_or_default();
            ending.words.push_str(&String::from_utf8_lossy(kept));
        }
        Some(ChannelMsg::ExitStatus { exit_status }) => ending.code = Some(exit_status),
        Some(ChannelMsg::Failure) => {
            ending.code = Some(127);
            return Ok(false);
        }
        // After `Eof` the exit code is still to come, so the end is the channel's.
        Some(ChannelMsg::Close) | None => return Ok(false),
        Some(_) => {}
    }
    Ok(true)
}

/// Looks for the flush packet that ends a message, from a place where a packet begins. Returns where the message ends, else how far
/// whole packets go.
fn end_of_message(bytes: &[u8], from: usize) -> Result<Result<usize, usize>, Broken> {
    let mut at = from;
    let mut packets = Packets::new(bytes.get(from..).unwrap_or_default());
    loop {
        match packets.packet() {
            Ok(Some(Packet::Flush)) => return Ok(Ok(at + 4)),
            Ok(Some(Packet::Line(line))) => at += 4 + line.len(),
            Ok(Some(_)) => at += 4,
            Ok(None) | Err(Broken::Short) => return Ok(Err(at)),
            Err(broken) => return Err(broken),
        }
    }
}

/// Quotes a path for the shell of the host, as git does.
fn quoted(path: &str) -> String {
    format!("'{}'", path.replace('\'', "'\\''").replace('!', "'\\!'"))
}

#[async_trait(?Send)]
impl Carrier for Ssh {
    fn place(&self) -> String {
        self.address.to_string()
    }

    async fn advertisement(&self, service: Service) -> Result<Vec<u8>, CallError> {
        self.in_time(service, async {
            let mut running = self.start(service).await?;
            let said = running.advertisement().await?;
            // A flush instead of a request is the polite end.
            let _ = running.exchange(b"0000".to_vec(), MOST_WORDS).await;
            Ok(said)
        })
        .await
    }

    async fn call(&self, service: Service, request: Vec<u8>, most: usize) -> Result<Vec<u8>, CallError> {
        self.in_time(service, async {
            let mut running = self.start(service).await?;
            let said = running.advertisement().await?;
            let command = request.get(4..).is_some_and(|rest| rest.starts_with(b"command="));
            if command && !said.starts_with(VERSION_2) {
                let message = format!(
                    "{} does not use protocol v2 (`AcceptEnv GIT_PROTOCOL` in sshd enables it)",
                    self.host()
                );
                return Err(CallError::Strange(Fault::unreachable(message)));
            }
            running.exchange(request, most).await
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_the_shell() {
        assert_eq!(quoted("a/b.git"), "'a/b.git'");
        assert_eq!(quoted("it's; rm -rf $HOME!"), "'it'\\''s; rm -rf $HOME'\\!''");
    }

    #[test]
    fn a_message_ends_with_its_flush_packet() {
        let whole = b"000eversion 2\n000eversion 3\n0000rest";
        assert_eq!(end_of_message(whole, 0), Ok(Ok(32)));
        assert_eq!(end_of_message(&whole[..20], 0), Ok(Err(14)));
        assert_eq!(end_of_message(whole, 14), Ok(Ok(32)));
        assert_eq!(end_of_message(b"", 0), Ok(Err(0)));
        assert_eq!(end_of_message(b"Welcome to host", 0), Err(Broken::Length));
    }
}
