//! `POST /api/render-final-video`: the same clip with other words.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::post;
use domain::{Branding, Job, JobId, JobState, RenderId, Rerender, Step};
use events::RenderRequest;
use ports::Stepped;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{OpenApi, ToSchema};

use crate::bad_fields::BadFields;
use crate::idempotency::{Claim, Repeatable, RequestKey, render_id};
use crate::openapi::{Always, Body, Conflict, NotFound};
use crate::ornaments::{Ornaments, Placed};
use crate::wishes::Wishes;
use crate::{Api, Caller, Parts, Problem, lookup};

#[derive(OpenApi)]
#[openapi(paths(render_final_video))]
struct Docs;

/// The calls of this group, described.
pub(super) fn docs() -> utoipa::openapi::OpenApi {
    Docs::openapi()
}

/// The calls of this group.
pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
    Router::new().route("/api/render-final-video", post(render_final_video::<P>))
}

/// What goes on top of a clip from now on. What is absent stays as it was; what is null is left out.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewRender {
    /// The job whose clip it is.
    #[schema(format = Uuid)]
    job_id: String,
    /// The large words: up to 300 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    title: Wish,
    /// The smaller words: up to 300 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    subtitle: Wish,
    /// The logo: a key under `logos/`, or `https://…`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    logo_url: Wish,
    /// The music: a key under `music/`, or `https://…`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    music_url: Wish,
    /// Name of the theme: up to 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    theme: Wish,
}

/// What becomes of one thing on top of a clip.
#[derive(Default, PartialEq, Eq)]
enum Wish {
    /// It is absent.
    #[default]
    AsItWas,
    /// It is null.
    Nothing,
    /// It is this.
    This(String),
}

impl<'de> Deserialize<'de> for Wish {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Option::deserialize(deserializer)?;
        Ok(text.map_or(Self::Nothing, Self::This))
    }
}

impl Wish {
    /// What is asked for instead.
    fn text(&self) -> Option<&str> {
        match self {
            Self::This(text) => Some(text),
            Self::AsItWas | Self::Nothing => None,
        }
    }

    /// What comes of it: `new` if something is asked for.
    fn or_was<T: Clone>(&self, new: Option<T>, was: Option<&T>) -> Option<T> {
        if *self == Self::AsItWas { was.cloned() } else { new }
    }
}

impl NewRender {
    fn wishes(&self) -> Wishes {
        let text = |wish: &Wish| wish.text().map(ToOwned::to_owned);
        Wishes {
            title: text(&self.title),
            subtitle: text(&self.subtitle),
            theme: text(&self.theme),
            ..Wishes::default()
        }
    }

    /// What goes on top of the clip of `job`.
    fn branding(&self, job: &Job, placed: &Placed) -> Branding {
        let was = job.wanted_branding();
        let words = |wish: &Wish, was: &Option<String>| {
            let new = wish.text().filter(|text| !text.trim().is_empty());
            wish.or_was(new.map(ToOwned::to_owned), was.as_ref())
        };
        let (logo, music) = (placed.logo_key.clone(), placed.music_key.clone());
        Branding {
            title: words(&self.title, &was.title),
            subtitle: words(&self.subtitle, &was.subtitle),
            logo_key: self.logo_url.or_was(logo, was.logo_key.as_ref()),
            music_key: self.music_url.or_was(music, was.music_key.as_ref()),
            theme: words(&self.theme, &was.theme),
        }
    }
}

/// A rendering that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct RenderAccepted {
    /// The job.
    #[schema(format = Uuid)]
    job_id: String,
    /// Which rendering it is.
    #[schema(format = Uuid)]
    render_id: String,
}

