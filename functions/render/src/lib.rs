//! `render`: puts title, subtitle, logo and music on a clip.
//!
//! In: S3 notifications of `ltx-videos/`, through queue `render`.
//! Out: `renders/{jobId}/out.mp4`, `renders/{jobId}/poster.jpg`, `RenderStarted.v1`, `Rendered.v1`
//! or `JobFailed.v1`.

mod config;
mod error;
mod film_renderer;
mod handler;
#[cfg(test)]
mod handler_tests;

pub use config::Config;
pub use error::RenderFunctionError;
pub use film_renderer::FilmRenderer;
pub use handler::Render;
