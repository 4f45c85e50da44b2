//! Listens, finds out who is asked for what, and plays it.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use crate::asked::Asked;
use crate::books::Script;
use crate::fuse::{Fuse, FusedStream, reset};
use crate::media::has_authorization;
use crate::name::{Endpoint, Name};
use crate::order::Call;
use crate::providers::{Providers, now};
use crate::reply::{Body, Reply};
use crate::{control, fal, ltx, media, replicate, runway};

/// Largest body that is read: the largest upload of any provider, in bytes.
const MAX_BODY_BYTES: usize = 200 * 1024 * 1024;

/// Accepts connections for as long as it is let.
pub(crate) async fn serve(providers: Arc<Providers>, listener: TcpListener) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                continue;
            }
        };
        let refuses = |name| providers.books(name).switches.refuse_connections;
        if Name::ALL.into_iter().all(refuses) {
            reset(&stream);
        } else {
            providers.spawn(connection(providers.clone(), stream));
        }
    }
}

async fn connection(providers: Arc<Providers>, stream: TcpStream) {
    let fuse = Fuse::new();
    let io = TokioIo::new(FusedStream::new(stream, fuse.clone()));
    let service = service_fn(move |request| {
        let (providers, fuse) = (providers.clone(), fuse.clone());
        async move { Ok::<_, Infallible>(respond(providers, request, fuse).await) }
    });
    if let Err(error) =
        hyper::server::conn::http1::Builder::new().serve_connection(io, service).await
    {
        tracing::debug!(%error, "connection");
    }
}

async fn respond(
    providers: Arc<Providers>,
    request: Request<Incoming>,
    fuse: Fuse,
) -> Response<Body> {
    let (head, body) = request.into_parts();
    let reply = match Asked::read(&head) {
        Some(asked) if providers.books(asked.provider).switches.refuse_connections => {
            cut(&fuse, 0, Reply::empty(500))
        }
        Some(asked) => match read(body).await {
            Ok(body) => play(&providers, Asked { body, ..asked }, &fuse).await,
            Err(error) => Reply::text(413, error.to_string()),
        },
        None => control(&providers, &head, body).await,
    };
    reply.into_response()
}

async fn control(providers: &Providers, head: &Parts, body: Incoming) -> Reply {
    match read(body).await {
        Ok(body) => control::answer(providers, head, &body),
        Err(error) => Reply::text(400, error.to_string()),
    }
}

async fn read(body: Incoming) -> io::Result<bytes::Bytes> {
    let whole = Limited::new(body, MAX_BODY_BYTES).collect().await;
    whole.map(http_body_util::Collected::to_bytes).map_err(io::Error::other)
}

/// Answers as the switches have it, and writes the call down.
async fn play(providers: &Arc<Providers>, asked: Asked, fuse: &Fuse) -> Reply {
    let mut call = Call {
        what: asked.what,
        method: asked.method.to_string(),
        path: asked.path_and_query.clone(),
        status: 0,
        cut: false,
        had_authorization: has_authorization(&asked.headers),
        at: now(),
    };
    let provider = asked.provider;
    let script = providers.books(provider).next_script(asked.what);
    let after_bytes = if let Script::Cut(cut) = &script { Some(cut.after_bytes) } else { None };
    let reply = scripted(providers, asked, script).await;

    call.status = reply.status;
    call.cut = after_bytes.is_some();
    let answer_ms = {
        let mut books = providers.books(provider);
        books.calls.push(call);
        books.switches.answer_ms
    };
    if answer_ms > 0 {
        tokio::time::sleep(Duration::from_millis(answer_ms)).await;
    }
    match after_bytes {
        Some(after_bytes) => cut(fuse, after_bytes, reply),
        None => reply,
    }
}

async fn scripted(providers: &Arc<Providers>, asked: Asked, script: Script) -> Reply {
    match script {
        Script::Answer(answer) => {
            if answer.take {
                own(providers, Asked { hurried: true, ..asked }).await;
            }
            Reply::scripted(&answer)
        }
        // Something must be written of an answer to an order that never came through.
        Script::Cut(cut) if asked.what == Endpoint::Submit && !cut.take => {
            Reply::text(502, "Bad gateway")
        }
        Script::Normal | Script::Cut(_) => own(providers, asked).await,
    }
}

/// The provider's own answer.
async fn own(providers: &Arc<Providers>, asked: Asked) -> Reply {
    match (asked.what, asked.provider) {
        (Endpoint::Download, _) => media::download::answer(providers, &asked),
        (Endpoint::UploadTarget, _) => media::upload::answer(providers, &asked),
        (_, Name::Ltx) => ltx::answer(providers, &asked).await,
        (_, Name::Runway) => runway::answer(providers, &asked),
        (_, Name::Replicate) => replicate::answer(providers, &asked).await,
        (_, Name::Fal) => fal::answer(providers, &asked),
    }
}

fn cut(fuse: &Fuse, after_bytes: usize, reply: Reply) -> Reply {
    fuse.light(after_bytes);
    reply.header("connection", "close")
}