/// Has the clip of a job rendered again, with something else on top. It costs nothing.
///
/// The video stays as it is until the new one takes its place; if that cannot be made, it stays.
#[utoipa::path(
    post,
    path = "/api/render-final-video",
    operation_id = "renderFinalVideo",
    tag = "renders",
    params((
        "idempotency-key" = Option<String>, Header,
        description = "1 to 128 visible ASCII characters: the same request under the same key, within \
                       a day, is one request.",
    )),
    request_body(content = NewRender, description = "The job, and what goes on top of its clip."),
    responses(
        (status = 202, description = "The rendering is on its way.", body = RenderAccepted),
        Always,
        Body,
        NotFound,
        Conflict,
    ),
)]
async fn render_final_video<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Repeatable { body, key }: Repeatable<NewRender>,
) -> Result<Response, Problem> {
    let ornaments = read(&api, &caller, &body)?;
    let job = lookup::job(&api, &caller, &body.job_id).await?;
    let id = render_id(key.as_ref(), job.id);
    let claim = match &key {
        Some(key) => api.claimed(key).await?,
        None => None,
    };
    if claim.is_none_or(|claim| !claim.settled) {
        render(&api, &job, id, (&body, &ornaments), key.as_ref()).await?;
    }
    let location = AppendHeaders([(header::LOCATION, format!("/api/jobs/{}", job.id))]);
    let accepted = RenderAccepted { job_id: job.id.to_string(), render_id: id.to_string() };
    Ok((StatusCode::ACCEPTED, location, axum::Json(accepted)).into_response())
}

fn read<P: Parts>(api: &Api<P>, caller: &Caller, body: &NewRender) -> Result<Ornaments, Problem> {
    let mut bad = BadFields::default();
    bad.take("/jobId", JobId::parse(&body.job_id));
    body.wishes().check(&mut bad);
    let named = (body.logo_url.text(), body.music_url.text());
    let ornaments = Ornaments::read(api, caller, named, &mut bad);
    bad.finish()?;
    Ok(ornaments)
}

/// The row first, then the object that sets the rendering going: a repeat after a crash in between
/// finds its rendering in the row and writes the object again.
async fn render<P: Parts>(
    api: &Api<P>,
    job: &Job,
    id: RenderId,
    (body, ornaments): (&NewRender, &Ornaments),
    key: Option<&RequestKey>,
) -> Result<(), Problem> {
    let mut bad = BadFields::default();
    ornaments.check_there(api, &mut bad).await?;
    bad.finish()?;
    let placed = ornaments.placed(job.order.user_id.as_deref(), format!("{}/{id}", job.id))?;
    let rerender = Rerender { render_id: id, branding: body.branding(job, &placed) };

    let claim: Option<Claim> = match key {
        Some(key) => Some(api.claim(key).await?),
        None => None,
    };
    let stepped = api.chronicle.step(job, &Step::Rerender(rerender)).await?;
    let is_now = matches!(stepped, Stepped::Now(_));
    let job = stepped.job();
    let is_wanted = job.rerender.as_ref().is_some_and(|wanted| wanted.render_id == id);
    let is_made = job.video.as_ref().is_some_and(|video| video.render_id == id);
    if !is_now && !is_wanted && !is_made {
        return Err(not_now(&job));
    }
    if is_wanted {
        set_going(api, &job, id, placed).await?;
    }
    if let Some(claim) = claim {
        api.settle(&claim).await?;
    }
    Ok(())
}

async fn set_going<P: Parts>(
    api: &Api<P>,
    job: &Job,
    id: RenderId,
    placed: Placed,
) -> Result<(), Problem> {
    if placed.items.is_empty() {
        let request = RenderRequest::of(job.id, id);
        return api.put_json(job.id, &RenderRequest::key(job.id, id), &request).await;
    }
    // Whoever fetches the logo and the music asks for the rendering when they are there.
    let id = id.to_string();
    api.have_fetched(job.id, &id, placed.items, Some(id.clone())).await
}

fn not_now(job: &Job) -> Problem {
    let what = match job.state {
        JobState::Pending => "its photo is awaited",
        JobState::Queued | JobState::Generating => "it is generating",
        JobState::LtxDone | JobState::Rendering => "it is rendering",
        JobState::Rendered | JobState::Failed => {
            return Problem::conflict(format!("the job is {} and has no clip", job.state));
        }
        JobState::Cancelled | JobState::Expired | JobState::Deleted => {
            return Problem::conflict(format!("the job is {}: begin another", job.state));
        }
    };
    Problem::conflict(format!("{what}: wait until it is rendered"))
}
