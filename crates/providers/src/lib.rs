//! Image-to-video providers, each in a file of its own behind [`ports::VideoGenerator`].
//!
//! There is one so far: the built-in camera move, which needs no key and no network.

mod camera_move;

pub use camera_move::CameraMove;
